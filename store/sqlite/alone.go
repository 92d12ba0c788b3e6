package sqlite

import (
	"context"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Alone is a Store that reads points in the goroutine of its caller and in no other:
// for callers that count what they use of a core, or that must not take two. It is as
// safe for concurrent use as the Store, and is closed with it.
type Alone struct{ *Store }

// Alone returns the store as Alone.
func (s *Store) Alone() Alone { return Alone{s} }

// Points is Store.Points.
func (a Alone) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	return a.points(ctx, f, yield, a.inTurn)
}

// inTurn decodes bundles one after the other and hands each to use.
func (s *Store) inTurn(ctx context.Context, c *cursor, use func(*opened) error) error {
	o := &opener{store: s, plan: c.plan}
	for {
		bundles, err := c.take(ctx, 1)
		if err != nil || len(bundles) == 0 {
			return err
		}
		for _, b := range bundles {
			views, err := o.open(b.items)
			if err != nil {
				return err
			}
			if err := use(&opened{views}); err != nil {
				return err
			}
		}
	}
}

// Flows is Store.Flows.
func (a Alone) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	if err := a.checkStep(step, 0); err != nil {
		return err
	}
	_, err := steadily(func() (struct{}, error) {
		begin()
		return struct{}{}, a.flows(ctx, f, step, yield, 1)
	})
	return err
}
