package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// coverageRows is how many rows one transaction of Coverage reads about.
const coverageRows = 4096

// batchRow is a row of the table batches.
type batchRow struct {
	id, tick, on, off int64
	sensor, seq       uint32
	points            int64
	geo               string
	books             []byte
}

// Coverage says what the window has data about. Its Window is the asked one, moved
// forward to whole ticks (those that start in it, as the answers have them) and cut
// to what there is. Every sensor of the store has spans from its start to its end;
// over more than two days idle times of less than a minute beside data count as data,
// over more than two months those of less than 24 minutes. Times off are always exact.
//
// Blocks that nobody has read yet are checked, in the order of time, up to 16 MiB a
// call: Damaged counts what has been found by then. `db check` reads everything.
func (s *Store) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	if err := w.Check(); err != nil {
		return store.Coverage{Window: w, Tick: s.tick}, err
	}
	return prompt(ctx, func() (store.Coverage, error) {
		return steadily(func() (store.Coverage, error) { return s.coverage(ctx, w) })
	})
}

func (s *Store) coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	c := store.Coverage{Window: w, Tick: s.tick}
	b := coverageBuilder{store: s, coverage: &c, sensors: make(map[uint32]*store.Timeline), geo: make(map[string]struct{})}
	if err := b.run(ctx); err != nil {
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		return c, fmt.Errorf("read coverage of %q: %w%s", s.path, err, hint(err))
	}
	return c, nil
}

// coverageBuilder adds up the rows of one answer.
type coverageBuilder struct {
	store    *Store
	coverage *store.Coverage
	plan     plan
	coarsest int64 // level
	kept     kept
	units    []unit
	sensors  map[uint32]*store.Timeline
	geo      map[string]struct{}
	doubtful doubts
}

func (b *coverageBuilder) run(ctx context.Context) error {
	if err := b.cover(ctx); err != nil {
		return err
	}
	if b.coverage.Last.IsZero() {
		return nil
	}
	for len(b.units) > 0 {
		if err := b.read(ctx); err != nil {
			return err
		}
	}
	if err := b.verify(ctx); err != nil {
		return err
	}
	b.finish()
	b.coverage.Damaged += b.store.damage.count(b.plan.from, b.plan.to)
	return nil
}

// cover finds what is to be read: rows of tiers in the middle and of batches at the
// edges.
func (b *coverageBuilder) cover(ctx context.Context) error {
	s, p := b.store, &b.plan
	tx, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if b.kept, err = readKept(ctx, tx); err != nil {
		return err
	}
	if p.lastID, err = lastID(ctx, tx); err != nil {
		return err
	}
	if err := s.dicts.load(ctx, tx); err != nil {
		return err
	}
	for id := range s.dicts.sensors.snapshot()[1:] {
		p.sensors = append(p.sensors, uint32(id+1))
	}
	if err := b.bounds(ctx, tx); err != nil || b.coverage.Last.IsZero() {
		return err
	}
	switch length := b.coverage.Effective.To.Sub(b.coverage.Effective.From); {
	case length <= 48*time.Hour:
		b.coarsest = level10m
	case length <= 60*24*time.Hour:
		b.coarsest = level1h
	default:
		b.coarsest = level1d
	}
	p.tick, p.source, p.coverage, p.all = int64(s.tick/time.Second), sourceKind, b, true
	reaches := make([]reach, len(p.sensors))
	for i, id := range p.sensors {
		reaches[i] = reach{id, p.from, p.to}
	}
	b.units, err = p.cover(ctx, tx, &b.kept, reaches)
	return err
}

// bounds sets First, Last, Window and what follows from them.
func (b *coverageBuilder) bounds(ctx context.Context, q queryer) error {
	s, c := b.store, b.coverage
	first, last, err := b.extent(ctx, q)
	if err != nil || first > last {
		return err
	}
	c.First, c.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
	from, to := tickRange(c.Window)
	b.plan.from, b.plan.to = b.kept.widen(from, to)
	seconds := int64(s.tick / time.Second)
	c.Effective = c.Window
	if from != math.MinInt64 {
		c.Window.From = time.Unix(ceilTo(from, seconds), 0).In(c.Window.From.Location())
		c.Effective.From = c.Window.From
		if b.plan.from < from {
			c.Effective.From = time.Unix(b.plan.from, 0).In(c.Window.From.Location())
		}
	}
	if to != math.MaxInt64 {
		c.Window.To = time.Unix(ceilTo(to, seconds), 0).In(c.Window.To.Location())
		c.Effective.To = c.Window.To
		if b.plan.to > to {
			c.Effective.To = time.Unix(b.plan.to, 0).In(c.Window.To.Location())
		}
	}
	all := store.Window{From: c.First, To: c.Last}
	c.Window, c.Effective = c.Window.Clip(all), c.Effective.Clip(all)
	if begin := b.kept.begin[withPoints]; begin > first {
		c.PointsFrom = time.Unix(begin, 0).UTC()
	}
	return nil
}

// extent returns the first tick that there is anything of and the end of the last one;
// first is behind last where the store is empty.
func (b *coverageBuilder) extent(ctx context.Context, q queryer) (first, last int64, err error) {
	first, last = math.MaxInt64, math.MinInt64
	add := func(query string, length int64, args ...any) {
		if err != nil {
			return
		}
		var least, most sql.NullInt64
		if err = scanRow(ctx, q, query, args, &least, &most); err == nil && least.Valid {
			first, last = min(first, least.Int64), max(last, most.Int64+length)
		}
	}
	add("SELECT (SELECT min(tick) FROM batches), (SELECT max(tick) FROM batches)", int64(b.store.tick/time.Second))
	if b.kept.begin[withPoints] == math.MinInt64 {
		return first, last, err // no batch has been deleted
	}
	newest := last
	for _, level := range levels {
		for _, sensor := range b.plan.sensors {
			add(`SELECT (SELECT min(start) FROM tiers WHERE level = ?1 AND sensor = ?2),
				(SELECT max(start) FROM tiers WHERE level = ?1 AND sensor = ?2)`, level, level, sensor)
		}
	}
	if newest != math.MinInt64 {
		last = newest // a tier may reach beyond the last tick in it
	}
	return first, last, err
}

// scanRow reads one row.
func scanRow(ctx context.Context, q queryer, query string, args []any, dest ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// finish closes the spans of all sensors and names sensors and sources.
func (b *coverageBuilder) finish() {
	c := b.coverage
	names := b.store.dicts.sensors.snapshot()
	ids := slices.Clone(b.plan.sensors)
	slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(names[a], names[b]) })
	for _, id := range ids {
		c.Sensors = append(c.Sensors, names[id])
		for _, span := range b.spansOf(id).Finish(c.Effective.To) {
			span.Sensor = names[id]
			c.Spans = append(c.Spans, span)
		}
	}
	seen := make(map[int]struct{})
	for set := range b.geo {
		for id := range strings.SplitSeq(set, ",") {
			if n, err := strconv.Atoi(id); err == nil {
				seen[n] = struct{}{}
			}
		}
	}
	for id, source := range b.store.dicts.sources.snapshot() {
		if _, ok := seen[id]; ok {
			c.Geo = append(c.Geo, source)
		}
	}
}
