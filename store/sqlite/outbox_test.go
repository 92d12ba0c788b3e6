package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// token is what whoever gets a batch knows it by.
func token(b *store.Batch) string {
	return fmt.Sprintf("%s/%d/%d", b.Sensor, b.Tick.Unix(), b.Seq)
}

// batchText is all that a batch says. Points of one key are one after sealing.
func batchText(b *store.Batch) string {
	return fmt.Sprint(b.Sensor, b.Tick.Unix(), b.Interval, b.Seq, b.From.UTC(), b.To.UTC(), b.Books, b.Geo, b.Points)
}

func openOutbox(t testing.TB, s *Store) *Outbox {
	t.Helper()
	o, err := s.Outbox(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func nextParcel(t testing.TB, o *Outbox, points int) Parcel {
	t.Helper()
	p, err := o.Next(context.Background(), points)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shipParcel(t testing.TB, o *Outbox, p Parcel) {
	t.Helper()
	if err := o.Shipped(context.Background(), p); err != nil {
		t.Fatal(err)
	}
}

// TestOutboxGivesEachBatchBack appends batches of several sensors, many of the same tick
// and many late, seals some of them at any time, and ships now and then. Every batch
// comes out as it went in, in order of commit, however often it is asked for.
func TestOutboxGivesEachBatchBack(t *testing.T) {
	for seed := range tortured[uint64](2, 6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := newSealedHistory(t, 600+seed, Options{Tick: time.Minute})
			o := openOutbox(t, h.s)
			sent := 0
			was := func(n int) string {
				b := *h.batches[n]
				b.Points = canonical(slices.Clone(b.Points))
				return batchText(&b)
			}
			ship := func(most int) {
				for range most {
					p := nextParcel(t, o, 1+h.IntN(200))
					if len(p.Batches) == 0 {
						return
					}
					if p.Damaged+p.Merged > 0 {
						t.Fatalf("%d damaged, %d merged", p.Damaged, p.Merged)
					}
					for _, b := range p.Batches {
						if got, want := batchText(b), was(sent); got != want {
							t.Fatalf("batch %d %s\n%s\nwas\n%s", sent, token(b), got, want)
						}
						sent++
					}
					if h.IntN(3) == 0 { // it did not arrive
						sent -= len(p.Batches)
						continue
					}
					shipParcel(t, o, p)
				}
			}
			for range tortured(120, 200) {
				h.append(t, 3, 30)
				switch h.IntN(8) {
				case 0:
					maintain(t, h.s, true)
				case 1:
					ship(3)
				}
			}
			maintain(t, h.s, true)
			for sent < len(h.batches) {
				ship(10)
			}
			// All of it again, from a copy of what a reader sees.
			all := 0
			for after := int64(0); ; {
				p, err := h.s.BatchesAfter(context.Background(), after, 500)
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Batches) == 0 {
					break
				}
				after = p.Last
				for _, b := range p.Batches {
					if batchText(b) != was(all) {
						t.Fatalf("batch %d %s is another now", all, token(b))
					}
					all++
				}
			}
			if all != len(h.batches) {
				t.Errorf("%d of %d batches", all, len(h.batches))
			}
			st, err := o.Status(context.Background())
			if err != nil || st.Waiting != 0 || st.Batches != int64(all) || st.Lost != 0 || !st.Oldest.IsZero() {
				t.Errorf("%+v, %v", st, err)
			}
			if c := checked(t, h.s, false); len(c.Findings) > 0 {
				t.Errorf("the store has %+v", c.Findings)
			}
			compareAnswers(t, h.s, store.Filter{}, h.points, "answers", h.random)
		})
	}
}

