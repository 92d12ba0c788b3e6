package sensor

import (
	"fmt"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// Warning is something that makes the numbers wrong or useless and that a line of the
// configuration mends. Each is given, and logged, once.
type Warning struct {
	Code string `json:"code"` // one of the Warn constants
	Text string `json:"text"` // what was measured, a sentence without a full stop
	Mend string `json:"mend"` // what to write into the configuration, or else to do
}

// Codes of warnings.
const (
	WarnNAT        = "nat_both_sides"   // inside and outside of a NAT are captured together
	WarnTwice      = "counted_twice"    // two interfaces show the same packets
	WarnUnlisted   = "unlisted_network" // a public network that seems to be ours is not listed
	WarnDuplicates = "duplicates"       // a mirror port delivers packets twice
)

// WarningCodes returns all codes.
func WarningCodes() []string {
	return []string{WarnNAT, WarnTwice, WarnUnlisted, WarnDuplicates}
}

const (
	maxWarnings = 16
	warnTicks   = 2 // ticks in which something must be seen before a live sensor warns
)

// warn gives a warning, unless it was given before.
func (s *Sensor) warn(w Warning) {
	known := false
	s.note(func(st *Status) {
		known = slices.ContainsFunc(st.Warnings, func(old Warning) bool { return old.Code == w.Code && old.Mend == w.Mend })
		if known = known || len(st.Warnings) >= maxWarnings; !known {
			st.Warnings = append(st.Warnings, w)
		}
	})
	if !known {
		s.cfg.Logger.Warn(w.Text, "code", w.Code, "mend", w.Mend)
	}
}

// unwarn takes warnings back whose cause may be mended.
func (s *Sensor) unwarn(code string) {
	s.note(func(st *Status) {
		st.Warnings = slices.DeleteFunc(st.Warnings, func(w Warning) bool { return w.Code == code })
	})
}

// watch looks at each tick for what deserves a warning. All it knows comes with the
// parts of the tick, samples of bounded size. The goroutine of the collector owns it.
type watch struct {
	sensor *Sensor
	live   bool
	seen   map[Warning]int // in how many ticks, without Text
	copies map[string]copies
}

// tick looks at the parts of one tick.
func (w *watch) tick(parts []*part) {
	if w.seen == nil {
		w.seen, w.copies = map[Warning]int{}, map[string]copies{}
	}
	w.unlisted(parts)
	w.twice(parts)
	w.duplicates(parts)
}

// saw counts a tick in which a warning would be right, and gives it when there were
// enough. not forgets what was seen of a code: there is evidence against it.
func (w *watch) saw(warning Warning) {
	k := Warning{Code: warning.Code, Mend: warning.Mend}
	if len(w.seen) > 4*maxWarnings {
		clear(w.seen)
	}
	if w.seen[k]++; w.seen[k] >= warnTicks || !w.live {
		w.sensor.warn(warning)
	}
}

func (w *watch) not(code string) {
	for k := range w.seen {
		if k.Code == code {
			delete(w.seen, k)
		}
	}
}

// sources returns the names of the interfaces or files in order of their first part.
func sources(parts []*part) (names []string) {
	for _, p := range parts {
		if !slices.Contains(names, p.source) {
			names = append(names, p.source)
		}
	}
	return names
}

// duplicates adds up what the shards have sampled of each interface.
func (w *watch) duplicates(parts []*part) {
	const (
		enough = 500 // frames
		share  = 0.1 // of them that came twice
	)
	for _, name := range sources(parts) {
		sum := w.copies[name]
		for _, p := range parts {
			if p.source == name {
				sum.add(p.copies)
			}
		}
		if sum.frames < enough {
			w.copies[name] = sum
			continue
		}
		delete(w.copies, name) // the next ones are looked at anew
		if twice := 2 * float64(sum.pairs) / float64(sum.frames); twice >= share {
			w.sensor.warn(Warning{
				Code: WarnDuplicates,
				Text: fmt.Sprintf("%.0f %% of the packets on %s come twice and are counted twice", 100*twice, name),
				Mend: sum.mend(),
			})
		}
	}
}

// publicPackets adds up what is on the map of some parts.
func publicPackets(parts []*part) (n uint64) {
	var books store.Books
	for _, p := range parts {
		books.Add(&p.books)
	}
	return books.Public().Packets
}
