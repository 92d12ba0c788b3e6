package sqlite

import (
	"context"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Flows is Points for sums over steps: equal points of a step, a multiple of the tick
// as in Cells, may be one, whose Interval says how long a time it sums up; none
// reaches over the end of a step. A step of 0 is the whole window. Chunks come in no
// order, one at a time, some in other goroutines than the caller's, and are reused
// when yield returns. begin is called before the first chunk, and again where a
// damaged part makes the answer begin anew: what was yielded before is void.
func (s *Store) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	if err := s.checkStep(step, 0); err != nil {
		return err
	}
	_, err := steadily(func() (struct{}, error) {
		begin()
		return struct{}{}, s.flows(ctx, f, step, yield, workers())
	})
	return err
}

func (s *Store) flows(ctx context.Context, f store.Filter, step time.Duration, yield func([]store.Point) error, n int) error {
	p, c, err := s.plan(ctx, &f, question{need: needAll, views: propPlace, step: step, full: true})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var visitors []visitor
	for range n {
		visitors = append(visitors, &flowVisitor{mu: &mu, w: newPointWriter(p, s.tick, yield)})
	}
	if n == 1 {
		return s.scanAlone(ctx, c, visitors[0])
	}
	return s.scan(ctx, c, visitors...)
}

// flowVisitor turns each view into points and hands them on under the lock that all
// visitors of a query share.
type flowVisitor struct {
	mu *sync.Mutex
	w  *pointWriter
}

func (c *flowVisitor) visit(v *view) error {
	c.w.start = 0
	if err := c.w.add(v, false); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.w.flush()
}
