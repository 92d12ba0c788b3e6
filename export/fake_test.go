package export

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

const tick = 10 * time.Second

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// fakeReader answers from points in memory, which are in order of time.
type fakeReader struct {
	mu     sync.Mutex
	points []store.Point
	local  uint64 // packets between local addresses, in the books only
	two    uint64 // packets with both ends on the map
	drops  uint64
	from   time.Time // points before it are gone, says the coverage
	subs   []chan store.Commit
	reads  int
	onRead func(reads int)
}

func (f *fakeReader) match(flt store.Filter) (out []store.Point) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, _ := slices.BinarySearchFunc(f.points, flt.Window.From, func(p store.Point, t time.Time) int { return p.Time.Compare(t) })
	for i := from; i < len(f.points); i++ {
		if !flt.Window.To.IsZero() && !f.points[i].Time.Before(flt.Window.To) {
			break
		}
		if flt.Match(&f.points[i]) {
			out = append(out, f.points[i])
		}
	}
	return out
}

func (f *fakeReader) Points(ctx context.Context, flt store.Filter, yield func([]store.Point) error) error {
	f.mu.Lock()
	f.reads++
	reads, hook := f.reads, f.onRead
	f.mu.Unlock()
	if hook != nil {
		hook(reads)
	}
	for part := range slices.Chunk(f.match(flt), 1000) {
		if err := cmp.Or(ctx.Err(), yield(part)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *fakeReader) Cells(ctx context.Context, flt store.Filter, step time.Duration) (out []store.Cell, err error) {
	index := map[store.Cell]int{}
	for _, p := range f.match(flt) {
		c := store.Cell{Place: p.Place, Class: store.ClassOf(p.Proto), Direction: p.Direction}
		if step > 0 {
			c.Time = p.Time.Truncate(step)
		}
		i, ok := index[c]
		if !ok {
			i = len(out)
			index[c], out = i, append(out, c)
		}
		out[i].Add(p.Sum())
	}
	return out, ctx.Err()
}

func (f *fakeReader) Series(context.Context, store.Filter, time.Duration) ([]store.Bin, error) {
	panic("not asked by export")
}

func (f *fakeReader) Top(context.Context, store.Filter, store.Dimension, int) (store.Top, error) {
	panic("not asked by export")
}

func (f *fakeReader) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	if err := w.Check(); err != nil {
		return store.Coverage{}, err // as the store does
	}
	c := store.Coverage{PointsFrom: f.from, Tick: tick, Books: store.Books{Drops: f.drops}}
	var total store.Count
	for _, p := range f.match(store.Filter{Window: w}) {
		c.Points++
		total.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.points); n > 0 {
		c.First, c.Last = f.points[0].Time, f.points[n-1].Time.Add(tick)
		c.Window = w.Clip(store.Window{From: c.First, To: c.Last})
		c.Sensors = []string{"gw1"}
		c.Spans = []store.Span{{Window: c.Window, Sensor: "gw1", State: store.StateData, Drops: f.drops}}
		c.Geo = []store.GeoSource{{Kind: "city", Name: "Test City", Built: noon, Attribution: "by Test", URL: "https://example.com"}}
	}
	c.Books.TwoPublic = store.Count{Packets: f.two}
	c.Books.OnePublic = store.Count{Packets: total.Packets - 2*f.two, Bytes: total.Bytes}
	c.Books.LocalOnly.Packets = f.local
	return c, ctx.Err()
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

// commit adds points, all of one tick, and announces them.
func (f *fakeReader) commit(at time.Time, points ...store.Point) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.points = append(f.points, points...)
	for _, ch := range f.subs {
		ch <- store.Commit{Sensor: "gw1", Tick: at, Interval: tick, Points: len(points)}
	}
}

func (f *fakeReader) sum(flt store.Filter) (s store.Sum) {
	for _, p := range f.match(flt) {
		s.Add(p.Sum())
	}
	return s
}

var cities = []store.Place{
	{Latitude: 52.5244, Longitude: 13.4105, Country: "DE", Region: "Berlin", City: "Berlin", Precision: store.City, AccuracyKM: 20},
	{Latitude: -33.8678, Longitude: 151.2073, Country: "AU", City: "Sydney", Precision: store.City},
	{Latitude: 40.7, Longitude: -74, Country: "US", City: "New York", Precision: store.City, AccuracyKM: 5},
	{Country: "FJ", Precision: store.Country},
	{},
}

// somePoints returns n points, perTick in each tick from noon on.
func somePoints(n, perTick int) []store.Point {
	points := make([]store.Point, n)
	protos := []uint8{6, 17, 1, 58, 132}
	for i := range points {
		k := i % perTick
		p := store.Point{Time: noon.Add(time.Duration(i/perTick) * tick), Interval: tick, Sensor: "gw1",
			Addr:      netip.PrefixFrom(netip.AddrFrom4([4]byte{8, byte(k >> 16), byte(k >> 8), byte(k)}), 32),
			Peer:      netip.MustParsePrefix("10.0.0.5/32"),
			Direction: store.Direction(k & 1), Proto: protos[k%len(protos)],
			Place: cities[k%len(cities)], Packets: uint64(1 + i%7), Bytes: uint64(60 + i%1400)}
		if p.Proto == 6 || p.Proto == 17 {
			p.Port, p.HasPort = uint16(k%1000), true
		}
		if p.Proto == 6 {
			p.Opens = 1
		}
		if k%3 == 0 {
			p.ASN, p.ASOrg = uint32(15000+k%50), fmt.Sprintf("Network %d", k%50)
		}
		points[i] = p
	}
	return points
}
