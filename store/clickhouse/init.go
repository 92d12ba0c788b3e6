package clickhouse

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Init makes the database, its tables and views; what is there stays as it is.
func (s *Store) Init(ctx context.Context) error {
	for _, sql := range Statements(s.o, s.caps) {
		if err := s.exec(ctx, sql); err != nil {
			return fmt.Errorf("make tables in %q at %s: %w%s", s.o.database(), s.where(), err, hint(err))
		}
	}
	version, err := s.schema(ctx)
	if err != nil {
		return fmt.Errorf("make tables in %q at %s: %w", s.o.database(), s.where(), err)
	}
	if version > 0 {
		return s.checkSchema(ctx)
	}
	return s.setSchema(ctx, schemaVersion)
}

// schema returns the version of the tables; 0 where none is noted.
func (s *Store) schema(ctx context.Context) (int, error) {
	rows, err := s.conn.Query(ctx, "SELECT value FROM "+s.table("about")+" WHERE name = 'schema'")
	switch codeOf(err) {
	case codeUnknownTable, codeUnknownDatabase:
		return 0, ErrNoSchema
	}
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	version := 0
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return 0, err
		}
		if version, err = strconv.Atoi(value); err != nil {
			return 0, fmt.Errorf("the table about says that its schema is %q", value)
		}
	}
	return version, rows.Err()
}

func (s *Store) checkSchema(ctx context.Context) error {
	version, err := s.schema(ctx)
	switch {
	case err != nil:
		return err
	case version == 0:
		return ErrNoSchema
	case version > schemaVersion:
		return fmt.Errorf("its tables are of version %d, this program knows %d: use a newer packetheat", version, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("its tables are of version %d, this program needs %d (run: packetheat fleet upgrade)", version, schemaVersion)
	}
	return nil
}

func (s *Store) setSchema(ctx context.Context, version int) error {
	b, err := s.conn.PrepareBatch(ctx, "INSERT INTO "+s.o.table("about")+" (name, value, changed)")
	if err != nil {
		return err
	}
	defer b.Close()
	if err := b.Append("schema", strconv.Itoa(version), time.Now()); err != nil {
		return err
	}
	return b.Send()
}

// exec runs a statement that answers nothing.
func (s *Store) exec(ctx context.Context, sql string) error { return s.conn.Exec(ctx, sql) }
