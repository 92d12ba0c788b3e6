package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestReader asks each server. That answers are right is the self-test's business; here is
// what two databases cannot be compared in.
func TestReader(t *testing.T) {
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		s := open(t, server, Options{})
		testEmpty(t, s)
		testWatch(t, s)
		testDone(t, s)
		testAnswered(t, s)
		testTies(t, s)
		testFlows(t, s)
		testProgress(t, open(t, server, Options{}))
		if s.caps.Tokens {
			testUncounted(t, open(t, server, Options{}))
			testGone(t, s)
			testAgesRead(t, server)
		} else {
			testCancelled(t, s)
		}
	})
}

// testEmpty asks a database that nobody has shipped to.
func testEmpty(t *testing.T, s *Store) {
	ctx := t.Context()
	c, err := s.Coverage(ctx, store.Window{})
	if err != nil || !c.Last.IsZero() || c.Tick != defaultTick || len(c.Spans) != 0 {
		t.Errorf("coverage %+v, %v", c, err)
	}
	cells, err1 := s.Cells(ctx, store.Filter{}, time.Minute)
	bins, err2 := s.Series(ctx, store.Filter{}, time.Minute)
	top, err3 := s.Top(ctx, store.Filter{}, store.ByIP, 3)
	err4 := s.Points(ctx, store.Filter{}, func([]store.Point) error { return errors.New("a point") })
	if err := errors.Join(err1, err2, err3, err4); err != nil || len(cells)+len(bins)+len(top.Rows) > 0 {
		t.Errorf("%v, %v, %+v, %v", cells, bins, top, err)
	}
	if _, err := s.Series(ctx, store.Filter{}, 0); err == nil || !strings.Contains(err.Error(), "multiple of the tick") {
		t.Errorf("series without a step: %v", err)
	}
	if _, err := s.Cells(ctx, store.Filter{Window: store.Window{From: noon, To: noon}}, 0); err == nil {
		t.Error("an empty window is answered")
	}
	s.keeper = keeper{} // what there is is looked at again
}

// testWatch appends until something is announced.
func testWatch(t *testing.T, s *Store) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	commits := s.Watch(ctx)
	now := time.Now().UTC().Truncate(time.Hour)
	for i := 0; ; i++ {
		b := someBatch("watched", now.Add(time.Duration(i)*10*time.Second), 0, 4)
		appendAll(t, s, "o", b)
		select {
		case c := <-commits:
			if c.Sensor != "watched" || c.Interval != 10*time.Second || c.Points != 4 || c.Public != b.Books.Public() || c.Drops != 3 || c.Tick.After(b.Tick) {
				t.Errorf("announced %+v of %+v", c, b.Books)
			}
			cancel()
			for range commits { // until it is closed
			}
			return
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// testDone asks with a context that is done, and ends reading in the middle.
func testDone(t *testing.T, s *Store) {
	ctx, cancel := context.WithCancel(t.Context())
	enough := errors.New("enough")
	if err := s.Points(ctx, store.Filter{}, func([]store.Point) error { return enough }); err != enough {
		t.Errorf("the receiver's error comes back as %v", err)
	}
	cancel()
	_, err1 := s.Cells(ctx, store.Filter{}, 0)
	_, err2 := s.Coverage(ctx, store.Window{})
	_, err3 := s.Top(ctx, store.Filter{}, store.ByASN, 3)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("asked in spite of a context that is done: %v", err)
		}
	}
}