// TestOutboxRemembers: it goes on where it was in the next process, having been closed or
// not, and what was there before it was begun is not shipped.
func TestOutboxRemembers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	ctx := context.Background()
	r := newRandom(620)
	open := func() (*Store, *Outbox) {
		s, err := Open(dir, Options{NoMaintenance: true})
		if err != nil {
			t.Fatal(err)
		}
		return s, openOutbox(t, s)
	}
	s, err := Open(dir, Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	if st, err := s.OutboxStatus(ctx); err != nil || st != (OutboxStatus{}) {
		t.Errorf("without an outbox: %+v, %v", st, err)
	}
	appendAll(t, s, r.batch("gw1", benchStart, s.Tick(), 0, 5))
	id, err := s.ID(ctx)
	if err != nil || len(id) != 32 {
		t.Fatalf("id %q, %v", id, err)
	}
	s.Close()
	s, o := open()
	appendAll(t, s, r.batch("gw1", benchStart.Add(s.Tick()), s.Tick(), 0, 5), r.batch("gw1", benchStart.Add(2*s.Tick()), s.Tick(), 0, 6))
	p := nextParcel(t, o, 1)
	if len(p.Batches) != 1 || !p.Batches[0].Tick.Equal(benchStart.Add(s.Tick())) || p.Points() != 5 {
		t.Fatalf("first came %+v", p)
	}
	shipParcel(t, o, p)
	if err := o.Close(ctx); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s, o = open()
	p = nextParcel(t, o, 1000)
	if len(p.Batches) != 1 || !p.Batches[0].Tick.Equal(benchStart.Add(2*s.Tick())) {
		t.Fatalf("after a restart came %+v", p)
	}
	shipParcel(t, o, p) // and is not saved: a crash
	s.Close()
	s, o = open()
	defer s.Close()
	if p := nextParcel(t, o, 1000); len(p.Batches) != 1 {
		t.Errorf("after a crash came %+v", p)
	}
	if again, err := s.ID(ctx); err != nil || again != id {
		t.Errorf("id %q, before %q, %v", again, id, err)
	}
	if st, err := s.OutboxStatus(ctx); err != nil || st.Waiting != 1 || st.WaitingPoints != 6 || st.Batches != 1 || st.Since != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestOutboxHoldsRetention: age gives up nothing that is to be shipped; size does, and
// counts it.
func TestOutboxHoldsRetention(t *testing.T) {
	h := newSealedHistory(t, 630, Options{})
	ctx := context.Background()
	o := openOutbox(t, h.s)
	for minute := range 40 * 60 / 5 {
		appendAll(t, h.s, h.batch("gw1", benchStart.Add(time.Duration(minute)*5*time.Minute), h.s.Tick(), 0, 20))
	}
	h.s.SetRetention(Retention{Points: time.Hour, Views10m: 2 * time.Hour})
	if err := h.s.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(t, h.s, "SELECT count(*) FROM batches"); n != 480 {
		t.Fatalf("%d of 480 batches are left", n)
	}
	p := nextParcel(t, o, 100*20)
	shipParcel(t, o, p)
	if err := h.s.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(t, h.s, "SELECT count(*) FROM batches"); n < 380 || n > 384 {
		t.Fatalf("%d batches are left, of 380 that are to be shipped", n)
	}
	if st, err := o.Status(ctx); err != nil || st.Lost != 0 || st.Waiting != 380 {
		t.Errorf("%+v, %v", st, err)
	}
	// What is asked for goes, and so does what there is no room for.
	if err := h.s.PruneBefore(ctx, benchStart.Add(10*time.Hour)); err != nil {
		t.Fatal(err)
	}
	left := count(t, h.s, "SELECT count(*) FROM batches")
	if st, err := o.Status(ctx); err != nil || st.Lost != 380-left || st.LostPoints != 20*st.Lost || st.Lost != 20 {
		t.Errorf("%+v, %v, with %d batches", st, err, left)
	}
	h.s.SetRetention(Retention{Size: 1 << 10})
	if err := h.s.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	st, err := o.Status(ctx)
	if err != nil || st.Lost+st.Waiting != 380 || st.Waiting > 20 {
		t.Errorf("%+v, %v", st, err)
	}
	// Nobody ships any more: age takes what it takes.
	if err := o.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, any, err := h.s.unshipped(ctx); any || err != nil {
		t.Errorf("a closed outbox holds retention, %v", err)
	}
}

// TestOutboxOfNewFile: a store that was begun anew is another one, of which nothing has
// been shipped.
func TestOutboxOfNewFile(t *testing.T) {
	ctx := context.Background()
	s := storyStore(t, 20, nil)
	if err := s.Maintain(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := s.writeSpare(ctx); err != nil {
		t.Fatal(err)
	}
	o := openOutbox(t, s)
	ids := []string{mustID(t, s)}
	for n := range 2 {
		before := s.Recovered()
		breakFile(t, s)
		for i := 5000 + 2000*n; s.Recovered() == before; i++ {
			if err := s.Append(ctx, storyBatch(i)); err != nil {
				t.Fatal(err)
			}
			shrink(s)
		}
		if id := mustID(t, s); slices.Contains(ids, id) {
			t.Errorf("the new file is known as the old one: %s", id)
		} else {
			ids = append(ids, id)
		}
	}
	if _, err := o.Next(ctx, 1000); !errors.Is(err, ErrReplaced) {
		t.Errorf("the outbox of a file that was set aside: %v", err)
	}
	if again := openOutbox(t, s); again.status.Since == 0 || again.status.Shipped != again.status.Since {
		t.Errorf("%+v", again.status)
	}
}

// TestOutboxNeedsWriter: readers have none, but see how far it is.
func TestOutboxNeedsWriter(t *testing.T) {
	dir := t.TempDir()
	oneTick(t, dir)
	s, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Outbox(context.Background()); !errors.Is(err, errReadOnly) {
		t.Error(err)
	}
	p, err := s.BatchesAfter(context.Background(), 0, 1)
	if last, e := s.LastBatch(context.Background()); err != nil || e != nil || len(p.Batches) != 1 || p.Last != last {
		t.Errorf("%+v, %d, %v, %v", p, last, err, e)
	}
}
