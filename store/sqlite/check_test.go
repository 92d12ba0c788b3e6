package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// tiered is a store with three hours of two sensors in ticks of a minute, sealed but
// for the last ten minutes, with batches that came late after that, and the points
// that are in it. Its maintenance rests.
func tiered(t testing.TB, seed uint64) (*Store, history) {
	t.Helper()
	s := openNew(t, Options{Tick: time.Minute, NoMaintenance: true})
	return s, fillTiered(t, s, seed, "east", "west")
}

func fillTiered(t testing.TB, s *Store, seed uint64, sensors ...string) (all history) {
	t.Helper()
	r := newRandom(seed)
	start := benchStart.Truncate(24 * time.Hour).Add(21 * time.Hour)
	add := func(sensor string, minute int, seq uint32, n int) {
		b := r.batch(sensor, start.Add(time.Duration(minute)*time.Minute), time.Minute, seq, n)
		appendAll(t, s, b)
		all = append(all, b.Points...)
	}
	for minute := range 190 {
		for _, sensor := range sensors {
			if minute/20 != 3 { // off for a while
				add(sensor, minute, 0, 1+r.IntN(tortured(8, 30)))
			}
		}
	}
	maintain(t, s, false)
	for _, minute := range []int{5, 5, 69, 100, 179} {
		add(sensors[0], minute, uint32(len(all)), 8)
	}
	return all
}

// again is a copy of a store.
func again(t testing.TB, s *Store) *Store {
	t.Helper()
	dir := t.TempDir()
	if err := s.Backup(context.Background(), filepath.Join(dir, FileName), false, nil); err != nil {
		t.Fatal(err)
	}
	copied, err := Open(dir, Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { copied.Close() })
	return copied
}

func maintain(t testing.TB, s *Store, force bool) {
	t.Helper()
	if err := s.Maintain(context.Background(), force); err != nil {
		t.Fatal(err)
	}
}

