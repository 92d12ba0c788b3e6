package sqlite

import (
	"cmp"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// sensorSpans makes the spans of one sensor out of its batches in order of time.
type sensorSpans struct {
	interval time.Duration
	spans    []store.Span
	end      time.Time // of the last span, or the start of the window

	// The tick that batches are being added to.
	open          bool
	tick          int64
	parts         []part
	points        int64
	drops, folded uint64
}

// part is a captured part of a tick, as offsets from its start.
type part struct{ on, off time.Duration }

// add takes the next batch; batches of one tick are one.
func (s *sensorSpans) add(r *batchRow, b *store.Books) {
	if s.open && r.tick != s.tick {
		s.close()
	}
	s.open, s.tick = true, r.tick
	if r.off > r.on {
		s.parts = append(s.parts, part{time.Duration(r.on), time.Duration(r.off)})
	}
	s.points += r.points
	s.drops += b.Drops
	s.folded += b.Folded.Packets
}

// close turns the tick into spans: a state for all that was captured of it, and the
// drops in its first part. Points without any captured part stand for all of it.
func (s *sensorSpans) close() {
	state := store.StateIdle
	if s.points > 0 {
		state = store.StateData
	}
	if len(s.parts) == 0 && s.points > 0 {
		s.parts = append(s.parts, part{0, s.interval})
	}
	slices.SortFunc(s.parts, func(a, b part) int { return cmp.Compare(a.on, b.on) })
	start := time.Unix(s.tick, 0).UTC()
	for _, p := range s.parts {
		w := store.Window{From: start.Add(p.on), To: start.Add(p.off)}
		if w.From.Before(s.end) { // two batches captured the same part
			w.From = s.end
		}
		if !w.From.Before(w.To) {
			continue
		}
		s.append(store.Span{Window: w, State: state, Drops: s.drops, Folded: s.folded})
		s.drops, s.folded = 0, 0
	}
	if n := len(s.spans); n > 0 { // no part was left to carry them
		s.spans[n-1].Drops += s.drops
		s.spans[n-1].Folded += s.folded
	}
	s.open, s.parts, s.points, s.drops, s.folded = false, s.parts[:0], 0, 0, 0
}

// append adds a span, the gap before it, and merges neighbours of equal state.
func (s *sensorSpans) append(span store.Span) {
	if s.end.Before(span.From) {
		s.spans = append(s.spans, store.Span{Window: store.Window{From: s.end, To: span.From}})
	}
	s.end = span.To
	if n := len(s.spans); n > 0 {
		last := &s.spans[n-1]
		if last.State == span.State && last.Drops == 0 && span.Drops == 0 && last.To.Equal(span.From) {
			last.To = span.To
			last.Folded += span.Folded
			return
		}
	}
	s.spans = append(s.spans, span)
}

// addRuns takes the coverage of the next tier.
func (s *sensorSpans) addRuns(start int64, runs []run) {
	if s.open {
		s.close()
	}
	at := time.Unix(start, 0).UTC()
	for _, r := range runs {
		from := at
		at = at.Add(r.length)
		if r.state != store.StateOff {
			s.append(store.Span{Window: store.Window{From: from, To: at}, State: r.state, Drops: r.drops, Folded: r.folded})
		} else if n := len(s.spans); n > 0 {
			s.spans[n-1].Drops += r.drops
			s.spans[n-1].Folded += r.folded
		}
	}
}

// finish returns the spans with the gap to the end of the window.
func (s *sensorSpans) finish(to time.Time) []store.Span {
	if s.open {
		s.close()
	}
	if s.end.Before(to) {
		s.spans = append(s.spans, store.Span{Window: store.Window{From: s.end, To: to}})
	}
	return s.spans
}
