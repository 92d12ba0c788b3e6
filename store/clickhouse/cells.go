package clickhouse

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// Cells sums the matching points by place, protocol layer and direction and, where step
// is not 0, by bins of that length, which must be a multiple of the tick. Only cells with
// traffic are returned, in order of time, place, layer and direction; unlocated traffic
// is the cell of the zero Place. A step of 0 leaves Time zero.
func (s *Store) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	if err := s.checkStep(ctx, step, 0); err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, &f, propPlace|propCountry)
	if err != nil {
		return nil, err
	}
	seconds := int64(step / time.Second)
	if len(p.filter.rest) > 0 {
		return p.cellsOfPoints(ctx, seconds)
	}
	return p.cells(ctx, p.parts(seconds, false), seconds)
}

// cells sums parts of the window.
func (p *plan) cells(ctx context.Context, parts []part, seconds int64) ([]store.Cell, error) {
	sql := p.sums(parts, func(from *relation) []string {
		return append([]string{from.binOf(seconds)}, append(placeSQL[:], classSQL, "direction")...)
	})
	if sql == "" {
		return nil, ctx.Err()
	}
	var cells []store.Cell
	err := p.store.each(ctx, sql, p.filter.pairs, func(rows driver.Rows) error {
		var bin int64
		var place placeRow
		var class, direction uint8
		var sum store.Sum
		err := rows.Scan(append(append([]any{&bin}, place.into()...), &class, &direction, &sum.Packets, &sum.Bytes, &sum.Opens)...)
		cells = append(cells, store.Cell{Time: binTime(bin, seconds), Place: place.place(), Class: store.Class(class), Direction: store.Direction(direction), Sum: sum})
		return err
	})
	slices.SortFunc(cells, compareCells)
	return cells, err
}

// binTime returns the start of a bin; the zero Time where there is one bin.
func binTime(bin, step int64) time.Time {
	if step == 0 {
		return time.Time{}
	}
	return time.Unix(bin, 0).UTC()
}

func compareCells(a, b store.Cell) int {
	return cmp.Or(a.Time.Compare(b.Time), comparePlaces(&a.Place, &b.Place), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
}

// comparePlaces orders places as package store/sqlite does.
func comparePlaces(a, b *store.Place) int {
	return cmp.Or(
		cmp.Compare(a.Latitude, b.Latitude), cmp.Compare(a.Longitude, b.Longitude),
		cmp.Compare(a.Country, b.Country), cmp.Compare(a.Region, b.Region), cmp.Compare(a.City, b.City),
		cmp.Compare(a.Precision, b.Precision), cmp.Compare(a.AccuracyKM, b.AccuracyKM))
}

// Series sums the matching points by bins of length step, a multiple of the tick, and by
// protocol layer and direction. Only bins with traffic are returned, in order of time,
// layer and direction.
func (s *Store) Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error) {
	if err := s.checkStep(ctx, step, 1); err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, &f, 0)
	if err != nil {
		return nil, err
	}
	seconds := int64(step / time.Second)
	if len(p.filter.rest) > 0 {
		return p.seriesOfPoints(ctx, seconds)
	}
	sql := p.sums(p.parts(seconds, false), func(from *relation) []string {
		return []string{from.binOf(seconds), classSQL, "direction"}
	})
	if sql == "" {
		return nil, ctx.Err()
	}
	var bins []store.Bin
	err = s.each(ctx, sql, p.filter.pairs, func(rows driver.Rows) error {
		var bin int64
		var class, direction uint8
		var sum store.Sum
		err := rows.Scan(&bin, &class, &direction, &sum.Packets, &sum.Bytes, &sum.Opens)
		bins = append(bins, store.Bin{Time: binTime(bin, seconds), Class: store.Class(class), Direction: store.Direction(direction), Sum: sum})
		return err
	})
	slices.SortFunc(bins, compareBins)
	return bins, err
}

func compareBins(a, b store.Bin) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
}
