package sqlite

import (
	"context"
	"database/sql"
	"math"

	"github.com/packetheat/packetheat/store"
)

// batches adds the other's batches, ten minutes of a sensor after the other.
func (m *merger) batches(ctx context.Context) error {
	for at := int64(math.MinInt64); ; {
		tick, any, err := optional(ctx, m.other.readers, "SELECT tick FROM batches WHERE tick >= ? ORDER BY tick LIMIT 1", at)
		if err != nil || !any {
			return err
		}
		start := floorTo(tick, level10m)
		at = start + level10m
		ids, err := rowIDs(ctx, m.other.readers, "SELECT DISTINCT sensor FROM batches WHERE tick >= ? AND tick < ?", start, at)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := m.interval(ctx, interval{level10m, start, uint32(id)}); err != nil {
				return err
			}
		}
	}
}

// interval adds the batches of ten minutes of one of the other's sensors.
func (m *merger) interval(ctx context.Context, theirs interval) error {
	id, err := m.sensor(ctx, theirs.sensor)
	if err != nil {
		return err
	}
	iv := theirs
	iv.sensor = id
	var missing []found
	var left int64
	var why string
	err = m.theirs(ctx, func(tx *sql.Tx) (err error) {
		missing, left, why, err = m.missing(ctx, tx, theirs, iv)
		return err
	})
	if err != nil {
		return err
	}
	if left > 0 {
		m.leaveOut(iv, left, why)
	}
	return m.appendAll(ctx, missing)
}

// appendAll adds batches that we do not have in one transaction, with the counters that
// the other has of what was forgotten. (Not by Append, which may replace the file: its
// tiers are locked. Nor one by one: a commit waits for the disk, a year has three
// million batches.)
func (m *merger) appendAll(ctx context.Context, missing []found) error {
	if len(missing) == 0 {
		return nil
	}
	list := make([]*store.Batch, len(missing))
	points := 0
	for i, f := range missing {
		if err := m.checkBatch(f.Batch); err != nil {
			return err
		}
		list[i] = f.Batch
		points += len(f.Batch.Points)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.w == nil {
		return errClosed
	}
	err := m.commitNew(context.WithoutCancel(ctx), list, func(i int) totals {
		if missing[i].totals.forgotten != (store.Sum{}) {
			return missing[i].totals
		}
		return totalsOf(list[i])
	})
	if err != nil {
		return err
	}
	m.Batches += int64(len(list))
	m.Merged.Points += int64(points)
	return nil
}

// missing returns the batches of an interval that we do not have, and how many must
// stay out.
func (m *merger) missing(ctx context.Context, tx *sql.Tx, theirs, iv interval) (list []found, left int64, why string, err error) {
	if err := m.other.dicts.load(ctx, tx); err != nil {
		return nil, 0, "", err
	}
	rows, err := readBatches(ctx, tx, theirs, -1)
	if err != nil {
		return nil, 0, "", err
	}
	ours, err := readBatches(ctx, m.readers, iv, -1)
	if err != nil {
		return nil, 0, "", err
	}
	type identity struct {
		tick int64
		seq  uint32
	}
	have := make(map[identity]bool, len(ours))
	for i := range ours {
		have[identity{ours[i].tick, ours[i].seq}] = true
	}
	isNew := func(r *batchRow) bool { return !have[identity{r.tick, r.seq}] }
	fresh := 0
	for i := range rows {
		m.read(len(rows[i].books) + 64)
		if isNew(&rows[i]) {
			fresh++
		}
	}
	m.Known += int64(len(rows) - fresh)
	if fresh == 0 {
		return nil, 0, "", nil
	}
	if unsure, err := m.unsure(ctx, iv, int64(len(ours))); err != nil {
		return nil, 0, "", err
	} else if unsure {
		same, err := m.alike(ctx, tx, iv, theirs.sensor)
		if same {
			m.Known += int64(fresh)
			return nil, 0, "", err
		}
		return nil, int64(fresh), "this store has given up its points of that time", err
	}
	return m.unsealed(ctx, tx, theirs, rows, isNew)
}

// unsure reports whether we have had batches in an interval that we do not know by
// name any more.
func (m *merger) unsure(ctx context.Context, iv interval, rows int64) (bool, error) {
	for at, more := iv, true; more; at, more = at.parent() {
		t, err := readTier(ctx, m.readers, at)
		if err != nil {
			return false, err
		}
		switch {
		case t == nil:
			continue
		case t.level == level10m && t.batches <= rows:
			return false, nil // all of them are there
		case t.level == level10m:
			return true, nil
		}
		// A tier over it, and none of its own: what is in that tier of these ten minutes
		// was given up, unless all of that tier is known to be of other times.
		n, err := number(ctx, m.readers, "SELECT count(*) FROM batches WHERE tick >= ? AND tick < ? AND sensor = ? AND id <= ?", t.start, t.start+t.level, t.sensor, t.last)
		if err != nil {
			return false, err
		}
		return n < t.batches && iv.start < m.marks[markPoints], nil
	}
	return false, nil
}

// unsealed makes batches of the rows that are new to us. The points of a tick that
// several batches had may be one whole now: they go to the first, if all are new.
func (m *merger) unsealed(ctx context.Context, tx *sql.Tx, theirs interval, rows []batchRow, isNew func(*batchRow) bool) (list []found, left int64, why string, err error) {
	all, err := m.from.unpack(ctx, tx, theirs, rows, isNew)
	if err != nil {
		return nil, 0, "", err
	}
	fresh := make(map[int64]int) // of batches that cannot be told apart, by tick
	for i := range all {
		if f := &all[i]; f.mates > 1 && isNew(f.row) {
			fresh[f.row.tick]++
		}
	}
	for i := range all {
		f := &all[i]
		switch {
		case !isNew(f.row):
			continue
		case f.bad:
			m.Damaged++
			continue
		case f.mates > 1 && fresh[f.row.tick] < f.mates:
			left++
			why = "both stores have a part of its ticks"
			continue
		case !f.booked:
			m.Damaged++
		}
		t := totalsOf(f.Batch)
		f.totals.points, f.totals.unlocated = t.points, t.unlocated
		list = append(list, *f)
	}
	return list, left, why, nil
}
