package export

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
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

// sqliteWriter writes rows into the table points, in one transaction. Values are
// bound as text; the affinity of the column (https://sqlite.org/datatype3.html,
// 3.1) makes numbers of them. Empty fields are NULL.
type sqliteWriter struct {
	ctx    context.Context
	tx     *sql.Tx
	cols   []column
	rows   *rowCache
	insert *sql.Stmt // of batch rows
	one    *sql.Stmt
	args   []any // of rows not yet inserted
	cell   []byte
}

// batchRows is how many rows one INSERT carries: measured, 16 rows of 20 values
// are twice as quick as one, and more are no quicker.
const batchRows = 16

// writeSQLiteTo writes the database to a temporary file and copies it to w.
func writeSQLiteTo(ctx context.Context, w io.Writer, r Reader, o Options) (rep Report, err error) {
	dir, err := os.MkdirTemp("", "packetheat-export-")
	if err != nil {
		return rep, fmt.Errorf("export sqlite: %w (set TMPDIR to a folder with room)", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "points.sqlite")
	if rep, err = writeSQLite(ctx, path, r, o); err != nil {
		return rep, err
	}
	if _, _, err = copyFile(w, path); err != nil {
		return rep, fmt.Errorf("export sqlite: %w", err)
	}
	return rep, nil
}

// writeSQLite writes the database at path, which must be missing or empty.
func writeSQLite(ctx context.Context, path string, r Reader, o Options) (rep Report, err error) {
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
	// Nobody reads the file before it is renamed, so that it needs no journal; the
	// caller syncs it.
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE"}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return rep, err
	}
	db.SetMaxOpenConns(1)
	err = fillSQLite(ctx, db, r, &o, &rep)
	if err = errors.Join(err, db.Close()); err != nil {
		return rep, err
	}
	rep.Bytes, rep.SHA256, err = copyFile(io.Discard, path)
	return rep, err
}

func fillSQLite(ctx context.Context, db *sql.DB, r Reader, o *Options, rep *Report) error {
	s := &sqliteWriter{ctx: ctx, cols: rowColumns(), rows: newRowCache()}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	s.tx = tx
	defer func() { _ = tx.Rollback() }() // after Commit: no effect
	if err := writeRows(ctx, s, r, o, rep); err != nil {
		return err
	}
	about := [][2]string{
		{"format", "packetheat points 1: one row a point; time is RFC 3339 in UTC"},
		{"read with", "sqlite3 FILE 'SELECT * FROM points LIMIT 5'"},
		{"made with", o.command(SQLite, rep.Window)},
		{"version", o.Version},
		{"sensor", sensorName(o, &rep.Coverage)},
		{"from", rep.Window.From.Format(timeLayout)},
		{"to", rep.Window.To.Format(timeLayout)},
		{"filter", o.Filter.String()},
		{"attribution", strings.Join(attributions(&rep.Coverage), "\n")},
	}
	for _, kv := range about {
		if _, err := tx.ExecContext(ctx, "INSERT INTO about VALUES (?, ?)", kv[0], kv[1]); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (s *sqliteWriter) begin() error {
	var defs []string
	for _, c := range s.cols {
		defs = append(defs, c.name+" "+c.sql)
	}
	for _, q := range []string{
		"CREATE TABLE points (" + strings.Join(defs, ", ") + ")",
		"CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)",
	} {
		if _, err := s.tx.ExecContext(s.ctx, q); err != nil {
			return err
		}
	}
	row := "(?" + strings.Repeat(", ?", len(s.cols)-1) + ")"
	var err error
	if s.one, err = s.tx.PrepareContext(s.ctx, "INSERT INTO points VALUES "+row); err != nil {
		return err
	}
	s.insert, err = s.tx.PrepareContext(s.ctx, "INSERT INTO points VALUES "+row+strings.Repeat(", "+row, batchRows-1))
	return err
}

func (s *sqliteWriter) write(points []store.Point) error {
	for i := range points {
		for k := range s.cols {
			s.cell = s.cols[k].append(s.cell[:0], s.rows, &points[i])
			if len(s.cell) == 0 {
				s.args = append(s.args, nil)
			} else {
				s.args = append(s.args, string(s.cell))
			}
		}
		if len(s.args) == batchRows*len(s.cols) {
			if _, err := s.insert.ExecContext(s.ctx, s.args...); err != nil {
				return err
			}
			s.args = s.args[:0]
		}
	}
	return nil
}

func (s *sqliteWriter) end() error {
	for n := len(s.cols); len(s.args) > 0; s.args = s.args[n:] {
		if _, err := s.one.ExecContext(s.ctx, s.args[:n]...); err != nil {
			return err
		}
	}
	if err := errors.Join(s.one.Close(), s.insert.Close()); err != nil {
		return err
	}
	_, err := s.tx.ExecContext(s.ctx, "CREATE INDEX points_time ON points (time)")
	return err
}

// copyFile copies the file at path to w, counting and hashing.
func copyFile(w io.Writer, path string) (n int64, sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	n, err = io.Copy(io.MultiWriter(w, h), f)
	return n, hex.EncodeToString(h.Sum(nil)), err
}
