package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// mergeInto merges b into a.
func mergeInto(t testing.TB, a, b *Store) Merged {
	t.Helper()
	m, err := a.MergeFrom(context.Background(), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// holds compares a store's answers with those about points, and checks it.
func holds(t testing.TB, what string, s *Store, want history) {
	t.Helper()
	same(t, what+": points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	for _, step := range []time.Duration{0, time.Hour} {
		cells, err := s.Cells(context.Background(), store.Filter{}, step)
		if err != nil {
			t.Fatal(err)
		}
		same(t, what+": cells", want.cells(step), cells)
	}
	if c := checked(t, s, false); c.Wrong != 0 {
		t.Errorf("%s: check: %+v", what, c)
	}
}

func emptyStore(t testing.TB) *Store {
	return openNew(t, Options{Tick: time.Minute, NoMaintenance: true})
}

// TestMerge merges stores of the same and of other sensors in all orders and several
// times: whatever is done, each batch counts once.
func TestMerge(t *testing.T) {
	t.Parallel()
	a, b := emptyStore(t), emptyStore(t)
	inA, inB := fillTiered(t, a, 11, "east", "west"), fillTiered(t, b, 12, "north")
	maintain(t, b, true)
	both := append(append(history{}, inA...), inB...)

	first := mergeInto(t, a, b)
	if first.Batches == 0 || first.Known+first.LeftOutBatches+first.Damaged+first.Tiers != 0 {
		t.Errorf("b into a: %+v", first)
	}
	holds(t, "b into a", a, both)
	again := mergeInto(t, a, b)
	if again.Batches+again.LeftOutBatches+again.Tiers != 0 || again.Known != first.Batches {
		t.Errorf("again: %+v", again)
	}
	maintain(t, a, true)
	holds(t, "sealed", a, both)
	mergeInto(t, b, a) // which has b in it
	holds(t, "a into b", b, both)
	maintain(t, b, true)
	mergeInto(t, a, b)
	mergeInto(t, b, a)
	holds(t, "b into a, all sealed", a, both)
	holds(t, "a into b, all sealed", b, both)
	before, err1 := a.Coverage(t.Context(), store.Window{})
	after, err2 := b.Coverage(t.Context(), store.Window{})
	if err1 != nil || err2 != nil || before.Books != after.Books || before.Points != after.Points {
		t.Errorf("coverage differs: %+v %+v %v %v", before.Books, after.Books, err1, err2)
	}
	if diff := diff(before.Spans, after.Spans); diff != "" {
		t.Errorf("spans differ:\n%s", diff)
	}
}

// TestMergeParts merges two stores that share some batches of a sensor: a store that
// was copied, after which both were written to.
func TestMergeParts(t *testing.T) {
	t.Parallel()
	a, all := tiered(t, 13)
	b := again(t, a)
	r := newRandom(14)
	start := benchStart.Truncate(24 * time.Hour).Add(21 * time.Hour)
	for i, s := range []*Store{a, b} {
		for minute := range 30 {
			batch := r.batch("east", start.Add(time.Duration(10*minute)*time.Minute), time.Minute, uint32(5000+i), 4)
			appendAll(t, s, batch)
			all = append(all, batch.Points...)
		}
		maintain(t, s, true)
	}
	merged := mergeInto(t, a, b)
	if merged.Batches+merged.LeftOutBatches != 30 || merged.Known == 0 {
		t.Errorf("%+v", merged)
	}
	// Ticks that both have other parts of cannot be taken apart once they are sealed.
	shared := 0
	for minute := 0; minute < 190; minute += 10 {
		if minute/20 != 3 {
			shared++
		}
	}
	if merged.LeftOutBatches != int64(shared) || len(merged.LeftOut) == 0 || merged.LeftOut[0].Sensor != "east" {
		t.Errorf("left out %d, want %d: %+v", merged.LeftOutBatches, shared, merged.LeftOut)
	}
	if c := checked(t, a, false); c.Wrong != 0 {
		t.Errorf("check: %+v", c)
	}
	if got := len(inOrder(pointsOf(t, a, store.Filter{}))); got > len(inOrder(all)) {
		t.Errorf("%d points of %d", got, len(inOrder(all)))
	}
}

// TestMergeOpen merges what is not sealed yet, where every batch can be told.
func TestMergeOpen(t *testing.T) {
	a, b := emptyStore(t), emptyStore(t)
	r := newRandom(15)
	var all history
	for minute := range 25 {
		tick := benchStart.Truncate(time.Hour).Add(time.Duration(minute) * time.Minute)
		one, other, shared := r.batch("east", tick, time.Minute, 1, 5), r.batch("east", tick, time.Minute, 2, 5), r.batch("east", tick, time.Minute, 3, 5)
		appendAll(t, a, one, shared)
		appendAll(t, b, shared, other)
		all = append(append(append(all, one.Points...), other.Points...), shared.Points...)
	}
	maintain(t, a, true)
	if m := mergeInto(t, a, b); m.Batches != 25 || m.Known != 25 || m.LeftOutBatches != 0 {
		t.Errorf("%+v", m)
	}
	holds(t, "merged", a, all)
	maintain(t, a, true)
	holds(t, "sealed", a, all)
}

// TestMergeSums merges a store that has given up points, views of ten minutes, or
// those of hours: sums are added once, and never where something is that may be theirs,
// or of which more is known.
func TestMergeSums(t *testing.T) {
	t.Parallel()
	day := benchStart.Truncate(24 * time.Hour)
	window := store.Filter{Window: store.Window{From: day, To: day.Add(24 * time.Hour)}}
	later := newRandom(17)
	for name, keep := range map[string]Retention{
		"points given up": {Points: 20 * time.Hour},
		"and 10 minutes":  {Points: 10 * time.Hour, Views10m: 20 * time.Hour},
		"and hours":       {Points: 10 * time.Hour, Views10m: 20 * time.Hour, Views1h: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			b := emptyStore(t)
			fillTiered(t, b, 16, "north")
			appendAll(t, b, later.batch("north", day.Add(49*time.Hour), time.Minute, 0, 3)) // so that the day ends
			maintain(t, b, true)
			want := sumOf(t, b, window)
			b.keep.now = func() time.Time { return day.Add(50 * time.Hour) }
			b.SetRetention(keep)
			if err := b.Prune(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := sumOf(t, b, window); got != want {
				t.Fatalf("%v after giving up, %v before", got, want)
			}

			a := emptyStore(t)
			appendAll(t, a, later.batch("east", day.Add(50*time.Hour), time.Minute, 0, 3))
			first := mergeInto(t, a, b)
			if first.Tiers == 0 || first.LeftOutBatches+first.Damaged != 0 || sumOf(t, a, window) != want {
				t.Errorf("%v in all, want %v: %+v", sumOf(t, a, window), want, first)
			}
			for _, force := range []bool{false, true} {
				again := mergeInto(t, a, b)
				if again.Tiers+again.Batches+again.LeftOutBatches != 0 || again.Known == 0 || sumOf(t, a, window) != want {
					t.Errorf("again: %v, %+v", sumOf(t, a, window), again)
				}
				maintain(t, a, force)
			}
			if c := checked(t, a, false); c.Wrong != 0 {
				t.Errorf("check: %+v", c)
			}

			// Something of that sensor then, of which nobody knows whether it is the same.
			mine := emptyStore(t)
			appendAll(t, mine, later.batch("north", day.Add(22*time.Hour), time.Minute, 99, 3))
			hour := store.Filter{Window: store.Window{From: day.Add(22 * time.Hour), To: day.Add(23 * time.Hour)}}
			before := sumOf(t, mine, hour)
			if left := mergeInto(t, mine, b); left.LeftOutBatches == 0 || left.LeftOut[0].Sensor != "north" || sumOf(t, mine, hour) != before {
				t.Errorf("beside another batch: %+v", left)
			}
			// Another's points of that time: a question about an hour of them must not be
			// answered by what is known of a day, nor without it.
			other := emptyStore(t)
			fillTiered(t, other, 18, "east")
			before = sumOf(t, other, window)
			if left := mergeInto(t, other, b); left.LeftOutBatches == 0 || left.Tiers != 0 || sumOf(t, other, window) != before {
				t.Errorf("beside another's points: %+v", left)
			}
			// And the other way round: points that were given up here.
			full := emptyStore(t)
			fillTiered(t, full, 16, "north")
			if back := mergeInto(t, b, full); back.Batches != 0 || sumOf(t, b, window) != want {
				t.Errorf("the full store into what is left of it: %+v", back)
			}
			if back := mergeInto(t, b, other); back.Batches == 0 {
				t.Errorf("another's points into the store that gave up its own: %+v", back)
			}
			want.Add(before)
			for range 2 {
				if got := sumOf(t, b, window); got != want {
					t.Errorf("%v in all, want %v", got, want)
				}
				maintain(t, b, true)
				if err := b.Prune(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// sumOf is all traffic of a window.
func sumOf(t testing.TB, s *Store, f store.Filter) (sum store.Sum) {
	t.Helper()
	cells, err := s.Cells(context.Background(), f, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		sum.Add(c.Sum)
	}
	return sum
}

// TestMergeRefuses names what does not fit.
func TestMergeRefuses(t *testing.T) {
	a := emptyStore(t)
	b := openNew(t, Options{Tick: time.Second, NoMaintenance: true})
	if _, err := a.MergeFrom(t.Context(), b, nil); err == nil || !strings.Contains(err.Error(), "only stores of equal ticks") {
		t.Errorf("ticks: %v", err)
	}
	dir := strings.TrimSuffix(a.path, FileName)
	r, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := a.MergeFrom(t.Context(), r, nil); err == nil || !strings.Contains(err.Error(), "the same file") {
		t.Errorf("itself: %v", err)
	}
	if _, err := r.MergeFrom(t.Context(), a, nil); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("into a reader: %v", err)
	}
}

// TestMergeBrokenOff is cancelled again and again, and comes to the same end.
func TestMergeBrokenOff(t *testing.T) {
	t.Parallel()
	b := emptyStore(t)
	want := fillTiered(t, b, 20, "north")
	maintain(t, b, true)
	a := emptyStore(t)
	for n := 1; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel()
			for commits, left := a.Watch(ctx), 20*n; left > 0; left-- {
				if _, open := <-commits; !open {
					return
				}
			}
		}()
		_, err := a.MergeFrom(ctx, b, nil)
		cancel()
		if err == nil {
			break
		}
	}
	holds(t, "in the end", a, want)
}

// TestMergeOldFormat merges a store of format 1, which has no tiers.
func TestMergeOldFormat(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "format1"))); err != nil {
		t.Fatal(err)
	}
	old, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	a := openNew(t, Options{Tick: old.tick, NoMaintenance: true})
	if m := mergeInto(t, a, old); m.Batches == 0 || m.LeftOutBatches+m.Damaged != 0 {
		t.Errorf("%+v", m)
	}
	same(t, "points", inOrder(pointsOf(t, old, store.Filter{})), inOrder(pointsOf(t, a, store.Filter{})))
}
