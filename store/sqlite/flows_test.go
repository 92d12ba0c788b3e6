package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// flowSums sums points by everything but their amounts, and by step.
func flowSums(t *testing.T, points []store.Point, step time.Duration) map[store.Point]store.Sum {
	t.Helper()
	sums := make(map[store.Point]store.Sum)
	for _, p := range points {
		key := p
		key.Time, key.Interval = time.Time{}, 0
		key.Packets, key.Bytes, key.Opens = 0, 0, 0
		if step > 0 {
			key.Time = time.Unix(floorTo(p.Time.Unix(), int64(step/time.Second)), 0).UTC()
			if end := p.Time.Add(p.Interval); end.After(key.Time.Add(step)) {
				t.Errorf("a flow from %s to %s reaches over a step of %s", p.Time, end, step)
			}
		}
		sum := sums[key]
		sum.Add(p.Sum())
		sums[key] = sum
	}
	return sums
}

func flowsOf(t *testing.T, s *Store, f store.Filter, step time.Duration) (all []store.Point) {
	t.Helper()
	err := s.Flows(context.Background(), f, step, func() { all = nil }, func(chunk []store.Point) error {
		all = append(all, chunk...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// checkAlone asks for the same in one goroutine, which must not be left.
func checkAlone(t *testing.T, s *Store, f store.Filter, step time.Duration) {
	t.Helper()
	var want, points, flows []store.Point
	into := func(all *[]store.Point) func([]store.Point) error {
		return func(chunk []store.Point) error { *all = append(*all, chunk...); return nil }
	}
	a := s.Alone()
	err := errors.Join(s.Points(t.Context(), f, into(&want)), a.Points(t.Context(), f, into(&points)),
		a.Flows(t.Context(), f, step, func() { flows = nil }, into(&flows)))
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, points); d != "" {
		t.Fatalf("%s %s, points alone (-want +got):\n%s", f.Window, f, d)
	}
	if d := diff(flowSums(t, want, step), flowSums(t, flows, step)); d != "" {
		t.Fatalf("%s %s, flows alone, step %s (-want +got):\n%s", f.Window, f, step, d)
	}
}

// TestFlows compares flows with points, of random windows, filters and steps.
func TestFlows(t *testing.T) {
	t.Parallel()
	p := newPast(t, 77, 3*24*time.Hour)
	p.grow(8)
	p.maintain(false)
	fewer := false
	for range 20 {
		f := p.filter(t, p.first, p.span)
		f.Window = p.window()
		step := pick(p.random, 0, p.tiered.Tick(), 7*p.tiered.Tick(), 10*time.Minute, time.Hour, 24*time.Hour)
		want, flows := p.points.match(f), flowsOf(t, p.tiered, f, step)
		got := flowSums(t, flows, step)
		if d := diff(flowSums(t, want, step), got); d != "" {
			t.Fatalf("%s %s, step %s (-want +got):\n%s", f.Window, f, step, d)
		}
		fewer = fewer || len(flows) < len(want)
		checkAlone(t, p.tiered, f, step)
	}
	if !fewer {
		t.Error("no flow sums up several points: tiers are not read")
	}
}

// TestFlowsGone: where points are gone flows are rows of places, as Points' are; else
// they still have addresses.
func TestFlowsGone(t *testing.T) {
	p := newPast(t, 78, 3*24*time.Hour)
	p.grow(8)
	p.maintain(true)
	if err := p.tiered.PruneBefore(context.Background(), p.first.Add(30*time.Hour)); err != nil {
		t.Fatal(err)
	}
	flows, points := flowsOf(t, p.tiered, store.Filter{}, 24*time.Hour), pointsOf(t, p.tiered, store.Filter{})
	sum := func(points []store.Point, addressed bool) (s store.Sum) {
		for _, p := range points {
			if p.Addr.IsValid() == addressed {
				s.Add(p.Sum())
			}
		}
		return s
	}
	for _, addressed := range []bool{false, true} {
		if want, got := sum(points, addressed), sum(flows, addressed); want != got || want.Packets == 0 {
			t.Errorf("with addresses %v: flows have %v, points %v", addressed, got, want)
		}
	}
}
