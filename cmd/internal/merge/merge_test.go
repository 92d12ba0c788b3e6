package merge

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

var start = time.Date(2026, 11, 17, 14, 0, 0, 0, time.UTC)

// batch is one tick, n ticks after start, with a point for each address.
func batch(sensor string, n int, addresses ...string) *store.Batch {
	b := &store.Batch{Sensor: sensor, Tick: start.Add(time.Duration(n) * 10 * time.Second), Interval: 10 * time.Second}
	b.From, b.To = b.Tick, b.Tick.Add(b.Interval)
	for i, a := range addresses {
		p := store.Point{Time: b.Tick, Interval: b.Interval, Addr: single(a), Peer: single("10.0.0.1"), Proto: 6, Port: 443, HasPort: true,
			Direction: store.Direction(i % 2), Packets: 2, Bytes: 100, Sensor: sensor,
			Place: store.Place{Latitude: 48, Longitude: 2, Country: "FR", City: "Paris", Precision: store.City}}
		switch a {
		case "8.8.8.8":
			p.Place = store.Place{Country: "US", Precision: store.Country}
		case "1.1.1.1":
			p.Place = store.Place{Country: "AU", Precision: store.Country}
		case "2.2.2.2":
			p.Place = store.Place{}
		}
		if p.Direction == store.In {
			p.Opens = 1
		}
		b.Points = append(b.Points, p)
		for _, c := range []*store.Count{&b.Books.Captured, &b.Books.Decoded, &b.Books.OnePublic} {
			c.Add(store.Count{Packets: 2, Bytes: 100})
		}
	}
	return b
}

func single(a string) netip.Prefix {
	addr := netip.MustParseAddr(a)
	return netip.PrefixFrom(addr, addr.BitLen())
}

// stored is a store with batches.
func stored(t *testing.T, batches ...*store.Batch) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, b := range batches {
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestLikeOne holds the answers about two stores against those about one store with
// all of their batches.
func TestLikeOne(t *testing.T) {
	a := []*store.Batch{batch("east", 0, "9.9.9.9", "1.1.1.1"), batch("east", 1, "9.9.9.9"), batch("east", 5, "8.8.8.8")}
	b := []*store.Batch{batch("west", 1, "9.9.9.9", "2.2.2.2"), batch("west", 2), batch("west", 7, "1.1.1.1", "9.9.9.9")}
	one := stored(t, append(append([]*store.Batch{}, a...), b...)...)
	two, err := New(t.Context(), named("a", stored(t, a...)), named("b", stored(t, b...)), named("empty", stored(t)))
	if err != nil {
		t.Fatal(err)
	}
	compare := func(what string, ask func(export.Reader) (any, error), options ...cmp.Option) {
		t.Helper()
		want, err1 := ask(one)
		got, err2 := ask(two)
		options = append(options, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }))
		if diff := cmp.Diff(want, got, options...); diff != "" || err1 != nil || err2 != nil {
			t.Errorf("%s: %v %v %s", what, err1, err2, diff)
		}
	}
	for _, f := range []store.Filter{{}, {Window: store.Window{From: start.Add(10 * time.Second), To: start.Add(60 * time.Second)}}, filter(t, "ip:9.9.9.9"), filter(t, "opened:unanswered")} { // 9.9.9.9 is answered by the other sensor
		compare("points", func(r export.Reader) (any, error) {
			var all []store.Point
			err := r.Points(t.Context(), f, func(p []store.Point) error { all = append(all, p...); return nil })
			return all, err
		})
		compare("cells", func(r export.Reader) (any, error) { return r.Cells(t.Context(), f, 10*time.Second) })
		compare("series", func(r export.Reader) (any, error) { return r.Series(t.Context(), f, 20*time.Second) })
		for _, by := range []store.Dimension{store.ByPlace, store.ByIP, store.ByCountry, store.BySensor, store.ByPort} {
			for _, n := range []int{0, 1} {
				compare("top "+by.String(), func(r export.Reader) (any, error) { return r.Top(t.Context(), f, by, n) },
					cmpopts.IgnoreFields(store.Row{}, "Addresses"))
			}
		}
		compare("coverage", func(r export.Reader) (any, error) { return r.Coverage(t.Context(), f.Window) })
	}
}

