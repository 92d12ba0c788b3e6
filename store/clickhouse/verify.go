package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/packetheat/packetheat/store"
)

// verify looks for the points of a group that the server has just acknowledged. A plain
// table writes a token down before the rows have their name: a server that is killed
// between the two takes the rows for known ever after, and does not have them. Their sums
// are there by now, from this insert or one before. Replicated tables do both in one step.
func (s *Store) verify(ctx context.Context, origin string, group []*store.Batch) error {
	rows := newPointRows(s.caps)
	shipment := shipmentOf(tokenOf(origin, group))
	for _, b := range group {
		rows.add(origin, shipment, b)
	}
	if rows.n == 0 {
		return nil
	}
	var n uint64
	err := s.conn.QueryRow(ctx, fmt.Sprintf("SELECT count() FROM %s WHERE %s AND shipment = %d",
		s.o.table("points"), among(origin, "time", group), shipment)).Scan(&n)
	switch {
	case err != nil:
		return err
	case n == 0:
		if old, err := s.expired(ctx, group); err != nil || old {
			return err
		}
		s.logger.Warn("ClickHouse knows points that it has lost: putting them back", "points", rows.n, "tick", group[0].Tick.UTC())
		return s.putBack(ctx, shipment, group[0].Tick, rows)
	case n != uint64(rows.n):
		return fmt.Errorf("it has %d of %d points of shipment %d, whose parts are all or nothing: see system.part_log", n, rows.n, shipment)
	}
	return nil
}

// expired reports whether the points of a group are older than the server keeps any: it may
// have given them up as they came.
func (s *Store) expired(ctx context.Context, group []*store.Batch) (bool, error) {
	ages, now, err := s.ages(ctx)
	age, limited := ages["points"]
	if err != nil || !limited {
		return false, err
	}
	for _, b := range group {
		if b.Tick.Unix()+age > now {
			return false, nil
		}
	}
	return true, nil
}

// putBack gives points rows without feeding the rollups: by way of a table of its own, from
// which a partition is taken over.
func (s *Store) putBack(ctx context.Context, shipment uint64, tick time.Time, rows *pointRows) error {
	name := fmt.Sprintf("points_again_%x", shipment)
	drop := "DROP TABLE IF EXISTS " + s.o.table(name)
	for _, sql := range []string{drop, "CREATE TABLE " + s.o.table(name) + " AS " + s.o.table("points")} {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("put back points: %w", err)
		}
	}
	if err := s.insertRows(ctx, name, "", rows); err != nil {
		return fmt.Errorf("put back points: %w", err)
	}
	for _, sql := range []string{"ALTER TABLE " + s.o.table("points") + " ATTACH PARTITION ID " + quoteText(tick.UTC().Format("20060102")) +
		" FROM " + s.o.table(name), drop} {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("put back points: %w", err)
		}
	}
	return nil
}
