package dashboard

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

const tick = 10 * time.Second

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fakeReader answers from points in memory.
type fakeReader struct {
	points []store.Point
	err    error
	hold   chan struct{} // questions wait until it is closed

	partial []string // what each Coverage says is missing, one after the other; the last for good

	mu   sync.Mutex
	subs []chan store.Commit
}

func (f *fakeReader) match(ctx context.Context, flt store.Filter) (out []store.Point, err error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
		}
	}
	for i := range f.points {
		if flt.Match(&f.points[i]) {
			out = append(out, f.points[i])
		}
	}
	return out, cmp.Or(f.err, ctx.Err())
}

func (f *fakeReader) Points(ctx context.Context, flt store.Filter, yield func([]store.Point) error) error {
	points, err := f.match(ctx, flt)
	return cmp.Or(err, yield(points))
}

func (f *fakeReader) Cells(ctx context.Context, flt store.Filter, step time.Duration) (out []store.Cell, err error) {
	points, err := f.match(ctx, flt)
	for _, p := range points {
		c := store.Cell{Place: p.Place, Class: store.ClassOf(p.Proto), Direction: p.Direction, Sum: p.Sum()}
		if step > 0 {
			c.Time = p.Time.Truncate(step)
		}
		out = append(out, c)
	}
	return out, err
}

func (f *fakeReader) Series(ctx context.Context, flt store.Filter, step time.Duration) (out []store.Bin, err error) {
	points, err := f.match(ctx, flt)
	for _, p := range points {
		out = append(out, store.Bin{Time: p.Time.Truncate(step), Class: store.ClassOf(p.Proto), Direction: p.Direction, Sum: p.Sum()})
	}
	return out, err
}

func (f *fakeReader) Top(ctx context.Context, flt store.Filter, by store.Dimension, n int) (store.Top, error) {
	points, err := f.match(ctx, flt)
	rows := map[string]*store.Row{}
	top := store.Top{By: by}
	for _, p := range points {
		key := map[store.Dimension]string{store.ByCountry: p.Place.Country, store.ByIP: store.PrefixString(p.Addr),
			store.ByPort: strconv.Itoa(int(p.Port))}[by]
		r := rows[key]
		if r == nil {
			r = &store.Row{Key: key, Label: key, Place: p.Place, Proto: p.Proto, First: p.Time}
			rows[key] = r
		}
		if p.Direction == store.In {
			r.In.Add(p.Sum())
		} else {
			r.Out.Add(p.Sum())
		}
		r.Last = p.Time.Add(tick)
		top.Total.Add(p.Sum())
	}
	for _, r := range rows {
		top.Rows = append(top.Rows, *r)
	}
	store.SortRows(top.Rows)
	top.Count = len(top.Rows)
	top.Rows = top.Rows[:min(n, top.Count)]
	return top, err
}

func (f *fakeReader) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	if err := w.Check(); err != nil {
		return store.Coverage{}, err
	}
	points, err := f.match(ctx, store.Filter{Window: w})
	c := store.Coverage{Tick: tick, Sensors: []string{"gw1"}, Points: uint64(len(points)), Books: store.Books{Drops: 3}}
	for _, p := range points {
		c.Books.OnePublic.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	f.mu.Lock()
	if len(f.partial) > 0 {
		if c.Partial = f.partial[0]; len(f.partial) > 1 {
			f.partial = f.partial[1:]
		}
	}
	f.mu.Unlock()
	if n := len(f.points); n > 0 {
		c.First, c.Last = f.points[0].Time, f.points[n-1].Time.Add(tick)
		c.Window = w.Clip(store.Window{From: c.First, To: c.Last})
		c.Spans = []store.Span{{Window: c.Window, Sensor: "gw1", State: store.StateData}}
		c.Geo = []store.GeoSource{{Kind: "city", Name: "Test City", Built: noon, Attribution: "by Test", URL: "https://example.com"}}
	}
	return c, err
}

func (f *fakeReader) Watch(ctx context.Context) <-chan store.Commit {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan store.Commit, 8)
	f.subs = append(f.subs, ch)
	context.AfterFunc(ctx, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.subs = slices.DeleteFunc(f.subs, func(c chan store.Commit) bool { return c == ch })
		close(ch)
	})
	return ch
}

// announce tells all watchers, and how many there are.
func (f *fakeReader) announce(c store.Commit) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, ch := range f.subs {
		select {
		case ch <- c:
		default: // slow
		}
	}
	return len(f.subs)
}

// somePoints are six ticks of ten points in three places, one of them nowhere.
func somePoints() (out []store.Point) {
	places := []store.Place{{Latitude: 52.5244, Longitude: 13.4105, Country: "DE", City: "Berlin", Precision: store.City},
		{Country: "FR", Precision: store.Country}, {}}
	for i := range 60 {
		out = append(out, store.Point{Time: noon.Add(time.Duration(i/10) * tick), Interval: tick,
			Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{8, 8, 8, byte(i % 10)}), 32), Peer: netip.MustParsePrefix("10.0.0.5/32"),
			Direction: store.Direction(i & 1), Proto: []uint8{6, 17, 1}[i%3], Port: 443, HasPort: i%3 != 2,
			Place: places[i%3], ASN: 15169, ASOrg: "</script>", Packets: uint64(i + 1), Bytes: uint64(100 * i), Sensor: "gw1"})
	}
	return out
}
