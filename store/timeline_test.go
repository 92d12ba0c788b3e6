package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTimeline makes spans of batches: the second of each is its tick's.
func TestTimeline(t *testing.T) {
	start := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	tick := func(s, on, off int, data bool, drops, folded uint64) Captured {
		return Captured{at(s), 10 * time.Second, time.Duration(on) * time.Second, time.Duration(off) * time.Second, data, drops, folded}
	}
	span := func(from, to int, state State, drops, folded uint64) Span {
		return Span{Window: Window{at(from), at(to)}, State: state, Drops: drops, Folded: folded}
	}
	for _, test := range []struct {
		name    string
		batches []Captured
		want    []Span
	}{
		{"nothing", nil, []Span{span(0, 60, StateOff, 0, 0)}},
		{"idle, data and a gap", []Captured{tick(0, 0, 10, false, 0, 0), tick(10, 0, 10, true, 0, 1), tick(20, 0, 5, true, 0, 2), tick(40, 2, 10, true, 0, 0)},
			[]Span{span(0, 10, StateIdle, 0, 0), span(10, 25, StateData, 0, 3), span(25, 42, StateOff, 0, 0), span(42, 50, StateData, 0, 0), span(50, 60, StateOff, 0, 0)}},
		{"drops have a span of their own", []Captured{tick(0, 0, 10, true, 0, 0), tick(10, 0, 10, true, 7, 0), tick(20, 0, 40, true, 0, 0)},
			[]Span{span(0, 10, StateData, 0, 0), span(10, 20, StateData, 7, 0), span(20, 60, StateData, 0, 0)}},
		{"batches of one tick are one", []Captured{tick(0, 6, 10, false, 1, 0), tick(0, 0, 6, true, 2, 0), tick(0, 4, 8, false, 4, 5)},
			[]Span{span(0, 6, StateData, 7, 5), span(6, 10, StateData, 0, 0), span(10, 60, StateOff, 0, 0)}},
		{"points without a captured part", []Captured{tick(20, 0, 0, true, 3, 0)},
			[]Span{span(0, 20, StateOff, 0, 0), span(20, 30, StateData, 3, 0), span(30, 60, StateOff, 0, 0)}},
		{"losses without a part go to the span before", []Captured{tick(0, 0, 10, true, 0, 0), tick(10, 0, 0, false, 9, 1)},
			[]Span{span(0, 10, StateData, 9, 1), span(10, 60, StateOff, 0, 0)}},
	} {
		l := NewTimeline(start)
		for _, b := range test.batches {
			l.Batch(b)
		}
		if diff := cmp.Diff(test.want, l.Finish(at(60))); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
	}

	l := NewTimeline(start)
	l.Batch(tick(0, 0, 10, true, 0, 0))
	l.Span(span(10, 20, StateData, 0, 4))
	l.Span(span(20, 30, StateOff, 2, 0))
	l.Span(span(30, 40, StateIdle, 0, 0))
	want := []Span{span(0, 20, StateData, 2, 4), span(20, 30, StateOff, 0, 0), span(30, 40, StateIdle, 0, 0)}
	if diff := cmp.Diff(want, l.Finish(at(40))); diff != "" {
		t.Errorf("spans:\n%s", diff)
	}
}

// TestCapturedPart wants the captured part inside of the tick.
func TestCapturedPart(t *testing.T) {
	tick := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	for _, test := range []struct{ from, to, on, off time.Duration }{
		{0, 10, 0, 10}, {3, 7, 3, 7}, {-5, 20, 0, 10}, {8, 6, 8, 8},
	} {
		b := Batch{Tick: tick, Interval: 10 * time.Second, From: tick.Add(test.from * time.Second), To: tick.Add(test.to * time.Second)}
		if on, off := b.Captured(); on != test.on*time.Second || off != test.off*time.Second {
			t.Errorf("%v to %v: %v to %v", test.from, test.to, on, off)
		}
	}
	if on, off := new(Batch).Captured(); on != 0 || off != 0 {
		t.Errorf("no part: %v to %v", on, off)
	}
}
