package sqlite

import (
	"context"
	"database/sql"
	"sync"
)

// The write-ahead log is brought into the database from so many pages on: 4 MiB. SQLite
// by itself does that in the commit that gets there, which then takes as long as some
// MiB take to be written and synced. The upkeep has a goroutine and a connection for
// it, and commits go on. Where these keep it from coming to an end for so long that
// there are 16 MiB, the next commit does it after all.
const (
	logPages     = 1000
	mostLogPages = 4 * logPages
)

// logKeeper is the goroutine that does so; nothing runs in the zero value.
type logKeeper struct {
	wake chan struct{} // something was committed
	stop context.CancelFunc
	done chan struct{}

	// Held by whoever writes the log back but a commit: SQLite does not wait for another
	// that does so, whatever the timeout. Taken before Store.mu.
	mu    sync.Mutex
	pages int // logPages, or less in tests
}

// startLogKeeper starts it. Nobody commits yet.
func (s *Store) startLogKeeper() error {
	db, err := openPool(uri(s.path, "mode=rw&_synchronous=FULL"), &s.generation)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	ctx, stop := context.WithCancel(context.Background())
	k := &s.logKeeper
	k.wake, k.stop, k.done, k.pages = make(chan struct{}, 1), stop, make(chan struct{}), logPages
	go func() {
		defer close(k.done)
		defer db.Close()
		s.keepLog(ctx, db)
	}()
	return nil
}

// end ends the goroutine and waits for it.
func (k *logKeeper) end() {
	if k.stop != nil {
		k.stop()
		<-k.done
	}
}

// notice says that something was committed.
func (k *logKeeper) notice() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// keepLog keeps the log short until ctx is done.
func (s *Store) keepLog(ctx context.Context, db *sql.DB) {
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.logKeeper.wake:
		}
		if err := s.shortenLog(ctx, db); err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			s.log.Warn("the store's log could not be written back; commits do it where they must", "err", err, "store", s.path)
		}
	}
}

// logTries is how often the log is looked at again because something was committed
// while it was written back: there is less to do each time.
const logTries = 4

// shortenLog writes the log back where it is long. What readers need stays, and so
// does the file, which is begun anew by the next commit.
func (s *Store) shortenLog(ctx context.Context, db *sql.DB) error {
	k := &s.logKeeper
	k.mu.Lock()
	defer k.mu.Unlock()
	for range logTries {
		pages, before, err := checkpointed(ctx, db, "NOOP")
		if err != nil || pages < k.pages || before == pages {
			return err
		}
		if _, moved, err := checkpointed(ctx, db, "PASSIVE"); err != nil || moved == before {
			return err
		}
	}
	return nil
}

// checkpointed runs a checkpoint, which does not wait for anybody, and returns how many
// pages are in the log and how many of them are in the database, too.
func checkpointed(ctx context.Context, db queryer, mode string) (pages, moved int, err error) {
	rows, err := db.QueryContext(ctx, "PRAGMA wal_checkpoint("+mode+")")
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var busy int
		if err := rows.Scan(&busy, &pages, &moved); err != nil {
			return 0, 0, err
		}
	}
	return pages, moved, rows.Err()
}
