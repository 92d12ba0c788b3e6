package export

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/packetheat/packetheat/store"
)

// sqliteWriter writes rows into the table points, in one transaction. It talks to the
// driver itself: database/sql looks at each value of a row, and takes as long for it as
// SQLite for the row. Empty fields are NULL.
type sqliteWriter struct {
	ctx    context.Context
	conn   driver.Conn
	insert driver.StmtQueryContext // of batchRows rows
	one    driver.StmtQueryContext
	values *values
	wheres map[whereKey]int64 // rows of the temporary tables
	kinds  map[kindKey]int64

	args  []driver.NamedValue // of a statement
	used  int                 // rows in args
	stamp store.Point         // Time, Sensor and Interval of the rows in args
}

// batchRows is how many rows one INSERT carries: measured, 16 rows are twice as quick
// as one, and more are no quicker.
const batchRows = 16

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
	// Nobody reads the file before it is renamed, so that it needs no journal; the
	// caller syncs it.
	u := url.URL{Scheme: "file", Path: path, RawQuery: "_journal_mode=OFF&_synchronous=OFF&_locking_mode=EXCLUSIVE"}
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return rep, err
	}
	err = fillSQLite(ctx, db, r, &o, &rep)
	if err = errors.Join(err, db.Close()); err != nil {
		return rep, err
	}
	info, err := os.Stat(path)
	if err == nil {
		rep.Bytes = info.Size()
	}
	return rep, err
}

func fillSQLite(ctx context.Context, db *sql.DB, r source, o *Options, rep *Report) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(conn any) error {
		s := &sqliteWriter{ctx: ctx, conn: conn.(driver.Conn), values: newValues()}
		if err := s.exec("BEGIN"); err != nil {
			return err
		}
		if err := writeRows(ctx, s, r, o, rep); err != nil {
			return err // the file is thrown away
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
			{"attribution", strings.Join(Attributions(&rep.Coverage), "\n")},
		}
		for _, kv := range about {
			if err := s.exec("INSERT INTO about VALUES (?, ?)", kv[0], kv[1]); err != nil {
				return err
			}
		}
		return s.exec("COMMIT")
	})
}

func (s *sqliteWriter) exec(query string, args ...any) error {
	_, err := s.execID(query, args...)
	return err
}

// execID returns the id of the row that was inserted last.
func (s *sqliteWriter) execID(query string, args ...any) (int64, error) {
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	res, err := s.conn.(driver.ExecerContext).ExecContext(s.ctx, query, named)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

func (s *sqliteWriter) begin() error {
	var defs []string
	for _, c := range rowColumns() {
		defs = append(defs, c.name+" "+c.sql)
	}
	for _, q := range []string{
		"CREATE TABLE points (" + strings.Join(defs, ", ") + ")",
		"CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)",
		"CREATE TEMP TABLE wheres (id INTEGER PRIMARY KEY, " + strings.Join(whereColumns, ", ") + ")",
		"CREATE TEMP TABLE kinds (id INTEGER PRIMARY KEY, " + strings.Join(kindColumns, ", ") + ")",
	} {
		if err := s.exec(q); err != nil {
			return err
		}
	}
	s.wheres, s.kinds = map[whereKey]int64{}, map[kindKey]int64{}
	s.args = make([]driver.NamedValue, len(stampColumns)+batchRows*rowArgs)
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	var err error
	if s.one, err = s.prepare(insertRows(1)); err == nil {
		s.insert, err = s.prepare(insertRows(batchRows))
	}
	return err
}

// rowArgs is how many values are bound a row: the ids of its where and kind, and its
// own.
var rowArgs = 2 + len(ownColumns)

// insertRows returns the INSERT of n rows. The outer side of a CROSS JOIN is always
// the left one (https://sqlite.org/lang_select.html, 3.1), so that rows keep their order.
func insertRows(n int) string {
	next := 0
	marks := func(n int) string {
		list := make([]string, n)
		for i := range list {
			next++
			list[i] = "?" + strconv.Itoa(next)
		}
		return strings.Join(list, ", ")
	}
	names := slices.Concat(stampColumns, ownColumns, whereColumns, kindColumns)
	stamps := marks(len(stampColumns))
	rows := make([]string, n)
	for i := range rows {
		rows[i] = "(" + marks(rowArgs) + ")"
	}
	return "WITH r(w, k, " + strings.Join(ownColumns, ", ") + ") AS (VALUES " + strings.Join(rows, ", ") + ")" +
		" INSERT INTO points (" + strings.Join(names, ", ") + ")" +
		" SELECT " + stamps + ", " + strings.Join(names[len(stampColumns):], ", ") +
		" FROM r CROSS JOIN temp.wheres ON temp.wheres.id = r.w CROSS JOIN temp.kinds ON temp.kinds.id = r.k"
}

func (s *sqliteWriter) prepare(query string) (driver.StmtQueryContext, error) {
	stmt, err := s.conn.(driver.ConnPrepareContext).PrepareContext(s.ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.(driver.StmtQueryContext), nil
}

// run runs an INSERT as a query, for which the driver binds all values and takes the
// first step, which is the only one, in one call of C; Exec makes a call a value.
// A context that can be cancelled would cost it a goroutine each time.
func (s *sqliteWriter) run(stmt driver.StmtQueryContext, args []driver.NamedValue) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.WithoutCancel(s.ctx), args)
	if err != nil {
		return err
	}
	return rows.Close()
}

