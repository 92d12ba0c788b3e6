package page

import "time"

// Protocol classes, the four that the page can switch on and off.
const (
	TCP   uint8 = iota // IP protocol 6
	UDP                // 17
	ICMP               // 1 and 58 (ICMPv6)
	Other              // everything else
)

// Kind says what a Detail is a sum of.
type Kind uint8

// The kinds of details.
const (
	Address Kind = iota // an address (or, folded or masked, a CIDR) on the map
	Peer                // the endpoint at the other side
	Port                // a service port
	AS                  // an autonomous system
)

// Place is where traffic came from or went to. The zero value is the unlocated
// place: rows that name it are in the totals and nowhere on the map.
type Place struct {
	Latitude, Longitude float64 // degrees; kept to four decimals
	HasCoordinates      bool    // false: the coordinates are not looked at
	Country             string  // ISO 3166-1 alpha-2
	Region, City        string  // English names
	Precision           string  // "city", "region", "country" or empty
	AccuracyKM          uint16  // radius; 0 unknown
}

// Row is the sum of one time bin, place, protocol class and direction. Rows with
// equal keys are added up by Encode. Counts are below 2^53, what a browser's
// numbers hold exactly.
type Row struct {
	Bin     uint32 // Meta.Start + Bin × Meta.Step
	Place   uint32 // index in Data.Places
	Proto   uint8  // TCP, UDP, ICMP or Other
	Out     bool   // false: the place sent it
	Cloud   bool   // an end in a big cloud or content network, which the page can hide
	Packets uint64
	Bytes   uint64 // on the wire
	Opens   uint64 // TCP SYN without ACK
}

// Detail is the sum, over the whole window, of one address, peer, port or
// autonomous system at one place, by protocol class and direction.
type Detail struct {
	Place       uint32 // index in Data.Places
	Kind        Kind
	Name        string // the address, the peer, or the organisation; empty for a port
	Number      uint32 // the port; the AS number of an AS and (if known) of an Address
	Proto       uint8
	Out         bool
	Packets     uint64
	Bytes       uint64
	Opens       uint64
	First, Last uint32 // bins of its first and last packet
	Labels      uint32 // bit i: it has the label Meta.Labels[i]
	Cloud       bool   // as of a Row: what it did with big clouds is a detail of its own
}

// Meta describes the window: the evidence that travels with every page.
type Meta struct {
	Version string    `json:"version"`           // of packetheat
	Sensor  string    `json:"sensor"`            // name; several joined by ", "
	From    time.Time `json:"from"`              // resolved window, half-open
	To      time.Time `json:"to"`                //
	Written time.Time `json:"written,omitzero"`  // when the file was made
	Refresh int       `json:"refresh,omitempty"` // seconds after which the page reloads itself; 0 never
	Filter  string    `json:"filter,omitempty"`  // that the rows already passed
	Start   time.Time `json:"start"`             // of bin 0
	Step    int       `json:"step"`              // seconds a bin
	Tick    int       `json:"tick,omitempty"`    // seconds a tick of the sensor

	Totals   Totals `json:"totals"`
	Drops    uint64 `json:"drops"`              // packets the kernel lost in the window
	Coverage []Span `json:"coverage,omitempty"` // in time order, without overlap; empty: not known
	Geo      []Geo  `json:"geo,omitempty"`      // databases the places are from
	Home     *Home  `json:"home,omitempty"`     // where the sensor stands, if it was said
	Links    []Link `json:"links,omitempty"`    // out of cards, to other sites

	Command   string `json:"command,omitempty"`   // that makes this page again
	Title     string `json:"title,omitempty"`     // in place of the sensor's name
	Note      string `json:"note,omitempty"`      // shown under the answer
	Coarsened string `json:"coarsened,omitempty"` // one sentence, if time or place was made coarser
	Detail    string `json:"detail,omitempty"`    // "places", "addresses" or "full"
	Message   string `json:"message,omitempty"`   // why there is nothing, if the sensor knows
	State     string `json:"state,omitempty"`     // hash that the page opens with, where its address has none

	// Labels are the names of the labels that details have, 32 at most. Clouds says
	// that the rows tell big clouds apart (Row.Cloud).
	Labels []string `json:"labels,omitempty"`
	Clouds bool     `json:"clouds,omitempty"`
}

// Totals are the books of the window. Packets counts a packet between two public
// addresses once, the rows count it at both ends: the sum of the rows is
// Packets + TwoPublic.
type Totals struct {
	Packets   uint64 `json:"packets"`   // headline
	Bytes     uint64 `json:"bytes"`     // headline
	TwoPublic uint64 `json:"twoPublic"` // packets with both ends on the map
	Points    uint64 `json:"points"`
	Located   uint64 `json:"located"`   // of the rows' packets, with a country at least
	Unlocated uint64 `json:"unlocated"` // of the rows' packets, without
}

// Span is one stretch of coverage. State is "data" (packets were stored), "idle"
// (the sensor ran and saw none) or "off" (it did not run).
type Span struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	State string    `json:"state"`
	Drops uint64    `json:"drops,omitempty"`
}

// Geo names a GeoIP database, as its licence asks.
type Geo struct {
	Name        string    `json:"name"`
	Built       time.Time `json:"built,omitzero"`
	Attribution string    `json:"attribution,omitempty"`
	URL         string    `json:"url,omitempty"` // shown as a link; https only
}

// Home is where the sensor stands, in degrees.
type Home struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
	Name      string  `json:"name,omitempty"` // text, not markup
}

// Link leads from a card to another site. URL has placeholders: {ip}, an address; {from}
// and {to}, the ends of the window in RFC 3339 and UTC. The page puts in each
// percent-encoded, and leaves a link with {ip} out where a card is not about an address.
type Link struct {
	Name string `json:"name"` // text, not markup
	URL  string `json:"url"`  // http or https
}

// Data is what a page shows. The zero value is an empty window.
type Data struct {
	Meta    Meta
	Places  []Place
	Rows    []Row
	Details []Detail
}
