package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// lateEvery is how often, at most, tiers are written again for what has come late.
const lateEvery = 10 * time.Minute

// tidyEvery is how often maintenance looks for what retention gives up.
const tidyEvery = time.Minute

// MaintenanceStats is what upkeep has done since the store was opened.
type MaintenanceStats struct {
	Sealed   [3]uint64     // tiers written for the first time: of 10 minutes, an hour, a day
	Resealed uint64        // tiers written again, for what came late
	Time     time.Duration // spent
	Open     int64         // intervals of 10 minutes without a tier, the current ones among them
	Late     int64         // batches that came late and are not in all tiers yet
	Failed   uint64        // intervals that could not be sealed, and stay as they are
	Damaged  uint64        // blocks that could not be read when they were sealed
	Err      error         // why the latest pass failed; nil if it did not
}

// maintainer does the upkeep of a store that is written to.
type maintainer struct {
	wake chan struct{} // something was committed
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended; nil without one

	passing  sync.Mutex // one pass at a time
	sealer   *sealer
	due      map[interval]struct{} // hours and days whose finer tiers have been begun; nil: not known yet
	failed   map[interval]struct{}
	lateRun  time.Time
	months   bool // a day has been closed since they were looked at
	seen     bool // the same of summaries of addresses
	seenRows int  // addresses in memory when one is written; 0: seenPassRows

	mu    sync.Mutex
	stats MaintenanceStats

	newest map[uint32]int64 // tick of each sensor's latest batch, under Store.mu
}

func newMaintainer() maintainer {
	return maintainer{wake: make(chan struct{}, 1), failed: make(map[interval]struct{}), lateRun: time.Now(), newest: make(map[uint32]int64)}
}

// Maintenance returns what upkeep has done.
func (s *Store) Maintenance() MaintenanceStats {
	s.maint.mu.Lock()
	defer s.maint.mu.Unlock()
	return s.maint.stats
}

// Maintain writes all tiers that are due: those of intervals that have closed, because
// their sensor has gone on to two ticks behind them, and, every ten minutes, those
// that batches have come for late. With force it writes all tiers at once. The store
// does it by itself unless Options.NoMaintenance is set. Answers are the same before
// and after. An interval that cannot be sealed stays as it is, and is counted.
func (s *Store) Maintain(ctx context.Context, force bool) error {
	before := int64(math.MinInt64)
	if force {
		before = math.MaxInt64
	}
	return s.maintain(ctx, before)
}

// sealBefore writes the tiers of all intervals that end at a tick or before it.
func (s *Store) sealBefore(ctx context.Context, end int64) error { return s.maintain(ctx, end) }

