package sqlite

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A slice is what one transaction of the pruner deletes at most: a millisecond or
// two of work, for which a commit may have to wait.
const (
	sliceBytes = 512 << 10
	sliceRows  = 512
)

// slice runs do in a transaction and then leaves the disk and the lock to others for
// twice as long as it took.
func (p *pruning) slice(ctx context.Context, do func(tx *sql.Tx) error) error {
	start := time.Now()
	if err := p.transaction(ctx, do); err != nil {
		return err
	}
	return rest(ctx, 2*time.Since(start))
}

// rest waits, a second at most, or until ctx is done.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// deleteIDs deletes rows of a table that has the ids.
func deleteIDs(ctx context.Context, tx *sql.Tx, table string, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE id IN ("+joinIDs(ids)+")")
	return err
}

func joinIDs(ids []int64) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(id, 10))
	}
	return b.String()
}

// rowIDs reads a column of ids.
func rowIDs(ctx context.Context, q queryer, query string, args ...any) (ids []int64, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// sliceOf reads a column of ids and one of sizes, until they fill a slice.
func sliceOf(ctx context.Context, q queryer, query string, args ...any) (ids []int64, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for size := int64(0); size < sliceBytes && rows.Next(); {
		var id, bytes int64
		if err := rows.Scan(&id, &bytes); err != nil {
			return nil, err
		}
		ids, size = append(ids, id), size+bytes
	}
	return ids, nil // what rows.Err would say, the next query says
}

// giveKeys deletes the full keys of tiers that begin before the points that are kept:
// their addresses and what came in each tick. Their views stay.
func (p *pruning) giveKeys(ctx context.Context) error {
	for {
		tiers, err := rowIDs(ctx, p.readers, "SELECT tier FROM gone ORDER BY tier LIMIT ?", sliceRows)
		if err != nil || len(tiers) == 0 {
			return err
		}
		if err := p.giveParts(ctx, tiers, partKeysSamples, "DELETE FROM gone WHERE tier IN"); err != nil {
			return err
		}
	}
}

// giveParts deletes parts of tiers, up to number last of each chunk, and runs then on
// the ids of those that it is done with.
func (p *pruning) giveParts(ctx context.Context, tiers []int64, last int, then string) error {
	for len(tiers) > 0 {
		done, some, err := p.fill(ctx, tiers, last)
		if err != nil {
			return err
		}
		err = p.slice(ctx, func(tx *sql.Tx) error {
			for _, tier := range tiers[:done] {
				_, err := tx.ExecContext(ctx, "DELETE FROM parts WHERE id >= ? AND id < ? AND id % ? <= ?",
					partID(tier, 0, 0), partID(tier+1, 0, 0), chunkRoom, last)
				if err != nil {
					return err
				}
			}
			if err := deleteIDs(ctx, tx, "parts", some); err != nil {
				return err
			}
			if done > 0 {
				if _, err := tx.ExecContext(ctx, then+" ("+joinIDs(tiers[:done])+")"); err != nil {
					return err
				}
			}
			return nextGeneration(ctx, tx)
		})
		if err != nil {
			return err
		}
		tiers = tiers[done:]
	}
	return nil
}

// fill returns how many of the tiers a slice has room for, and what parts of the next
// one if it has none for the first.
func (p *pruning) fill(ctx context.Context, tiers []int64, last int) (done int, some []int64, err error) {
	size := int64(0)
	for _, tier := range tiers {
		rows, err := p.readers.QueryContext(ctx, "SELECT id, length(data) FROM parts WHERE id >= ? AND id < ? AND id % ? <= ? ORDER BY id",
			partID(tier, 0, 0), partID(tier+1, 0, 0), chunkRoom, last)
		if err != nil {
			return 0, nil, err
		}
		var ids []int64
		for size < sliceBytes && rows.Next() {
			var id, bytes int64
			if err = rows.Scan(&id, &bytes); err != nil {
				break
			}
			ids, size = append(ids, id), size+bytes
		}
		more := size >= sliceBytes && rows.Next()
		if e := rows.Close(); err == nil {
			err = e
		}
		switch {
		case err != nil:
			return 0, nil, err
		case more && done == 0:
			return 0, ids, nil
		case more:
			return done, nil, nil
		}
		done++
	}
	return done, nil, nil
}

// sealedBatches is the condition of batches b whose sums are in tiers. (Views of ten
// minutes begin at ?1; those before it have been given up.)
const sealedBatches = ` b.id NOT IN (SELECT id FROM late)
	AND NOT EXISTS (SELECT 1 FROM open o WHERE o.start = b.tick - (b.tick % 600 + 600) % 600 AND o.sensor = b.sensor)
	AND (b.tick < ?1 OR EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = b.sensor
		AND t.start = b.tick - (b.tick % 600 + 600) % 600))`

// giveBlocks deletes the blocks that sealed batches still have: damaged ones, and those
// of floods, which have no full keys.
func (p *pruning) giveBlocks(ctx context.Context) error {
	for p.marks[markPoints] != never {
		ids, err := sliceOf(ctx, p.readers, `SELECT k.id, length(k.sums) + length(k.ends) FROM blocks k
			CROSS JOIN batches b ON b.id = k.id WHERE b.tick < ?2 AND`+sealedBatches, p.marks[mark10m], p.marks[markPoints])
		if err != nil || len(ids) == 0 {
			return err
		}
		err = p.slice(ctx, func(tx *sql.Tx) error {
			if err := deleteIDs(ctx, tx, "blocks", ids); err != nil {
				return err
			}
			return nextGeneration(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// giveBatches deletes the rows of batches that are in tiers. Those that cannot be
// sealed stay.
func (p *pruning) giveBatches(ctx context.Context) error {
	end := p.marks[markPoints]
	if end == never {
		return nil
	}
	for at := int64(math.MinInt64); ; {
		tick, any, err := optional(ctx, p.readers, "SELECT tick FROM batches WHERE tick >= ? ORDER BY tick LIMIT 1", at)
		if err != nil || !any || tick >= end {
			return err
		}
		at = floorTo(tick, level10m) + level10m
		ids, points, err := p.batchesIn(ctx, tick, at)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(ids, sliceRows) {
			err = p.slice(ctx, func(tx *sql.Tx) error {
				if err := countLost(ctx, tx, part, p.shipped.Load()); err != nil {
					return err
				}
				if err := deleteIDs(ctx, tx, "batches", part); err != nil {
					return err
				}
				return nextGeneration(ctx, tx)
			})
			if err != nil {
				return err
			}
		}
		p.points += points
	}
}

// batchesIn returns the sealed batches of an interval without blocks, and how many
// points they had.
func (p *pruning) batchesIn(ctx context.Context, from, to int64) (ids []int64, points int64, err error) {
	rows, err := p.readers.QueryContext(ctx, `SELECT b.id, b.points FROM batches b WHERE b.tick >= ?2 AND b.tick < ?3
		AND NOT EXISTS (SELECT 1 FROM blocks k WHERE k.id = b.id) AND`+sealedBatches, p.marks[mark10m], from, to)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, 0, err
		}
		ids, points = append(ids, id), points+n
	}
	return ids, points, rows.Err()
}

// giveViews deletes tiers whose sums are in coarser ones, which are kept for longer.
func (p *pruning) giveViews(ctx context.Context) error {
	if err := p.dicts.sensors.load(ctx, p.readers); err != nil {
		return err
	}
	for _, v := range []struct {
		level, coarser int64
		mark           int
	}{{level10m, level1h, mark10m}, {level1h, level1d, mark1h}, {level1d, 0, mark1d}} {
		if p.marks[v.mark] == never {
			continue
		}
		for sensor := 1; sensor < len(p.dicts.sensors.snapshot()); sensor++ {
			if err := p.giveTiers(ctx, v.level, v.coarser, sensor, p.marks[v.mark]); err != nil {
				return err
			}
		}
	}
	return nil
}

// giveTiers deletes the tiers of one level and sensor that start before end: only those
// that are in a tier of the coarser level, and not waiting for late batches.
func (p *pruning) giveTiers(ctx context.Context, level, coarser int64, sensor int, end int64) error {
	query := "SELECT id FROM tiers t WHERE level = ?1 AND sensor = ?2 AND start < ?3"
	if coarser > 0 {
		query += ` AND EXISTS (SELECT 1 FROM tiers c WHERE c.level = ?4 AND c.sensor = ?2
			AND c.start = t.start - (t.start % ?4 + ?4) % ?4)
			AND NOT EXISTS (SELECT 1 FROM late l WHERE l.sensor = ?2 AND l.tick >= t.start AND l.tick < t.start + ?1)`
	}
	for {
		tiers, err := rowIDs(ctx, p.readers, query+" ORDER BY start LIMIT ?5", level, sensor, end, coarser, sliceRows)
		if err != nil || len(tiers) == 0 {
			return err
		}
		if err := p.giveParts(ctx, tiers, chunkRoom, "DELETE FROM tiers WHERE id IN"); err != nil {
			return err
		}
	}
}

// optional reads a number that there may be none of.
func optional(ctx context.Context, q queryer, query string, args ...any) (n int64, any bool, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, false, err
		}
		any = true
	}
	return n, any, rows.Err()
}
