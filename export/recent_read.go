package export

import (
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// manyTimes as many points as rows that may be kept are hardly ever few enough rows
// of a minute.
const manyTimes = 8

// read adds the points of a window, piece by piece: bins that are over, where rows are
// as long, from the store's sums, of which there are far fewer.
func (c *recent) read(ctx context.Context, w store.Window) error {
	for from := w.From; from.Before(w.To); {
		end := from.Truncate(c.long).Add(c.long)
		to := w.To
		if end.Before(to) {
			to = end
		}
		f, sums := c.Reader.(flowing)
		part := store.Window{From: from, To: to}
		var err error
		if sums && c.level >= levelTenMinutes && to.Equal(end) && from.Equal(end.Add(-c.long)) {
			err = c.readSums(ctx, f, part)
		} else {
			err = c.readPoints(ctx, part)
		}
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// readSums is readPoints for a whole bin of which there is nothing yet.
func (c *recent) readSums(ctx context.Context, r flowing, w store.Window) error {
	f := c.filter
	f.Window = w
	begin := func() {
		if i, found := c.find(w.From); found {
			c.rows -= len(c.bins[i].rows)
			c.bins = slices.Delete(c.bins, i, i+1)
			c.open = nil
			clear(c.at)
		}
	}
	err := r.Flows(ctx, f, c.long, begin, func(points []store.Point) error { return c.add(ctx, points) })
	i, found := c.find(w.From)
	if err != nil || !found || len(c.filter.Terms) > 0 {
		return err
	}
	cov, err := c.Reader.Coverage(ctx, w) // the points were not counted
	c.bins[i].points = cov.Points
	return err
}

// readPoints adds the points of a window. Where rows get too many, they are made coarser
// on the way.
func (c *recent) readPoints(ctx context.Context, w store.Window) error {
	f := c.filter
	f.Window = w
	return c.Reader.Points(ctx, f, func(points []store.Point) error { return c.add(ctx, points) })
}

// add adds points.
func (c *recent) add(ctx context.Context, points []store.Point) error {
	var now time.Time
	for i := range points {
		p := &points[i]
		if c.open == nil || i == 0 || !p.Time.Equal(now) {
			now = p.Time
			c.use(c.bin(now))
		}
		c.open.points++
		flags := p.Flags
		if c.level < levelWindow {
			flags = 0 // the key has them
		}
		key := c.tables.key(p, c.level)
		c.sum(c.tables.flow(&key), flags, p.Sum())
		for c.rows > c.limit() && c.level < levelPlaces {
			c.regroup(c.level + 1)
			c.use(c.bin(now))
		}
	}
	if c.pace != nil {
		return c.pace(ctx)
	}
	return nil
}