func (s *Store) maintain(ctx context.Context, before int64) error {
	if s.readOnly {
		return fmt.Errorf("maintain %q: %w", s.path, errReadOnly)
	}
	m := &s.maint
	m.passing.Lock()
	defer m.passing.Unlock()
	start := time.Now()
	err := s.pass(ctx, before)
	if m.sealer != nil {
		err = errors.Join(err, m.sealer.trim())
	}
	open, late, countErr := s.backlog(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	if countErr == nil {
		m.stats.Open, m.stats.Late = open, late
	}
	m.stats.Time += time.Since(start)
	if m.sealer != nil {
		m.stats.Damaged = m.sealer.damaged
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		err = fmt.Errorf("maintain %q: %w%s", s.path, err, hint(err))
	}
	m.stats.Err = err
	return err
}

func (s *Store) backlog(ctx context.Context) (open, late int64, err error) {
	if open, err = number(ctx, s.readers, "SELECT count(*) FROM open"); err == nil {
		late, err = number(ctx, s.readers, "SELECT count(*) FROM late")
	}
	return open, late, err
}

// pass is one round of upkeep. Intervals that end at before or earlier are closed.
func (s *Store) pass(ctx context.Context, before int64) error {
	m := &s.maint
	if m.sealer == nil {
		var err error
		if m.sealer, err = newSealer(s); err != nil {
			return err
		}
	}
	if m.due == nil {
		if err := s.prepareUpkeep(ctx); err != nil {
			return err
		}
	}
	open, err := readIntervals(ctx, s.readers, "SELECT 600, start, sensor FROM open ORDER BY start, sensor")
	if err != nil {
		return err
	}
	for _, iv := range open {
		if !s.closed(iv, before) {
			continue
		}
		if err := s.sealOne(ctx, iv); err != nil {
			return err
		}
	}
	late := before != math.MinInt64 || time.Since(m.lateRun) >= lateEvery
	if late {
		m.lateRun = time.Now()
		if err := s.again(ctx, level10m, lateIntervals+" ORDER BY 2, 3"); err != nil {
			return err
		}
	}
	for _, level := range []int64{level1h, level1d} {
		if err := s.sealDue(ctx, level, before); err != nil {
			return err
		}
		if late {
			if err := s.again(ctx, level, lateIntervals+" ORDER BY 2, 3"); err != nil {
				return err
			}
		}
	}
	if err := s.cleanLate(ctx); err != nil {
		return err
	}
	if late || m.seen {
		if err := s.settle(ctx, before); err != nil {
			return err
		}
		m.seen = false
	}
	if !late && !m.months {
		return nil
	}
	m.months = false
	return s.refreshMonths(ctx, before)
}

// prepareUpkeep learns what a process before this one has left.
func (s *Store) prepareUpkeep(ctx context.Context) error {
	m := &s.maint
	if err := s.sweep(ctx); err != nil {
		return err
	}
	due := make(map[interval]struct{})
	for _, level := range []int64{level1h, level1d} {
		list, err := readIntervals(ctx, s.readers, `SELECT DISTINCT ?1, start - (start % ?1 + ?1) % ?1, sensor FROM tiers t WHERE level = ?2 AND NOT EXISTS
			(SELECT 1 FROM tiers u WHERE u.level = ?1 AND u.sensor = t.sensor AND u.start = t.start - (t.start % ?1 + ?1) % ?1)`,
			level, interval{level: level}.finer())
		if err != nil {
			return err
		}
		for _, iv := range list {
			due[iv] = struct{}{}
		}
	}
	if err := s.dicts.sensors.load(ctx, s.readers); err != nil {
		return err
	}
	for id := range s.dicts.sensors.snapshot()[1:] {
		sensor := uint32(id + 1)
		tick, any, err := optional(ctx, s.readers, "SELECT tick FROM batches WHERE sensor = ? ORDER BY id DESC LIMIT 1", sensor)
		if err != nil {
			return err
		}
		s.mu.Lock()
		if _, known := m.newest[sensor]; any && !known {
			m.newest[sensor] = tick
		}
		s.mu.Unlock()
	}
	m.due, m.months, m.seen = due, true, true
	return nil
}

// readIntervals reads a list of level, start and sensor.
func readIntervals(ctx context.Context, q queryer, query string, args ...any) ([]interval, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []interval
	for rows.Next() {
		var iv interval
		if err := rows.Scan(&iv.level, &iv.start, &iv.sensor); err != nil {
			return nil, err
		}
		list = append(list, iv)
	}
	return list, rows.Err()
}

// closed reports whether an interval gets no more batches in the order of time.
func (s *Store) closed(iv interval, before int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	newest, ok := s.maint.newest[iv.sensor]
	return iv.end() <= before || ok && newest >= iv.end()+2*int64(s.tick/time.Second)
}

// sealOne writes the tier of an interval, for the first time or again, and counts.
// What says that the interval cannot be sealed ever is counted and no error.
func (s *Store) sealOne(ctx context.Context, iv interval) error {
	m := &s.maint
	if _, bad := m.failed[iv]; bad {
		return nil
	}
	var old *tierRow
	var err error
	if old, err = readTier(ctx, s.readers, iv); err != nil {
		return err
	}
	written := true
	if iv.level == level10m {
		written, err = m.sealer.seal(ctx, iv)
	} else {
		err = m.sealer.coarse(ctx, iv)
	}
	switch {
	case errors.Is(err, errStale), errors.Is(err, errNotYet):
		return nil // the next pass will do
	case errors.Is(err, errDamaged), errors.Is(err, errSealed):
		s.log.Error("a part of the store cannot be sealed and stays as it is", "err", err,
			"level", iv.level, "start", time.Unix(iv.start, 0).UTC(), "sensor", iv.sensor, "store", s.path)
		m.failed[iv] = struct{}{}
		m.mu.Lock()
		m.stats.Failed++
		m.mu.Unlock()
		return nil
	case err != nil || !written:
		return err
	}
	m.months, m.seen = m.months || iv.level == level1d, m.seen || iv.level == level1d
	if parent, ok := iv.parent(); ok && old == nil {
		m.due[parent] = struct{}{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if old != nil {
		m.stats.Resealed++
		return nil
	}
	m.stats.Sealed[len(levels)-1-slices.Index(levels[:], iv.level)]++
	return nil
}

// sealDue writes the tiers of closed intervals of a coarse level.
func (s *Store) sealDue(ctx context.Context, level, before int64) error {
	m := &s.maint
	var list []interval
	for iv := range m.due {
		if iv.level == level && s.closed(iv, before) {
			list = append(list, iv)
		}
	}
	slices.SortFunc(list, func(a, b interval) int { return int(a.start - b.start) })
	for _, iv := range list {
		ready, err := s.ready(ctx, iv)
		if err != nil {
			return err
		}
		if !ready {
			continue
		}
		// What has come late goes first, so that the new tier has all up to its last.
		for _, finer := range []int64{level10m, level1h} {
			if finer < level {
				if err := s.again(ctx, finer, lateIntervals+" WHERE l.tick >= ?2 AND l.tick < ?3 AND l.sensor = ?4", iv.start, iv.end(), iv.sensor); err != nil {
					return err
				}
			}
		}
		if err := s.sealOne(ctx, iv); err != nil {
			return err
		}
		known, err := readTier(ctx, s.readers, iv)
		if err != nil {
			return err
		}
		if _, bad := m.failed[iv]; bad || known != nil {
			delete(m.due, iv)
		}
	}
	return nil
}

// ready reports whether all finer tiers of an interval have been written.
func (s *Store) ready(ctx context.Context, iv interval) (bool, error) {
	n, err := number(ctx, s.readers, "SELECT EXISTS (SELECT 1 FROM open WHERE start >= ? AND start < ? AND sensor = ?)", iv.start, iv.end(), iv.sensor)
	if err != nil || n != 0 || iv.level == level1h {
		return n == 0, err
	}
	for due := range s.maint.due { // hours without a tier
		if due.level == level1h && due.sensor == iv.sensor && iv.start <= due.start && due.start < iv.end() {
			return false, nil
		}
	}
	return true, nil
}

// notice tells the upkeep of a batch that has been committed. Store.mu is held.
func (m *maintainer) notice(sensor uint32, tick int64) {
	m.newest[sensor] = tick
	select {
	case m.wake <- struct{}{}:
	default:
	}
}
