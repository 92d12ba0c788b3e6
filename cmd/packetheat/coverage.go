package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// manySensors is how many sensors a line about coverage names.
const manySensors = 3

// coverageLine says in one line what an answer rests on: where no sensor was on, what
// the kernel dropped, what was folded, and the share of packets without a place. It is
// empty where there is nothing to say. Gaps shorter than a tick are left out: a sensor
// never starts with one.
func coverageLine(c *store.Coverage, zone *time.Location) string {
	var parts []string
	if c.Partial != "" {
		parts = append(parts, "only a part: "+c.Partial)
	}
	parts = append(parts, offParts(c)...)
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if n := c.Books.Drops; n > 0 {
		add("%s dropped by the kernel", counted(n, "frame"))
	}
	if n := c.Books.Folded.Packets; n > 0 {
		add("%s folded", counted(n, "packet"))
	}
	if n := c.Unlocated.Packets; n > 0 {
		add("%s unlocated", term.Share(n, endpointPackets(c)))
	}
	if n := c.Damaged; n > 0 {
		add("%s left out", counted(n, "damaged block"))
	}
	if from := c.PointsFrom; !from.IsZero() && c.Window.From.Before(from) {
		add("addresses before %s are no longer kept", from.In(zone).Format("2006-01-02 15:04 MST"))
	}
	if widened(c) {
		add("only sums from %s to %s are left", c.Effective.From.In(zone).Format("2006-01-02 15:04"),
			c.Effective.To.In(zone).Format("2006-01-02 15:04 MST"))
	}
	return strings.Join(parts, ", ")
}

// widened reports whether the answer is about more than was asked for, because only
// sums over whole intervals are left.
func widened(c *store.Coverage) bool {
	e := c.Effective
	return !e.From.IsZero() && (e.From.Before(c.Window.From) || e.To.After(c.Window.To))
}

// counted is "1 frame", "120 frames".
func counted(n uint64, what string) string {
	if n != 1 {
		what += "s"
	}
	return term.Count(n) + " " + what
}

// endpointPackets is what the points of the coverage add up to.
func endpointPackets(c *store.Coverage) uint64 {
	return c.Books.OnePublic.Packets + 2*c.Books.TwoPublic.Packets
}

// offParts says how long the sensors were off, each for itself.
func offParts(c *store.Coverage) (parts []string) {
	length := c.Window.To.Sub(c.Window.From)
	for _, sensor := range c.Sensors {
		off, gaps := time.Duration(0), uint64(0)
		for _, s := range c.Spans {
			if s.Sensor == sensor && s.State == store.StateOff && s.To.Sub(s.From) >= c.Tick {
				off += s.To.Sub(s.From)
				gaps++
			}
		}
		if off == 0 {
			continue
		}
		part := fmt.Sprintf("off %s of %s (%s)", term.Duration(off), term.Duration(length), counted(gaps, "gap"))
		if len(c.Sensors) > 1 {
			part = sensor + " " + part
		}
		parts = append(parts, part)
	}
	if more := len(parts) - manySensors; more > 0 {
		parts = append(parts[:manySensors], fmt.Sprintf("%d more sensors with gaps", more))
	}
	return parts
}

// coverageJSON is what "--coverage FILE" writes. Counts are of the window, whatever
// the filter; times are in UTC.
type coverageJSON struct {
	Asked  windowJSON `json:"asked"`  // open sides are left out
	Window windowJSON `json:"window"` // asked for, cut to what there is
	Filter string     `json:"filter"` // of the answer, not of the counts

	// What the answer is about: the window, its ends moved outward where only sums over
	// 10 minutes, an hour or a day are left; and since when addresses are kept.
	Effective  windowJSON `json:"effective"`
	PointsFrom time.Time  `json:"points_from,omitzero"`

	First       time.Time `json:"first,omitzero"` // of all that is stored
	Last        time.Time `json:"last,omitzero"`
	TickSeconds float64   `json:"tick_seconds"`

	Sensors []sensorJSON `json:"sensors"`

	Points         uint64         `json:"points"`
	Packets        uint64         `json:"packets"`           // of the points
	Unlocated      store.Sum      `json:"unlocated"`         // of the points without any place
	UnlocatedShare float64        `json:"unlocated_share"`   // of packets, 0 to 1
	Books          store.Books    `json:"books"`             // where every packet went
	Damaged        uint64         `json:"damaged_blocks"`    // skipped
	Partial        string         `json:"partial,omitempty"` // what of a fleet has not answered
	Geo            []databaseJSON `json:"geo"`               // databases that the points were located by
}

