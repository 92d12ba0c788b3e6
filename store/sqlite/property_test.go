package sqlite

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// past is a random history: batches of some sensors over days, with late ones and
// restarts, in a store whose tiers are closed at random moments, and beside it in one
// that has none.
type past struct {
	random
	t             *testing.T
	tiered, plain *Store
	first         time.Time
	span          time.Duration
	points        history
	batches       []*store.Batch
	seqs          map[string]uint32
}

func newPast(t *testing.T, seed uint64, span time.Duration) *past {
	p := &past{random: newRandom(seed), t: t, span: span, seqs: make(map[string]uint32)}
	p.tiered, p.plain = openNew(t, Options{NoMaintenance: true}), openNew(t, Options{NoMaintenance: true})
	p.first = time.Unix(-40000, 0).UTC() // days begin before 1970, too
	return p
}

// add appends a batch of a sensor at a tick, which repeats points of the one before it
// in the same tick: these are of one key.
func (p *past) add(sensor string, tick time.Time) {
	key := sensor + tick.String()
	b := p.batch(sensor, tick, p.tiered.Tick(), p.seqs[key], p.IntN(10))
	if p.seqs[key] > 0 && p.IntN(2) == 0 {
		for _, old := range p.batches {
			if old.Sensor == sensor && old.Tick.Equal(tick) && len(old.Points) > 0 {
				again := old.Points[p.IntN(len(old.Points))]
				b.Points = append(b.Points, again)
				for _, c := range []*store.Count{&b.Books.Captured, &b.Books.Decoded, &b.Books.OnePublic} {
					c.Add(store.Count{Packets: again.Packets, Bytes: again.Bytes})
				}
			}
		}
	}
	if p.IntN(20) == 0 {
		b.Books.Drops, b.Books.Folded.Packets = p.Uint64N(5), p.Uint64N(5)
	}
	if p.IntN(10) == 0 {
		p.part(b, p.IntN(6), 6+p.IntN(5))
	}
	if p.IntN(10) == 0 {
		b.Geo = []store.GeoSource{{Kind: "city", Name: pick(p.random, "one", "two")}}
	}
	p.agree(b.Points)
	p.seqs[key]++
	p.batches = append(p.batches, b)
	p.points = append(p.points, b.Points...)
	appendAll(p.t, p.tiered, b)
	appendAll(p.t, p.plain, b)
}

// agree gives all points of one key and tick connection attempts, or none: they are one
// point once they are sealed, which opened: must not tell from the parts.
func (p *past) agree(points []store.Point) {
	opened := make(map[store.Point]bool)
	key := func(x store.Point) store.Point {
		x.Packets, x.Bytes, x.Opens = 0, 0, 0
		return x
	}
	for _, old := range p.points {
		if old.Time.Equal(tickOf(points)) {
			opened[key(old)] = old.Opens > 0
		}
	}
	for i := range points {
		x := &points[i]
		was, known := opened[key(*x)]
		switch {
		case known && !was:
			x.Opens = 0
		case known && x.Opens == 0:
			x.Opens = 1
		}
		opened[key(*x)] = x.Opens > 0
	}
}

// tickOf returns the tick of points.
func tickOf(points []store.Point) time.Time {
	if len(points) == 0 {
		return time.Time{}
	}
	return points[0].Time
}

func (p *past) maintain(force bool) {
	p.t.Helper()
	if err := p.tiered.Maintain(context.Background(), force); err != nil {
		p.t.Fatal(err)
	}
}

// grow lets the history go on: ticks one after the other for a while, then a gap, all
// over the span; now and then something late.
func (p *past) grow(bursts int) {
	p.t.Helper()
	tick := int64(p.tiered.Tick() / time.Second)
	at := p.first.Unix()
	for range bursts {
		at += p.Int64N(2 * int64(p.span/time.Second) / int64(bursts) / tick * tick)
		at = floorTo(at, tick)
		for range 1 + p.IntN(6) {
			for _, sensor := range randomSensors {
				if p.IntN(3) > 0 {
					p.add(sensor, time.Unix(at, 0).UTC())
				}
			}
			at += tick * (1 + p.Int64N(p.Int64N(80)+1))
		}
		switch p.IntN(8) {
		case 0:
			p.maintain(false)
		case 1:
			p.maintain(p.IntN(4) == 0)
		case 2:
			late := floorTo(p.first.Unix()+p.Int64N(at-p.first.Unix()), tick)
			p.add(pick(p.random, randomSensors...), time.Unix(late, 0).UTC())
		case 3:
			if len(p.batches) > 0 {
				again := pick(p.random, p.batches...)
				p.add(again.Sensor, again.Tick)
			}
		}
	}
}