// testAnswered: what was found out about a window holds for questions about a part of it.
func testAnswered(t *testing.T, s *Store) {
	b, back := someBatch("asked", noon, 0, 1), someBatch("asked", noon.Add(time.Minute), 0, 1)
	for i, x := range []*store.Batch{b, back} {
		p := &x.Points[0]
		p.Proto, p.Direction, p.Opens = tcp, store.Direction(i), uint64(1-i)
	}
	appendAll(t, s, "o", b, back)
	f, err := store.ParseFilter("opened:unanswered sensor:asked")
	if err != nil {
		t.Fatal(err)
	}
	f.Window = store.Window{From: noon, To: noon.Add(time.Hour)}
	whole, err := s.Answered(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		filter store.Filter
		want   int
	}{"by the whole": {whole, 0}, "by the part": {f, 1}} {
		c.filter.Window.To = noon.Add(30 * time.Second)
		cells, err := s.Cells(t.Context(), c.filter, 0)
		if err != nil || len(cells) != c.want {
			t.Errorf("%s: %d cells, want %d (%v)", name, len(cells), c.want, err)
		}
		top, err := s.Top(t.Context(), c.filter, store.ByIP, 0)
		if err != nil || len(top.Rows) != c.want {
			t.Errorf("%s: %d rows, want %d (%v)", name, len(top.Rows), c.want, err)
		}
	}
}

// testFlows holds flows against the points that they are sums of.
func testFlows(t *testing.T, s *Store) {
	var list []*store.Batch
	for i := range 8 {
		list = append(list, someBatch("flows", noon.Add(time.Duration(i*130)*10*time.Second), uint32(i), 20+i))
	}
	appendAll(t, s, "o", list...)
	f, err := store.ParseFilterWith("sensor:flows -label:low", lowLabel{})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []time.Duration{0, time.Hour} {
		key := func(x store.Point) store.Point {
			if x.Time = x.Time.Truncate(time.Hour); step == 0 {
				x.Time = time.Time{}
			}
			x.Interval, x.Packets, x.Bytes, x.Opens = 0, 0, 0, 0
			return x
		}
		want, got := map[store.Point]store.Sum{}, map[store.Point]store.Sum{}
		into := func(sums map[store.Point]store.Sum) func([]store.Point) error {
			return func(list []store.Point) error {
				for i := range list {
					add(sums, key(list[i]), &list[i])
				}
				return nil
			}
		}
		rows, begun := 0, 0
		err1 := s.Points(t.Context(), f, into(want))
		err2 := s.Flows(t.Context(), f, step, func() { begun++ }, func(list []store.Point) error {
			rows += len(list)
			return into(got)(list)
		})
		if len(want) == 0 || rows != len(want) || begun != 1 || err1 != nil || err2 != nil {
			t.Errorf("step %s: %d flows of %d sums, begun %d times, %v, %v", step, rows, len(want), begun, err1, err2)
		}
		if diff := gocmp.Diff(want, got, gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("step %s: %s", step, diff)
		}
	}
}

// lowLabel knows one label, of small AS numbers.
type lowLabel struct{}

func (lowLabel) Names() []string { return []string{"low"} }

func (lowLabel) Matcher(string) (match func(addr, peer netip.Prefix, asn uint32) bool, peers bool) {
	return func(_, _ netip.Prefix, asn uint32) bool { return asn < 1<<32-5 }, false
}

// testTies: of very many addresses alike, those that come first by name are the top.
func testTies(t *testing.T, s *Store) {
	b := someBatch("ties", noon, 0, 0)
	for i := range 3000 {
		p := somePoint(0)
		a := p.Addr.Addr().As4()
		a[2], a[3] = byte(i>>8), byte(i)
		p.Addr = prefixOf(a)
		p.Time, p.Interval, p.Sensor = b.Tick, b.Interval, b.Sensor
		b.Points = append(b.Points, p)
	}
	appendAll(t, s, "o", b)
	f, err := store.ParseFilter("sensor:ties")
	if err != nil {
		t.Fatal(err)
	}
	all, err1 := s.Top(t.Context(), f, store.ByIP, 0)
	some, err2 := s.Top(t.Context(), f, store.ByIP, 5)
	if err1 != nil || err2 != nil || all.Count != 3000 {
		t.Fatal(err1, err2, all.Count)
	}
	if diff := gocmp.Diff(all.Rows[:5], some.Rows); diff != "" || some.Count != all.Count || some.Total != all.Total {
		t.Errorf("%d of %+v: %s", some.Count, some.Total, diff)
	}
}

