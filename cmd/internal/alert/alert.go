// Package alert says quietly what deserves a look: the first traffic ever with a network,
// a country or a place; an address that a list names; trouble of the sensor itself. Each
// is said once: in the log, in a list for the dashboard, and to a webhook.
//
// It reads what has been stored, in its own time: nothing that captures ever waits for
// it. What it knows is in a file beside the store and survives restarts.
package alert

import (
	"net/netip"
	"slices"
	"time"
)

// Kinds of alerts. The first three are firsts; an alert has the first of them that is
// true and names all that are.
const (
	NewAS      = "new_as"
	NewCountry = "new_country"
	NewPlace   = "new_place"
	Label      = "label"    // an address that a list names was seen
	More       = "more"     // there were too many of a kind to list them
	Drops      = "drops"    // the kernel loses packets
	Gap        = "gap"      // nothing is captured
	Disk       = "disk"     // the store cannot be written, or has less room than asked for
	Database   = "database" // a GeoIP database is old or unusable
	Clock      = "clock"    // the system's clock is not believed
)

// Kinds returns all kinds of alerts but More, which only stands for others.
func Kinds() []string {
	return []string{NewAS, NewCountry, NewPlace, Label, Drops, Gap, Disk, Database, Clock}
}

// Alert is one thing that was said. Firsts and labels happen at a moment; trouble lasts
// until Ended.
type Alert struct {
	ID     uint64    `json:"id"` // rises
	Time   time.Time `json:"time"`
	Ended  time.Time `json:"ended,omitzero"` // of trouble: when it was over
	Kind   string    `json:"kind"`
	Text   string    `json:"text"` // a sentence without a full stop
	Sensor string    `json:"sensor"`

	// Of firsts and labels: the point that was the first.
	Firsts    []string     `json:"firsts,omitempty"` // as, country, place: all that were new
	Label     string       `json:"label,omitempty"`
	Addr      netip.Prefix `json:"ip,omitzero"`
	Peer      netip.Prefix `json:"peer,omitzero"`
	Direction string       `json:"direction,omitempty"`
	Protocol  string       `json:"protocol,omitempty"`
	Port      *uint16      `json:"port,omitempty"`
	Country   string       `json:"country,omitempty"`
	City      string       `json:"city,omitempty"`
	Latitude  *float64     `json:"latitude,omitempty"`
	Longitude *float64     `json:"longitude,omitempty"`
	ASN       uint32       `json:"asn,omitempty"`
	ASOrg     string       `json:"as_org,omitempty"`
	Packets   uint64       `json:"packets,omitempty"` // of that point
}

// Trouble reports whether the alert is about the sensor itself.
func (a *Alert) Trouble() bool {
	switch a.Kind {
	case Drops, Gap, Disk, Database, Clock:
		return true
	}
	return false
}

// Sort puts alerts of several sensors in order, the newest first.
func Sort(list []Alert) {
	slices.SortStableFunc(list, func(a, b Alert) int { return b.Time.Compare(a.Time) })
}
