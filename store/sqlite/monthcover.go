package sqlite

import (
	"bytes"
	"math"
	"strings"
)

// coverMonths takes months out of r where the question reads sums by place over whole
// tiers anyway, and returns what is left for these. A month has its id negative in the
// cover, so that it is none of a tier's.
func (c *coverer) coverMonths(r reach) (left []reach, err error) {
	p := c.plan
	if p.source != sourcePlace || p.full || p.coverage != nil || !p.allows(levelMonth) || r.from >= r.to {
		return []reach{r}, nil
	}
	from := r.from
	if from > math.MinInt64+levelMonth { // one that begins before r may have days in r alone
		from -= levelMonth
	}
	list, err := readMonths(c.ctx, c.q, r.sensor, from, r.to)
	if err != nil {
		if strings.Contains(err.Error(), "no such table") { // a copy of format 2
			err = nil
		}
		return []reach{r}, err
	}
	at := r.from
	for i := range list {
		use, err := c.month(&list[i])
		if err != nil {
			return nil, err
		}
		if use == nil || use.from < at || use.to > r.to {
			continue
		}
		if at < use.from {
			left = append(left, reach{r.sensor, at, use.from})
		}
		at = use.to
		c.addTier(*use)
	}
	if at < r.to {
		left = append(left, reach{r.sensor, at, r.to})
	}
	return left, nil
}

// month returns what there is to read of a month: nil if the days that are there now
// say something else, or will, because something came late.
func (c *coverer) month(m *monthRow) (*piece, error) {
	if c.plan.damage.of(-m.id, sourcePlace) {
		return nil, nil
	}
	d, err := readDays(c.ctx, c.q, m.sensor, m.start)
	if err != nil || !d.fit() || !bytes.Equal(d.hash, m.days) {
		return nil, err
	}
	use := &piece{
		tierRef: tierRef{id: -m.id, level: levelMonth, start: m.start, sensor: m.sensor},
		source:  sourcePlace, from: d.list[0].start, to: d.end(),
	}
	for _, t := range d.list {
		day := piece{tierRef: t, from: t.start, to: t.start + level1d}
		if day.from < c.kept.begin[0] || day.last > c.plan.lastID && day.to > c.plan.end || len(c.lateOf(&day)) > 0 {
			return nil, nil
		}
		use.last = max(use.last, day.last)
		use.points = max(use.points, day.points) // its rows are not 30 times as many as a day's
	}
	return use, nil
}
