package sqlite

import (
	"context"
	"database/sql"
	"testing"
	"time"
)

// begin has a log written back from so many pages on.
func (k *logKeeper) begin(pages int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pages = pages
}

// keeperOf returns the connection of a keeper of the log, which does not run.
func keeperOf(t *testing.T, s *Store) *sql.DB {
	t.Helper()
	db, err := openPool(uri(s.path, "mode=rw"), &s.generation)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// fillLog appends until the log has so many pages.
func fillLog(t *testing.T, s *Store, db *sql.DB, least int) {
	t.Helper()
	r := newRandom(85)
	for {
		pages, _, err := checkpointed(t.Context(), db, "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		if pages >= least {
			return
		}
		appendAll(t, s, r.batch("gw1", benchStart.Add(time.Duration(s.nextID)*s.Tick()), s.Tick(), 0, 500))
	}
}

// TestShortenLog writes a log back where it is long, and a reader's part of it when
// the reader has gone. The next commit begins it anew.
func TestShortenLog(t *testing.T) {
	s := openNew(t, Options{NoMaintenance: true})
	quick(t, s)
	ctx := t.Context()
	execOn(t, s.path, "PRAGMA wal_checkpoint(TRUNCATE)")
	onWriter(t, s, "PRAGMA wal_autocheckpoint = 0")
	db := keeperOf(t, s)
	shorten := func(what string) (pages, moved int) {
		t.Helper()
		if err := s.shortenLog(ctx, db); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		pages, moved, err := checkpointed(ctx, db, "NOOP")
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return pages, moved
	}
	s.logKeeper.begin(60)
	fillLog(t, s, db, 20)
	if pages, moved := shorten("short"); pages < 20 || moved != 0 {
		t.Errorf("of a short log of %d pages %d are written back", pages, moved)
	}
	reader, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Rollback()
	seen, err := number(ctx, reader, "SELECT count(*) FROM batches")
	if err != nil {
		t.Fatal(err)
	}
	held, _, err := checkpointed(ctx, db, "NOOP")
	if err != nil {
		t.Fatal(err)
	}
	fillLog(t, s, db, 100)
	if pages, moved := shorten("beside a reader"); pages < 100 || moved != held {
		t.Errorf("of %d pages %d are written back, want those that the reader knows: %d", pages, moved, held)
	}
	if n, err := number(ctx, reader, "SELECT count(*) FROM batches"); err != nil || n != seen {
		t.Errorf("the reader sees %d batches, %v, want %d", n, err, seen)
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if pages, moved := shorten("without the reader"); pages < 100 || moved != pages {
		t.Errorf("of %d pages %d are written back", pages, moved)
	}
	appendAll(t, s, newRandom(86).batch("gw2", benchStart, s.Tick(), 0, 5))
	if pages, moved, err := checkpointed(ctx, db, "NOOP"); err != nil || pages == 0 || pages > 20 || moved != 0 {
		t.Errorf("after the next commit the log has %d pages, %d of them written back, %v", pages, moved, err)
	}
}

// TestLogKeeperRuns: in a store that maintains itself the log is written back although
// no commit does it.
func TestLogKeeperRuns(t *testing.T) {
	t.Parallel()
	s := openNew(t, Options{})
	s.logKeeper.notice() // of nothing
	s.logKeeper.begin(100)
	onWriter(t, s, "PRAGMA wal_autocheckpoint = 0")
	db := keeperOf(t, s)
	fillLog(t, s, db, 100)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, moved, err := checkpointed(ctx, db, "NOOP")
		if err != nil {
			t.Fatalf("nothing is written back: %v", err)
		}
		if moved > 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestCommitShortensLog: where the keeper of the log does not come to an end, commits
// do its work, later than it.
func TestCommitShortensLog(t *testing.T) {
	for _, test := range []struct {
		options Options
		pages   int64
	}{{Options{}, mostLogPages}, {Options{NoMaintenance: true}, logPages}} {
		s := openNew(t, test.options)
		if n, err := pragma(t.Context(), s.w, "wal_autocheckpoint"); err != nil || n != test.pages {
			t.Errorf("%+v: %d, %v", test.options, n, err)
		}
	}
}
