package clickhouse

import (
	"context"
	"fmt"
)

// Drop deletes the database with all that is in it: for one that was made to be thrown
// away.
func (s *Store) Drop(ctx context.Context) error {
	if err := s.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quoteName(s.o.database())+s.o.onCluster()); err != nil {
		return fmt.Errorf("drop database %q at %s: %w%s", s.o.database(), s.where(), err, hint(err))
	}
	return nil
}
