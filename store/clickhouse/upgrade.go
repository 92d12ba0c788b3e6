package clickhouse

import (
	"context"
	"fmt"
	"strconv"
)

// step turns tables of one version into those of the next; its statements may run again
// after they were interrupted.
type step func(o *Options, caps Capabilities) []string

// steps are the ways from version 1 on: the first leads to 2.
var steps = [schemaVersion - 1]step{}

// Upgrade brings the tables of an older program to the version of this one, and those of
// an older server to the layout of newer ones, makes what is missing, and gives every table
// the age that Options.Retention says. No sensor can ship while points are rearranged.
func (s *Store) Upgrade(ctx context.Context) error {
	if err := s.upgrade(ctx); err != nil {
		return fmt.Errorf("upgrade tables in %q at %s: %w%s", s.o.database(), s.where(), err, hint(err))
	}
	return nil
}

func (s *Store) upgrade(ctx context.Context) error {
	version, err := s.readSchema(ctx)
	if err != nil {
		return err
	}
	if version > schemaVersion {
		return s.checkSchema(ctx)
	}
	for ; version < schemaVersion; version++ {
		for _, sql := range steps[version-1](&s.o, s.caps) {
			if err := s.conn.Exec(ctx, sql); err != nil {
				return fmt.Errorf("to version %d: %w", version+1, err)
			}
		}
		if err := s.setAbout(ctx, map[string]string{aboutSchema: strconv.Itoa(version + 1)}); err != nil {
			return err
		}
	}
	if s.server.Tokens && !s.caps.Tokens {
		if err := s.convert(ctx); err != nil {
			return err
		}
	}
	if err := s.init(ctx); err != nil {
		return err
	}
	ages, err := s.ageStatements(ctx)
	if err != nil {
		return err
	}
	for _, sql := range ages {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// UpgradeStatements returns the SQL of Upgrade from the version of the tables, for people
// to read first.
func (s *Store) UpgradeStatements(ctx context.Context) ([]string, error) {
	version, err := s.readSchema(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the version of %q at %s: %w", s.o.database(), s.where(), err)
	}
	var list []string
	for ; version < schemaVersion; version++ {
		list = append(list, steps[version-1](&s.o, s.caps)...)
	}
	if s.server.Tokens && !s.caps.Tokens && s.o.Cluster == "" {
		list = append(append(list, s.moveAside()), Statements(s.o, s.server)...)
		return append(list, s.takeOverOf(" WHERE"), "DROP TABLE IF EXISTS "+s.o.table(rowsTable)), nil
	}
	ages, err := s.ageStatements(ctx)
	return append(append(list, Statements(s.o, s.caps)...), ages...), err
}

// ageStatements give tables the age that their rows shall have. On a server that knows no
// ages they drop the days of points that are too old by its clock, once.
func (s *Store) ageStatements(ctx context.Context) (list []string, err error) {
	if !s.caps.TTL {
		return s.dropStatements(ctx)
	}
	for _, t := range tables(&s.o, s.caps) {
		if !t.ages {
			continue
		}
		change := "ALTER TABLE " + s.o.table(s.o.local(t.name)) + s.o.onCluster()
		if t.ttl != "" {
			list = append(list, change+" MODIFY TTL "+t.ttl)
			continue
		}
		var has uint8 // a table without age has none to remove
		err := s.conn.QueryRow(ctx, "SELECT max(position(engine_full, ' TTL ') > 0) FROM system.tables WHERE database = "+
			quoteText(s.o.database())+" AND name = "+quoteText(s.o.local(t.name))).Scan(&has)
		if err != nil {
			return nil, err
		}
		if has != 0 {
			list = append(list, change+" REMOVE TTL")
		}
	}
	return list, nil
}

// dropStatements drop the days of points that are past their age.
func (s *Store) dropStatements(ctx context.Context) (list []string, err error) {
	if s.o.Retention.Points <= 0 {
		return nil, nil
	}
	points := s.o.local("points")
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT DISTINCT partition FROM system.parts WHERE active AND database = %s AND table = %s"+
		" AND toUInt32OrZero(partition) < toYYYYMMDD(now() - %d) ORDER BY partition",
		quoteText(s.o.database()), quoteText(points), int64(s.o.Retention.Points.Seconds())))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var day string
		if err := rows.Scan(&day); err != nil {
			return nil, err
		}
		list = append(list, "ALTER TABLE "+s.o.table(points)+s.o.onCluster()+" DROP PARTITION ID "+quoteText(day))
	}
	return list, rows.Err()
}
