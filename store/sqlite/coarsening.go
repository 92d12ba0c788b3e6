package sqlite

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// errNotYet is the error of a coarse tier whose finer ones are not complete.
var errNotYet = errors.New("finer tiers are missing")

// coarse writes the tier of an hour or a day from the finer ones, for the first time
// or again. Where those are gone, it adds what has come late to the old one.
func (l *sealer) coarse(ctx context.Context, iv interval) error {
	b, err := l.begin(ctx, iv)
	if err != nil {
		return err
	}
	finer, err := readTiers(ctx, l.s.readers, iv.finer(), iv.sensor, iv.start, iv.end())
	if err != nil {
		return err
	}
	missing, err := b.missing(ctx)
	if err != nil {
		return err
	}
	if b.old == nil {
		if len(finer) == 0 || missing {
			return errNotYet
		}
		return b.finish(ctx, b.fromTiers(ctx, finer), nil)
	}
	fresh, err := readBatches(ctx, l.s.readers, iv, b.old.last)
	if err != nil {
		return err
	}
	batches := -b.old.batches
	for i := range finer {
		batches += finer[i].batches
	}
	if batches == int64(len(fresh)) && !missing {
		return b.finish(ctx, b.fromTiers(ctx, finer), nil)
	}
	if len(fresh) == 0 {
		return nil
	}
	return b.finish(ctx, b.fromOld(ctx, fresh), nil)
}

// missing reports whether a batch that came late is not in the finer tier over it yet.
func (b *building) missing(ctx context.Context) (bool, error) {
	iv := b.row.interval()
	n, err := number(ctx, b.s.readers, `SELECT EXISTS (SELECT 1 FROM late l WHERE tick >= ?1 AND tick < ?2 AND sensor = ?3
		AND NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = ?4 AND t.sensor = ?3 AND t.start = tick - (tick % ?4 + ?4) % ?4 AND t.last >= l.id))`,
		iv.start, iv.end(), iv.sensor, iv.finer())
	return n != 0, err
}

// fromTiers merges tiers. None of them may lack a batch that is older than the newest
// of any.
func (b *building) fromTiers(ctx context.Context, tiers []tierRow) error {
	var geo []string
	keys := true
	end := b.row.start
	for i := range tiers {
		t := &tiers[i]
		var books totals
		if err := books.decode(t.books); err != nil {
			return err
		}
		b.totals.add(&books)
		runs, err := decodeRuns(t.spans, t.level)
		if err != nil {
			return err
		}
		b.off(end, t.start)
		b.runs = append(b.runs, runs...)
		end = t.start + t.level
		geo = append(geo, t.geo)
		b.row.last = max(b.row.last, t.last)
		b.row.batches += t.batches
		b.row.points += t.points
		keys = keys && (t.keys > 0 || t.points == 0)
		if err := b.oldViews(ctx, t, b.ticks(t.start)); err != nil {
			return err
		}
	}
	b.off(end, b.row.start+b.row.level)
	b.row.geo = mergeGeo(geo...)
	if !keys {
		return nil
	}
	streams := make([]rowStream, 0, len(tiers))
	for i := range tiers {
		s, err := b.stream(&tiers[i])
		if err != nil {
			return err
		}
		defer b.s.decoders.Put(s.dec)
		streams = append(streams, s)
	}
	return b.merge(ctx, streams)
}

// fromOld adds batches to the old tier.
func (b *building) fromOld(ctx context.Context, fresh []batchRow) error {
	// As many as there is room for: the others stay late.
	var points int64
	for i := range fresh {
		if points += fresh[i].points; i > 0 && points > b.points {
			return b.fromOld(ctx, oldest(fresh, i))
		}
	}
	if err := b.account(nil, fresh); err != nil {
		return err
	}
	if err := b.oldViews(ctx, b.old, 0); err != nil {
		return err
	}
	if b.old.keys == 0 && b.old.points > 0 {
		return b.viewsOnly(ctx, fresh)
	}
	s, err := b.stream(b.old)
	if err != nil {
		return err
	}
	defer b.s.decoders.Put(s.dec)
	g := newGatherer(points)
	if err := b.eachBlock(ctx, fresh, needAll, func(c *columns, tick uint32) error {
		g.add(c, tick, false)
		b.views.addBlock(c, tick)
		return nil
	}); err != nil {
		return err
	}
	var late sliceStream
	if err := g.sorted(ctx, func(k *rowKey, samples []sample) error {
		sum := tierSum{first: samples[0].tick, last: samples[len(samples)-1].tick}
		for i := range samples {
			sum.Add(samples[i].Sum)
		}
		late.keys, late.sums = append(late.keys, *k), append(late.sums, sum)
		return nil
	}); err != nil {
		return err
	}
	return b.merge(ctx, []rowStream{s, &late})
}

// oldest returns the n batches with the least ids.
func oldest(rows []batchRow, n int) []batchRow {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b batchRow) int { return cmp.Compare(a.id, b.id) })[:n]
	slices.SortFunc(rows, func(a, b batchRow) int { return cmp.Or(cmp.Compare(a.tick, b.tick), cmp.Compare(a.seq, b.seq)) })
	return rows
}

// off adds a run in which the sensor was off.
func (b *building) off(from, to int64) {
	if from < to {
		b.runs = append(b.runs, run{length: time.Duration(to-from) * time.Second})
	}
}

// ticks returns how many ticks t is behind the interval's start.
func (b *building) ticks(t int64) uint32 { return uint32((t - b.row.start) / b.seconds()) }

// stream returns the rows of a tier, whose decoder goes back when they have been read.
func (b *building) stream(t *tierRow) (*chunkStream, error) {
	d, ok := b.s.decoders.Get().(*decoder)
	if !ok {
		var err error
		if d, err = newDecoder(); err != nil {
			return nil, err
		}
	}
	s := &chunkStream{dec: d, chunks: t.chunks, offset: b.ticks(t.start)}
	s.load = func(ctx context.Context, chunk int64) error {
		parts, err := loadParts(ctx, b.s.readers, t.id, chunk, int(sourceKeys), partKeysEnds, partKeysTimes)
		if err != nil {
			return err
		}
		return d.decodeTier(&parts, sourceKeys, needAll|needTimes)
	}
	return s, nil
}

// merge writes the rows of all streams.
func (b *building) merge(ctx context.Context, streams []rowStream) error {
	return b.writeKeys(ctx, func(add func(*rowKey, *tierSum, []sample) error) error {
		return mergeRows(ctx, streams, func(k *rowKey, sum *tierSum) error { return add(k, sum, nil) })
	})
}
