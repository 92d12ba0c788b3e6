package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"
)

// Prune gives up at once what the retention does not keep, without waiting for the
// allowance that ages otherwise have, and gives the room back to the file system.
// The maintenance of a writing store does the same little by little.
func (s *Store) Prune(ctx context.Context) error {
	return s.prune(ctx, true)
}

// PruneBefore gives up all points before t, whatever the retention says; sums by
// place and other dimensions stay, addresses where the retention keeps them for longer. t is moved back to a multiple of 10 minutes.
func (s *Store) PruneBefore(ctx context.Context, t time.Time) error {
	s.keep.pruning.Lock()
	defer s.keep.pruning.Unlock()
	m := marks{floorTo(t.Unix(), level10m), never, never, never}
	return s.relieve(func() error {
		p := pruning{Store: s, forced: true, began: time.Now()}
		var err error
		if p.marks, err = readMarks(ctx, s.readers); err == nil {
			err = p.to(ctx, m)
		}
		if err == nil && !p.keep.outlives() {
			err = p.addressesByAge(ctx)
		}
		if err == nil {
			err = p.vacuum(ctx)
		}
		return p.finish(err)
	})
}

// prune is one pass of the maintenance: it gives up what is too old, or has no room.
// Most of the time there is nothing to do, and that costs a few look-ups. It runs in
// one goroutine at a time, and holds the writer up for a few milliseconds at most, in
// each of many small transactions.
func (s *Store) prune(ctx context.Context, forced bool) error {
	s.keep.pruning.Lock()
	defer s.keep.pruning.Unlock()
	s.keep.mu.Lock()
	r := s.keep.retention
	s.keep.mu.Unlock()
	if r == (Retention{}) {
		return nil
	}
	return s.relieve(func() error {
		p := pruning{Store: s, retention: r, forced: forced, began: time.Now()}
		return p.finish(p.run(ctx))
	})
}

// pruning is one pass.
type pruning struct {
	*Store
	retention Retention
	forced    bool

	began   time.Time
	marks   marks // as they are in the file
	newest  int64 // the newest tick that ages count from
	pressed bool  // room is short: what is unused goes back at once
	message string
	points  int64
	bytes   int64
}

// finish notes how the pass went.
func (p *pruning) finish(err error) error {
	k := &p.keep
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status.Passes++
	k.status.Seconds += time.Since(p.began).Seconds()
	k.status.Last = time.Now()
	k.status.PrunedPoints += p.points
	k.status.PrunedBytes += p.bytes
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return err
		}
		return fmt.Errorf("prune %q: %w%s", p.path, err, hint(err))
	}
	k.status.Message = p.message
	if p.message != "" && p.message != k.warned {
		p.log.Warn("store: "+p.message, "store", p.path)
	}
	k.warned = p.message
	return nil
}

func (p *pruning) run(ctx context.Context) (err error) {
	if p.marks, err = readMarks(ctx, p.readers); err != nil {
		return err
	}
	var any bool
	if p.newest, any, err = p.newestTick(ctx); err != nil || !any {
		return err
	}
	target, err := p.byAge(ctx)
	if err != nil {
		return err
	}
	if err := p.to(ctx, target); err != nil {
		return err
	}
	if err := p.addressesByAge(ctx); err != nil {
		return err
	}
	return p.bySize(ctx)
}

// to gives up what is before the marks in target, where they are further than those
// of the file, and what may have come before these since.
func (p *pruning) to(ctx context.Context, target marks) error {
	for i := range target {
		target[i] = max(target[i], p.marks[i])
	}
	due, err := p.due(ctx, target)
	if err != nil || !due {
		return err
	}
	// Sums of what goes must have been written.
	if p.keep.seal != nil && target[markPoints] != never {
		if err := p.keep.seal(ctx, target[markPoints]); err != nil {
			return err
		}
	}
	if err := p.transaction(ctx, func(tx *sql.Tx) error { return target.write(ctx, tx) }); err != nil {
		return err
	}
	p.marks = target
	before, err := p.used(ctx)
	if err != nil {
		return err
	}
	for _, give := range []func(context.Context) error{p.giveKeys, p.giveBlocks, p.giveBatches, p.giveViews} {
		if err := give(ctx); err != nil {
			return err
		}
	}
	after, err := p.used(ctx)
	if err != nil {
		return err
	}
	p.bytes += max(0, before-after)
	return nil
}

