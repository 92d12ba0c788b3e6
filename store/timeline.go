package store

import (
	"cmp"
	"slices"
	"time"
)

// Captured is what a batch says about when its sensor captured, and with what success.
type Captured struct {
	Tick     time.Time     // its start
	Interval time.Duration // its length
	On, Off  time.Duration // the captured part, from the start of the tick; equal: none named
	Data     bool          // it has points
	Drops    uint64        // frames lost by the kernel
	Folded   uint64        // packets whose key was coarsened
}

// Captured returns the captured part of b's tick as offsets from the tick's start; both
// are 0 where the batch names none.
func (b *Batch) Captured() (on, off time.Duration) {
	if b.From.IsZero() || b.To.IsZero() {
		return 0, 0
	}
	on = min(max(b.From.Sub(b.Tick), 0), b.Interval)
	off = min(max(b.To.Sub(b.Tick), on), b.Interval)
	return on, off
}

// Timeline makes the spans of one sensor. It takes batches in order of their ticks, or
// spans in order of time, and is for one goroutine. The zero value begins at the zero
// time: see NewTimeline.
type Timeline struct {
	spans []Span
	end   time.Time // of the last span, or the start of the window

	// The tick that batches are being added to.
	open          bool
	tick          time.Time
	interval      time.Duration
	parts         []capturedPart
	data          bool
	drops, folded uint64
}

// capturedPart is a captured part of a tick, as offsets from its start.
type capturedPart struct{ on, off time.Duration }

// NewTimeline returns a timeline whose first span begins at start.
func NewTimeline(start time.Time) *Timeline { return &Timeline{end: start} }

// Batch takes the next batch; batches of one tick are one.
func (l *Timeline) Batch(c Captured) {
	if l.open && !c.Tick.Equal(l.tick) {
		l.close()
	}
	l.open, l.tick, l.interval = true, c.Tick, c.Interval
	if c.Off > c.On {
		l.parts = append(l.parts, capturedPart{c.On, c.Off})
	}
	l.data = l.data || c.Data
	l.drops += c.Drops
	l.folded += c.Folded
}

// close turns the tick into spans: a state for all that was captured of it, and the
// drops in its first part. Points without any captured part stand for all of it.
func (l *Timeline) close() {
	state := StateIdle
	if l.data {
		state = StateData
		if len(l.parts) == 0 {
			l.parts = append(l.parts, capturedPart{0, l.interval})
		}
	}
	slices.SortFunc(l.parts, func(a, b capturedPart) int { return cmp.Compare(a.on, b.on) })
	for _, p := range l.parts {
		w := Window{From: l.tick.Add(p.on), To: l.tick.Add(p.off)}
		if w.From.Before(l.end) { // two batches captured the same part
			w.From = l.end
		}
		if !w.From.Before(w.To) {
			continue
		}
		l.add(Span{Window: w, State: state, Drops: l.drops, Folded: l.folded})
		l.drops, l.folded = 0, 0
	}
	l.lost(l.drops, l.folded) // no part was left to carry them
	l.open, l.parts, l.data, l.drops, l.folded = false, l.parts[:0], false, 0, 0
}

// Span takes the next span. One that is off only makes a gap: what was lost in it is
// said of the span before.
func (l *Timeline) Span(s Span) {
	if l.open {
		l.close()
	}
	if s.State == StateOff {
		l.lost(s.Drops, s.Folded)
		return
	}
	l.add(s)
}

func (l *Timeline) lost(drops, folded uint64) {
	if n := len(l.spans); n > 0 {
		l.spans[n-1].Drops += drops
		l.spans[n-1].Folded += folded
	}
}

// add appends a span, the gap before it, and merges neighbours of equal state.
func (l *Timeline) add(s Span) {
	if l.end.Before(s.From) {
		l.spans = append(l.spans, Span{Window: Window{From: l.end, To: s.From}})
	}
	l.end = s.To
	if n := len(l.spans); n > 0 {
		last := &l.spans[n-1]
		if last.State == s.State && last.Drops == 0 && s.Drops == 0 && last.To.Equal(s.From) {
			last.To = s.To
			last.Folded += s.Folded
			return
		}
	}
	l.spans = append(l.spans, s)
}

// Finish returns the spans with the gap to the end of the window. The timeline is used up.
func (l *Timeline) Finish(to time.Time) []Span {
	if l.open {
		l.close()
	}
	if l.end.Before(to) {
		l.spans = append(l.spans, Span{Window: Window{From: l.end, To: to}})
	}
	return l.spans
}
