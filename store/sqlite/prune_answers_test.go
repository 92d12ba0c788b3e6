package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// answers are those that must survive the points they were made from.
type answers struct {
	Cells  []store.Cell
	Series []store.Bin
	Tops   map[store.Dimension]store.Top
	Books  store.Books
	Points uint64
	Window store.Window
}

func answersOf(t *testing.T, s *Store, w store.Window, step time.Duration) (a answers) {
	t.Helper()
	ctx := context.Background()
	f := store.Filter{Window: w}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	a.Cells, err = s.Cells(ctx, f, step)
	must(err)
	a.Series, err = s.Series(ctx, f, max(step, 10*time.Minute))
	must(err)
	a.Tops = make(map[store.Dimension]store.Top)
	for _, by := range []store.Dimension{store.ByCountry, store.ByCity, store.ByASN, store.ByPort, store.ByProto, store.ByDirection, store.BySensor} {
		top, err := s.Top(ctx, f, by, 1000)
		must(err)
		for i := range top.Rows {
			top.Rows[i].Addresses = 0                      // not counted without addresses
			if by == store.ByPort || by == store.ByProto { // whose views do not know it
				top.Rows[i].Place = store.Place{}
			}
			top.Rows[i].First, top.Rows[i].Last = time.Time{}, time.Time{} // as exact as views
		}
		a.Tops[by] = top
	}
	c, err := s.Coverage(ctx, w)
	must(err)
	a.Books, a.Points, a.Window = c.Books, c.Points, c.Effective
	return a
}

// TestAnswersOutlivePoints shrinks months to a day and a half: points of 3 hours, views of
// 10 minutes of 8, and of an hour of 24 hours are kept. Map, series and tops of all that
// time are the same before and after.
func TestAnswersOutlivePoints(t *testing.T) {
	t.Parallel()
	const tick = time.Minute
	s := openNew(t, Options{Tick: tick, NoMaintenance: true})
	quick(t, s)
	ctx := context.Background()
	end := pruneStart.Add(day + 12*hour)
	s.keep.now = func() time.Time { return end }
	r := newRandom(77)
	for i := 0; ; i++ {
		at := pruneStart.Add(time.Duration(10*i) * tick)
		if !at.Before(end) {
			break
		}
		appendAll(t, s, r.batch(randomSensors[0], at, tick, 0, 12))
		if i%3 == 2 {
			appendAll(t, s, r.batch(randomSensors[1], at, tick, 0, 12))
		}
	}
	late := r.batch(randomSensors[0], pruneStart.Add(5*hour), tick, 1, 12) // is in no tier yet
	if err := s.Maintain(ctx, false); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, late)

	windows := []struct {
		store.Window
		step time.Duration
	}{
		{store.Window{}, day},
		{store.Window{To: pruneStart.Add(day)}, day},
		{store.Window{From: pruneStart.Add(day), To: end}, hour},
		{store.Window{From: end.Add(-7 * hour), To: end.Add(-2 * hour)}, 10 * time.Minute},
		{store.Window{From: end.Add(-3 * hour)}, tick},
	}
	var before []answers
	for _, w := range windows {
		before = append(before, answersOf(t, s, w.Window, w.step))
	}
	s.SetRetention(Retention{Points: 3 * hour, Views10m: 8 * hour, Views1h: 24 * hour})
	if err := s.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	for i, w := range windows {
		if diff := cmp.Diff(before[i], answersOf(t, s, w.Window, w.step)); diff != "" {
			t.Errorf("%v in steps of %s (-before +after):\n%s", w.Window, w.step, diff)
		}
	}
	checkPruned(t, s, end)
}

// checkPruned looks at what must be gone, and at how answers say so.
func checkPruned(t *testing.T, s *Store, end time.Time) {
	from := end.Add(-3 * hour).Add(-10 * time.Minute) // the newest tick is 4 minutes before the end
	var addresses, sums int
	for _, p := range pointsOf(t, s, store.Filter{}) {
		switch {
		case p.Addr.IsValid() && p.Time.Before(from):
			t.Fatalf("an address of %s is left", p.Time)
		case p.Addr.IsValid():
			addresses++
		case p.Peer.IsValid() || !p.Time.Before(from):
			t.Fatalf("a sum of %s has a peer, or stands for points that are there", p.Time)
		default:
			sums++
		}
	}
	if addresses == 0 || sums == 0 {
		t.Errorf("%d points and %d sums", addresses, sums)
	}
	c, err := s.Coverage(context.Background(), store.Window{From: pruneStart.Add(90 * time.Minute), To: end})
	if err != nil || !c.PointsFrom.Equal(from) || !c.Effective.From.Equal(pruneStart.Add(hour)) || c.Damaged != 0 {
		t.Errorf("coverage %v, points from %v, %d damaged, %v", c.Effective, c.PointsFrom, c.Damaged, err)
	}
	lines := left(t, s)
	want := []string{"parts without tier 0", "keys without points 0", "unused 0"}
	if !slices.Equal(lines[len(lines)-3:], want) {
		t.Errorf("%q", lines)
	}
	for level, start := range map[int64]time.Time{level10m: end.Add(-9 * hour), level1h: pruneStart, level1d: pruneStart} {
		oldest, err := number(context.Background(), s.readers, fmt.Sprintf("SELECT min(start) FROM tiers WHERE level = %d", level))
		if err != nil || oldest != start.Unix() {
			t.Errorf("tiers of %d s begin at %s, %v", level, time.Unix(oldest, 0).UTC(), err)
		}
	}
}

// TestIDsAreNotUsedAgain: what comes after the newest batch has gone from an old time,
// as of a capture file, is not taken for what its tiers have.
func TestIDsAreNotUsedAgain(t *testing.T) {
	ctx := context.Background()
	s := openNew(t, Options{NoMaintenance: true, Retention: Retention{Points: day}})
	s.keep.now = func() time.Time { return pruneStart }
	appendAt(t, s, pruneStart)
	old := pruneStart.Add(-100 * day)
	appendAt(t, s, old)
	if err := s.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s)[0]; got != "batches 11-21 00:00 x2" {
		t.Fatal(got)
	}
	again, err := s.reopen(t)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	c, err := again.Coverage(ctx, store.Window{To: old.Add(day)})
	if err != nil {
		t.Fatal(err)
	}
	late := newRandom(5).batch("gw1", old, again.Tick(), 7, 20)
	appendAll(t, again, late)
	for _, force := range []bool{false, true} { // beside its tiers, and in them
		if err := again.Maintain(ctx, force); err != nil {
			t.Fatal(err)
		}
		with, err := again.Coverage(ctx, store.Window{To: old.Add(day)})
		if err != nil || with.Books.Captured.Packets != c.Books.Captured.Packets+late.Books.Captured.Packets {
			t.Errorf("%d packets, want %d more than %d, %v", with.Books.Captured.Packets, late.Books.Captured.Packets, c.Books.Captured.Packets, err)
		}
	}
}

// reopen closes a store and opens it again.
func (s *Store) reopen(t *testing.T) (*Store, error) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return Open(filepath.Dir(s.path), Options{NoMaintenance: true})
}
