package export

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

func build(t *testing.T, r Reader, o Options) (*page.Data, Report) {
	t.Helper()
	data, rep, err := Build(t.Context(), r, o)
	if err != nil {
		t.Fatal(err)
	}
	return data, rep
}

func rowSum(d *page.Data) (s store.Sum) {
	for _, r := range d.Rows {
		s.Add(store.Sum{Packets: r.Packets, Bytes: r.Bytes, Opens: r.Opens})
	}
	return s
}

// TestBuildCoarsens lowers the cap step by step: time goes first, then place, and
// the sums stay what they are.
func TestBuildCoarsens(t *testing.T) {
	points := somePoints(8000, 20) // 400 ticks: 66 minutes
	for i := range points {        // 20 places, in 4 countries
		points[i].Place = store.Place{Latitude: float64(i % 20), Longitude: 1, Precision: store.City,
			Country: string([]byte{'A' + byte(i%20/5), 'A'})}
	}
	r := &fakeReader{points: points}
	want := r.sum(store.Filter{})
	for _, tt := range []struct {
		cap  int
		step time.Duration
		note string
	}{
		{0, tick, ""},
		{8000, tick, ""},
		{7999, time.Minute, "steps of 1 min"},
		{600, 10 * time.Minute, "steps of 10 min"},
		{100, time.Hour, "steps of 1 h"},
		{30, 4000 * time.Second, "the whole window"},
		{10, 4000 * time.Second, "by country"},
	} {
		data, rep := build(t, r, Options{MaxRows: tt.cap, Detail: DetailPlaces})
		if rep.Step != tt.step || (tt.note == "") != (rep.Coarsened == "") || !strings.Contains(rep.Coarsened, tt.note) {
			t.Errorf("cap %d: step %s, %q; want %s, %q", tt.cap, rep.Step, rep.Coarsened, tt.step, tt.note)
		}
		if tt.cap > 10 && len(data.Rows) > tt.cap {
			t.Errorf("cap %d: %d rows", tt.cap, len(data.Rows))
		}
		if got := rowSum(data); got != want || rep.Sum != want {
			t.Errorf("cap %d: rows add up to %+v, points to %+v", tt.cap, got, want)
		}
		if data.Meta.Coarsened != rep.Coarsened || data.Meta.Step != int(tt.step.Seconds()) {
			t.Errorf("cap %d: page says step %d, %q", tt.cap, data.Meta.Step, data.Meta.Coarsened)
		}
	}
}

// TestBuildBins holds the rows of a page against the points, bin by bin, in a window
// that begins and ends inside of a minute.
func TestBuildBins(t *testing.T) {
	r := &fakeReader{points: somePoints(3000, 10)}
	w := store.Window{From: noon.Add(130 * time.Second), To: noon.Add(1005 * time.Second)}
	data, _ := build(t, r, Options{Filter: store.Filter{Window: w}, Step: time.Minute})
	want, got := map[time.Time]uint64{}, map[time.Time]uint64{}
	for _, p := range r.match(store.Filter{Window: w}) {
		want[p.Time.Truncate(time.Minute)] += p.Packets
	}
	for _, row := range data.Rows {
		got[data.Meta.Start.Add(time.Duration(row.Bin)*time.Minute)] += row.Packets
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("bins differ (-points +page):\n%s", diff)
	}
	if !data.Meta.From.Equal(w.From) || !data.Meta.To.Equal(w.To) {
		t.Errorf("window is %s to %s", data.Meta.From, data.Meta.To)
	}
}

// detailSums adds a page's details up by kind, place and name.
func detailSums(d *page.Data) map[string]uint64 {
	m := map[string]uint64{}
	for _, x := range d.Details {
		p := d.Places[x.Place]
		m[detailKey(x.Kind, p.Country+p.City, x.Name, x.Number, x.Out)] += x.Packets
	}
	return m
}

func detailKey(k page.Kind, place, name string, number uint32, out bool) string {
	if k == page.Address { // the AS number is beside it
		number = 0
	}
	return strings.Join([]string{"address peer port as"[k*5 : k*5+4], place, name,
		strings.Repeat("x", int(number%97)), store.Direction(map[bool]uint8{true: 1}[out]).String()}, "|")
}

func pointDetails(points []store.Point) map[string]uint64 {
	m := map[string]uint64{}
	for _, p := range points {
		place, out := p.Place.Country+p.Place.City, p.Direction == store.Out
		m[detailKey(page.Address, place, store.PrefixString(p.Addr), 0, out)] += p.Packets
		m[detailKey(page.Peer, place, store.PrefixString(p.Peer), 0, out)] += p.Packets
		if p.HasPort {
			m[detailKey(page.Port, place, "", uint32(p.Port), out)] += p.Packets
		}
		if p.ASN != 0 {
			m[detailKey(page.AS, place, p.ASOrg, p.ASN, out)] += p.Packets
		}
	}
	return m
}

