package sqlite

import (
	"context"
)

// walLimit is how large the write-ahead log may stay: journal_size_limit.
const walLimit = 64 << 20

// walTidy is the size from which on maintenance empties the log's file: what lies
// behind the part in use is old, and may be what has been given up since.
const walTidy = 8 << 20

// checkpoint brings the log into the database, without making anybody wait: first as
// far as readers allow beside commits, then, where that was everything, under the
// writer's lock, the few pages that have come since, and empties the file.
func (s *Store) checkpoint(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return errClosed
	}
	if s.logBytes() < walTidy {
		return nil
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
	for rows.Next() { // busy: a reader needs the log, the next pass tries again
	}
	return rows.Close()
}