// window is a random one, sometimes along the edges of tiers.
func (p *past) window() (w store.Window) {
	edge := func() time.Time {
		at := p.first.Unix() + p.Int64N(int64(p.span/time.Second)*5/4)
		return time.Unix(floorTo(at, pick[int64](p.random, 1, 10, 600, 3600, 86400)), p.Int64N(2)).UTC()
	}
	if p.IntN(4) > 0 {
		w.From = edge()
	}
	if p.IntN(4) > 0 {
		w.To = edge()
	}
	if !w.From.IsZero() && w.To.Before(w.From) {
		w.From, w.To = w.To, w.From
	}
	if w.Check() != nil {
		return store.Window{}
	}
	return w
}

// ask compares all answers about a random window and filter.
func (p *past) ask() {
	p.t.Helper()
	f := p.filter(p.t, p.first, p.span)
	f.Window = p.window()
	name := f.Window.String() + " " + f.String()
	want := p.points.match(f)
	compareAnswers(p.t, p.tiered, f, want, name, p.random)
	p.compareCoverage(f.Window)
}

func (p *past) compareCoverage(w store.Window) {
	p.t.Helper()
	ctx := context.Background()
	want, err := p.plain.Coverage(ctx, w)
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := p.tiered.Coverage(ctx, w)
	if err != nil {
		p.t.Fatal(err)
	}
	if want.Off() != got.Off() {
		p.t.Errorf("%s: off for %s, want %s", w, got.Off(), want.Off())
	}
	if want.Window.To.Sub(want.Window.From) > 48*time.Hour { // idle may have become data
		want.Spans, got.Spans = nil, nil
	}
	if d := diff(want, got); d != "" {
		p.t.Errorf("%s: coverage (-want +got):\n%s", w, d)
	}
}

// TestTiersEqualBruteForce asks about random windows and filters of random histories
// while their tiers are being closed; 10,000 of them with PACKETHEAT_TORTURE=1.
func TestTiersEqualBruteForce(t *testing.T) {
	t.Parallel()
	seeds, stages, asks := 3, 2, 4
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		seeds, stages, asks = 100, 5, 20
	}
	for seed := range seeds {
		p := newPast(t, uint64(100+seed), 3*24*time.Hour)
		if seed%3 == 2 {
			p.tiered.maxKeys = -1 // views, whatever the number of keys
		}
		for stage := range stages {
			p.grow(12)
			p.maintain(stage == stages-1 && seed%2 == 0)
			for range asks {
				p.ask()
				if t.Failed() {
					t.Fatalf("seed %d, stage %d", seed, stage)
				}
			}
			p.first = p.first.Add(p.span)
			p.span += time.Duration(p.IntN(2)) * 24 * time.Hour
		}
	}
}

// TestWindowEndsAtTheEpoch: the moment 0 is one as any other.
func TestWindowEndsAtTheEpoch(t *testing.T) {
	t.Parallel()
	p := newPast(t, 112, 3*24*time.Hour)
	p.grow(12)
	p.maintain(false)
	for _, w := range []store.Window{{To: time.Unix(0, 0).UTC()}, {From: time.Unix(0, 0).UTC()}} {
		p.compareCoverage(w)
		compareAnswers(t, p.tiered, store.Filter{Window: w}, p.points.match(store.Filter{Window: w}), w.String(), p.random)
	}
}

// TestDropsStayApart: ten minutes tell which of two ticks lost more; an hour need not.
func TestDropsStayApart(t *testing.T) {
	two := []run{{store.StateData, 10 * time.Second, 2, 3}, {store.StateData, 10 * time.Second, 4, 2}}
	for level, want := range map[int64]int{level10m: 2, level1h: 1, level1d: 1} {
		if got := coarsen(two, level); len(got) != want || got[0].drops+got[len(got)-1].drops != uint64(6*(3-want)) {
			t.Errorf("level %d: %v", level, got)
		}
	}
}
