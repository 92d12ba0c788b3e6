package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// sealedHistory appends n random batches of several sensors, some of the same tick, in
// any order, and maintains the store now and then.
type sealedHistory struct {
	random
	s       *Store
	start   time.Time
	seqs    map[string]uint32
	batches []*store.Batch
	points  history
}

func newSealedHistory(t testing.TB, seed uint64, o Options) *sealedHistory {
	r := newRandom(seed)
	o.NoMaintenance = true
	s := openNew(t, o)
	start := time.Unix(floorTo(int64(r.IntN(2)-1)*200_000_000, level1d)-7200, 0).UTC()
	return &sealedHistory{random: r, s: s, start: start, seqs: make(map[string]uint32)}
}

// append appends a batch of a tick within hours of the start.
func (h *sealedHistory) append(t testing.TB, hours, points int) {
	t.Helper()
	sensor := pick(h.random, randomSensors...)
	tick := h.start.Add(time.Duration(h.IntN(hours*3600/int(h.s.Tick()/time.Second))) * h.s.Tick())
	if n := len(h.batches); n > 0 && h.IntN(4) == 0 {
		sensor, tick = h.batches[n-1].Sensor, h.batches[n-1].Tick
	}
	key := sensor + tick.String()
	b := h.batch(sensor, tick, h.s.Tick(), h.seqs[key], h.IntN(points))
	if h.IntN(4) == 0 {
		b.Books.Drops, b.Books.Folded.Packets = h.Uint64N(3), h.Uint64N(3)
	}
	if h.IntN(4) == 0 {
		b.From = tick.Add(h.s.Tick() / 3)
	}
	if n := len(h.batches); n > 0 && len(b.Points) > 0 && h.IntN(2) == 0 { // keys again
		for i, p := range h.batches[h.IntN(n)].Points {
			if i < len(b.Points) {
				p.Time, p.Sensor, p.Opens = tick, sensor, p.Opens*h.Uint64N(2)
				b.Points[i] = p
			}
		}
	}
	h.seqs[key]++
	appendAll(t, h.s, b)
	h.batches = append(h.batches, b)
	h.points = append(h.points, b.Points...)
}

// TestTiersHoldAllPoints decodes all tiers that random batches have become.
func TestTiersHoldAllPoints(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for seed, tick := range []time.Duration{10 * time.Second, time.Second, time.Minute} {
		h := newSealedHistory(t, 2100+uint64(seed), Options{Tick: tick})
		for range 2 {
			for range 20 {
				h.append(t, 3, 30)
			}
			if err := h.s.Maintain(ctx, false); err != nil {
				t.Fatal(err)
			}
			for range 10 {
				h.append(t, 3, 30)
			}
			if err := h.s.Maintain(ctx, true); err != nil {
				t.Fatal(err)
			}
			checkTiers(t, h.s, h.points, h.batches)
			if t.Failed() {
				t.Fatalf("tick %s, %+v", tick, h.s.Maintenance())
			}
		}
		if st := h.s.Maintenance(); st.Resealed == 0 || st.Sealed[0] == 0 || st.Sealed[1] == 0 || st.Sealed[2] == 0 || st.Failed != 0 {
			t.Errorf("%+v", st)
		}
	}
}

// TestMaintainChangesNoAnswer asks everything between sealing and coming late.
func TestMaintainChangesNoAnswer(t *testing.T) {
	t.Parallel()
	h := newSealedHistory(t, 2200, Options{})
	for i := range 6 {
		for range 12 {
			h.append(t, 3, 40)
		}
		if i%3 > 0 {
			if err := h.s.Maintain(context.Background(), i%3 == 2); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			f := h.filter(t, h.start, 3*time.Hour)
			compareAnswers(t, h.s, f, h.points.match(f), f.Window.String()+" "+f.String(), h.random)
		}
	}
}