func checked(t testing.TB, s *Store, rewrite bool) Checked {
	t.Helper()
	c, err := s.Check(context.Background(), rewrite, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// onWriter runs statements with the writing connection, between the transactions of the
// upkeep, which has one going at any time.
func onWriter(t testing.TB, s *Store, query string, args ...any) sql.Result {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	result, err := s.w.ExecContext(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return result
}

// write runs statements behind the store's back that change something.
func write(t testing.TB, s *Store, query string, args ...any) {
	t.Helper()
	result := onWriter(t, s, query, args...)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", query, n, err)
	}
}

// TestCheckFindsNothing holds a store that is right against what Check expects, in
// every state of its upkeep.
func TestCheckFindsNothing(t *testing.T) {
	t.Parallel()
	s, _ := tiered(t, 1)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"with late batches", func() {}},
		{"all in tiers", func() { maintain(t, s, true) }},
		{"written to again", func() {
			appendAll(t, s, newRandom(9).batch("east", benchStart.Truncate(24*time.Hour).Add(22*time.Hour), time.Minute, 77, 5))
		}},
		{"and sealed again", func() { maintain(t, s, true) }},
		{"without older points", func() {
			if err := s.PruneBefore(t.Context(), benchStart.Truncate(24*time.Hour).Add(23*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		step.do()
		last := int64(-1)
		c, err := s.Check(t.Context(), false, func(done, total int64) { last = done })
		if err != nil || c.Wrong+c.Fixed != 0 || len(c.Findings) != 0 || c.Batches == 0 || c.Tiers == 0 || c.Parts == 0 || c.Bytes == 0 {
			t.Errorf("%s: %+v, %v", step.name, c, err)
		}
		_ = last
	}
}

// TestCheckFinds damages a store in one way after the other, finds it and, where what
// is right is still there, has it written anew: then nothing is wrong any more and all
// answers are as before.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	const (
		tier10m = "SELECT min(id) FROM tiers WHERE level = 600 AND keys > 0"
		tier1h  = "SELECT min(id) FROM tiers WHERE level = 3600"
		tier1d  = "SELECT min(id) FROM tiers WHERE level = 86400"
		flip    = "UPDATE parts SET data = substr(data, 1, 20) || x'5a5a' || substr(data, 23) WHERE id = "
	)
	whole, all := tiered(t, 2)
	for _, c := range []struct {
		name    string
		damage  string
		said    string // in the first finding
		rewrite bool   // it can be written anew
	}{
		{"view of 10m", flip + "65536 * (" + tier10m + ") + 5", "view of places is damaged", true},
		{"times of a view of 10m", flip + "65536 * (" + tier10m + ") + 12", "view of protocols is damaged", true},
		{"view of 1h", flip + "65536 * (" + tier1h + ") + 7", "view of networks is damaged", true},
		{"keys of 1h", flip + "65536 * (" + tier1h + ") + 1", "chunk 0 of its keys is damaged", true},
		{"keys of 1d", flip + "65536 * (" + tier1d + ") + 2", "chunk 0 of its keys is damaged", true},
		{"a missing view", "DELETE FROM parts WHERE id = 65536 * (" + tier1h + ") + 9", "view of ports is damaged", true},
		{"counters of 1h", "UPDATE tiers SET books = x'00' WHERE id = (" + tier1h + ")", "its counters are damaged", true},
		{"coverage of 1d", "UPDATE tiers SET spans = x'00' WHERE id = (" + tier1d + ")", "its coverage is damaged", true},
		{"number of keys", "UPDATE tiers SET keys = keys + 1 WHERE id = (" + tier1h + ")", "keys, its row says", true},
		{"number of points", "UPDATE tiers SET points = points + 1 WHERE id = (" + tier1d + ")", "points, it has", true},
		{"number of batches", "UPDATE tiers SET batches = batches - 1 WHERE id = (" + tier1h + ")", "batches, it has", true},
		{"another's view", "UPDATE parts SET data = (SELECT data FROM parts WHERE id = 65536 * (" + tier1d + ") + 5) WHERE id = 65536 * (" + tier1h + ") + 5", "view of places", true},
		{"an interval on no list", "DELETE FROM open", "that no list has to be sealed", true},
		{"parts of nothing", "INSERT INTO parts VALUES (65536 * 9999, x'00')", "parts without their tier", true},
		{"a block of nothing", "INSERT INTO blocks VALUES (999999, x'00', x'00')", "without the row of their batch", true},
		{"late and not there", "INSERT INTO late VALUES (999999, 0, 1)", "late batches that are not there", true},

		{"samples", flip + "65536 * (" + tier10m + ") + 4", "chunk 0 of its keys is damaged", false},
		{"a block", "UPDATE blocks SET ends = substr(ends, 1, 20) || x'5a5a' || substr(ends, 23) WHERE id = (SELECT max(id) FROM blocks)", "its block is damaged", false},
		{"a missing block", "DELETE FROM blocks WHERE id = (SELECT max(id) FROM blocks)", "is missing", false},
		{"a batch's counters", "UPDATE batches SET books = x'00' WHERE id = (SELECT max(id) FROM batches)", "its counters are damaged", false},
		{"a batch's time", "UPDATE batches SET tick = tick + 1 WHERE id = (SELECT max(id) FROM batches)", "no multiple of the tick", false},
		{"a batch's sensor", "UPDATE batches SET sensor = 77 WHERE id = (SELECT max(id) FROM batches)", "its sensor 77 is unknown", false},
		{"a missing batch", "DELETE FROM batches WHERE id = (SELECT min(id) FROM batches)", "are missing, and none were given up", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := again(t, whole)
			write(t, s, c.damage)
			first := checked(t, s, false)
			if first.Wrong == 0 || !strings.Contains(first.Findings[0].Text, c.said) {
				t.Fatalf("found %+v", first)
			}
			second := checked(t, s, true)
			if c.rewrite && second.Fixed == 0 || c.rewrite != (second.Wrong == 0) {
				t.Fatalf("rewriting: %+v", second)
			}
			if !c.rewrite {
				return
			}
			if third := checked(t, s, false); third.Wrong != 0 {
				t.Errorf("afterwards: %+v", third)
			}
			same(t, "points", inOrder(all), inOrder(pointsOf(t, s, store.Filter{})))
			cells, err := s.Cells(t.Context(), store.Filter{}, 0)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "cells", all.cells(0), cells)
		})
	}
}

// TestCheckOfReader checks a store that somebody else writes to, and does not rewrite.
func TestCheckOfReader(t *testing.T) {
	t.Parallel()
	s, _ := tiered(t, 3)
	r, err := OpenReadOnly(s.path[:len(s.path)-len(FileName)], Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if c := checked(t, r, false); c.Wrong != 0 || c.Tiers == 0 {
		t.Errorf("%+v", c)
	}
	if _, err := r.Check(t.Context(), true, nil); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("rewriting: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Check(ctx, false, nil); err != context.Canceled && !strings.Contains(err.Error(), "canceled") {
		t.Errorf("cancelled: %v", err)
	}
}

// TestCheckStructure gives Check a file with a broken page.
func TestCheckStructure(t *testing.T) {
	s, _ := tiered(t, 4)
	var root int64
	if err := s.readers.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = 'batches_by_tick'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	write(t, s, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'late') WHERE name = 'batches_by_tick'")
	r, err := sql.Open("sqlite3", uri(s.path, "mode=ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s.readers.Close()
	s.readers = r
	c, err := s.Check(t.Context(), false, nil)
	if err != nil || c.Wrong == 0 || c.Findings[0].Where != "file" {
		t.Errorf("%+v, %v", c, err)
	}
}
