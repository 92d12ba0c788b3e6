package sqlite

import (
	"context"
	"time"
)

// SeenStats is what there is of the summaries of addresses.
type SeenStats struct {
	Days   int64     // of all sensors
	Oldest time.Time // start of the first; zero without any
	Bytes  int64     // with those of months and years
}

func (s *Store) seenStats(ctx context.Context, version int64) (st SeenStats, err error) {
	if version < seenFormat {
		return st, nil
	}
	var oldest int64
	err = s.readers.QueryRowContext(ctx, `SELECT count(*), coalesce(min(start), 0),
		(SELECT coalesce(sum(length(ends) + length(sums)), 0) FROM address_chunks) FROM addresses WHERE days = 1`).Scan(&st.Days, &oldest, &st.Bytes)
	if st.Days > 0 {
		st.Oldest = time.Unix(oldest, 0).UTC()
	}
	return st, err
}
