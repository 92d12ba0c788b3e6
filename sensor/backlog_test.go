package sensor

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// tickBatch is a batch of the tick i with points of n addresses from first on, each of
// two packets, in places that alternate.
func tickBatch(i, first, n int) *store.Batch {
	tick := noon.UTC().Truncate(10 * time.Second).Add(time.Duration(i) * 10 * time.Second)
	b := &store.Batch{Sensor: "test", Tick: tick, Interval: 10 * time.Second, From: tick, To: tick.Add(10 * time.Second)}
	for j := first; j < first+n; j++ {
		a := netip.AddrFrom4([4]byte{byte(11 + j>>20), byte(j >> 12), byte(j >> 4), byte(j)})
		if j%3 == 0 {
			a = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(j >> 16), byte(j >> 8), byte(j)})
		}
		b.Points = append(b.Points, store.Point{
			Time: tick, Interval: b.Interval, Sensor: "test", Addr: netip.PrefixFrom(a, a.BitLen()), Peer: netip.MustParsePrefix("192.168.1.2/32"),
			Proto: 6, HasPort: true, Port: uint16(j), Direction: store.Direction(j % 2), Packets: 2, Bytes: 200, Opens: uint64(j % 2),
			Place: store.Place{Country: []string{"DE", "FR"}[j%2], Precision: store.Country}, ASN: uint32(j % 5),
		})
	}
	b.Books.OnePublic = store.Count{Packets: uint64(2 * n), Bytes: uint64(200 * n)}
	b.Books.Decoded, b.Books.Captured = b.Books.OnePublic, b.Books.OnePublic
	return b
}

// byPlace sums points by what never folds.
func byPlace(sums map[string]store.Sum, b *store.Batch) {
	for i := range b.Points {
		p := &b.Points[i]
		key := fmt.Sprint(p.Addr.Addr().Is4(), p.Place.Country, p.ASN, p.Proto, p.Direction)
		sum := sums[key]
		sum.Add(p.Sum())
		sums[key] = sum
	}
}

// TestBacklogKeepsTotals has far more wait than is kept apart: the memory stays within
// its bound, and nothing is missing from any sum.
func TestBacklogKeepsTotals(t *testing.T) {
	for _, test := range []struct {
		name           string
		ticks, points  int
		fresh          bool // every tick has addresses of its own
		limit          int
		folded, merged bool
	}{
		{"few ticks", 20, 10, true, 1000, false, false},
		{"many ticks of the same", 1000, 10, false, 1000, false, true},
		{"many of others", 300, 40, true, 1000, true, true},
		{"a tick too big", 1, 3000, true, 1000, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := backlog{limit: test.limit}
			want, got := map[string]store.Sum{}, map[string]store.Sum{}
			merged, captured := 0, map[time.Time]bool{}
			for i := range test.ticks {
				first := 0
				if test.fresh {
					first = i * test.points
				}
				b := tickBatch(i, first, test.points)
				byPlace(want, b)
				captured[b.Tick] = true
				merged += w.add(&queued{Batch: b})
				if len(w.list) > maxQueued || w.points > test.limit {
					t.Fatalf("after %d ticks %d batches wait with %d points", i+1, len(w.list), w.points)
				}
			}
			longest := 0
			for _, q := range w.list {
				longest = max(longest, q.ticks+1)
			}
			if even := test.ticks/len(w.list) + 1; longest > 4*even {
				t.Errorf("one of %d batches has %d of %d ticks", len(w.list), longest, test.ticks)
			}
			var books store.Books
			for q := w.pop(); q != nil; q = w.pop() {
				if err := q.Check(); err != nil {
					t.Fatal(err)
				}
				if !captured[q.Tick] || q.To.Sub(q.From) != q.Interval {
					t.Errorf("tick %s comes twice, or is not all captured: %s to %s", q.Tick, q.From, q.To)
				}
				delete(captured, q.Tick)
				byPlace(got, q.Batch)
				books.Add(&q.Books)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("sums: %s", diff)
			}
			n := store.Count{Packets: uint64(2 * test.ticks * test.points), Bytes: uint64(200 * test.ticks * test.points)}
			if err := books.Check(n, true); err != nil {
				t.Error(err)
			}
			if (merged > 0) != test.merged || (books.Late.Packets > 0) != test.merged || (books.Folded.Packets > 0) != test.folded {
				t.Errorf("%d merged, %d packets late, %d folded", merged, books.Late.Packets, books.Folded.Packets)
			}
			if books.Folded.Packets > books.OnePublic.Packets || w.points != 0 || len(captured) != 0 {
				t.Errorf("%d packets folded of %d; %d points counted in an empty backlog; %d ticks missing from coverage",
					books.Folded.Packets, books.OnePublic.Packets, w.points, len(captured))
			}
		})
	}
}

// The batch that the sink may have already, because its answer was lost, is not in the
// list and so never merged into.
func TestWriterLeavesTheTriedAlone(t *testing.T) {
	fail := true
	m := &memory{}
	tried := make(chan *store.Batch, 100)
	m.fail = func(b *store.Batch) error {
		tried <- b
		if fail {
			return errors.New("disk full")
		}
		return nil
	}
	s := newSensor(t, m, nil)
	w := newWriter(s, true)
	s.writer = w
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	w.enqueue(tickBatch(0, 0, 5))
	first := <-tried
	for i := range 3 * maxQueued {
		w.enqueue(tickBatch(1+i, 5*i, 5))
	}
	if st := s.Status(); st.QueuedTicks < maxQueued || st.MergedTicks == 0 || st.CommitError != "disk full" {
		t.Errorf("status says %d queued, %d merged, %q", st.QueuedTicks, st.MergedTicks, st.CommitError)
	}
	m.mu.Lock()
	if len(first.Points) != 5 || first.Books.OnePublic.Packets != 10 {
		t.Errorf("the batch that is tried has grown to %d points", len(first.Points))
	}
	fail = false
	m.mu.Unlock()
	go func() {
		for range tried {
		}
	}()
	w.close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if books := m.checkBooks(t, true); books.OnePublic.Packets != 2*5*(3*maxQueued+1) {
		t.Errorf("%d packets are stored", books.OnePublic.Packets)
	}
	if st := s.Status(); st.CommitError != "" || st.QueuedTicks != 0 {
		t.Errorf("status still says %q, %d queued", st.CommitError, st.QueuedTicks)
	}
}

// Status may be asked for while batches merge, which is noted in it.
func TestStatusWhileMerging(t *testing.T) {
	s := newSensor(t, &memory{}, nil)
	p := s.start(true)
	stop, asked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(asked)
		for {
			select {
			case <-stop:
				return
			default:
				s.Status()
			}
		}
	}()
	for i := range 2000 {
		p.writer.enqueue(tickBatch(i, 0, 1))
	}
	close(stop)
	<-asked
	if err := p.drain(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkBacklogFold(b *testing.B) {
	batch := tickBatch(0, 0, 200_000)
	for b.Loop() {
		w := backlog{limit: 1000}
		copied := *batch
		copied.Points = append([]store.Point{}, batch.Points...)
		w.add(&queued{Batch: &copied})
	}
}
