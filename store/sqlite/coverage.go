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
// Blocks that nobody has read yet are checked, in the order of time, up to 64 MiB a
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
	b := coverageBuilder{store: s, coverage: &c, sensors: make(map[uint32]*sensorSpans), geo: make(map[string]struct{})}
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
	sensors  map[uint32]*sensorSpans
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

// read reads about some units in one transaction.
func (b *coverageBuilder) read(ctx context.Context) error {
	tx, err := b.store.readers.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if generation, err := readGeneration(ctx, tx); err != nil || generation != b.kept.generation {
		return cmp.Or(err, errMoved)
	}
	for n := 0; n < coverageRows && len(b.units) > 0; {
		u := &b.units[0]
		if len(u.base) > 0 {
			more, err := b.readBatches(ctx, tx, u, b.plan.in(u.base), u.from, u.baseTo, true)
			if err != nil || more {
				return err
			}
			b.units = b.units[1:]
			n += coverageRows / 16
			continue
		}
		k := 0
		for k < len(b.units) && k < coverageRows/8 && len(b.units[k].base) == 0 && !b.units[k].tiers[0].exact {
			k++
		}
		if k > 0 {
			err = b.readTiers(ctx, tx, b.units[:k])
		} else { // the edge of a tier, the batches of which are still there
			k = 1
			t := &u.tiers[0]
			b.doubtful.addTier(t)
			_, err = b.readBatches(ctx, tx, u, fmt.Sprintf(" AND sensor = %d", t.sensor), t.from, t.to, false)
		}
		if err != nil {
			return err
		}
		b.units = b.units[k:]
		n += k
	}
	return nil
}

// in returns the condition that a row is of sensors.
func (p *plan) in(sensors []uint32) string {
	if len(sensors) == len(p.sensors) && p.all {
		return ""
	}
	return " AND sensor IN (" + list(sensors) + ")"
}

// readBatches adds rows of batches; where there are many, those of whole ticks, and
// then it moves the unit to those that follow and reports so.
func (b *coverageBuilder) readBatches(ctx context.Context, q queryer, u *unit, sensors string, from, to int64, blocks bool) (more bool, err error) {
	limit := " LIMIT " + strconv.Itoa(coverageRows)
	if !blocks {
		limit = ""
	}
	page, err := b.page(ctx, q, sensors+" AND tick < ? AND id <= ? ORDER BY tick, sensor, seq"+limit, from, to, b.plan.lastID)
	if err != nil {
		return false, err
	}
	if blocks && len(page) == coverageRows {
		more = true
		if last := page[len(page)-1].tick; last > page[0].tick {
			for page[len(page)-1].tick == last {
				page = page[:len(page)-1]
			}
			u.from = last
		} else { // a tick of very many batches
			if page, err = b.page(ctx, q, sensors+" AND tick <= ? AND id <= ? ORDER BY tick, sensor, seq", from, last, b.plan.lastID); err != nil {
				return false, err
			}
			u.from = last + 1
		}
	}
	for i := range page {
		b.add(&page[i], blocks)
	}
	return more, nil
}

// page reads rows of batches from a tick on.
func (b *coverageBuilder) page(ctx context.Context, q queryer, where string, args ...any) ([]batchRow, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, tick, sensor, seq, on_ns, off_ns, points, geo, books FROM batches
		WHERE tick >= ?`+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []batchRow
	for rows.Next() {
		var r batchRow
		if err := rows.Scan(&r.id, &r.tick, &r.sensor, &r.seq, &r.on, &r.off, &r.points, &r.geo, &r.books); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

// spansOf returns the spans of a sensor.
func (b *coverageBuilder) spansOf(id uint32) *sensorSpans {
	sensor := b.sensors[id]
	if sensor == nil {
		sensor = &sensorSpans{interval: b.store.tick, end: b.coverage.Effective.From}
		b.sensors[id] = sensor
	}
	return sensor
}

func (b *coverageBuilder) add(r *batchRow, block bool) {
	t := b.addBooks(r)
	if block && r.points > 0 && !b.store.damage.checked(r.id) {
		b.doubtful.blocks = append(b.doubtful.blocks, batchRow{id: r.id, tick: r.tick})
	}
	b.spansOf(r.sensor).add(r, &t.books)
}

// addBooks adds what a batch counts, but not its coverage.
func (b *coverageBuilder) addBooks(r *batchRow) (t totals) {
	c := b.coverage
	c.Points += uint64(r.points)
	b.geo[r.geo] = struct{}{}
	if err := t.decode(r.books); err != nil {
		b.store.damage.note(r.id, r.tick, err)
		return totals{}
	}
	c.Books.Add(&t.books)
	c.Unlocated.Add(t.unlocated)
	return t
}

// readTiers adds whole tiers, and late batches that they do not hold: of those only
// the books, as what they were captured in is long known.
func (b *coverageBuilder) readTiers(ctx context.Context, q queryer, units []unit) error {
	ids := make([]int64, 0, len(units))
	var late []int64
	for i := range units {
		ids = append(ids, units[i].tiers[0].id)
		late = append(late, units[i].late...)
	}
	rows, err := q.QueryContext(ctx, "SELECT id, points, geo, books, spans FROM tiers WHERE id IN ("+list(ids)+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	found := make(map[int64]*tierRow, len(units))
	for rows.Next() {
		var t tierRow
		if err := rows.Scan(&t.id, &t.points, &t.geo, &t.books, &t.spans); err != nil {
			return err
		}
		found[t.id] = &t
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i := range units {
		if t := &units[i].tiers[0]; found[t.id] != nil {
			b.addTier(t, found[t.id])
		}
	}
	for ids := range slices.Chunk(late, chunkRows) {
		page, err := b.page(ctx, q, " AND id IN ("+list(ids)+")", int64(math.MinInt64))
		if err != nil {
			return err
		}
		for i := range page {
			b.addBooks(&page[i])
		}
	}
	return nil
}

func (b *coverageBuilder) addTier(t *piece, row *tierRow) {
	c := b.coverage
	c.Points += uint64(row.points)
	b.geo[row.geo] = struct{}{}
	var sum totals
	if err := sum.decode(row.books); err != nil {
		b.store.damage.noteRow(t.id, t.start, err)
	} else {
		c.Books.Add(&sum.books)
		c.Unlocated.Add(sum.unlocated)
	}
	runs, err := decodeRuns(row.spans, t.level)
	if err != nil {
		b.store.damage.noteRow(t.id, t.start, err)
	}
	b.doubtful.addTier(t)
	b.spansOf(t.sensor).addRuns(t.start, runs)
}

// finish closes the spans of all sensors and names sensors and sources.
func (b *coverageBuilder) finish() {
	c := b.coverage
	names := b.store.dicts.sensors.snapshot()
	ids := slices.Clone(b.plan.sensors)
	slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(names[a], names[b]) })
	for _, id := range ids {
		c.Sensors = append(c.Sensors, names[id])
		for _, span := range b.spansOf(id).finish(c.Effective.To) {
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
