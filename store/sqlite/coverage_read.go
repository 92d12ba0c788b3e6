package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/packetheat/packetheat/store"
)

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
func (b *coverageBuilder) spansOf(id uint32) *store.Timeline {
	sensor := b.sensors[id]
	if sensor == nil {
		sensor = store.NewTimeline(b.coverage.Effective.From)
		b.sensors[id] = sensor
	}
	return sensor
}

func (b *coverageBuilder) add(r *batchRow, block bool) {
	t := b.addBooks(r)
	if block && r.points > 0 && !b.store.damage.checked(r.id) {
		b.doubtful.blocks = append(b.doubtful.blocks, batchRow{id: r.id, tick: r.tick})
	}
	b.spansOf(r.sensor).Batch(capturedIn(r, b.store.tick, &t.books))
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
	addRuns(b.spansOf(t.sensor), t.start, runs)
}
