package sqlite

import (
	"context"
	"fmt"
	"math"
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
	Oldest   time.Time // start of the first tick, or tier where points are gone; zero in an empty store
	Newest   time.Time // end of the last tick
	PerDay   float64   // bytes a day of capturing, going by the last day with data

	PointsFrom time.Time   // start of the oldest points; zero where there are none
	Blocks     int64       // bytes of points that are in no tier yet
	Tiers      []TierStats // the finest first; none of a store of format 1
	Seen       SeenStats   // who was seen, for Store.Seen
}

// TierStats is what there is of the tiers of one level.
type TierStats struct {
	Level          time.Duration // length of an interval
	Tiers          int64
	Points         int64     // that they are the sums of
	Keys           int64     // rows of their full keys
	Oldest, Newest time.Time // start of the first and end of the last one; zero without any

	KeyBytes    int64 // sums by full key
	SampleBytes int64 // what makes them exact to the tick, with the keys: the sealed points
	ViewBytes   int64 // sums by place, AS, port, protocol
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
	if st.Seen, err = s.seenStats(ctx, version); err != nil {
		return st, err
	}
	var first, last int64
	err = s.readers.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(points), 0), coalesce(min(tick), 0), coalesce(max(tick), 0)
		FROM batches`).Scan(&st.Batches, &st.Points, &first, &last)
	if err != nil || st.Batches == 0 {
		return st, err
	}
	st.Oldest, st.Newest = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC().Add(s.tick)
	if err := s.tierStats(ctx, &st); err != nil {
		return st, err
	}
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

// statsTiers is how many tiers one query of tierStats is about.
const statsTiers = 4096

// tierStats reads what there is to say about points and tiers.
func (s *Store) tierStats(ctx context.Context, st *Stats) error {
	k, err := readKept(ctx, s.readers)
	if err != nil {
		return err
	}
	st.PointsFrom = st.Oldest
	if begin := k.begin[withPoints]; begin > st.Oldest.Unix() {
		st.PointsFrom = time.Unix(begin, 0).UTC()
	}
	if st.Blocks, err = number(ctx, s.readers, "SELECT sum(length(sums) + length(ends)) FROM blocks"); err != nil || k.generation < 0 {
		return err
	}
	at := make(map[int64]*TierStats)
	for i := len(levels) - 1; i >= 0; i-- {
		st.Tiers = append(st.Tiers, TierStats{Level: time.Duration(levels[i]) * time.Second})
	}
	for i := range st.Tiers {
		t := &st.Tiers[i]
		level := int64(t.Level / time.Second)
		at[level] = t
		var first, last int64
		err := scanRow(ctx, s.readers, `SELECT count(*), coalesce(sum(points), 0), coalesce(sum(keys), 0), coalesce(min(start), 0), coalesce(max(start), 0)
			FROM tiers WHERE level = ?`, []any{level}, &t.Tiers, &t.Points, &t.Keys, &first, &last)
		if err != nil {
			return err
		}
		if t.Tiers > 0 {
			t.Oldest, t.Newest = time.Unix(first, 0).UTC(), time.Unix(last+level, 0).UTC()
		}
		if k.begin[withPoints] != math.MinInt64 && t.Tiers > 0 && t.Oldest.Before(st.Oldest) {
			st.Oldest = t.Oldest // their batches have been deleted
		}
	}
	most, err := number(ctx, s.readers, "SELECT max(id) FROM tiers")
	for id := int64(0); id <= most && err == nil; id += statsTiers {
		err = s.partStats(ctx, at, id)
	}
	return err
}

// partStats adds the sizes of parts of some tiers, from an id on.
func (s *Store) partStats(ctx context.Context, at map[int64]*TierStats, id int64) error {
	rows, err := s.readers.QueryContext(ctx, `SELECT t.level, p.id & 15, sum(length(p.data)) FROM tiers t
		JOIN parts p ON p.id >= t.id * ?1 AND p.id < (t.id + 1) * ?1 WHERE t.id >= ?2 AND t.id < ?3 GROUP BY 1, 2`,
		partRoom, id, id+statsTiers)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var level, part, size int64
		if err := rows.Scan(&level, &part, &size); err != nil {
			return err
		}
		t := at[level]
		switch {
		case t == nil:
		case part == partKeysSamples:
			t.SampleBytes += size
		case part < partKeysSamples:
			t.KeyBytes += size
		default:
			t.ViewBytes += size
		}
	}
	return rows.Err()
}