// testGone gives up points and finer rollups at random and holds sums against those of the
// window that answers are widened to, read when all of it was there.
func testGone(t *testing.T, s *Store) {
	ctx := t.Context()
	r := rand.New(rand.NewPCG(3, 4))
	first := noon.Add(-50 * 24 * time.Hour)
	var list []*store.Batch
	for i := range 60 {
		tick := first.Add(time.Duration(r.Int64N(50*86400/10)) * 10 * time.Second)
		list = append(list, someBatch("gone", tick, uint32(i), 5))
	}
	appendAll(t, s, "o", list...)
	keep := func(k kept) { s.keeper.kept, s.keeper.until = &k, time.Now().Add(time.Hour) }
	defer func() { s.keeper.kept = nil }()
	for range 6 {
		f, err := store.ParseFilter([]string{"sensor:gone", "sensor:gone country:AU,BR", "sensor:gone proto:tcp -country:FI"}[r.IntN(3)])
		if err != nil {
			t.Fatal(err)
		}
		k := randomKept(r)
		from, to := randomWindow(r)
		if from >= to {
			continue
		}
		from = max(from, k.begin[0])
		f.Window = store.Window{From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC()}
		wide := f
		from, to = k.widen(from, to)
		wide.Window = store.Window{From: time.Unix(from, 0).UTC(), To: time.Unix(to, 0).UTC()}
		keep(kept{})
		want, err1 := s.Cells(ctx, wide, 0)
		sum, err2 := s.Top(ctx, wide, store.ByASN, 0)
		keep(k)
		got, err3 := s.Cells(ctx, f, 0)
		top, err4 := s.Top(ctx, f, store.ByASN, 0)
		var points store.Sum
		err5 := s.Points(ctx, f, func(list []store.Point) error {
			for i := range list {
				points.Add(list[i].Sum())
			}
			return nil
		})
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s, %+v: cells %s", f.Window, f, k, diff)
		}
		if top.Total != sum.Total || points != sum.Total || top.Count != sum.Count {
			t.Errorf("%s %s, %+v: %d rows with %+v, points with %+v, want %d with %+v", f.Window, f, k, top.Count, top.Total, points, sum.Count, sum.Total)
		}
		c, err := s.Coverage(ctx, f.Window)
		if err != nil || c.PointsFrom.IsZero() != (k.begin[withPoints] <= c.First.Unix()) {
			t.Errorf("points from %s, %v: %+v", c.PointsFrom, err, k)
		}
	}
}