func TestDetailsAreExact(t *testing.T) {
	r := &fakeReader{points: somePoints(2000, 90)}
	data, _ := build(t, r, Options{})
	if diff := gocmp.Diff(pointDetails(r.points), detailSums(data)); diff != "" {
		t.Errorf("details differ (-points +page):\n%s", diff)
	}
	bins := data.Meta.Coverage
	if len(bins) != 1 || bins[0].State != "data" {
		t.Errorf("coverage is %v", bins)
	}
	if none, _ := build(t, r, Options{Detail: DetailPlaces}); len(none.Details) != 0 {
		t.Errorf("%d details in a page of places", len(none.Details))
	}
}

// TestDetailsBeyondTheLimit has more subjects than are kept: those that are, are
// exact all the same, the biggest are among them, and every place has some.
func TestDetailsBeyondTheLimit(t *testing.T) {
	const most = 500
	var points []store.Point
	for i := range 16_000 {
		points = append(points, store.Point{Time: noon.Add(time.Duration(i/100) * tick), Interval: tick,
			Addr:  netip.PrefixFrom(netip.AddrFrom4([4]byte{9, byte(i >> 14), byte(i >> 7 & 127), byte(i & 127)}), 32),
			Proto: 6, Place: cities[min(4, i%50)], Packets: 1, Bytes: 60})
	}
	big := netip.MustParsePrefix("9.0.0.1/32") // small at first, big at the end
	for i := range 100 {
		points = append(points, store.Point{Time: noon.Add(time.Duration(200+i) * tick), Interval: tick, Addr: big, Proto: 6,
			Place: cities[1], Packets: 50, Bytes: 60})
	}
	r := &fakeReader{points: points}
	data, _ := build(t, r, Options{maxDetails: most})
	want, got := pointDetails(points), detailSums(data)
	if len(data.Details) > most || len(data.Details) < most/2 {
		t.Errorf("%d details", len(data.Details))
	}
	for k, n := range got {
		if want[k] != n {
			t.Fatalf("%s has %d packets in the page and %d in the points", k, n, want[k])
		}
	}
	if n := got[detailKey(page.Address, "AUSydney", "9.0.0.1", 0, false)]; n != 5001 {
		t.Errorf("the biggest address has %d packets", n)
	}
	for i := range cities {
		if !slices.ContainsFunc(data.Details, func(d page.Detail) bool { return data.Places[d.Place].City == cities[i].City }) {
			t.Errorf("nothing about %q", cities[i].City)
		}
	}
}

func TestTotals(t *testing.T) {
	r := &fakeReader{points: somePoints(1000, 100), two: 40, drops: 7}
	data, _ := build(t, r, Options{})
	sum := rowSum(data)
	tot := data.Meta.Totals
	if tot.Packets+tot.TwoPublic != sum.Packets || tot.TwoPublic != 40 || tot.Located+tot.Unlocated != sum.Packets || tot.Points != 1000 {
		t.Errorf("totals %+v of rows %+v", tot, sum)
	}
	if data.Meta.Drops != 7 || data.Meta.Sensor != "gw1" || len(data.Meta.Geo) != 1 {
		t.Errorf("evidence is %+v", data.Meta)
	}
	f, err := store.ParseFilter("proto:udp")
	if err != nil {
		t.Fatal(err)
	}
	data, _ = build(t, r, Options{Filter: f})
	if tot := data.Meta.Totals; tot.Packets != r.sum(f).Packets || tot.TwoPublic != 0 || tot.Points != uint64(len(r.match(f))) {
		t.Errorf("filtered totals %+v", tot)
	}
}

// TestBuildWhileCommitting adds points to a tick that was already counted: the page
// is built again, and its books balance.
func TestBuildWhileCommitting(t *testing.T) {
	r := &fakeReader{points: somePoints(500, 100)}
	r.onRead = func(reads int) {
		if reads == 1 {
			r.commit(noon.Add(4*tick), somePoints(500, 100)[400:]...)
		}
	}
	data, rep := build(t, r, Options{})
	if tot := data.Meta.Totals; tot.Packets != rep.Sum.Packets || rep.Coverage.Points != 600 || rep.Sum != r.sum(store.Filter{}) {
		t.Errorf("totals %+v, rows %+v, %d points", tot, rep.Sum, rep.Coverage.Points)
	}
}

func TestEmptyPagesSayWhy(t *testing.T) {
	none, err := store.ParseFilter("country:XX")
	if err != nil {
		t.Fatal(err)
	}
	off := store.Filter{Window: store.Window{From: noon.Add(-2 * time.Hour), To: noon.Add(-time.Hour)}}
	for _, tt := range []struct {
		r    *fakeReader
		f    store.Filter
		want string
	}{
		{&fakeReader{}, store.Filter{}, "Nothing is stored yet"},
		{&fakeReader{points: somePoints(9, 3)}, none, "matches the filter"},
		{&fakeReader{points: somePoints(9, 3)}, off, "sensor was off"},
	} {
		data, _ := build(t, tt.r, Options{Filter: tt.f})
		if !strings.Contains(data.Meta.Message, tt.want) || len(data.Rows) != 0 {
			t.Errorf("message is %q, want %q", data.Meta.Message, tt.want)
		}
		if err := page.Encode(&bytes.Buffer{}, data); err != nil {
			t.Error(err)
		}
	}
}

