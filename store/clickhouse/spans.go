package clickhouse

import (
	"cmp"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// sensorSpans makes the spans of one sensor out of its batches in order of time. Its
// rules are those of package store/sqlite, whose answers it must equal.
type sensorSpans struct {
	spans []store.Span
	end   time.Time // of the last span, or the start of the window

	// The tick that batches are being added to.
	open          bool
	tick          int64
	interval      time.Duration
	parts         []capturedPart
	data          bool
	drops, folded uint64
}

// capturedPart is a captured part of a tick, as offsets from its start.
type capturedPart struct{ on, off time.Duration }

// batchPart is what spans need to know of a batch.
type batchPart struct {
	tick          int64
	interval      time.Duration
	on, off       time.Duration
	data          bool // it has points
	drops, folded uint64
}

// add takes the next batch; batches of one tick are one.
func (s *sensorSpans) add(b *batchPart) {
	if s.open && b.tick != s.tick {
		s.close()
	}
	s.open, s.tick, s.interval = true, b.tick, b.interval
	if b.off > b.on {
		s.parts = append(s.parts, capturedPart{b.on, b.off})
	}
	s.data = s.data || b.data
	s.drops += b.drops
	s.folded += b.folded
}

// close turns the tick into spans: a state for all that was captured of it, and the drops
// in its first part. Points without any captured part stand for all of it.
func (s *sensorSpans) close() {
	state := store.StateIdle
	if s.data {
		state = store.StateData
		if len(s.parts) == 0 {
			s.parts = append(s.parts, capturedPart{0, s.interval})
		}
	}
	slices.SortFunc(s.parts, func(a, b capturedPart) int { return cmp.Compare(a.on, b.on) })
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
	s.open, s.parts, s.data, s.drops, s.folded = false, s.parts[:0], false, 0, 0
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

// coarsened makes data of spans that are idle for less than least beside data, and joins
// neighbours that are alike then: both with drops or both without. Off stays as it was.
func coarsened(spans []store.Span, least time.Duration) []store.Span {
	spans = alike(spans)
	for i := 0; i < len(spans); {
		end, length := i, time.Duration(0) // of the idle spans from i on, with drops or not
		for ; end < len(spans) && spans[end].State == store.StateIdle; end++ {
			length += spans[end].To.Sub(spans[end].From)
		}
		beside := i > 0 && spans[i-1].State == store.StateData || end < len(spans) && spans[end].State == store.StateData
		for ; i < end; i++ {
			if length < least && beside {
				spans[i].State = store.StateData
			}
		}
		i++
	}
	return alike(spans)
}

func alike(spans []store.Span) (all []store.Span) {
	for _, s := range spans {
		if n := len(all); n > 0 && all[n-1].State == s.State && (all[n-1].Drops > 0) == (s.Drops > 0) {
			all[n-1].To = s.To
			all[n-1].Drops += s.Drops
			all[n-1].Folded += s.Folded
			continue
		}
		all = append(all, s)
	}
	return all
}
