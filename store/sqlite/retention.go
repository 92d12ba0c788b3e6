package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"sync"
	"time"
)

// Retention says how long things are kept. The zero value keeps everything. A view
// is never given up before what is finer: ages below that of a finer level count as
// that one's.
type Retention struct {
	Points   time.Duration // points with their addresses; 0: for ever, as with the views
	Views10m time.Duration // sums in steps of 10 minutes
	Views1h  time.Duration // of an hour
	Views1d  time.Duration // of a day

	// Addresses is how long it is known who was seen, and when, after the points of that
	// time are gone; what is no longer than Points is as Points. Below 0: for ever.
	Addresses time.Duration

	// Size is how many bytes the store's files may have, 0: any number. Free is how
	// many must stay free on their disk. Where there is not enough room, the oldest
	// points go first, then views of 10 minutes, then those of an hour.
	Size int64
	Free int64
}

// never is the mark of what is not given up.
const never = math.MinInt64

// ages returns the ages of points and views, the finest first, each at least the one
// before; 0 stands for ever.
func (r *Retention) ages() (ages [4]time.Duration) {
	ages = [4]time.Duration{r.Points, r.Views10m, r.Views1h, r.Views1d}
	for i := 1; i < len(ages); i++ {
		if ages[i] > 0 && (ages[i-1] <= 0 || ages[i] < ages[i-1]) {
			ages[i] = ages[i-1]
		}
	}
	return ages
}

// The marks in the order in which things are given up: the name of each in the table
// kept, and what it is a multiple of: the next coarser level begins where it ends.
var markNames = [4]string{"points", "600", "3600", "86400"}
var markSteps = [4]int64{level10m, level1h, level1d, level1d}

// Numbers of marks.
const (
	markPoints = iota
	mark10m
	mark1h
	mark1d
)

// marks say where what is kept begins, in Unix seconds: points, then the views of
// each level. never: nothing has been given up.
type marks [4]int64

// readMarks reads the table kept.
func readMarks(ctx context.Context, q queryer) (m marks, err error) {
	for i, name := range markNames {
		m[i] = never
		rows, err := q.QueryContext(ctx, "SELECT start FROM kept WHERE what = ?", name)
		if err != nil {
			return m, err
		}
		for rows.Next() {
			if err = rows.Scan(&m[i]); err != nil {
				break
			}
		}
		if e := rows.Close(); err == nil {
			err = e
		}
		if err != nil {
			return m, err
		}
	}
	return m, nil
}

