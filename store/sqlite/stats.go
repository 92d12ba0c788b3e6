package sqlite

import (
	"context"
	"fmt"
	"os"
	"time"
)

// Stats is what `db stats` tells about a store.
type Stats struct {
	Path     string        // of the SQLite file
	Format   int           // version of the schema
	Tick     time.Duration // length of a tick
	Sensors  []string      // in the order in which they first wrote
	Bytes    int64         // of the file and its write-ahead log
	Batches  int64
	Points   int64
	PerPoint float64   // bytes a point, everything counted; 0 without points
	Oldest   time.Time // start of the first tick; zero in an empty store
	Newest   time.Time // end of the last tick
	PerDay   float64   // bytes a day of capturing, going by the last day with data
}

// Stats reads what there is to say about the store.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	st, err := s.stats(ctx)
	if err != nil {
		return st, fmt.Errorf("read statistics of %q: %w%s", s.path, err, hint(err))
	}
	return st, nil
}

func (s *Store) stats(ctx context.Context) (Stats, error) {
	st := Stats{Path: s.path, Tick: s.tick}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			st.Bytes += info.Size()
		}
	}
	if err := s.dicts.load(ctx, s.readers); err != nil {
		return st, err
	}
	st.Sensors = append(st.Sensors, s.dicts.sensors.snapshot()[1:]...)
	version, err := pragma(ctx, s.readers, "user_version")
	if err != nil {
		return st, err
	}
	st.Format = int(version)
	var first, last int64
	err = s.readers.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(points), 0), coalesce(min(tick), 0), coalesce(max(tick), 0)
		FROM batches`).Scan(&st.Batches, &st.Points, &first, &last)
	if err != nil || st.Batches == 0 {
		return st, err
	}
	st.Oldest, st.Newest = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC().Add(s.tick)
	if st.Points == 0 {
		return st, nil
	}
	st.PerPoint = float64(st.Bytes) / float64(st.Points)
	// The last day of data: its points, and how many ticks they came in.
	var points, ticks int64
	err = s.readers.QueryRowContext(ctx, "SELECT coalesce(sum(points), 0), count(DISTINCT tick) FROM batches WHERE tick > ?",
		last-int64(24*time.Hour/time.Second)).Scan(&points, &ticks)
	if err != nil {
		return st, err
	}
	perTick := float64(points) * st.PerPoint / float64(ticks)
	st.PerDay = perTick * float64(24*time.Hour/s.tick)
	return st, nil
}
