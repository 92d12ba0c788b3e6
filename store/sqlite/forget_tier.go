package sqlite

import (
	"context"
	"database/sql"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// filtered is what filter has left out.
type filtered struct {
	points    int64
	sum       store.Sum
	unlocated store.Sum

	ticks map[int64]*filteredTick // of a tier of ten minutes, by Unix seconds
}

// filteredTick is what has been left out of a tick, and how many of its samples stay.
type filteredTick struct {
	filtered
	stay int64
}

func (f *filtered) tick(at int64) *filteredTick {
	if f.ticks == nil {
		f.ticks = make(map[int64]*filteredTick)
	}
	t := f.ticks[at]
	if t == nil {
		t = new(filteredTick)
		f.ticks[at] = t
	}
	return t
}

// filter writes a tier that has full keys anew from these, without the rows that out
// reports; nil leaves nothing out. Its views are made from what is left. Its counters
// go on to say what was captured; what is left out is counted as forgotten.
func (l *sealer) filter(ctx context.Context, t *tierRow, out func(addr, peer netip.Prefix) bool) (f filtered, err error) {
	b, err := l.again(ctx, t)
	if err != nil {
		return f, err
	}
	var rows []batchRow
	if t.level == level10m {
		if err = b.filterSamples(ctx, out, &f); err == nil {
			rows, err = b.rowsLeft(ctx, &f)
		}
		b.row.points -= f.points
	} else if err = b.filterRows(ctx, out, &f); err == nil {
		b.row.points, err = b.pointsLeft(ctx)
	}
	b.totals.forget(&f)
	return f, b.finish(ctx, err, func(tx *sql.Tx) error {
		for i := range rows {
			r := &rows[i]
			if _, err := tx.ExecContext(ctx, "UPDATE batches SET points = ?, books = ? WHERE id = ?", r.points, r.books, r.id); err != nil {
				return err
			}
		}
		return nil
	})
}

// keptTick is a tick of a sensor.
type keptTick struct {
	sensor uint32
	tick   int64
}

// rowsLeft takes what was left out of the rows of the batches that it came in. Which of
// several of a tick it came in is not known any more: it goes by their order. Those that
// still have their blocks have been written anew with these.
func (b *building) rowsLeft(ctx context.Context, f *filtered) (changed []batchRow, err error) {
	rows, err := readBatches(ctx, b.s.readers, b.row.interval(), -1)
	if err != nil {
		return nil, err
	}
	kept, err := rowIDs(ctx, b.s.readers, `SELECT k.id FROM batches b JOIN blocks k ON k.id = b.id
		WHERE b.tick >= ? AND b.tick < ? AND b.sensor = ? ORDER BY k.id`, b.row.start, b.row.start+b.row.level, b.row.sensor)
	if err != nil {
		return nil, err
	}
	f.points = 0
	for tick, left := range f.ticks {
		gone := b.kept[keptTick{b.row.sensor, tick}]
		f.points += gone.points
		left.points -= min(left.points, gone.points)
		subtract(&left.sum, least(left.sum, gone.sum))
		subtract(&left.unlocated, least(left.unlocated, gone.unlocated))
	}
	for i := range rows {
		r := &rows[i]
		left := f.ticks[r.tick]
		_, has := slices.BinarySearch(kept, r.id)
		var t totals
		if has || r.id > b.row.last || r.points == 0 || left == nil || left.points == 0 && left.sum == (store.Sum{}) || t.decode(r.books) != nil {
			continue
		}
		n := min(left.points, r.points)
		if left.stay == 0 { // equal points of several batches were one
			n = r.points
		}
		part := filtered{points: n, sum: least(left.sum, t.points), unlocated: least(left.unlocated, t.unlocated)}
		left.points -= min(n, left.points)
		subtract(&left.sum, part.sum)
		subtract(&left.unlocated, part.unlocated)
		t.forget(&part)
		r.points, r.books = r.points-n, t.encode()
		f.points += n
		changed = append(changed, *r)
	}
	return changed, nil
}

func least(a, b store.Sum) store.Sum {
	return store.Sum{Packets: min(a.Packets, b.Packets), Bytes: min(a.Bytes, b.Bytes), Opens: min(a.Opens, b.Opens)}
}

// again begins to write a tier anew, with all that its row says.
func (l *sealer) again(ctx context.Context, t *tierRow) (*building, error) {
	b, err := l.begin(ctx, t.interval())
	if err != nil {
		return nil, err
	}
	b.row.batches, b.row.points, b.row.last, b.row.geo = t.batches, t.points, t.last, t.geo
	if err := b.totals.decode(t.books); err != nil {
		return nil, err
	}
	b.runs, err = decodeRuns(t.spans, t.level)
	return b, err
}

// filterSamples writes the keys of ten minutes.
func (b *building) filterSamples(ctx context.Context, out func(addr, peer netip.Prefix) bool, f *filtered) error {
	g := newGatherer(b.old.points)
	if err := b.oldKeys(ctx, g); err != nil {
		return err
	}
	return b.writeKeys(ctx, func(add func(*rowKey, *tierSum, []sample) error) error {
		return g.sorted(ctx, func(k *rowKey, samples []sample) error {
			sum := totalOf(samples)
			left := b.leave(k, &sum, int64(len(samples)), out, f)
			for i := range samples {
				t := f.tick(b.row.start + int64(samples[i].tick)*b.seconds())
				if left {
					t.add(1, samples[i].Sum, b.s.dicts.places.snapshot()[k.place()])
				} else {
					t.stay++
				}
			}
			if left {
				return nil
			}
			return add(k, &sum, samples)
		})
	})
}

// filterRows writes the keys of an hour or a day, which may be too many for memory.
func (b *building) filterRows(ctx context.Context, out func(addr, peer netip.Prefix) bool, f *filtered) error {
	s, err := b.stream(b.old)
	if err != nil {
		return err
	}
	defer b.s.decoders.Put(s.dec)
	return b.writeKeys(ctx, func(add func(*rowKey, *tierSum, []sample) error) error {
		return mergeRows(ctx, []rowStream{s}, func(k *rowKey, sum *tierSum) error {
			b.want.Add(sum.Sum)
			if b.leave(k, sum, 0, out, f) {
				return nil
			}
			return add(k, sum, nil)
		})
	})
}

// leave leaves a row out, or adds it to the views.
func (b *building) leave(k *rowKey, sum *tierSum, points int64, out func(addr, peer netip.Prefix) bool, f *filtered) bool {
	if out == nil || !out(k.addr(), k.peer()) {
		b.views.add(k.place(), k.asn(), k.kind(), k.port(), sum)
		return false
	}
	f.add(points, sum.Sum, b.s.dicts.places.snapshot()[k.place()])
	subtract(&b.want, sum.Sum)
	return true
}

// pointsLeft is how many points a tier stands for, going by the finer ones, which have
// been filtered before it.
func (b *building) pointsLeft(ctx context.Context) (int64, error) {
	finer, err := readTiers(ctx, b.s.readers, b.row.interval().finer(), b.row.sensor, b.row.start, b.row.start+b.row.level)
	if err != nil {
		return 0, err
	}
	var batches, points int64
	for i := range finer {
		batches, points = batches+finer[i].batches, points+finer[i].points
	}
	if batches != b.row.batches { // some are gone, or have more than this one yet
		return b.row.points, nil
	}
	return points, nil
}

func subtract(s *store.Sum, o store.Sum) {
	s.Packets -= o.Packets
	s.Bytes -= o.Bytes
	s.Opens -= o.Opens
}

func (f *filtered) add(points int64, sum store.Sum, place store.Place) {
	f.points += points
	f.sum.Add(sum)
	if place == (store.Place{}) {
		f.unlocated.Add(sum)
	}
}

// forget takes out of the totals of points what f has left out, and counts it.
func (t *totals) forget(f *filtered) {
	subtract(&t.points, f.sum)
	subtract(&t.unlocated, f.unlocated)
	t.forgotten.Add(f.sum)
}

// drop deletes a tier; answers then come from finer ones.
func (l *sealer) drop(ctx context.Context, t *tierRow) error {
	err := l.s.transaction(ctx, func(tx *sql.Tx) error {
		if err := dropTier(ctx, tx, t); err != nil {
			return err
		}
		return nextGeneration(ctx, tx)
	})
	if err != nil {
		return err
	}
	return l.s.sweep(ctx)
}
