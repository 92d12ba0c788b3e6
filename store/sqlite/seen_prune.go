package sqlite

import (
	"context"
	"database/sql"
	"math"
	"time"
)

// addressesByAge gives up summaries of days that are too old. Where addresses are not to
// outlive the points, those are all that begin before the points that are kept.
func (p *pruning) addressesByAge(ctx context.Context) error {
	end := p.marks[markPoints]
	if p.retention.outlives() {
		if p.retention.Addresses < 0 {
			return nil
		}
		end = floorTo(p.newest-int64(p.retention.Addresses/time.Second), level1d)
		if p.marks[markPoints] == never || end > p.marks[markPoints] { // as long as the points, whatever the age
			end = p.marks[markPoints]
		}
	}
	if end == never {
		return nil
	}
	oldest, any, err := optional(ctx, p.readers, "SELECT start FROM addresses WHERE days = 1 AND start < ? ORDER BY start LIMIT 1", end)
	if err != nil || !any {
		return err
	}
	if p.retention.outlives() && !p.forced { // a clock gone mad costs a day an hour, as it does of points
		if p.keep.allowance < float64(level1h) {
			return nil
		}
		end = min(end, oldest+level1d)
		p.keep.allowance -= float64(level1d)
		if err := p.transaction(ctx, func(tx *sql.Tx) error { return p.keep.save(ctx, tx) }); err != nil {
			return err
		}
	}
	return p.giveSeen(ctx, end)
}

// giveSeen deletes the summaries of days that start before end, and longer ones of them.
func (p *pruning) giveSeen(ctx context.Context, end int64) error {
	before, err := p.used(ctx)
	if err != nil {
		return err
	}
	err = p.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE addresses SET days = 0 WHERE days > 0 AND start < ?", end)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.sweepSeen(ctx); err != nil {
		return err
	}
	after, err := p.used(ctx)
	p.bytes += max(0, before-after)
	return err
}

// addressesBySize gives up the oldest summaries until so many bytes are won.
func (p *pruning) addressesBySize(ctx context.Context, need int64) (freed int64, err error) {
	rows, err := p.readers.QueryContext(ctx, `SELECT a.start, sum(length(c.ends) + length(c.sums)) FROM addresses a
		JOIN address_chunks c ON c.id >= a.id * 65536 AND c.id < (a.id + 1) * 65536
		WHERE a.days = 1 AND a.start < ? GROUP BY a.start ORDER BY a.start`, p.marks[markPoints])
	if err != nil {
		return 0, err
	}
	end := int64(math.MinInt64)
	for freed < need && rows.Next() {
		var bytes int64
		if err = rows.Scan(&end, &bytes); err != nil {
			break
		}
		end, freed = end+level1d, freed+bytes
	}
	if e := rows.Close(); err == nil {
		err = e
	}
	if err != nil || freed == 0 {
		return 0, err
	}
	return freed, p.giveSeen(ctx, end)
}
