package export

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/packetheat/packetheat/store"
)

// sqliteWriter writes rows into the empty table points of a file.
type sqliteWriter struct {
	tree    *tree
	records *records
}

// writeSQLiteTo writes the database to a temporary file and copies it to w.
func writeSQLiteTo(ctx context.Context, w io.Writer, r source, o Options) (rep Report, err error) {
	dir, err := os.MkdirTemp("", "packetheat-export-")
	if err != nil {
		return rep, fmt.Errorf("export sqlite: %w (set TMPDIR to a folder with room)", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "points.sqlite")
	if rep, err = writeSQLite(ctx, path, r, o); err != nil {
		return rep, err
	}
	if err = copyFile(w, path); err != nil {
		return rep, fmt.Errorf("export sqlite: %w", err)
	}
	return rep, nil
}

// writeSQLite writes the database at path, which must be missing or empty.
func writeSQLite(ctx context.Context, path string, r source, o Options) (rep Report, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("export sqlite: %w", err)
		}
	}()
	cov, window, err := coverage(ctx, r, o.Filter.Window)
	if err != nil {
		return rep, err
	}
	rep = Report{Format: SQLite, Window: window, Step: cov.Tick, Coverage: cov}
	if path, err = filepath.Abs(path); err != nil {
		return rep, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	root, err := createTables(ctx, path, &o, &rep)
	if err != nil {
		return rep, err
	}
	t, err := newTree(f, root)
	if err != nil {
		return rep, err
	}
	if err := writeRows(ctx, &sqliteWriter{t, newRecords()}, r, &o, &rep); err != nil {
		return rep, err
	}
	if err := execSQLite(ctx, path, "CREATE INDEX points_time ON points (time)"); err != nil {
		return rep, err
	}
	info, err := f.Stat()
	if err == nil {
		rep.Bytes = info.Size()
	}
	return rep, err
}

func (*sqliteWriter) begin() error { return nil }

func (s *sqliteWriter) write(points []store.Point) error {
	for i := range points {
		if err := s.tree.add(s.records.of(&points[i])); err != nil {
			return err
		}
	}
	return nil
}

func (s *sqliteWriter) end() error { return s.tree.close() }

// createTables makes the file at path with all but the rows, and returns the page at
// which they are to begin.
func createTables(ctx context.Context, path string, o *Options, rep *Report) (root uint32, err error) {
	var columns []string
	for _, c := range rowColumns() {
		columns = append(columns, c.name+" "+c.sql)
	}
	queries := []string{"CREATE TABLE points (" + strings.Join(columns, ", ") + ")",
		"CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)"}
	for _, kv := range [][2]string{
		{"format", "packetheat points 1: one row a point; time is RFC 3339 in UTC"},
		{"read with", "sqlite3 FILE 'SELECT * FROM points LIMIT 5'"},
		{"made with", o.command(SQLite, rep.Window)},
		{"version", o.Version},
		{"sensor", sensorName(o, &rep.Coverage)},
		{"from", rep.Window.From.Format(timeLayout)},
		{"to", rep.Window.To.Format(timeLayout)},
		{"filter", o.Filter.String()},
		{"attribution", strings.Join(attributions(&rep.Coverage), "\n")},
	} {
		queries = append(queries, "INSERT INTO about VALUES ("+sqlQuote(kv[0])+", "+sqlQuote(kv[1])+")")
	}
	if err := execSQLite(ctx, path, queries...); err != nil {
		return 0, err
	}
	db, err := openSQLiteFile(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	err = db.QueryRowContext(ctx, "SELECT rootpage FROM sqlite_schema WHERE name = 'points'").Scan(&root)
	return root, err
}

// sqlQuote writes s as a literal of SQL.
func sqlQuote(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "\x00", ""), "'", "''") + "'"
}

// openSQLiteFile opens a file that nobody reads before it is renamed, so that it
// needs no journal; the caller syncs it.
func openSQLiteFile(path string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE"}
	db, err := sql.Open("sqlite3", u.String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// execSQLite runs statements on the file at path in one transaction.
func execSQLite(ctx context.Context, path string, queries ...string) (err error) {
	db, err := openSQLiteFile(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "PRAGMA page_size = 4096; BEGIN; "+strings.Join(queries, "; ")+"; COMMIT")
	return err
}

// copyFile copies the file at path to w.
func copyFile(w io.Writer, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(w, f)
	return err
}
