package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// seriesVisitor sums by bin.
type seriesVisitor struct {
	step int64
	bins map[int64]*[slots]store.Sum
}

func (c *seriesVisitor) visit(v *view) error {
	bin := binOf(v.tick, c.step)
	sums := c.bins[bin]
	if sums == nil {
		sums = new([slots]store.Sum)
		c.bins[bin] = sums
	}
	v.each(func(int) {}, func(_, i int) {
		sums[v.kinds[v.kind[i]].slot()].Add(v.sum(i))
	})
	return nil
}

// Series sums the matching points by bins of length step, a multiple of the tick,
// and by protocol layer and direction. Only bins with traffic are returned, in order
// of time, layer and direction.
func (s *Store) Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error) {
	if err := s.checkStep(step, s.tick); err != nil {
		return nil, err
	}
	return prompt(ctx, func() ([]store.Bin, error) {
		return steadily(func() ([]store.Bin, error) { return s.series(ctx, &f, step) })
	})
}

func (s *Store) series(ctx context.Context, f *store.Filter, step time.Duration) ([]store.Bin, error) {
	_, c, err := s.plan(ctx, f, question{step: step})
	if err != nil {
		return nil, err
	}
	own := make([]seriesVisitor, workers())
	visitors := make([]visitor, len(own))
	for i := range own {
		own[i] = seriesVisitor{step: int64(step / time.Second), bins: make(map[int64]*[slots]store.Sum)}
		visitors[i] = &own[i]
	}
	if err := s.scan(ctx, c, visitors...); err != nil {
		return nil, err
	}
	bins := own[0].bins
	for _, o := range own[1:] {
		for bin, sums := range o.bins {
			if bins[bin] == nil {
				bins[bin] = sums
				continue
			}
			addSlots(bins[bin], sums)
		}
	}
	return toBins(bins), nil
}

func toBins(bins map[int64]*[slots]store.Sum) []store.Bin {
	var list []store.Bin
	for bin, sums := range bins {
		for slot, sum := range sums {
			if sum != (store.Sum{}) {
				list = append(list, store.Bin{
					Time: time.Unix(bin, 0).UTC(), Class: store.Class(slot / 2), Direction: store.Direction(slot % 2), Sum: sum,
				})
			}
		}
	}
	slices.SortFunc(list, func(a, b store.Bin) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return list
}
