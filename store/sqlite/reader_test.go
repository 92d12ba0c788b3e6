package sqlite

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestReadersDoNotHoldTheLog: while the caller of Points takes its time, the whole
// log can be emptied, so no cursor is open.
func TestReadersDoNotHoldTheLog(t *testing.T) {
	s := openNew(t, Options{})
	for i := range 3 * chunkRows {
		appendAll(t, s, mini("a", 10*i, 0, 2))
	}
	ctx := context.Background()
	asked := 0
	err := s.Points(ctx, store.Filter{}, func([]store.Point) error {
		if asked++; asked%200 != 1 {
			return nil
		}
		appendAll(t, s, mini("b", 100*asked, 1, 50))
		s.logKeeper.mu.Lock()
		defer s.logKeeper.mu.Unlock()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // the reading ahead comes to rest
			var busy, inLog, moved int
			s.mu.Lock() // or the upkeep is at it
			err := s.w.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved)
			s.mu.Unlock()
			if err != nil || busy == 0 && inLog == 0 {
				return err
			}
			if time.Now().After(end) {
				return errors.New("the log is held")
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAnswerIsOfItsBeginning appends while an answer is being given.
func TestAnswerIsOfItsBeginning(t *testing.T) {
	s := openNew(t, Options{})
	var want history
	for i := range 2 * chunkRows {
		b := mini("a", 10*i, 0, 2)
		appendAll(t, s, b)
		want = append(want, b.Points...)
	}
	var got history
	once := false
	err := s.Points(context.Background(), store.Filter{}, func(chunk []store.Point) error {
		if !once {
			once = true
			appendAll(t, s, mini("a", 10*(2*chunkRows-1), 1, 5), mini("b", 20000, 0, 5))
		}
		got = append(got, chunk...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "points", inOrder(want), inOrder(got))
}

func TestYieldError(t *testing.T) {
	s := openNew(t, Options{})
	appendAll(t, s, mini("a", 0, 0, 5), mini("a", 10, 0, 5))
	stop := errors.New("enough")
	calls := 0
	err := s.Points(context.Background(), store.Filter{}, func([]store.Point) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// TestCancel: every question ends with its context.
func TestCancel(t *testing.T) {
	s := openNew(t, Options{})
	for i := range 50 {
		appendAll(t, s, mini("a", 10*i, 0, 5))
	}
	ctx, cancel := context.WithCancel(context.Background())
	calls := 0
	err := s.Points(ctx, store.Filter{}, func([]store.Point) error { calls++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("points: %v after %d chunks", err, calls)
	}
	var f store.Filter
	for name, ask := range map[string]func() error{
		"points":   func() error { return s.Points(ctx, f, func([]store.Point) error { return nil }) },
		"cells":    func() error { _, err := s.Cells(ctx, f, 0); return err },
		"series":   func() error { _, err := s.Series(ctx, f, s.Tick()); return err },
		"top":      func() error { _, err := s.Top(ctx, f, store.ByIP, 0); return err },
		"coverage": func() error { _, err := s.Coverage(ctx, f.Window); return err },
		"stats":    func() error { _, err := s.Stats(ctx); return err },
		"next seq": func() error { _, err := s.NextSeq(ctx, "a", benchStart); return err },
	} {
		if err := ask(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAskRefuses(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	backwards := store.Filter{Window: store.Window{From: benchStart, To: benchStart.Add(-time.Hour)}}
	if _, err := s.Cells(ctx, backwards, 0); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("a window that is backwards: %v", err)
	}
	for _, step := range []time.Duration{time.Second, 15 * time.Second, -s.Tick(), time.Nanosecond} {
		if _, err := s.Cells(ctx, store.Filter{}, step); err == nil || !strings.Contains(err.Error(), "multiple of the tick, 10s") {
			t.Errorf("cells of %s: %v", step, err)
		}
	}
	if _, err := s.Series(ctx, store.Filter{}, 0); err == nil {
		t.Error("a series without step is answered")
	}
	if _, err := s.Top(ctx, store.Filter{}, store.BySensor+1, 0); err == nil {
		t.Error("a top by nothing is answered")
	}
}

// TestTogether has readers ask while a writer commits, for the race detector, and
// checks that sums never go back and always fit each other.
func TestTogether(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	var group sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		group.Go(func() {
			last := uint64(0)
			for {
				select {
				case <-done:
					return
				default:
				}
				top, err := s.Top(ctx, store.Filter{}, store.ByCountry, 1)
				if err != nil || top.Total.Packets < last {
					t.Errorf("total %d after %d: %v", top.Total.Packets, last, err)
					return
				}
				last = top.Total.Packets
				if c, err := s.Coverage(ctx, store.Window{}); err != nil || c.Damaged != 0 {
					t.Errorf("%d damaged: %v", c.Damaged, err)
					return
				}
			}
		})
	}
	for i := range 60 {
		appendAll(t, s, mini(randomSensors[i%3], 10*i, 0, 50))
	}
	close(done)
	group.Wait()
}

// TestQueriesUseTheIndex: pruning by time is SQLite's business, so ask it.
func TestQueriesUseTheIndex(t *testing.T) {
	s := openNew(t, Options{})
	rows, err := s.readers.Query("EXPLAIN QUERY PLAN "+(&plan{all: true}).baseQuery(nil), 0, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	text := ""
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		text += detail + "\n"
	}
	if !strings.Contains(text, "SEARCH b USING INDEX batches_by_tick (tick>? AND tick<?)") ||
		!strings.Contains(text, "SEARCH k USING INTEGER PRIMARY KEY") || strings.Contains(text, "TEMP B-TREE") {
		t.Errorf("the plan is\n%s", text)
	}
}

// TestPointsAcrossChunks has more blocks than a cursor reads, several in a tick,
// some alone, and one that is too big for one chunk of the caller's.
func TestPointsAcrossChunks(t *testing.T) {
	s := openNew(t, Options{})
	var want history
	add := func(b *store.Batch) {
		appendAll(t, s, b)
		want = append(want, b.Points...)
	}
	r := newRandom(60)
	for i := range chunkRows {
		for _, sensor := range randomSensors[:1+r.IntN(3)] {
			add(mini(sensor, 10*i, 0, 1+r.IntN(3)))
		}
	}
	add(mini("big", 10*chunkRows, 0, 3*chunkPoints+5))
	var got history
	err := s.Points(context.Background(), store.Filter{}, func(chunk []store.Point) error {
		if len(chunk) == 0 || len(chunk) > chunkPoints {
			t.Errorf("a chunk of %d points", len(chunk))
		}
		got = append(got, chunk...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !promised(got) {
		t.Error("out of order")
	}
	same(t, "points", inOrder(want), inOrder(got))
}
