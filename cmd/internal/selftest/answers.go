package selftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// asked is one thing that is asked about a window and filter.
type asked struct {
	what string
	do   func(ctx context.Context, r Answerer) (any, error)
}

// asks are all that is asked about a question.
func (q *question) asks() []asked {
	list := []asked{
		{"points", func(ctx context.Context, r Answerer) (any, error) { return allPoints(ctx, r, q.filter) }},
		{fmt.Sprintf("cells of %s", q.cellStep), func(ctx context.Context, r Answerer) (any, error) { return r.Cells(ctx, q.filter, q.cellStep) }},
		{fmt.Sprintf("series of %s", q.binStep), func(ctx context.Context, r Answerer) (any, error) { return r.Series(ctx, q.filter, q.binStep) }},
		{"coverage", func(ctx context.Context, r Answerer) (any, error) { return coverage(ctx, r, q.filter.Window) }},
		{fmt.Sprintf("flows of %s", q.cellStep), func(ctx context.Context, r Answerer) (any, error) { return flows(ctx, r, q.filter, q.cellStep) }},
	}
	for _, t := range q.tops {
		list = append(list, asked{fmt.Sprintf("top %d by %s", t.most, t.by), func(ctx context.Context, r Answerer) (any, error) {
			return r.Top(ctx, q.filter, t.by, t.most)
		}})
	}
	if q.part.Check() == nil && !q.part.From.IsZero() {
		list = append(list, asked{fmt.Sprintf("points from %s to %s", open(q.part.From), open(q.part.To)), func(ctx context.Context, r Answerer) (any, error) {
			return pointsOfPart(ctx, r, q.filter, q.part)
		}})
	}
	if q.gradual {
		list = append(list, asked{"cells bit by bit", func(ctx context.Context, r Answerer) (any, error) {
			return r.CellsProgress(ctx, q.filter, 0, 0, func([]store.Cell, float64) {})
		}})
	}
	return list
}

// pointsOfPart returns the points of a part of the window, which is how a page of a long
// list is read: what is unanswered is so in all of the window.
func pointsOfPart(ctx context.Context, r Answerer, f store.Filter, part store.Window) ([]store.Point, error) {
	f, err := r.Answered(ctx, f)
	if err != nil {
		return nil, err
	}
	f.Window = part
	return allPoints(ctx, r, f)
}

// flows returns the sums of equal points over steps. How many there are of a step is the
// reader's business, and so is the time that they say they are of within it.
func flows(ctx context.Context, r Answerer, f store.Filter, step time.Duration) ([]store.Point, error) {
	sums := map[store.Point]store.Sum{}
	err := r.Flows(ctx, f, step, func() { clear(sums) }, func(points []store.Point) error {
		for _, p := range points {
			key := p
			key.Packets, key.Bytes, key.Opens, key.Interval, key.Time = 0, 0, 0, 0, time.Time{}
			if step != 0 {
				key.Time = p.Time.UTC().Truncate(step)
			}
			sum := sums[key]
			sum.Add(p.Sum())
			sums[key] = sum
		}
		return nil
	})
	all := slices.Collect(maps.Keys(sums))
	for i := range all {
		sum := sums[all[i]]
		all[i].Packets, all[i].Bytes, all[i].Opens = sum.Packets, sum.Bytes, sum.Opens
	}
	sortPoints(all)
	return all, err
}

// allPoints returns all points, in an order that depends on nothing but them. It is an
// error if they do not come in order of time, sensor and address.
func allPoints(ctx context.Context, r Answerer, f store.Filter) ([]store.Point, error) {
	var all []store.Point
	err := r.Points(ctx, f, func(points []store.Point) error {
		all = append(all, points...)
		return nil
	})
	if err == nil && !slices.IsSortedFunc(all, promised) {
		err = errors.New("points are not in order of time, sensor and address")
	}
	sortPoints(all)
	return all, err
}

func sortPoints(all []store.Point) {
	slices.SortFunc(all, func(a, b store.Point) int {
		if c := promised(a, b); c != 0 {
			return c
		}
		return cmp.Compare(text(&a), text(&b)) // texts cost more than all the rest
	})
}

// promised is the order that points come in.
func promised(a, b store.Point) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Bits(), b.Addr.Bits()))
}

// text tells points of one address and tick apart.
func text(p *store.Point) string {
	return fmt.Sprintf("%v", *p)
}

// coarseFrom is the length of windows from which on what was idle may be called data
// where it is short: see store/sqlite's Coverage.
const coarseFrom = 48 * time.Hour

// coverage returns what a window has data about, but for things that may differ: the
// zone of times, the order of sources, and the blocks of a file.
func coverage(ctx context.Context, r Answerer, w store.Window) (store.Coverage, error) {
	c, err := r.Coverage(ctx, w)
	for _, t := range []*time.Time{&c.Window.From, &c.Window.To, &c.Effective.From, &c.Effective.To, &c.First, &c.Last, &c.PointsFrom} {
		*t = t.UTC()
	}
	slices.SortFunc(c.Geo, func(a, b store.GeoSource) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	c.Damaged = 0
	if c.Effective.To.Sub(c.Effective.From) > coarseFrom {
		c.Spans = onAndOff(c.Spans)
	}
	return c, err
}

// onAndOff makes spans of data of those that are idle.
func onAndOff(spans []store.Span) (all []store.Span) {
	for _, s := range spans {
		if s.State == store.StateIdle {
			s.State = store.StateData
		}
		if n := len(all); n > 0 && all[n-1].Sensor == s.Sensor && all[n-1].State == s.State && all[n-1].To.Equal(s.From) {
			all[n-1].To, all[n-1].Drops, all[n-1].Folded = s.To, all[n-1].Drops+s.Drops, all[n-1].Folded+s.Folded
			continue
		}
		all = append(all, s)
	}
	return all
}
