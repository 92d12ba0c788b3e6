package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"

	"github.com/packetheat/packetheat/store"
)

// An interval of ten minutes that has more points than sealPoints, or more keys than
// sealKeys, was a flood. It gets views but no full keys, and its blocks stay, so that
// neither sealing nor reading it needs more than some hundred MiB.
const (
	sealPoints = 3 << 20
	sealKeys   = 1 << 19
)

// errFlood is the error of an interval that has too many keys.
var errFlood = errors.New("too many keys")

// sealer builds tiers. One goroutine uses it at a time.
type sealer struct {
	s      *Store
	enc    *encoder
	dec    *decoder // of what is read
	back   *decoder // of what was written
	points int64    // sealPoints, or less in tests
	keys   int

	damaged uint64 // blocks and counters that could not be read so far

	kept map[keptTick]filtered // what Forget has taken out of blocks of batches that are in tiers, too
}

func newSealer(s *Store) (*sealer, error) {
	enc, err := newEncoder()
	if err != nil {
		return nil, err
	}
	l := &sealer{s: s, enc: enc, points: sealPoints, keys: sealKeys}
	if l.dec, err = newDecoder(); err != nil {
		return nil, err
	}
	l.back, err = newDecoder()
	return l, err
}

// keepRaw is how much of a part a sealer's buffers are kept for.
const keepRaw = 4 << 20

// trim gives back what a busy interval needed: the next one is ten minutes away, and
// may be quiet.
func (l *sealer) trim() error {
	if cap(l.enc.raw) <= keepRaw && cap(l.dec.raw) <= keepRaw && cap(l.back.raw) <= keepRaw {
		return nil
	}
	fresh, err := newSealer(l.s)
	if err != nil {
		return err
	}
	l.enc, l.dec, l.back = fresh.enc, fresh.dec, fresh.back
	return nil
}

// building is a tier being built.
type building struct {
	*sealer
	row    tierRow
	old    *tierRow // that it replaces
	writer *tierWriter
	totals totals
	runs   []run
	views  viewSums
	want   store.Sum // what the readable blocks add up to
	places int       // ids below these are known
	asns   int
}

func (l *sealer) begin(ctx context.Context, iv interval) (*building, error) {
	w, err := l.s.newTier(ctx) // before anything is read
	if err != nil {
		return nil, err
	}
	b := &building{sealer: l, writer: w, row: tierRow{level: iv.level, start: iv.start, sensor: iv.sensor}}
	if b.old, err = readTier(ctx, l.s.readers, iv); err != nil {
		return nil, err
	}
	if err := l.s.dicts.load(ctx, l.s.readers); err != nil {
		return nil, err
	}
	b.places, b.asns = len(l.s.dicts.places.snapshot()), len(l.s.dicts.asns.snapshot())
	return b, nil
}

// seal writes the tier of ten minutes: for the first time, or again with what has
// come late. It reports false where there is nothing to do.
func (l *sealer) seal(ctx context.Context, iv interval) (bool, error) {
	b, err := l.begin(ctx, iv)
	if err != nil {
		return false, err
	}
	rows, err := readBatches(ctx, l.s.readers, iv, -1)
	if err != nil {
		return false, err
	}
	fresh := rows
	if b.old != nil {
		fresh = nil
		for i := range rows {
			if rows[i].id > b.old.last {
				fresh = append(fresh, rows[i])
			}
		}
	}
	if len(fresh) == 0 {
		return false, l.forgetOpen(ctx, iv)
	}
	if err := b.account(rows, fresh); err != nil {
		return false, err
	}
	return true, b.finish(ctx, b.content(ctx, fresh), func(tx *sql.Tx) error { return b.closeInterval(ctx, tx) })
}

