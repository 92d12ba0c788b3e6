package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// rewrite takes the rows that are to go out of a tier, or only counts them.
func (f *forgetter) rewrite(ctx context.Context, t *tierRow) (gone filtered, err error) {
	if !f.try {
		return f.sealer.filter(ctx, t, f.out)
	}
	if t.level != level10m { // counted in the tiers of ten minutes
		return gone, nil
	}
	for chunk := range t.chunks {
		parts, err := loadParts(ctx, f.readers, t.id, chunk, int(sourceKeys), partKeysEnds, partKeysTimes, partKeysSamples)
		if err != nil {
			return gone, err
		}
		if err := f.dec.decodeTier(&parts, sourceKeys, needAll|needTimes|needSamples); err != nil {
			return gone, err
		}
		c := &f.dec.cols
		i := 0
		for g, n := range c.count {
			for end := i + int(n); i < end; i++ {
				if f.out(c.addr[g], c.peers[c.peer[i]]) {
					gone.points += int64(c.sampleStart[i+1] - c.sampleStart[i])
					gone.sum.Add(c.sum(i))
				}
			}
		}
	}
	return gone, nil
}

// giveUp deletes full keys that retention has given up and not come to delete yet.
func (f *forgetter) giveUp(ctx context.Context, t *tierRow) error {
	if f.try {
		return nil
	}
	return f.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM parts WHERE id >= ? AND id < ? AND id % ? <= ?",
			partID(t.id, 0, 0), partID(t.id+1, 0, 0), chunkRoom, partKeysSamples); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE tiers SET chunks = 0 WHERE id = ?", t.id); err != nil {
			return err
		}
		return nextGeneration(ctx, tx)
	})
}

// viewsOnly writes the views of a tier without keys anew, if something that they are
// the sum of has changed and all of that is there: blocks, where a flood of addresses
// had too many keys, or finer tiers.
func (f *forgetter) viewsOnly(ctx context.Context, t *tierRow) error {
	iv := t.interval()
	if f.try || t.points == 0 || !f.hasChanged(iv) {
		return nil
	}
	if t.level > level10m {
		f.Tiers++
		return f.sealer.coarse(ctx, iv)
	}
	rows, err := readBatches(ctx, f.readers, iv, -1)
	if err != nil {
		return err
	}
	b, err := f.sealer.again(ctx, t)
	if err != nil {
		return err
	}
	b.row.points, b.totals = 0, totals{}
	var inside []batchRow
	for i := range rows {
		var books totals
		if rows[i].id > t.last {
			continue
		}
		if err := books.decode(rows[i].books); err != nil {
			books = totals{damaged: 1}
		}
		b.totals.add(&books)
		b.row.points += rows[i].points
		inside = append(inside, rows[i])
	}
	f.Tiers++
	return b.finish(ctx, b.viewsOnly(ctx, inside), nil)
}

// hasChanged reports whether any ten minutes of an interval have.
func (f *forgetter) hasChanged(iv interval) bool {
	for at := iv.start; at < iv.end(); at += level10m {
		if _, ok := f.changed[interval{level10m, at, iv.sensor}]; ok {
			return true
		}
	}
	return false
}

// scrub writes the file anew, without what was deleted, and empties the log.
func (f *forgetter) scrub(ctx context.Context) error {
	if f.progress != nil {
		f.progress(f.total, f.total)
	}
	// A sliver of a page may still have bytes of what was in it before.
	if err := f.exec(ctx, "VACUUM"); err != nil {
		return fmt.Errorf("write the file anew: %w", err)
	}
	var busy, frames, moved int64
	f.logKeeper.mu.Lock()
	f.mu.Lock()
	err := f.w.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	f.mu.Unlock()
	f.logKeeper.mu.Unlock()
	if err == nil && busy != 0 {
		err = errors.New("somebody reads the store: its log, which still has the addresses, could not be emptied (close the dashboard and other readers, then run this again)")
	}
	return errors.Join(err, f.exec(ctx, "PRAGMA secure_delete = FAST"))
}

// exec runs a statement on the writing connection.
func (f *forgetter) exec(ctx context.Context, query string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil {
		return errClosed
	}
	_, err := f.w.ExecContext(ctx, query)
	return err
}
