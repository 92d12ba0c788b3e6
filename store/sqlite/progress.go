package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// CellsProgress is Cells for windows and filters that take a while: every so often it
// calls partial with the sums of what has been read by then, and with which share of
// the work that is, from 0 to 1. The cells are the callee's. partial runs in the
// caller's goroutine, not at all where the answer is there before, and never after
// CellsProgress has returned. The share may fall back when the store was reorganised
// meanwhile. It takes at most about a fifth of the time.
func (s *Store) CellsProgress(ctx context.Context, f store.Filter, step, every time.Duration,
	partial func(cells []store.Cell, done float64)) ([]store.Cell, error) {
	if err := s.checkStep(step, 0); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		cells []store.Cell
		err   error
	}
	var q cellQuery
	answers := make(chan answer, 1)
	go func() {
		cells, err := steadily(func() ([]store.Cell, error) { return q.run(ctx, s, &f, step) })
		answers <- answer{cells, err}
	}()
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case a := <-answers:
			return a.cells, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			start := time.Now()
			if cells, done := q.soFar(s, step); cells != nil {
				partial(cells, done)
			}
			timer.Reset(max(every, 4*time.Since(start)))
		}
	}
}

// soFar returns the sums of what has been read, nil where that is nothing.
func (q *cellQuery) soFar(s *Store, step time.Duration) ([]store.Cell, float64) {
	all, done := q.copied()
	if all == nil {
		return nil, 0
	}
	return s.toCells(all, step), done
}

// copied returns the sums of what has been read, nil where that is nothing or the
// answer is made.
func (q *cellQuery) copied() (all [][]placeSum, done float64) {
	q.mu.Lock() // all the time, so that no visitor goes into another query meanwhile
	defer q.mu.Unlock()
	if q.cursor == nil {
		return nil, 0
	}
	done, n := q.cursor.done(), 0
	for _, o := range q.own {
		o.mu.Lock()
		all = append(all, slices.Clone(o.done), slices.Clone(o.open))
		n += len(o.done) + len(o.open)
		o.mu.Unlock()
	}
	if n == 0 {
		return nil, 0
	}
	return all, done
}