// testAgesRead finds the ages that Init has given tables.
func testAgesRead(t *testing.T, server *chtest.Server) {
	const day = 24 * time.Hour
	s := open(t, server, Options{Retention: Retention{Points: 3 * day, Views10m: 10 * day, Views1h: 30 * day}})
	appendAll(t, s, "o", someBatch("a", time.Now().Truncate(time.Minute).UTC(), 0, 3))
	before := time.Now()
	k, first, err := s.begins(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.keeps(t.Context()); err != nil || all.begin != (kept{}).begin || first < k.begin[withPoints] {
		t.Errorf("nothing has been given up of what begins %d, and it says %+v, %v", first, all, err)
	}
	top, err := s.Top(t.Context(), store.Filter{}, store.BySensor, 0)
	if err != nil || len(top.Rows) != 1 || top.Rows[0].Addresses == 0 {
		t.Errorf("addresses of all there is are not counted: %+v, %v", top, err)
	}
	testOld(t, s)
	for i, age := range []time.Duration{0, 30 * day, 10 * day, 3 * day} {
		from := before.Add(-age)
		if begin := time.Unix(k.begin[i], 0); age > 0 && (begin.Before(from) || begin.After(from.Add(25*time.Hour))) || age == 0 && k.begin[i] > 0 {
			t.Errorf("what is kept for %s begins %s", age, begin)
		}
	}
}

// testOld ships what is older than the server keeps points: it takes it, and has sums of it.
func testOld(t *testing.T, s *Store) {
	b := someBatch("old", time.Now().Add(-5*24*time.Hour).Truncate(time.Minute).UTC(), 0, 3)
	if old, err := s.expired(t.Context(), []*store.Batch{b}); err != nil || !old {
		t.Errorf("points of five days ago are kept for three: %v, %v", old, err)
	}
	appendAll(t, s, "o", b)
	s.keeper.kept = nil
	f, err := store.ParseFilter("sensor:old")
	if err != nil {
		t.Fatal(err)
	}
	cells, err := s.Cells(t.Context(), f, 0)
	var got, want store.Sum
	for i := range cells {
		got.Add(cells[i].Sum)
	}
	want = sumsOf(b.Points).points
	if err != nil || got.Packets != want.Packets || got.Bytes != want.Bytes {
		t.Errorf("%+v of %+v, %v", got, want, err)
	}
}

// testCancelled: a question that nobody waits for ends at the server.
func testCancelled(t *testing.T, s *Store) {
	ctx, cancel := context.WithCancel(t.Context())
	running := func() (n uint64) {
		err := s.each(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%numbers%' AND query NOT LIKE '%processes%'", false, func(rows driver.Rows) error { return rows.Scan(&n) })
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ended := make(chan error, 1)
	go func() {
		ended <- s.each(ctx, "SELECT count() FROM system.numbers WHERE number % 7 = 9", false, func(driver.Rows) error { return nil })
	}()
	wait := func(n uint64) {
		for end := time.Now().Add(5 * time.Minute); running() != n; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d questions run, want %d", running(), n)
			}
		}
	}
	wait(1)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended by %v", err)
	}
	wait(0)
}

// TestErrors: users are told what to do, in one line, without the query.
func TestErrors(t *testing.T) {
	s := &Store{addr: []string{"db:9000"}, o: Options{Cluster: "heat"}}
	for _, c := range []struct {
		err  error
		want string
	}{
		{&clickhouse.Exception{Code: codeMemory, Message: "Memory limit exceeded. Stack trace:\n\n0. x"}, "ask ClickHouse at db:9000: it needs more memory"},
		{&clickhouse.Exception{Code: codeTimeout, Message: "Timeout"}, "takes longer than the server allows"},
		{&clickhouse.Exception{Code: codeReadonly, Message: "Cannot modify"}, "readonly = 2"},
		{&clickhouse.Exception{Code: codeSetTooBig, Message: "Limit for IN-set exceeded"}, "too many to say which were unanswered"},
		{&clickhouse.Exception{Code: codeAllConnsTried, Message: "All connection tries failed"}, "a shard does not answer"},
		{&clickhouse.Exception{Code: codeWrongPassword, Message: "Wrong password"}, "fleet."},
		{fmt.Errorf("read: %w", io.EOF), "has ended the connection"},
		{errors.New(strings.Repeat("é", 4000)), "…"},
	} {
		got := s.asked(t.Context(), c.err).Error()
		if !strings.Contains(got, c.want) || strings.Contains(got, "\n") || len(got) > 600 {
			t.Errorf("%q, want %q in it", got, c.want)
		}
	}
	s.o.Cluster = ""
	if err := s.asked(t.Context(), &clickhouse.Exception{Code: codeNetwork, Message: "Connection reset"}); strings.Contains(err.Error(), "shard") {
		t.Errorf("without a cluster: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.asked(ctx, io.EOF); err != context.Canceled {
		t.Errorf("of a context that is done: %v", err)
	}
}

func prefixOf(a [4]byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4(a), 32) }
