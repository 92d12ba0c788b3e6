package sqlite

import (
	"context"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestBatchesWithoutOutbox: where nobody knew that a store would be shipped, batches of a
// tick that was sealed come as one, and are counted.
func TestBatchesWithoutOutbox(t *testing.T) {
	h := newSealedHistory(t, 640, Options{Tick: time.Minute})
	for range 150 {
		h.append(t, 2, 30)
	}
	maintain(t, h.s, true)
	want := make(map[string]store.Sum)
	for _, b := range h.batches {
		sum := want[b.Sensor+b.Tick.String()]
		for i := range b.Points {
			sum.Add(b.Points[i].Sum())
		}
		want[b.Sensor+b.Tick.String()] = sum
	}
	got := make(map[string]store.Sum)
	n, merged := 0, 0
	for after := int64(0); ; {
		p, err := h.s.BatchesAfter(context.Background(), after, 300)
		if err != nil || p.Damaged > 0 {
			t.Fatal(err, p.Damaged)
		}
		if len(p.Batches) == 0 {
			break
		}
		after, n, merged = p.Last, n+len(p.Batches), merged+p.Merged
		for _, b := range p.Batches {
			sum := got[b.Sensor+b.Tick.String()]
			for i := range b.Points {
				sum.Add(b.Points[i].Sum())
			}
			got[b.Sensor+b.Tick.String()] = sum
		}
	}
	if !maps.Equal(want, got) || n != len(h.batches) || merged == 0 {
		t.Errorf("%d of %d batches, %d merged; sums equal: %v", n, len(h.batches), merged, maps.Equal(want, got))
	}
}

// TestKeptBlocksAreNoSecondPoints merges a store with blocks that stay for the outbox,
// and takes addresses out of it.
func TestKeptBlocksAreNoSecondPoints(t *testing.T) {
	ctx := context.Background()
	h := newSealedHistory(t, 650, Options{Tick: time.Minute})
	openOutbox(t, h.s)
	for range 150 {
		h.append(t, 2, 30)
	}
	maintain(t, h.s, true)
	if n := count(t, h.s, "SELECT count(*) FROM blocks"); n == 0 || n > int64(len(h.batches)/2) {
		t.Fatalf("%d of %d batches have blocks", n, len(h.batches))
	}
	other := openNew(t, Options{Tick: time.Minute, NoMaintenance: true})
	m, err := other.MergeFrom(ctx, h.s, nil)
	if err != nil || m.Batches != int64(len(h.batches)) || m.LeftOutBatches+m.Damaged != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	compareAnswers(t, other, store.Filter{}, h.points, "merged", h.random)
	if ours, theirs := mustID(t, h.s), mustID(t, other); ours == theirs {
		t.Error("two stores have the same id")
	}
	networks := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}
	left := h.points.without(networks)
	f, err := h.s.Forget(ctx, networks, false, nil)
	if err != nil || f.Points != samples(h.points)-samples(left) {
		t.Errorf("%d points forgotten, want %d, %v", f.Points, samples(h.points)-samples(left), err)
	}
	compareAnswers(t, h.s, store.Filter{}, left, "forgotten", h.random)
	sum := store.Sum{}
	for after := int64(0); ; {
		p, err := h.s.BatchesAfter(ctx, after, 300)
		if err != nil || p.Damaged+p.Merged > 0 {
			t.Fatal(err, p.Damaged, p.Merged)
		}
		if len(p.Batches) == 0 {
			break
		}
		after = p.Last
		for _, b := range p.Batches {
			for i := range b.Points {
				sum.Add(b.Points[i].Sum())
			}
		}
	}
	want := store.Sum{}
	for i := range left {
		want.Add(left[i].Sum())
	}
	if sum != want {
		t.Errorf("what is shipped after it adds up to %v, want %v", sum, want)
	}
}

// samples is how many points there are once those of one key in one tick are one.
func samples(h history) int64 {
	keys := make(map[store.Point]bool)
	for i := range h {
		k := keyOf(&h[i])
		k.Time, k.Sensor = h[i].Time, h[i].Sensor
		keys[k] = true
	}
	return int64(len(keys))
}

func mustID(t testing.TB, s *Store) string {
	t.Helper()
	id, err := s.ID(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return id
}