// forgetOpen takes an interval without batches off the list.
func (l *sealer) forgetOpen(ctx context.Context, iv interval) error {
	return l.s.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM open WHERE start = ?1 AND sensor = ?2
			AND NOT EXISTS (SELECT 1 FROM batches WHERE tick >= ?1 AND tick < ?1 + 600 AND sensor = ?2)`, iv.start, iv.sensor)
		return err
	})
}

// account sums up what the rows of batches say: those of the whole interval, and
// those that are not in the old tier.
func (b *building) account(rows, fresh []batchRow) error {
	iv := b.row.interval()
	b.runs = runsOf(iv, b.s.tick, rows)
	geo := []string{""}
	if b.old != nil {
		b.row.batches, b.row.points, b.row.last = b.old.batches, b.old.points, b.old.last
		if err := b.totals.decode(b.old.books); err != nil {
			return err
		}
		geo[0] = b.old.geo
		if int64(len(rows)-len(fresh)) != b.old.batches { // their rows are gone
			old, err := decodeRuns(b.old.spans, iv.level)
			if err != nil {
				return err
			}
			b.runs = overlayRuns(old, runsOf(iv, b.s.tick, fresh))
		}
	}
	for i := range fresh {
		r := &fresh[i]
		var t totals
		if err := t.decode(r.books); err != nil {
			b.s.damage.note(r.id, r.tick, err)
			t = totals{damaged: 1}
			b.damaged++
		}
		b.totals.add(&t)
		b.row.batches++
		b.row.points += r.points
		b.row.last = max(b.row.last, r.id)
		if last := len(geo) - 1; geo[last] != r.geo {
			geo = append(geo, r.geo)
		}
	}
	b.row.geo = mergeGeo(geo...)
	return nil
}

// content adds the points of batches to what the old tier has.
func (b *building) content(ctx context.Context, fresh []batchRow) error {
	points := int64(0)
	for i := range fresh {
		points += fresh[i].points
	}
	if b.old == nil {
		if points > b.points {
			return b.viewsOnly(ctx, fresh)
		}
		err := b.allKeys(ctx, fresh, points)
		if errors.Is(err, errFlood) {
			return b.viewsOnly(ctx, fresh)
		}
		return err
	}
	if b.old.keys == 0 && b.old.points > 0 {
		if err := b.oldViews(ctx, b.old, 0); err != nil {
			return err
		}
		return b.viewsOnly(ctx, fresh)
	}
	return b.allKeys(ctx, fresh, points)
}

// viewsOnly adds batches to the views and leaves the keys out.
func (b *building) viewsOnly(ctx context.Context, fresh []batchRow) error {
	return b.eachBlock(ctx, fresh, needASN|needPort, func(c *columns, tick uint32) error {
		b.views.addBlock(c, tick)
		return nil
	})
}

// allKeys writes the full keys of batches and of the old tier, and makes the views
// from them.
func (b *building) allKeys(ctx context.Context, fresh []batchRow, points int64) error {
	room := points
	if b.old != nil {
		room += b.old.points
	}
	g := newGatherer(room)
	before := b.want
	if b.old != nil {
		if err := b.oldKeys(ctx, g); err != nil {
			return err
		}
	}
	if err := b.eachBlock(ctx, fresh, needAll, func(c *columns, tick uint32) error {
		g.add(c, tick, false)
		if b.old == nil && len(g.rows.list) > b.keys {
			b.want = before
			return errFlood
		}
		return nil
	}); err != nil {
		return err
	}
	return b.writeKeys(ctx, func(add func(*rowKey, *tierSum, []sample) error) error {
		return g.sorted(ctx, func(k *rowKey, samples []sample) error {
			sum := totalOf(samples)
			b.views.add(k.place(), k.asn(), k.kind(), k.port(), &sum)
			return add(k, &sum, samples)
		})
	})
}

// oldKeys gives g what the old tier has.
func (b *building) oldKeys(ctx context.Context, g *gatherer) error {
	for chunk := range b.old.chunks {
		parts, err := loadParts(ctx, b.s.readers, b.old.id, chunk, int(sourceKeys), partKeysEnds, partKeysTimes, partKeysSamples)
		if err != nil {
			return err
		}
		if err := b.dec.decodeTier(&parts, sourceKeys, needAll|needTimes|needSamples); err != nil {
			return err
		}
		g.add(&b.dec.cols, 0, true)
		b.want.Add(b.dec.cols.total())
	}
	return nil
}

// writeKeys runs rows, which calls its argument with every row in order, and writes
// them.
func (b *building) writeKeys(ctx context.Context, rows func(add func(*rowKey, *tierSum, []sample) error) error) error {
	w := chunkWriter{enc: b.enc, dec: b.back, emit: func(chunk int64, parts *tierBlobs) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
		return b.writer.add(ctx, chunk, parts)
	}}
	if err := rows(w.add); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	if w.total != b.want {
		return fmt.Errorf("%w: keys add up to %v, blocks to %v", errSealed, w.total, b.want)
	}
	b.row.keys, b.row.chunks = w.keys, w.chunks
	return nil
}

// eachBlock decodes the blocks of batches and calls f with each that can be read. Its
// amounts must be what the batch's counters say.
func (b *building) eachBlock(ctx context.Context, rows []batchRow, n need, f func(c *columns, tick uint32) error) error {
	damaged := uint64(0)
	for i := range rows {
		r := &rows[i]
		if r.points == 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched() // commits go first
		sums, ends, err := loadBlock(ctx, b.s.readers, r.id)
		if err != nil {
			return err
		}
		err = b.dec.decode(sums, ends, n)
		c := &b.dec.cols
		if err == nil && (int(maxOf(c.place)) >= b.places || int(maxOf(c.asn)) >= b.asns) {
			err = errDamaged
		}
		b.s.damage.note(r.id, r.tick, err)
		if err != nil {
			damaged++
			continue
		}
		total := c.total()
		var t totals
		if t.decode(r.books) == nil && t.points != total {
			return fmt.Errorf("%w: batch %d has points of %v, its counters say %v", errSealed, r.id, total, t.points)
		}
		b.want.Add(total)
		if err := f(c, uint32((r.tick-b.row.start)/b.seconds())); err != nil {
			return err
		}
	}
	b.totals.damaged += damaged
	b.damaged += damaged
	return nil
}

// seconds is the length of the store's ticks.
func (b *building) seconds() int64 { return int64(b.s.tick.Seconds()) }

// oldViews adds the views of a tier that begins in the interval.
func (b *building) oldViews(ctx context.Context, t *tierRow, offset uint32) error {
	var numbers []int
	for _, from := range viewSources {
		numbers = append(numbers, from.sums(), from.times())
	}
	parts, err := loadParts(ctx, b.s.readers, t.id, 0, numbers...)
	if err != nil {
		return err
	}
	for n, from := range viewSources {
		if parts[from.sums()] == nil && t.points == 0 {
			continue
		}
		if err := b.dec.decodeTier(&parts, from, needTimes); err != nil {
			return fmt.Errorf("view %d of the tier of %ds at %d: %w", from, t.level, t.start, err)
		}
		b.views.addView(n, &b.dec.cols, offset)
		if from == sourceKind {
			b.want.Add(b.dec.cols.total())
		}
	}
	return nil
}

// finish writes views and row after the content, whose error is err.
func (b *building) finish(ctx context.Context, err error, also func(tx *sql.Tx) error) error {
	if err == nil {
		err = b.finishTier(ctx, also)
	}
	if err == nil && b.old != nil {
		return b.s.sweep(ctx)
	}
	if err != nil && b.writer.staged {
		return errors.Join(err, b.s.sweep(ctx))
	}
	return err
}

func (b *building) finishTier(ctx context.Context, also func(tx *sql.Tx) error) error {
	if b.row.points > 0 {
		var parts tierBlobs
		if err := b.views.encode(b.enc, b.back, &parts, b.want); err != nil {
			return err
		}
		if err := b.writer.add(ctx, 0, &parts); err != nil {
			return err
		}
	}
	b.row.books = b.totals.encode()
	b.row.spans = encodeRuns(coarsen(b.runs, b.row.level))
	return b.writer.finish(ctx, &b.row, b.old, also)
}

// closeInterval deletes what a tier of ten minutes has made superfluous.
func (b *building) closeInterval(ctx context.Context, tx *sql.Tx) error {
	t := &b.row
	if _, err := tx.ExecContext(ctx, "DELETE FROM open WHERE start = ? AND sensor = ?", t.start, t.sensor); err != nil {
		return err
	}
	if t.keys == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM blocks WHERE id IN
		(SELECT id FROM batches b WHERE tick >= ? AND tick < ? AND sensor = ? AND id <= ? AND id NOT IN (SELECT id FROM late)
		AND NOT `+toldApart+")",
		t.start, t.start+t.level, t.sensor, t.last)
	return err
}
