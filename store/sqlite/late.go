package sqlite

import (
	"context"
	"database/sql"
)

// lateIntervals are those of level ?1 that have a tier which lacks a late batch.
const lateIntervals = `SELECT DISTINCT t.level, t.start, t.sensor FROM late l JOIN tiers t
	ON t.level = ?1 AND t.sensor = l.sensor AND t.start = l.tick - (l.tick % ?1 + ?1) % ?1 AND t.last < l.id`

// again writes tiers of a level again.
func (s *Store) again(ctx context.Context, level int64, query string, args ...any) error {
	list, err := readIntervals(ctx, s.readers, query, append([]any{level}, args...)...)
	if err != nil {
		return err
	}
	for _, iv := range list {
		if err := s.sealOne(ctx, iv); err != nil {
			return err
		}
	}
	return nil
}

// doneLate are the late batches that all tiers over them hold; of ?1 is the start of
// the points that are kept.
const doneLate = `SELECT id FROM late l WHERE
	NOT EXISTS (SELECT 1 FROM open o WHERE o.sensor = l.sensor AND o.start = l.tick - (l.tick % 600 + 600) % 600) AND
	NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = l.sensor AND t.start = l.tick - (l.tick % 600 + 600) % 600 AND t.last < l.id) AND
	NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = 3600 AND t.sensor = l.sensor AND t.start = l.tick - (l.tick % 3600 + 3600) % 3600 AND t.last < l.id) AND
	NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = 86400 AND t.sensor = l.sensor AND t.start = l.tick - (l.tick % 86400 + 86400) % 86400 AND t.last < l.id)
	ORDER BY id LIMIT 256`

// cleanLate forgets late batches that all tiers over them hold, and deletes their
// blocks where the tier of ten minutes has their points.
func (s *Store) cleanLate(ctx context.Context) error {
	for {
		n, err := number(ctx, s.readers, "SELECT count(*) FROM ("+doneLate+")")
		if err != nil || n == 0 {
			return err
		}
		err = s.transaction(ctx, func(tx *sql.Tx) error {
			m, err := readMarks(ctx, tx)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `DELETE FROM blocks WHERE id IN (SELECT l.id FROM late l LEFT JOIN tiers t
				ON t.level = 600 AND t.sensor = l.sensor AND t.start = l.tick - (l.tick % 600 + 600) % 600
				JOIN batches b ON b.id = l.id
				WHERE l.id IN (`+doneLate+`) AND (t.keys > 0 AND NOT `+toldApart+` OR l.tick < ?))`, m[markPoints]); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "DELETE FROM late WHERE id IN ("+doneLate+")"); err != nil {
				return err
			}
			return nextGeneration(ctx, tx)
		})
		if err != nil {
			return err
		}
	}
}
