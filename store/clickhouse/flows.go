package clickhouse

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// Flows is Points for sums over steps: equal points of a step, a multiple of the tick as
// in Cells, are one, whose Interval reaches from its Time, that of the first, to the end of
// the last. A step of 0 is the whole window. Chunks come in no order and are reused when
// yield returns; yield must not keep the server waiting for long. begin is called before
// the first chunk.
func (s *Store) Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error {
	if err := s.checkStep(ctx, step, 0); err != nil {
		return err
	}
	p, err := s.plan(ctx, &f, propPlace|propCountry)
	if err != nil {
		return err
	}
	begin()
	if slices.ContainsFunc(p.filter.rest, func(t store.Term) bool { return t.Key == store.KeyOpened }) {
		return p.points(ctx, yield) // that is about each point
	}
	for _, part := range p.parts(0, true) {
		if part.tier != withPoints {
			err = p.pointsOf(ctx, part, yield)
		} else {
			err = p.flows(ctx, &part, int64(step/time.Second), yield)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// flowKeys are the columns that make points equal.
var flowKeys = slices.DeleteFunc(slices.Clone(pointSQL[:]), func(c string) bool {
	switch c {
	case "toUInt32(time)", "seconds", "packets", "bytes", "opens":
		return true
	}
	return false
})

// flows asks for the sums of a part of which there are points.
func (p *plan) flows(ctx context.Context, t *part, step int64, yield func([]store.Point) error) error {
	from := p.store.relationOf(t, p.kind)
	sql := "SELECT " + strings.Join(flowKeys, ", ") + ", toInt64(min(" + from.first + ")), toInt64(max(" + from.last + ")), sum(packets), sum(bytes), sum(opens) FROM " + from.sql +
		" WHERE " + p.filter.where(between(from.time, t.from, t.to)) + " GROUP BY " + strings.Join(flowKeys, ", ")
	if step != 0 {
		sql += ", " + from.binOf(step)
	}
	var r pointRow
	var first, last int64
	into := append(r.keys(), &first, &last, &r.Packets, &r.Bytes, &r.Opens)
	points := make([]store.Point, 0, chunkPoints)
	hand := func() error {
		err := yield(points)
		points = points[:0]
		return err
	}
	err := p.store.each(ctx, sql, p.filter.pairs, func(rows driver.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		x := r.point()
		x.Time, x.Interval = time.Unix(first, 0).UTC(), time.Duration(last-first)*time.Second
		if !p.filter.matchRest(&x) {
			return nil
		}
		if points = append(points, x); len(points) == chunkPoints {
			return hand()
		}
		return nil
	})
	if err == nil && len(points) > 0 {
		err = hand()
	}
	return err
}
