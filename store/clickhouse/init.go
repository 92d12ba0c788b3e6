package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The rows of the table about.
const (
	aboutSchema = "schema" // the version of the tables
	aboutLayout = "layout" // which of the two layouts they have
)

// The two layouts: that of servers that know tokens has rollups. A database keeps the
// layout that it was made with, also when the server is replaced by a newer one.
const (
	layoutTokens = "tokens"
	layoutRows   = "rows"
)

func layoutOf(caps Capabilities) string {
	if caps.Tokens {
		return layoutTokens
	}
	return layoutRows
}

// ErrNoSchema says that the database has no tables of ours: Init makes them.
var ErrNoSchema = errors.New("the database has no tables of packetheat (run: packetheat fleet init)")

// Init makes the database, its tables and views; what is there stays as it is.
func (s *Store) Init(ctx context.Context) error {
	err := s.init(ctx)
	if err != nil {
		return fmt.Errorf("make tables in %q at %s: %w%s", s.o.database(), s.where(), err, hint(err))
	}
	return nil
}

func (s *Store) init(ctx context.Context) error {
	switch err := s.checkSchema(ctx); {
	case err == nil: // makes what may be missing of it, in the layout that it has
	case !errors.Is(err, ErrNoSchema):
		return err
	}
	for _, sql := range Statements(s.o, s.caps) {
		if err := s.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return s.setAbout(ctx, map[string]string{aboutSchema: strconv.Itoa(schemaVersion), aboutLayout: layoutOf(s.caps)})
}

// about returns what the table about says.
func (s *Store) about(ctx context.Context) (map[string]string, error) {
	rows, err := s.conn.Query(ctx, "SELECT name, value FROM "+s.table("about"))
	switch codeOf(err) {
	case codeUnknownTable, codeUnknownDatabase:
		return nil, ErrNoSchema
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	about := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, err
		}
		about[name] = value
	}
	return about, rows.Err()
}

// checkSchema reports tables that are missing or of another version, and takes on the
// layout that they have.
func (s *Store) checkSchema(ctx context.Context) error {
	version, err := s.readSchema(ctx)
	switch {
	case err != nil:
		return err
	case version > schemaVersion:
		return fmt.Errorf("its tables are of version %d, this program knows %d: use a newer packetheat", version, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("its tables are of version %d, this program needs %d (run: packetheat fleet upgrade)", version, schemaVersion)
	}
	return nil
}

func (s *Store) readSchema(ctx context.Context) (version int, err error) {
	about, err := s.about(ctx)
	if err != nil {
		return 0, err
	}
	if about[aboutSchema] == "" {
		return 0, ErrNoSchema
	}
	if version, err = strconv.Atoi(about[aboutSchema]); err != nil || version < 1 {
		return 0, fmt.Errorf("its table about says that its schema is %q", about[aboutSchema])
	}
	switch layout := about[aboutLayout]; {
	case layout == layoutRows:
		s.caps.Tokens = false
	case !s.caps.Tokens:
		return 0, fmt.Errorf("its tables were made by ClickHouse 24.8 or newer, and this is %s: use the newer server", s.caps)
	}
	return version, nil
}

func (s *Store) setAbout(ctx context.Context, values map[string]string) error {
	b, err := s.conn.PrepareBatch(s.inserting(ctx, ""), "INSERT INTO "+s.o.table("about")+" (name, value, changed)")
	if err != nil {
		return err
	}
	defer b.Close()
	for name, value := range values {
		if err := b.Append(name, value, time.Now().UTC()); err != nil {
			return err
		}
	}
	return b.Send()
}