// write stores the marks that are set, none of which ever goes back, and counts the
// transaction, so that queries that are under way find their plan anew.
func (m *marks) write(ctx context.Context, tx *sql.Tx) error {
	for i, name := range markNames {
		if m[i] == never {
			continue
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO kept (what, start) VALUES (?, ?)
			ON CONFLICT (what) DO UPDATE SET start = max(start, excluded.start)`, name, m[i])
		if err != nil {
			return err
		}
	}
	if m[markPoints] != never {
		// Nobody reads these full keys any more; their parts go little by little.
		_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO gone (tier) SELECT id FROM tiers WHERE chunks > 0 AND start < ?", m[markPoints])
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE tiers SET keys = 0, chunks = 0 WHERE chunks > 0 AND start < ?", m[markPoints])
		if err != nil {
			return err
		}
	}
	return nextGeneration(ctx, tx)
}

// nextGeneration counts a transaction that moves or deletes what queries read.
func nextGeneration(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "UPDATE kept SET start = start + 1 WHERE what = 'generation'")
	return err
}

// floorTo returns the last multiple of step that is not behind t.
func floorTo(t, step int64) int64 {
	if t == never {
		return never
	}
	return t - (t%step+step)%step
}

// An allowance is how much of the time of stored data may yet be given up because of
// its age: at most a day's, and as much again comes with each hour that the store is
// open. So a clock that leaps ahead by years, and makes everything look old, costs a
// day an hour, in which somebody may notice. It is kept in the file: to start the
// program again gains nothing. It is counted by a clock that never leaps, Go's
// monotonic one.
const (
	allowanceMost = 24 * 3600 // seconds of data
	allowanceRate = 24        // seconds of data a second
	allowanceName = "allowance"
)

// keeper is what a store that writes knows about retention. The zero value keeps
// everything.
type keeper struct {
	mu        sync.Mutex
	retention Retention
	status    KeepStatus
	warned    string // the last warning, so that it is said once

	// Of the goroutine that prunes, under pruning.
	pruning   sync.Mutex
	allowance float64 // seconds of data
	counted   time.Time
	vacuumed  time.Time
	now       func() time.Time                // nil: time.Now; tests set it
	free      func(dir string) (int64, error) // nil: freeSpace

	// seal writes the tiers of all intervals that end at a tick or before it, whatever
	// else may come for them.
	seal func(ctx context.Context, end int64) error
}

// outlives reports whether addresses are kept for longer than points.
func (k *keeper) outlives() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.retention.outlives()
}

func (r *Retention) outlives() bool {
	return r.Addresses < 0 || r.Addresses > 0 && (r.Points <= 0 || r.Addresses > r.Points)
}

// SetRetention changes what is kept from the next maintenance on. What is gone does
// not come back.
func (s *Store) SetRetention(r Retention) {
	s.keep.mu.Lock()
	defer s.keep.mu.Unlock()
	s.keep.retention = r
}

// KeepStatus is what is kept, what that takes, and what has been given up since the
// store was opened.
type KeepStatus struct {
	// What is kept begins here; zero: nothing of it has been given up.
	Points, Views10m, Views1h, Views1d time.Time

	PrunedPoints int64
	PrunedBytes  int64 // room given back to the file system, or taken again
	Passes       int64
	Seconds      float64   // that passes took, waiting for commits included
	Last         time.Time // end of the last pass; zero: none yet
	Message      string    // why less is kept than the ages ask for; "" if not

	Bytes  int64    // of the file, without the log
	Unused int64    // of these, what holds nothing
	Log    int64    // bytes of the write-ahead log
	Oldest int64    // Unix seconds of the oldest tick with points; 0 without any
	Tiers  [3]int64 // of 10 minutes, an hour and a day
	Open   int64    // intervals of 10 minutes that have no tier yet
	Late   int64    // batches that tiers have yet to take in
}

// Kept returns the state of what is kept. In a store that is open for reading only it
// knows nothing of what has been given up by whom.
func (s *Store) Kept(ctx context.Context) (KeepStatus, error) {
	s.keep.mu.Lock()
	st := s.keep.status
	s.keep.mu.Unlock()
	if err := s.kept(ctx, &st); err != nil {
		return st, fmt.Errorf("read what %q keeps: %w%s", s.path, err, hint(err))
	}
	return st, nil
}

func (s *Store) kept(ctx context.Context, st *KeepStatus) error {
	if tiered, err := s.tiered(ctx); err != nil || !tiered {
		return err
	}
	m, err := readMarks(ctx, s.readers)
	if err != nil {
		return err
	}
	for i, t := range []*time.Time{&st.Points, &st.Views10m, &st.Views1h, &st.Views1d} {
		if m[i] != never {
			*t = time.Unix(m[i], 0).UTC()
		}
	}
	size, err := pragma(ctx, s.readers, "page_size")
	if err != nil {
		return err
	}
	pages, err := pragma(ctx, s.readers, "page_count")
	if err != nil {
		return err
	}
	if st.Unused, err = s.unused(ctx); err != nil {
		return err
	}
	st.Bytes, st.Log = pages*size, s.logBytes()
	for query, n := range map[string]*int64{
		"SELECT count(*) FROM open": &st.Open, "SELECT count(*) FROM late": &st.Late,
		"SELECT count(*) FROM tiers WHERE level = 600":   &st.Tiers[0],
		"SELECT count(*) FROM tiers WHERE level = 3600":  &st.Tiers[1],
		"SELECT count(*) FROM tiers WHERE level = 86400": &st.Tiers[2],
		"SELECT min(tick) FROM batches":                  &st.Oldest,
	} {
		if *n, err = number(ctx, s.readers, query); err != nil {
			return err
		}
	}
	if st.Oldest != 0 && m[markPoints] != never {
		st.Oldest = max(st.Oldest, m[markPoints])
	}
	return nil
}