// sensorJSON is what one sensor did in the window.
type sensorJSON struct {
	Sensor      string     `json:"sensor"`
	DataSeconds float64    `json:"data_seconds"` // it was on and saw public endpoints
	IdleSeconds float64    `json:"idle_seconds"` // it was on and saw none
	OffSeconds  float64    `json:"off_seconds"`
	Dropped     uint64     `json:"dropped_frames"` // by the kernel
	Folded      uint64     `json:"folded_packets"` // whose addresses were coarsened
	Spans       []spanJSON `json:"spans"`          // in order of time, without holes
}

type spanJSON struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	State   string    `json:"state"` // data, idle or off
	Dropped uint64    `json:"dropped_frames,omitempty"`
	Folded  uint64    `json:"folded_packets,omitempty"`
}

type databaseJSON struct {
	Kind        string    `json:"kind"` // city or asn
	Name        string    `json:"name"`
	Built       time.Time `json:"built,omitzero"`
	Attribution string    `json:"attribution,omitempty"`
	URL         string    `json:"url,omitempty"`
}

func coverageToJSON(f *store.Filter, c *store.Coverage) coverageJSON {
	out := coverageJSON{Asked: windowToJSON(f.Window), Window: windowToJSON(c.Window), Filter: f.String(),
		Effective: windowToJSON(c.Effective), PointsFrom: c.PointsFrom.UTC(),
		First: c.First.UTC(), Last: c.Last.UTC(), TickSeconds: c.Tick.Seconds(),
		Points: c.Points, Packets: endpointPackets(c), Unlocated: c.Unlocated, Books: c.Books, Damaged: c.Damaged, Partial: c.Partial,
		Sensors: []sensorJSON{}, Geo: []databaseJSON{}}
	if out.Packets > 0 {
		out.UnlocatedShare = float64(c.Unlocated.Packets) / float64(out.Packets)
	}
	for _, name := range c.Sensors {
		s := sensorJSON{Sensor: name, Spans: []spanJSON{}}
		for _, span := range c.Spans {
			if span.Sensor != name {
				continue
			}
			seconds := [...]*float64{store.StateOff: &s.OffSeconds, store.StateIdle: &s.IdleSeconds, store.StateData: &s.DataSeconds}
			*seconds[span.State] += span.To.Sub(span.From).Seconds()
			s.Dropped += span.Drops
			s.Folded += span.Folded
			s.Spans = append(s.Spans, spanJSON{span.From.UTC(), span.To.UTC(), span.State.String(), span.Drops, span.Folded})
		}
		out.Sensors = append(out.Sensors, s)
	}
	for _, g := range c.Geo {
		out.Geo = append(out.Geo, databaseJSON{g.Kind, g.Name, g.Built.UTC(), g.Attribution, g.URL})
	}
	return out
}

// writeCoverage writes the coverage to a file that appears as a whole or not at all.
func writeCoverage(path string, f *store.Filter, c *store.Coverage) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("write %q: %w (name another file with --coverage)", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %q: %w", path, err)
			_ = os.Remove(file.Name())
		}
	}()
	encoder := json.NewEncoder(file)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	err = errors.Join(encoder.Encode(coverageToJSON(f, c)), file.Chmod(0o640), file.Sync(), file.Close())
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