// due reports whether anything is before the marks.
func (p *pruning) due(ctx context.Context, m marks) (bool, error) {
	for _, q := range []struct {
		query string
		mark  int64
	}{
		{"SELECT EXISTS (SELECT 1 FROM batches WHERE tick < ?)", m[markPoints]},
		{"SELECT EXISTS (SELECT 1 FROM gone WHERE ? > 0)", 1},
		{"SELECT EXISTS (SELECT 1 FROM tiers WHERE chunks > 0 AND start < ?)", m[markPoints]},
		{"SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 600 AND start < ?)", m[mark10m]},
		{"SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 3600 AND start < ?)", m[mark1h]},
		{"SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 86400 AND start < ?)", m[mark1d]},
	} {
		if q.mark == never {
			continue
		}
		n, err := number(ctx, p.readers, q.query, q.mark)
		if err != nil || n != 0 {
			return n != 0, err
		}
	}
	return false, nil
}

// newestTick returns the newest tick that is not of the future: one that a clock
// which was mad for a moment has left behind must not make all others look old.
func (p *pruning) newestTick(ctx context.Context) (tick int64, any bool, err error) {
	now := p.keep.time()
	tick = math.MinInt64
	rows, err := p.readers.QueryContext(ctx, "SELECT max(tick) FROM batches WHERE tick <= ? HAVING max(tick) IS NOT NULL",
		now.Add(24*time.Hour).Unix())
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&tick); err != nil {
			return 0, false, err
		}
	}
	return tick, tick != math.MinInt64, rows.Err()
}

// byAge returns the marks that the ages ask for, as far as the allowance goes.
func (p *pruning) byAge(ctx context.Context) (marks, error) {
	target := p.marks
	left, err := p.keep.take(ctx, p.readers)
	if err != nil {
		return target, err
	}
	held, any, err := p.unshipped(ctx)
	if err != nil {
		return target, err
	}
	for i, age := range p.retention.ages() {
		if age <= 0 {
			continue
		}
		want := floorTo(p.newest-int64(age/time.Second), markSteps[i])
		if any { // what is to be shipped yet, age does not take
			want = min(want, floorTo(held, markSteps[i]))
		}
		oldest, err := p.oldest(ctx, i, want)
		if err != nil {
			return target, err
		}
		from := max(oldest, p.marks[i])
		if want <= from {
			continue
		}
		if !p.forced {
			// A step at least, so that marks in steps of a day move at all; what that is
			// too much is missing next time.
			if left < float64(min(markSteps[i], level1h)) {
				continue
			}
			want = min(want, from+max(floorTo(int64(left), markSteps[i]), markSteps[i]))
			left -= float64(want - from)
		}
		target[i] = max(target[i], want)
	}
	if target == p.marks {
		return target, nil
	}
	p.keep.allowance = left
	return target, p.transaction(ctx, func(tx *sql.Tx) error { return p.keep.save(ctx, tx) })
}

// oldest returns the start of the oldest data that mark i is about, or want if there
// is none before it.
func (p *pruning) oldest(ctx context.Context, i int, want int64) (int64, error) {
	queries := []string{"SELECT coalesce(min(start), ?1) FROM tiers WHERE level = ?2 AND start < ?1"}
	level := levels[len(levels)-max(i, 1)]
	if i == markPoints {
		queries = []string{"SELECT coalesce(min(tick), ?1) FROM batches WHERE tick < ?1",
			"SELECT coalesce(min(start), ?1) FROM tiers WHERE chunks > 0 AND level = ?2 AND start < ?1"}
	}
	oldest := want
	for _, q := range queries {
		n, err := number(ctx, p.readers, q, want, level)
		if err != nil {
			return 0, err
		}
		oldest = min(oldest, n)
	}
	return floorTo(oldest, markSteps[i]), nil
}

// time is the clock on the wall.
func (k *keeper) time() time.Time {
	if k.now != nil {
		return k.now()
	}
	return time.Now()
}

// take returns the allowance, with what has come to it since the last time.
func (k *keeper) take(ctx context.Context, q queryer) (float64, error) {
	now := time.Now() // monotonic: nobody can set it
	if k.counted.IsZero() {
		k.allowance = allowanceMost
		rows, err := number(ctx, q, "SELECT count(*) FROM kept WHERE what = ?", allowanceName)
		if err != nil {
			return 0, err
		}
		if rows > 0 {
			n, err := number(ctx, q, "SELECT start FROM kept WHERE what = ?", allowanceName)
			if err != nil {
				return 0, err
			}
			k.allowance = float64(min(n, allowanceMost))
		}
	} else {
		k.allowance = min(allowanceMost, k.allowance+now.Sub(k.counted).Seconds()*allowanceRate)
	}
	k.counted = now
	return k.allowance, nil
}

func (k *keeper) save(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO kept (what, start) VALUES (?, ?)", allowanceName, int64(k.allowance))
	return err
}

// transaction runs do in a transaction of the writer, which waits for it.
func (s *Store) transaction(ctx context.Context, do func(tx *sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil {
		return errClosed
	}
	defer s.logKeeper.notice()
	return inTx(ctx, s.w, do)
}

// inTx does something in one transaction, which ends with it: ctx does not cut it short.
func inTx(ctx context.Context, conn *sql.Conn, do func(tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