func TestSpans(t *testing.T) {
	at := func(min int) time.Time { return noon.Add(time.Duration(min) * time.Minute) }
	span := func(sensor string, from, to int, s store.State, drops uint64) store.Span {
		return store.Span{Window: store.Window{From: at(from), To: at(to)}, Sensor: sensor, State: s, Drops: drops}
	}
	cov := store.Coverage{Spans: []store.Span{
		span("a", 10, 20, store.StateData, 0), span("a", 20, 30, store.StateOff, 0), span("a", 30, 40, store.StateData, 5),
		span("b", 15, 25, store.StateIdle, 0),
	}}
	got := Spans(store.Window{From: at(0), To: at(50)}, &cov)
	want := []page.Span{
		{From: at(0), To: at(10), State: "off"},
		{From: at(10), To: at(20), State: "data"},
		{From: at(20), To: at(25), State: "idle"},
		{From: at(25), To: at(30), State: "off"},
		{From: at(30), To: at(40), State: "data", Drops: 5},
		{From: at(40), To: at(50), State: "off"},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("spans differ (-want +got):\n%s", diff)
	}
}

// TestPageIsInert puts evil names into a saved page: none may end a tag or open one.
func TestPageIsInert(t *testing.T) {
	points := somePoints(len(evil), 50)
	for i, name := range evil {
		points[i].Place.City, points[i].ASOrg = name, name
	}
	html := run(t, &fakeReader{points: points}, HTML, Options{Sensor: "</script><script>alert(1)</script>", Title: "<img src=x>",
		Note: "<b>\"'&", Written: noon})
	if n := strings.Count(html, "alert(1)</script>") + strings.Count(html, "<img src=x") + strings.Count(html, "<b>\"'&"); n > 0 {
		t.Errorf("%d names are markup", n)
	}
}

// flowReader knows sums over steps, in no order, and begins anew once.
type flowReader struct{ *fakeReader }

func (r flowReader) Flows(_ context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	sums := map[store.Point]store.Sum{}
	for _, p := range r.match(f) {
		key := p
		if step > 0 {
			key.Time, key.Interval = p.Time.Truncate(step), step
		}
		key.Packets, key.Bytes, key.Opens = 0, 0, 0
		sum := sums[key]
		sum.Add(p.Sum())
		sums[key] = sum
	}
	var all []store.Point
	for p, sum := range sums {
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		all = append(all, p)
	}
	begin()
	if err := yield(all[:len(all)/2]); err != nil {
		return err
	}
	begin()
	for chunk := range slices.Chunk(all, 100) {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// TestDetailsFromFlows: a page is the same whether it is made from points or from sums
// of them over its time steps.
func TestDetailsFromFlows(t *testing.T) {
	for _, step := range []time.Duration{10 * time.Minute, time.Hour} {
		for _, text := range []string{"", "proto:tcp"} {
			r := &fakeReader{points: somePoints(8000, 20)}
			f, err := store.ParseFilter(text)
			if err != nil {
				t.Fatal(err)
			}
			o := Options{Step: step, Filter: f, Labels: someLabels{}, Detail: DetailFull}
			want, _ := build(t, r, o)
			got, _ := build(t, flowReader{r}, o)
			if text != "" {
				want.Meta.Totals.Points = 0
			}
			if len(want.Details) == 0 || !want.Meta.Clouds {
				t.Fatalf("%d details, clouds %v", len(want.Details), want.Meta.Clouds)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("step %s %q (-points +flows):\n%.3000s", step, text, diff)
			}
		}
	}
}

// TestBuildBehindTheData: a window that begins where the data ends, or later, has none.
func TestBuildBehindTheData(t *testing.T) {
	r := &fakeReader{points: somePoints(100, 10)}
	end := noon.Add(100 * time.Second)
	for _, from := range []time.Time{end, end.Add(time.Hour)} {
		strict := strictReader{r}
		data, _, err := Build(t.Context(), strict, Options{Filter: store.Filter{Window: store.Window{From: from, To: from.Add(time.Minute)}}})
		if err != nil || len(data.Rows) != 0 || data.Meta.Message == "" {
			t.Errorf("from %s: %v", from, err)
		}
	}
}

// strictReader refuses empty windows, as a store does.
type strictReader struct{ *fakeReader }

func (r strictReader) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	if err := w.Check(); err != nil {
		return store.Coverage{}, err
	}
	return r.fakeReader.Coverage(ctx, w)
}
