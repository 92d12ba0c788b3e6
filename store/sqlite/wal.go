package sqlite

import "context"

// walLarge is the size from which on maintenance empties the write-ahead log: it is
// brought into the database when it has 4 MiB, and begun anew, so it is as large only
// where a reader was in the way, or one transaction was.
const walLarge = 16 << 20

// checkpoint empties the log where it has grown.
func (s *Store) checkpoint(ctx context.Context) error {
	if s.logBytes() < walLarge {
		return nil
	}
	return s.emptyLog(ctx)
}

// emptyLog brings the write-ahead log into the database and empties its file, which
// otherwise keeps what was written once, deleted or not, until something comes in its
// place. Where a reader needs the log it does what it can and does not wait: the next
// pass tries again.
func (s *Store) emptyLog(ctx context.Context) error {
	s.logKeeper.mu.Lock()
	defer s.logKeeper.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return errClosed
	}
	ctx = context.WithoutCancel(ctx)
	if _, err := s.w.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return err
	}
	defer func() { _, _ = s.w.ExecContext(ctx, "PRAGMA busy_timeout = 10000") }() // as it was opened
	rows, err := s.w.QueryContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return err
	}
	for rows.Next() { // a row says whether it was everything
	}
	return rows.Close()
}
