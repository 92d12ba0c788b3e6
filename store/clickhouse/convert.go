package clickhouse

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// rowsTable is where the points of an old server's layout wait to be taken over.
const rowsTable = "points_rows"

// convert gives tables that an old server made, and a new one has now, the layout of new
// ones: the points are moved aside and inserted again, a day at a time, which fills the
// rollups. Points of batches that nobody acknowledged are left out: their sensors send
// them again. Nobody can ship meanwhile. Interrupted, it begins anew.
func (s *Store) convert(ctx context.Context) error {
	if s.o.Cluster != "" {
		s.logger.Warn("the tables of the cluster stay as an old server made them, without rollups: for those make another database and import the sensors' stores into it")
		return nil
	}
	begun, err := s.hasTable(ctx, rowsTable)
	if err != nil {
		return err
	}
	if !begun {
		if err := s.conn.Exec(ctx, s.moveAside()); err != nil {
			return err
		}
	}
	for _, t := range tables(&s.o, s.server) {
		if t.window { // points and rollups
			if err := s.conn.Exec(ctx, "DROP TABLE IF EXISTS "+s.o.table(t.name)); err != nil {
				return err
			}
		}
	}
	for _, sql := range Statements(s.o, s.server) {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := s.takeOver(ctx); err != nil {
		return err
	}
	if err := s.setAbout(ctx, map[string]string{aboutLayout: layoutTokens}); err != nil {
		return err
	}
	s.caps = s.server
	return s.conn.Exec(ctx, "DROP TABLE IF EXISTS "+s.o.table(rowsTable))
}

func (s *Store) hasTable(ctx context.Context, name string) (bool, error) {
	var n uint64
	err := s.conn.QueryRow(ctx, "SELECT count() FROM system.tables WHERE database = "+quoteText(s.o.database())+" AND name = "+quoteText(name)).Scan(&n)
	return n > 0, err
}

func (s *Store) moveAside() string {
	return "RENAME TABLE " + s.o.table("points") + " TO " + s.o.table(rowsTable)
}

// takeOver inserts the points that were moved aside, the oldest day first.
func (s *Store) takeOver(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, "SELECT DISTINCT toYYYYMMDD(time) AS day FROM "+s.o.table(rowsTable)+" ORDER BY day")
	if err != nil {
		return err
	}
	defer rows.Close()
	var days []uint32
	for rows.Next() {
		var day uint32
		if err := rows.Scan(&day); err != nil {
			return err
		}
		days = append(days, day)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	// A block that is like one of before is no repetition here.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"insert_deduplicate": 0, "async_insert": 0}))
	for _, day := range days {
		s.logger.Info("taking points over into the layout with rollups", "day", day, "days", len(days))
		if err := s.conn.Exec(ctx, s.takeOverOf(fmt.Sprintf(" WHERE toYYYYMMDD(time) = %d AND", day))); err != nil {
			return fmt.Errorf("take over the points of %d: %w", day, err)
		}
	}
	return nil
}

// takeOverOf inserts some of the points that were moved aside.
func (s *Store) takeOverOf(where string) string {
	columns := names(pointColumns(s.server))
	return "INSERT INTO " + s.o.table("points") + " (" + columns + ") SELECT " + columns + " FROM " + s.o.table(rowsTable) + " FINAL" + where +
		" (sensor, origin, time, seq) IN (SELECT sensor, origin, tick, seq FROM " + s.o.table("batches") + ")"
}