func filter(t *testing.T, s string) store.Filter {
	t.Helper()
	f, err := store.ParseFilter(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestAddresses: a number that cannot be known is not claimed.
func TestAddresses(t *testing.T) {
	two, err := New(t.Context(), named("a", stored(t, batch("east", 0, "9.9.9.9"))), named("b", stored(t, batch("west", 0, "9.9.9.9"))))
	if err != nil {
		t.Fatal(err)
	}
	for by, want := range map[store.Dimension]uint64{store.ByIP: 1, store.ByCountry: 0, store.BySensor: 1} {
		top, err := two.Top(t.Context(), store.Filter{}, by, 1)
		if err != nil || top.Rows[0].Addresses != want {
			t.Errorf("%s: %+v, %v", by, top.Rows, err)
		}
	}
}

func TestEnds(t *testing.T) {
	two, err := New(t.Context(), named("a", stored(t, batch("east", 0, "9.9.9.9"))), named("b", stored(t, batch("west", 0, "9.9.9.9"))))
	if err != nil {
		t.Fatal(err)
	}
	enough := context.DeadlineExceeded // any error of the receiver
	err = two.Points(t.Context(), store.Filter{}, func([]store.Point) error { return enough })
	if err != enough {
		t.Errorf("the receiver's error comes back as %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := two.Points(ctx, store.Filter{}, func([]store.Point) error { return nil }); err == nil {
		t.Error("read in spite of a context that is done")
	}
	for range two.Watch(ctx) {
		t.Error("an announcement after the end")
	}
}

func TestWatch(t *testing.T) {
	east, west := stored(t), stored(t)
	two, err := New(t.Context(), named("east", east), named("west", west))
	if err != nil {
		t.Fatal(err)
	}
	commits := two.Watch(t.Context())
	for sensor, s := range map[string]*sqlite.Store{"east": east, "west": west} {
		if err := s.Append(t.Context(), batch(sensor, 0, "9.9.9.9")); err != nil {
			t.Fatal(err)
		}
		if c := <-commits; c.Sensor != sensor {
			t.Errorf("announced %+v", c)
		}
	}
}

func named(name string, r export.Reader) Store { return Store{name, r} }

// TestDoNotFit: stores that cannot be on one map are told apart by name.
func TestDoNotFit(t *testing.T) {
	fast, err := sqlite.Open(t.TempDir(), sqlite.Options{Tick: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer fast.Close()
	first := []*store.Batch{batch("east", 0, "9.9.9.9"), batch("east", 1), batch("east", 2, "9.9.9.9"), batch("west", 0)}
	half := batch("east", 2)
	half.From = half.From.Add(5 * time.Second)
	for _, c := range []struct {
		name  string
		other *sqlite.Store
		said  string
	}{
		{"ticks", fast, `"one" with ticks of 10s and "two" with ticks of 1s do not fit`},
		{"a copy", stored(t, first...), `"one" and "two" both have sensor "east" at 2026-11-17T14:00:00Z`},
		{"a part of it", stored(t, batch("north", 0, "9.9.9.9"), batch("east", 1), batch("east", 2)), `sensor "east" at 2026-11-17T14:00:10Z`},
		{"restarted within a tick", stored(t, half, batch("east", 3)), ""},
		{"later", stored(t, batch("east", 7), batch("west", 8)), ""},
		{"other sensors", stored(t, batch("south", 0)), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := New(t.Context(), named("one", stored(t, first...)), named("two", c.other))
			if c.said == "" && err != nil || c.said != "" && (err == nil || !strings.Contains(err.Error(), c.said)) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestVanishing closes one of two stores under way, as when its disk goes.
func TestVanishing(t *testing.T) {
	east, west := stored(t, batch("east", 0, "9.9.9.9"), batch("east", 1, "9.9.9.9")), stored(t, batch("west", 0, "1.1.1.1"), batch("west", 3, "1.1.1.1"))
	two, err := New(t.Context(), named("e", east), named("w", west))
	if err != nil || len(two.Lost()) != 0 {
		t.Fatal(err, two.Lost())
	}
	ask := func() (cells, bins, rows, points int, errs []error) {
		c, err1 := two.Cells(t.Context(), store.Filter{}, 0)
		s, err2 := two.Series(t.Context(), store.Filter{}, 10*time.Second)
		top, err3 := two.Top(t.Context(), store.Filter{}, store.ByIP, 0)
		err4 := two.Points(t.Context(), store.Filter{}, func(p []store.Point) error { points += len(p); return nil })
		_, err5 := two.Coverage(t.Context(), store.Window{})
		return len(c), len(s), len(top.Rows), points, []error{err1, err2, err3, err4, err5}
	}
	west.Close()
	cells, bins, rows, points, errs := ask()
	if cells != 1 || bins != 2 || rows != 1 || points != 2 || errors.Join(errs...) != nil {
		t.Errorf("without west: %d cells, %d bins, %d rows, %d points, %v", cells, bins, rows, points, errs)
	}
	if lost := two.Lost(); len(lost) != 1 || lost["w"] == nil {
		t.Errorf("lost %v", lost)
	}
	coverage, err := two.Coverage(t.Context(), store.Window{})
	if err != nil || coverage.Off() != 20*time.Second {
		t.Errorf("off for %s in %+v, %v", coverage.Off(), coverage.Spans, err)
	}
	if diff := cmp.Diff([]string{"east", "west"}, coverage.Sensors); diff != "" {
		t.Error(diff)
	}
	east.Close()
	if _, _, _, _, errs := ask(); slices.Contains(errs, nil) {
		t.Errorf("with no store left: %v", errs)
	}
}
