package clickhouse

import (
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// A map of points of several days is asked for a stretch of time after the other, so that
// somebody who waits sees what has been summed: a day each, and no more than mostStretches.
const (
	stretchSeconds = 86400
	mostStretches  = 60
)

// CellsProgress is Cells for windows and filters that take a while: every so often, at
// most, it calls partial with the sums of what has been read so far and the share of the
// time that is. The slice is the receiver's. What sums answer, and what one question has
// to be about all of the window, comes as a whole.
func (s *Store) CellsProgress(ctx context.Context, f store.Filter, step, every time.Duration,
	partial func(cells []store.Cell, done float64)) ([]store.Cell, error) {
	if step != 0 {
		return s.Cells(ctx, f, step)
	}
	p, err := s.plan(ctx, &f, propPlace|propCountry)
	if err != nil {
		return nil, err
	}
	if len(p.filter.rest) > 0 || p.filter.pairs {
		return s.Cells(ctx, f, step)
	}
	parts, err := p.stretched(ctx)
	if err != nil {
		return nil, err
	}
	sums := map[store.Cell]store.Sum{}
	told := time.Now()
	for i := range parts {
		list, err := p.cells(ctx, parts[i:i+1], 0)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			key := c
			key.Sum = store.Sum{}
			sum := sums[key]
			sum.Add(c.Sum)
			sums[key] = sum
		}
		if i+1 < len(parts) && time.Since(told) >= every {
			partial(cellsOf(sums), float64(i+1)/float64(len(parts)))
			told = time.Now()
		}
	}
	return cellsOf(sums), ctx.Err()
}

// cellsOf returns sums as Cells does.
func cellsOf(sums map[store.Cell]store.Sum) []store.Cell {
	cells := make([]store.Cell, 0, len(sums))
	for c, sum := range sums {
		c.Sum = sum
		cells = append(cells, c)
	}
	slices.SortFunc(cells, compareCells)
	return cells
}

// stretched are the parts of the window, those of points cut at days, or at more of them.
func (p *plan) stretched(ctx context.Context) (all []part, err error) {
	for _, whole := range p.parts(0, false) {
		if whole.tier != withPoints {
			all = append(all, whole)
			continue
		}
		fleet, err := p.store.look(ctx, p.store.toldMissing())
		if err != nil {
			return nil, err
		}
		from, to := max(whole.from, fleet.first), min(whole.to, fleet.last)
		length := ceilTo(max(stretchSeconds, (to-from)/mostStretches), stretchSeconds)
		for from < to {
			end := min(to, floorTo(from, stretchSeconds)+length)
			all = append(all, part{from: from, to: end, tier: whole.tier})
			from = end
		}
	}
	return all, nil
}
