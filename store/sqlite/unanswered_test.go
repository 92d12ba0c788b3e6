package sqlite

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// answered looks for what came the other way by brute force.
func (h history) answered(f store.Filter) store.Filter {
	f.Terms = slices.Clone(f.Terms)
	for i := range f.Terms {
		f.Terms[i].Answered = func(p *store.Point) bool {
			return p.Proto != 6 || slices.ContainsFunc(h, func(o store.Point) bool {
				return exchangeOf(&o) == exchangeOf(p) && o.Direction != p.Direction && f.Window.Contains(o.Time)
			})
		}
	}
	return f
}

// TestUnanswered: an attempt is unanswered while nothing comes back in the window, from
// the same endpoint at the same port.
func TestUnanswered(t *testing.T) {
	s := openNew(t, Options{})
	point := func(addr string, d store.Direction, port uint16, opens uint64) store.Point {
		return store.Point{Addr: netip.MustParsePrefix(addr + "/32"), Peer: netip.MustParsePrefix("10.0.0.5/32"), Direction: d, Proto: 6,
			Port: port, HasPort: true, Packets: 3, Bytes: 180, Opens: opens, Place: store.Place{Country: "DE"}}
	}
	batch := func(second int, points ...store.Point) *store.Batch {
		b := mini("a", second, 0, 0)
		for i := range points {
			points[i].Time, points[i].Interval, points[i].Sensor = b.Tick, b.Interval, b.Sensor
			b.Books.OnePublic.Add(store.Count{Packets: 3, Bytes: 180})
		}
		b.Points = points
		return b
	}
	appendAll(t, s,
		batch(0, point("192.0.2.1", store.In, 22, 3), point("192.0.2.2", store.In, 22, 1), point("192.0.2.3", store.Out, 443, 1), point("192.0.2.3", store.Out, 80, 2)),
		batch(10, point("192.0.2.2", store.Out, 22, 0), point("192.0.2.3", store.In, 443, 0), point("192.0.2.1", store.Out, 25, 0), point("192.0.2.9", store.In, 80, 0)))
	for text, want := range map[string][]string{
		"opened:unanswered":                  {"192.0.2.1", "192.0.2.3"},
		"opened:unanswered opened:them":      {"192.0.2.1"},
		"opened:unanswered dir:out":          {"192.0.2.3"},
		"opened:unanswered port:22":          {"192.0.2.1"},
		"opened:unanswered ip:192.0.2.2":     nil,
		"opened:us,unanswered":               {"192.0.2.1", "192.0.2.3", "192.0.2.3"},
		"-opened:unanswered opened:them":     {"192.0.2.2"},
		"opened:unanswered country:FR":       nil,
		"opened:unanswered -peer:10.0.0.0/8": nil,
	} {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range pointsOf(t, s, f) {
			got = append(got, p.Addr.Addr().String())
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		top, err := s.Top(context.Background(), f, store.ByIP, 0)
		if slices.Sort(want); err != nil || len(top.Rows) != len(slices.Compact(want)) {
			t.Errorf("%s: top of %d, %v", text, len(top.Rows), err)
		}
	}
	f, _ := store.ParseFilter("opened:unanswered")
	f.Window = store.Window{From: benchStart, To: benchStart.Add(10 * time.Second)}
	if n := len(pointsOf(t, s, f)); n != 4 { // what came later is not in the window
		t.Errorf("%d points of the first tick are unanswered, want 4", n)
	}
	whole, err := s.Answered(context.Background(), store.Filter{Terms: f.Terms})
	whole.Window = f.Window
	if n := len(pointsOf(t, s, whole)); err != nil || n != 2 { // a part, judged by all of it
		t.Errorf("%d points of the first tick are unanswered in all of the time, want 2: %v", n, err)
	}
	if f.Terms[0].Answered != nil {
		t.Error("the caller's filter was changed")
	}
}

// TestUnansweredWithoutPort: a point without a port is looked up as such, whatever port
// the one before it in its block has.
func TestUnansweredWithoutPort(t *testing.T) {
	s := openNew(t, Options{})
	b := mini("a", 0, 0, 0)
	for i, p := range []store.Point{
		{Addr: netip.MustParsePrefix("192.0.2.1/32"), Port: 443, HasPort: true, Direction: store.Out, Opens: 1},
		{Addr: netip.MustParsePrefix("192.0.2.2/32"), Direction: store.Out, Opens: 1},
		{Addr: netip.MustParsePrefix("192.0.2.2/32"), Direction: store.In},
	} {
		p.Time, p.Interval, p.Sensor, p.Proto, p.Packets, p.Bytes = b.Tick, b.Interval, b.Sensor, 6, uint64(2+i), 100
		b.Points = append(b.Points, p)
		b.Books.OnePublic.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	appendAll(t, s, b)
	f, err := store.ParseFilter("opened:unanswered")
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.Cells(t.Context(), f, 0)
	if err != nil || len(cells) != 1 || cells[0].Packets != 2 {
		t.Errorf("%+v, %v", cells, err)
	}
}
