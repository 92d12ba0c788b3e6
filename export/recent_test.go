package export

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// rowKey is what two points of one bin must share to become one row.
type rowKey struct {
	addr, peer netip.Prefix
	place      store.Place
	asn        uint32
	org        string
	sensor     string
	port       uint16
	hasPort    bool
	proto      uint8
	direction  store.Direction
}

// rowsOf sums what a reader yields by everything that a row has.
func rowsOf(t *testing.T, r Reader) map[rowKey]store.Sum {
	t.Helper()
	out := map[rowKey]store.Sum{}
	err := r.Points(t.Context(), store.Filter{}, func(points []store.Point) error {
		for _, p := range points {
			k := rowKey{p.Addr, p.Peer, p.Place, p.ASN, p.ASOrg, p.Sensor, p.Port, p.HasPort, p.Proto, p.Direction}
			s := out[k]
			s.Add(p.Sum())
			out[k] = s
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// window is the standing window that ends with the fake's newest tick.
func (f *fakeReader) window() store.Window {
	end := f.points[len(f.points)-1].Time.Add(tick)
	return store.Window{From: end.Add(-10 * time.Minute), To: end}
}

// TestRecentFollows adds ticks one by one, some late, and compares the rows with
// those of the points at every step.
func TestRecentFollows(t *testing.T) {
	for _, l := range []level{levelTick, levelMinute, levelTenMinutes} {
		all := somePoints(2400, 20) // 20 minutes
		r := &fakeReader{points: slices.Clone(all[:20])}
		c := newRecent(r, store.Filter{}, 1<<20, time.Hour)
		c.level = l
		for i := 20; i < len(all); i += 20 {
			r.points = append(r.points, all[i:i+20]...)
			var again []time.Time
			if i%500 == 0 { // packets that come half a minute late
				late := all[i-60]
				late.Flags = store.Late
				r.points = slices.Insert(r.points, i-60, late)
				all = slices.Insert(all, i-60, late)
				i++
				if i%1000 != 1 {
					again = []time.Time{late.Time} // the others are found by counting
				}
			}
			if err := c.update(t.Context(), r.window(), again); err != nil {
				t.Fatal(err)
			}
			want := rowsOf(t, &fakeReader{points: r.match(store.Filter{Window: c.window})})
			if got := rowsOf(t, c); !maps.Equal(want, got) { // quicker than Diff, which is only for people
				diff := gocmp.Diff(want, got, gocmp.Comparer(func(a, b rowKey) bool { return a == b }))
				t.Fatalf("level %d, point %d: rows differ (-points +rows):\n%.2000s", l, i, diff)
			}
			if from := c.window.From; !from.Equal(from.Truncate(c.step())) || from.After(r.window().From) {
				t.Fatalf("window begins at %s", from)
			}
		}
		if c.full > 5 {
			t.Errorf("level %d: all was read %d times", l, c.full)
		}
	}
}

// TestRecentCells compares its cells with those of the fake.
func TestRecentCells(t *testing.T) {
	r := &fakeReader{points: somePoints(2000, 20)}
	c := newRecent(r, store.Filter{}, 1<<20, time.Hour)
	if err := c.update(t.Context(), store.Window{From: noon, To: noon.Add(time.Hour)}, nil); err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{0, tick, time.Minute} {
		for _, w := range []store.Window{{}, {From: noon.Add(50 * time.Second), To: noon.Add(310 * time.Second)}} {
			sums := func(cells []store.Cell, err error) map[store.Cell]store.Sum {
				if err != nil {
					t.Fatal(err)
				}
				out := map[store.Cell]store.Sum{}
				for _, c := range cells {
					k := c
					k.Sum = store.Sum{}
					if _, twice := out[k]; twice {
						t.Fatalf("cell twice: %+v", k)
					}
					out[k] = c.Sum
				}
				return out
			}
			f := store.Filter{Window: w}
			if diff := gocmp.Diff(sums(r.Cells(t.Context(), f, step)), sums(c.Cells(t.Context(), f, step))); diff != "" {
				t.Errorf("step %s: cells differ (-points +rows):\n%s", step, diff)
			}
		}
	}
}

func TestRecentPageIsTheSame(t *testing.T) {
	r := &fakeReader{points: somePoints(2000, 20), two: 3}
	c := newRecent(r, store.Filter{}, 1<<20, time.Hour)
	if err := c.update(t.Context(), store.Window{From: noon, To: noon.Add(2000 * time.Second)}, nil); err != nil {
		t.Fatal(err)
	}
	o := Options{Filter: store.Filter{Window: c.window}, Written: noon}
	if run(t, c, HTML, o) != run(t, r, HTML, o) {
		a, _ := build(t, c, o)
		b, _ := build(t, r, o)
		t.Errorf("the pages differ (-points +rows):\n%.3000s", gocmp.Diff(b, a))
	}
	if run(t, c, CSV, o) != run(t, r, CSV, o) {
		t.Error("the CSVs differ")
	}
}

// TestRecentIsBounded lowers the limit step by step: rows get coarser while they are
// read, and what a coarser first bin lacks is read too.
func TestRecentIsBounded(t *testing.T) {
	r := &fakeReader{points: somePoints(4000, 20)} // 66 minutes
	w := store.Window{From: noon.Add(130 * time.Second), To: noon.Add(time.Hour)}
	for _, tt := range []struct {
		most int
		want level
	}{
		{4000, levelTick}, {1500, levelMinute}, {250, levelTenMinutes}, {16, levelWindow}, {5, levelPlaces},
	} {
		c := newRecent(r, store.Filter{}, tt.most, time.Hour)
		if err := c.update(t.Context(), w, nil); err != nil {
			t.Fatal(err)
		}
		if c.level != tt.want || c.full != 1 {
			t.Errorf("at most %d rows: level %d with %d rows, want %d; all was read %d times", tt.most, c.level, c.rows, tt.want, c.full)
		}
		if !c.window.From.Equal(w.From.Truncate(c.step())) {
			t.Errorf("level %d: window begins at %s", c.level, c.window.From)
		}
		// The same from the beginning at this level.
		again := newRecent(r, store.Filter{}, 1<<20, time.Hour)
		again.setLevel(c.level)
		if err := again.update(t.Context(), w, nil); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(rowsOf(t, again), rowsOf(t, c), gocmp.Comparer(func(a, b rowKey) bool { return a == b })); diff != "" {
			t.Errorf("level %d: rows differ (-read so +made so):\n%.2000s", c.level, diff)
		}
		var sum store.Sum
		for _, s := range rowsOf(t, c) {
			sum.Add(s)
		}
		if want := r.sum(store.Filter{Window: c.window}); sum != want {
			t.Errorf("level %d: rows add up to %+v, points to %+v", c.level, sum, want)
		}
	}
}

// TestRecentForgets has addresses that come once: the tables do not keep them.
func TestRecentForgets(t *testing.T) {
	r := &fakeReader{}
	c := newRecent(r, store.Filter{}, 1<<20, time.Hour)
	for i := range 130 {
		p := somePoints(1000, 1000)
		for k := range p {
			p[k].Time = noon.Add(time.Duration(i) * tick)
			p[k].Addr = netip.PrefixFrom(netip.AddrFrom4([4]byte{7, byte(i), byte(k >> 8), byte(k)}), 32)
		}
		r.points = append(r.points[max(0, len(r.points)-10_000):], p...) // the window is shorter
		w := r.window()
		w.From = w.To.Add(-time.Minute)
		if err := c.update(t.Context(), w, nil); err != nil {
			t.Fatal(err)
		}
		if o := (Options{Filter: store.Filter{Window: c.window}}); i%60 == 59 {
			if run(t, c, CSV, o) != run(t, r, CSV, o) {
				t.Fatal("the CSVs differ")
			}
			a, _ := build(t, r, o)
			b, _ := build(t, c, o)
			if diff := gocmp.Diff(pointDetails(r.match(o.Filter)), detailSums(b)); diff != "" || len(a.Details) != len(b.Details) {
				t.Fatalf("details differ (-points +page):\n%.2000s", diff)
			}
		}
	}
	if n := c.tables.flows.len(); n > 120_000 || c.full != 1 {
		t.Errorf("%d flows are known for %d rows; all was read %d times", n, c.rows, c.full)
	}
}

// summing is a Reader that knows sums, and yields them in a strange order.
type summing struct {
	*fakeReader
	asked []store.Window
}

func (s *summing) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	s.asked = append(s.asked, f.Window)
	begin()
	wrong := s.match(f)[:1]
	if err := yield(wrong); err != nil {
		return err
	}
	begin() // what came before was void
	sums := map[store.Point]store.Sum{}
	for _, p := range s.match(f) {
		sum := p.Sum()
		p.Time, p.Interval, p.Packets, p.Bytes, p.Opens = p.Time.Truncate(step), step, 0, 0, 0
		sum.Add(sums[p])
		sums[p] = sum
	}
	for p, sum := range sums {
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		if err := yield([]store.Point{p}); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// TestRecentReadsSums has far more points than rows may be kept: what is over is read
// as sums, and then followed by points.
func TestRecentReadsSums(t *testing.T) {
	all := somePoints(8000, 20) // 66 minutes
	r := &summing{fakeReader: &fakeReader{points: slices.Clone(all[:7200])}}
	c := newRecent(r, store.Filter{}, 150, time.Hour)
	for i := 7200; i <= len(all); i += 40 {
		r.points = all[:i]
		end := all[i-1].Time.Add(tick)
		if err := c.update(t.Context(), store.Window{From: end.Add(-time.Hour), To: end}, nil); err != nil {
			t.Fatal(err)
		}
		want := rowsOf(t, &fakeReader{points: r.match(store.Filter{Window: c.window})})
		if got := rowsOf(t, c); !maps.Equal(want, got) {
			t.Fatalf("point %d: rows differ (-points +rows):\n%.2000s", i, gocmp.Diff(want, got, gocmp.Comparer(func(a, b rowKey) bool { return a == b })))
		}
	}
	if len(r.asked) != 6 || c.full != 1 || c.level != levelTenMinutes {
		t.Errorf("asked for sums of %v; read whole %d times; level %d", r.asked, c.full, c.level)
	}
	for _, w := range r.asked {
		if w.To.Sub(w.From) != 10*time.Minute || !w.From.Equal(w.From.Truncate(10*time.Minute)) {
			t.Errorf("asked for sums of %s", w)
		}
	}
}

// TestLongWindowsHaveLongBins keeps the number of bins below four hundred or so.
func TestLongWindowsHaveLongBins(t *testing.T) {
	for window, want := range map[time.Duration]time.Duration{time.Minute: 10 * time.Minute, 12 * time.Hour: 10 * time.Minute,
		24 * time.Hour: time.Hour, 7 * 24 * time.Hour: time.Hour, 30 * 24 * time.Hour: 24 * time.Hour} {
		if got := longBin(window); got != want {
			t.Errorf("%s: %s, want %s", window, got, want)
		}
	}
}

// TestRecentOfGonePoints has a window of which the store has only sums left: it is read
// once, in whole days.
func TestRecentOfGonePoints(t *testing.T) {
	r := &summing{fakeReader: &fakeReader{points: somePoints(4000, 20), from: noon.Add(10 * time.Minute)}}
	c := newRecent(r, store.Filter{}, 50, time.Hour)
	c.level = levelTenMinutes
	for i := range 5 {
		end := noon.Add(time.Hour + time.Duration(i)*tick)
		if err := c.update(t.Context(), store.Window{From: noon, To: end}, nil); err != nil {
			t.Fatal(err)
		}
		if want := r.sum(store.Filter{Window: c.window}); c.window.From != noon.Truncate(day) || want.Packets == 0 {
			t.Errorf("window %s with %+v", c.window, want)
		}
	}
	if c.full != 1 || c.step() != day {
		t.Errorf("all was read %d times, in bins of %s", c.full, c.step())
	}
}
