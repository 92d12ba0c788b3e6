package sqlite

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

// Forecast says how much room what is kept takes, going by the last day of data, and
// how long there is room for it.
type Forecast struct {
	// Bytes a day of capturing: points with all that goes with them, and views.
	Points, Views10m, Views1h, Views1d float64

	Rests time.Duration // how much capturing of the last day this rests on; 0: none yet, all is 0
	Used  int64         // bytes of the store now

	Horizon time.Duration // what is kept for longer counts for this long
	Need    float64       // bytes of what is kept at that time
	Room    int64         // bytes that the store may have; 0: as many as it likes
	Limit   string        // the key of the configuration that says so

	Full time.Duration // until Room is taken; 0: within Horizon it is not
	Kept time.Duration // how long points are kept at Horizon; 0: as long as asked for
}

// horizon is long enough for the default ages to be reached.
const horizon = 2 * 365 * 24 * time.Hour

// roomOf is how many bytes of pages a part takes: one that does not fit into a page has
// pages of its own (SQLite's file format, 1.6).
const roomOf = "CASE WHEN length(p.data) > 4061 THEN (length(p.data) + 4091) / 4092 * 4096 ELSE length(p.data) + 20 END"

// rowRoom is about how many bytes a row of batches or tiers takes, its index included.
const rowRoom = 260

// Forecast looks at the last day of data and works out how long a retention lasts.
func (s *Store) Forecast(ctx context.Context, r Retention) (Forecast, error) {
	f, err := s.forecast(ctx, r)
	if err != nil {
		return f, fmt.Errorf("forecast the size of %q: %w%s", s.path, err, hint(err))
	}
	return f, nil
}

func (s *Store) forecast(ctx context.Context, r Retention) (f Forecast, err error) {
	f.Horizon = horizon
	if f.Used, err = s.used(ctx); err != nil {
		return f, err
	}
	if tiered, err := s.tiered(ctx); err != nil || !tiered {
		return f, err
	}
	if err := s.perDay(ctx, &f); err != nil || f.Rests == 0 {
		return f, err
	}
	f.Room, f.Limit = r.Size-spare(r.Size), "store.retention.size"
	if r.Size <= 0 {
		f.Room = math.MaxInt64
	}
	if r.Free > 0 {
		free, err := freeSpace(filepath.Dir(s.path))
		if left := f.Used + free - r.Free; err == nil && left < f.Room {
			f.Room, f.Limit = max(left, 1), "store.retention.free"
		}
	}
	f.reckon(r)
	if f.Room == math.MaxInt64 {
		f.Room, f.Limit = 0, ""
	}
	return f, nil
}

// tiered reports whether the store has tables of tiers: a copy of the first format, which
// has been opened for reading, has none.
func (s *Store) tiered(ctx context.Context) (bool, error) {
	version, err := pragma(ctx, s.readers, "user_version")
	return version > 1, err
}

// perDay reads how many bytes a day takes by kind.
func (s *Store) perDay(ctx context.Context, f *Forecast) error {
	newest, any, err := optional(ctx, s.readers, "SELECT start FROM tiers WHERE level = 600 ORDER BY start DESC LIMIT 1")
	if err != nil || !any {
		return err
	}
	var keys, views, share [3]float64 // by level, the finest first
	for i, level := range []int64{level10m, level1h, level1d} {
		// Whole intervals up to the newest, a day of them, or the last day there is.
		k, v, n, err := s.levelRoom(ctx, level, newest+level10m-max(level1d, 2*level))
		if err != nil {
			return err
		}
		if n == 0 { // too young: as is usual of sums over longer times
			keys[i], views[i] = 0.4*keys[i-1], 0.35*views[i-1]
			continue
		}
		share[i] = float64(level1d) / float64(level) / float64(n)
		keys[i], views[i] = float64(k)*share[i], float64(v)*share[i]
		if i == 0 {
			f.Rests = time.Duration(n*level) * time.Second
		}
	}
	rows, err := number(ctx, s.readers, "SELECT sum(batches) FROM tiers WHERE level = 600 AND start >= ?", newest+level10m-level1d)
	if err != nil {
		return err
	}
	f.Points = keys[0] + keys[1] + keys[2] + float64(rows)*rowRoom*share[0]
	f.Views10m, f.Views1h, f.Views1d = views[0], views[1], views[2]
	return nil
}

// levelRoom adds up what tiers of a level that start at a time or behind it take: their
// full keys, all else, and how many intervals there are.
func (s *Store) levelRoom(ctx context.Context, level, from int64) (keys, views, intervals int64, err error) {
	rows, err := s.readers.QueryContext(ctx, fmt.Sprintf(`SELECT
		coalesce(sum(CASE WHEN p.id %% %[1]d <= %[2]d THEN %[3]s END), 0), coalesce(sum(CASE WHEN p.id %% %[1]d > %[2]d THEN %[3]s END), 0) + %[4]d * count(DISTINCT t.id),
		count(DISTINCT t.start) FROM tiers t JOIN parts p ON p.id >= t.id * %[5]d AND p.id < (t.id + 1) * %[5]d
		WHERE t.level = ? AND t.start >= ?`, chunkRoom, partKeysSamples, roomOf, rowRoom, partRoom), level, from)
	if err != nil {
		return 0, 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&keys, &views, &intervals); err != nil {
			return 0, 0, 0, err
		}
	}
	return keys, views, intervals, rows.Err()
}

// reckon fills what follows from the bytes a day.
func (f *Forecast) reckon(r Retention) {
	ages := r.ages()
	const days = float64(24 * time.Hour)
	rates := [4]float64{f.Points, f.Views10m, f.Views1h, f.Views1d}
	// What there is after some time of capturing, of which the first n kinds.
	after := func(t time.Duration, kinds ...int) (sum float64) {
		for _, i := range kinds {
			kept := t
			if ages[i] > 0 {
				kept = min(t, ages[i])
			}
			sum += rates[i] * float64(kept) / days
		}
		return sum
	}
	f.Need = after(f.Horizon, markPoints, mark10m, mark1h, mark1d)
	room := float64(f.Room)
	if f.Need <= room {
		return
	}
	low, high := time.Duration(0), f.Horizon // the room suffices at low, not at high
	for high-low > time.Hour {
		if middle := (low + high) / 2; after(middle, markPoints, mark10m, mark1h, mark1d) <= room {
			low = middle
		} else {
			high = middle
		}
	}
	f.Full = high
	if rates[markPoints] > 0 {
		left := max(0, room-after(f.Horizon, mark10m, mark1h, mark1d))
		f.Kept = max(time.Duration(left/rates[markPoints]*days), time.Hour)
	}
}