func (s *sqliteWriter) write(points []store.Point) error {
	for i := range points {
		p := &points[i]
		if p.Time != s.stamp.Time || p.Interval != s.stamp.Interval || p.Sensor != s.stamp.Sensor {
			if err := s.begins(p); err != nil {
				return err
			}
		}
		if err := s.row(p); err != nil {
			return err
		}
	}
	return nil
}

// begins sends the rows so far, and starts those that share p's time.
func (s *sqliteWriter) begins(p *store.Point) error {
	if err := s.send(); err != nil {
		return err
	}
	s.stamp = store.Point{Time: p.Time, Interval: p.Interval, Sensor: p.Sensor}
	for i, v := range s.values.of(p, stampColumns) {
		s.args[i].Value = v
	}
	return nil
}

func (s *sqliteWriter) row(p *store.Point) error {
	if len(s.wheres) >= maxShared {
		clear(s.wheres) // their rows stay
	}
	where, err := shared(s, s.wheres, whereKey{p.Place, p.ASN, p.ASOrg}, "wheres", whereColumns, p)
	if err != nil {
		return err
	}
	kind, err := shared(s, s.kinds, kindKey{p.Direction, p.Proto, p.Flags}, "kinds", kindColumns, p)
	if err != nil {
		return err
	}
	args := s.args[len(stampColumns)+s.used*rowArgs:][:rowArgs]
	args[0].Value, args[1].Value = where, kind
	s.values.own(args[2:], p)
	if s.used++; s.used == batchRows {
		return s.send()
	}
	return nil
}

// shared returns the id of the row of a temporary table, made where it is new.
func shared[K comparable](s *sqliteWriter, known map[K]int64, key K, table string, columns []string, p *store.Point) (int64, error) {
	if id, ok := known[key]; ok {
		return id, nil
	}
	query := "INSERT INTO temp." + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
	id, err := s.execID(query, s.values.of(p, columns)...)
	if err == nil {
		known[key] = id
	}
	return id, err
}

// send gives the rows in args to SQLite.
func (s *sqliteWriter) send() error {
	head := len(stampColumns)
	if s.used == batchRows {
		s.used = 0
		return s.run(s.insert, s.args)
	}
	rows := s.args[head:]
	for i := range s.used { // few: the last ones of a tick
		for k := range rowArgs {
			rows[k].Value = rows[i*rowArgs+k].Value
		}
		if err := s.run(s.one, s.args[:head+rowArgs]); err != nil {
			return err
		}
	}
	s.used = 0
	return nil
}

func (s *sqliteWriter) end() error {
	if err := s.send(); err != nil {
		return err
	}
	if err := errors.Join(s.one.(driver.Stmt).Close(), s.insert.(driver.Stmt).Close()); err != nil {
		return err
	}
	return s.exec("CREATE INDEX points_time ON points (time)")
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
