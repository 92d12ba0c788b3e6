package sqlite

import (
	"cmp"
	"context"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

var sameAddresses = gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func diff(want, got any) string {
	if reflect.DeepEqual(want, got) { // a fraction of the work, and mostly so
		return ""
	}
	return gocmp.Diff(want, got, sameAddresses, cmpopts.EquateEmpty())
}

// same compares quickly, and prints the difference where there is one.
func same[T comparable](t testing.TB, what string, want, got []T) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Errorf("%s (-want +got):\n%s", what, diff(want, got))
	}
}

// openNew makes a store that spares the disk: what a power failure leaves is tested by
// processes of their own.
func openNew(t testing.TB, o Options) *Store {
	t.Helper()
	return openIn(t, filepath.Join(t.TempDir(), "data"), o)
}

// openIn opens the store in a folder until the test ends, without waiting for the disk.
func openIn(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	quick(t, s)
	return s
}

func appendAll(t testing.TB, s *Store, batches ...*store.Batch) {
	t.Helper()
	for _, b := range batches {
		if err := s.Append(context.Background(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func pointsOf(t testing.TB, s *Store, f store.Filter) []store.Point {
	t.Helper()
	var all []store.Point
	err := s.Points(context.Background(), f, func(chunk []store.Point) error {
		all = append(all, chunk...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// history is what a store should hold, kept as plain points.
type history []store.Point

func (h history) match(f store.Filter) (found history) {
	f = h.answered(f)
	for i := range h {
		if f.Match(&h[i]) {
			found = append(found, h[i])
		}
	}
	return found
}

// inOrder sorts by everything, first as Points promises, and adds up points that
// differ in their amounts alone, as Points does.
func inOrder(points []store.Point) []store.Point {
	points = slices.Clone(points)
	slices.SortFunc(points, func(a, b store.Point) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), compareEndpoints(a.Addr, b.Addr),
			compareRest(&a, &b),
			cmp.Compare(a.Packets, b.Packets), cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Opens, b.Opens))
	})
	return points[:store.JoinEqual(points)]
}

func promised(points []store.Point) bool {
	return slices.IsSortedFunc(points, func(a, b store.Point) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), compareEndpoints(a.Addr, b.Addr))
	})
}

// cells sums by brute force.
func (h history) cells(step time.Duration) []store.Cell {
	sums := make(map[store.Cell]store.Sum)
	for _, p := range h {
		key := store.Cell{Place: p.Place, Class: store.ClassOf(p.Proto), Direction: p.Direction}
		if step != 0 {
			key.Time = p.Time.Truncate(step)
		}
		sum := sums[key]
		sum.Add(p.Sum())
		sums[key] = sum
	}
	var cells []store.Cell
	for cell, sum := range sums {
		cell.Sum = sum
		cells = append(cells, cell)
	}
	slices.SortFunc(cells, func(a, b store.Cell) int {
		return cmp.Or(a.Time.Compare(b.Time), comparePlaces(a.Place, b.Place), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return cells
}

func (h history) series(step time.Duration) []store.Bin {
	sums := make(map[store.Bin]store.Sum)
	for _, p := range h {
		key := store.Bin{Time: p.Time.Truncate(step), Class: store.ClassOf(p.Proto), Direction: p.Direction}
		sum := sums[key]
		sum.Add(p.Sum())
		sums[key] = sum
	}
	var bins []store.Bin
	for bin, sum := range sums {
		bin.Sum = sum
		bins = append(bins, bin)
	}
	slices.SortFunc(bins, func(a, b store.Bin) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return bins
}

// key is what a point's row is called under a dimension.
func key(by store.Dimension, p store.Point) (string, uint8) {
	switch by {
	case store.ByPlace:
		return cmp.Or(spot(p.Place), p.Place.Country), 0
	case store.ByCountry:
		return p.Place.Country, 0
	case store.ByCity:
		return p.Place.City, 0
	case store.ByASN:
		if p.ASN == 0 {
			return "", 0
		}
		return strconv.Itoa(int(p.ASN)), 0
	case store.ByIP:
		return store.PrefixString(p.Addr), 0
	case store.ByPeer:
		return store.PrefixString(p.Peer), 0
	case store.ByPort:
		if !p.HasPort {
			return "", p.Proto
		}
		return strconv.Itoa(int(p.Port)), p.Proto
	case store.ByProto:
		return store.ProtoName(p.Proto), 0
	case store.ByDirection:
		return p.Direction.String(), 0
	}
	return p.Sensor, 0
}

// top sums by brute force; rows have only what sums and counting give.
func (h history) top(by store.Dimension, n int) store.Top {
	type rowKey struct {
		key   string
		proto uint8
	}
	rows := make(map[rowKey]*store.Row)
	seen := make(map[rowKey]map[netip.Prefix]bool)
	top := store.Top{By: by}
	for _, p := range h {
		var k rowKey
		k.key, k.proto = key(by, p)
		row := rows[k]
		if row == nil {
			row = &store.Row{Key: k.key, Proto: k.proto, First: p.Time, Last: p.Time.Add(p.Interval)}
			if by == store.ByPlace && k.key == p.Place.Country {
				row.Key, row.Place.Country = "", k.key
			}
			rows[k], seen[k] = row, make(map[netip.Prefix]bool)
		}
		if p.Direction == store.In {
			row.In.Add(p.Sum())
		} else {
			row.Out.Add(p.Sum())
		}
		if p.Time.Before(row.First) {
			row.First = p.Time
		}
		if end := p.Time.Add(p.Interval); end.After(row.Last) {
			row.Last = end
		}
		seen[k][p.Addr] = true
		top.Total.Add(p.Sum())
	}
	for k, row := range rows {
		row.Addresses = uint64(len(seen[k]))
		top.Rows = append(top.Rows, *row)
	}
	top.Count = len(top.Rows)
	store.SortRows(top.Rows)
	if n > 0 && n < len(top.Rows) {
		top.Rows = top.Rows[:n]
	}
	return top
}

var randomTerms = []string{
	"proto:tcp", "proto:udp,icmp", "proto:other", "port:443", "port:0-1024", "-port:53", "ip:203.0.113.0/28",
	"ip:2001:db8::/64", "-ip:203.0.113.0/24", "peer:203.0.113.3", "-peer:0.0.0.0/0", "host:203.0.113.1,2001:db8::1",
	"-host:203.0.113.0/24", "country:DE,FR", "-country:US", "region:Texas", "city:paris", `city:"new york"`,
	"place:33.6609,-95.5555", "-place:52.5244,13.4105", "asn:15169", "-asn:AS3320", "dir:in", "-dir:in",
	"opened:them", "opened:unanswered", "-opened:us", "sensor:gw1", "-sensor:gw1", "sensor:ä", "country:XX", "sensor:nobody",
}

func (r random) filter(t testing.TB, first time.Time, span time.Duration) store.Filter {
	t.Helper()
	text := ""
	for range r.IntN(4) {
		text += " " + pick(r, randomTerms...)
	}
	f, err := store.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	if r.IntN(2) == 0 {
		f.Window.From = first.Add(time.Duration(r.Int64N(int64(span))))
	}
	if r.IntN(2) == 0 {
		f.Window.To = first.Add(time.Duration(r.Int64N(int64(span))))
	}
	if f.Window.Check() != nil {
		f.Window = store.Window{}
	}
	return f
}

// TestAnswersEqualBruteForce asks about random windows and filters of a random
// history of three sensors with late batches, restarts, and times before 1970.
func TestAnswersEqualBruteForce(t *testing.T) {
	t.Parallel()
	r := newRandom(1)
	s := openNew(t, Options{Tick: 10 * time.Second})
	first := time.Unix(-200, 0).UTC()
	const ticks = 24
	var h history
	for i := range ticks {
		tick := first.Add(time.Duration(i) * s.Tick())
		for _, sensor := range randomSensors {
			for seq := range uint32(r.IntN(3)) {
				b := r.batch(sensor, tick, s.Tick(), seq, r.IntN(60))
				appendAll(t, s, b)
				h = append(h, b.Points...)
			}
		}
	}
	for range 25 {
		f := r.filter(t, first, (ticks+2)*s.Tick())
		name := f.Window.String() + " " + f.String()
		want := h.match(f)
		compareAnswers(t, s, f, want, name, r)
		if t.Failed() {
			return
		}
	}
}

func compareAnswers(t *testing.T, s *Store, f store.Filter, want history, name string, r random) {
	t.Helper()
	ctx := context.Background()
	got := pointsOf(t, s, f)
	if !promised(got) {
		t.Errorf("%s: points are out of order", name)
	}
	if n := len(inOrder(got)); n != len(got) {
		t.Errorf("%s: of %d points %d are others again", name, len(got), len(got)-n)
	}
	same(t, name+": points", inOrder(want), inOrder(got))
	step := pick(r, 0, s.Tick(), 6*s.Tick(), 10*time.Minute, 15*time.Minute, time.Hour)
	cells, err := s.Cells(ctx, f, step)
	if err != nil {
		t.Fatal(err)
	}
	same(t, name+": cells of "+step.String(), want.cells(step), cells)
	step = pick(r, s.Tick(), 3*s.Tick(), 30*time.Minute, 24*time.Hour)
	series, err := s.Series(ctx, f, step)
	if err != nil {
		t.Fatal(err)
	}
	same(t, name+": series of "+step.String(), want.series(step), series)
	for by := store.ByPlace; by <= store.BySensor; by++ {
		n := r.IntN(6)
		top, err := s.Top(ctx, f, by, n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range top.Rows { // words have a test of their own
			row := &top.Rows[i]
			if by != store.ByPlace || row.Key != "" {
				row.Place = store.Place{}
			}
			row.Label, row.ASN, row.ASOrg = "", 0, ""
		}
		brute := want.top(by, n)
		if s.maxKeys < 0 && by != store.ByIP { // from views or blocks: not counted
			for i := range brute.Rows {
				brute.Rows[i].Addresses, top.Rows[min(i, len(top.Rows)-1)].Addresses = 0, 0
			}
		}
		same(t, name+": top "+by.String(), brute.Rows, top.Rows)
		if brute.Total != top.Total || brute.Count != top.Count || by != top.By {
			t.Errorf("%s: top %s: total %v of %d rows, want %v of %d", name, by, top.Total, top.Count, brute.Total, brute.Count)
		}
	}
}
