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
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"github.com/packetheat/packetheat/store"
)

// sqliteWriter writes rows into the table points, in one transaction. It talks to the
// driver itself: database/sql looks at each of the twenty values of a row, and takes
// as long for it as SQLite for the row. Empty fields are NULL.
type sqliteWriter struct {
	ctx    context.Context
	conn   driver.Conn
	insert driver.StmtQueryContext // of batchRows rows
	one    driver.StmtQueryContext
	args   []driver.NamedValue // of rowsAtOnce rows
	used   int                 // of args: of rows not yet on their way
	values *values

	// SQLite works on the rows before while the next ones are made.
	work  chan []driver.NamedValue
	spare chan []driver.NamedValue
	done  chan error // what inserting ended with
}

// batchRows is how many rows one INSERT carries: measured, 16 rows of 20 values
// are twice as quick as one, and more are no quicker.
const batchRows = 16

// rowsAtOnce is how many rows are made before SQLite gets them.
const rowsAtOnce = 64 * batchRows

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
	if err = copyFile(w, path); err != nil {
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

func fillSQLite(ctx context.Context, db *sql.DB, r Reader, o *Options, rep *Report) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(conn any) error {
		s := &sqliteWriter{ctx: ctx, conn: conn.(driver.Conn), values: newValues()}
		defer s.stop()
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
			{"attribution", strings.Join(attributions(&rep.Coverage), "\n")},
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
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	_, err := s.conn.(driver.ExecerContext).ExecContext(s.ctx, query, named)
	return err
}

func (s *sqliteWriter) begin() error {
	var defs []string
	cols := s.values.cols
	for _, c := range cols {
		defs = append(defs, c.name+" "+c.sql)
	}
	for _, q := range []string{
		"CREATE TABLE points (" + strings.Join(defs, ", ") + ")",
		"CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT)",
	} {
		if err := s.exec(q); err != nil {
			return err
		}
	}
	row := "(?" + strings.Repeat(", ?", len(cols)-1) + ")"
	var err error
	if s.one, err = s.prepare("INSERT INTO points VALUES " + row); err != nil {
		return err
	}
	if s.insert, err = s.prepare("INSERT INTO points VALUES " + row + strings.Repeat(", "+row, batchRows-1)); err != nil {
		return err
	}
	s.args = make([]driver.NamedValue, rowsAtOnce*len(cols))
	s.work, s.spare = make(chan []driver.NamedValue), make(chan []driver.NamedValue, 1)
	s.spare <- make([]driver.NamedValue, len(s.args))
	s.done = make(chan error, 1)
	go s.inserts(s.work) // not the field: stop takes it away
	return nil
}

// inserts runs the INSERTs until there is no more work, or one fails.
func (s *sqliteWriter) inserts(work <-chan []driver.NamedValue) {
	n := len(s.values.cols)
	for args := range work {
		for i := 0; i < len(args); {
			stmt, rows := s.insert, args[i:]
			if len(rows) >= batchRows*n {
				rows = rows[:batchRows*n]
			} else {
				stmt, rows = s.one, rows[:n]
			}
			for k := range rows {
				rows[k].Ordinal = k + 1
			}
			if err := s.run(stmt, rows); err != nil {
				s.done <- err
				return
			}
			i += len(rows)
		}
		s.spare <- args[:cap(args)]
	}
	s.done <- nil
}

// send gives the rows made so far to SQLite.
func (s *sqliteWriter) send() error {
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case s.work <- s.args[:s.used]:
	}
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case s.args = <-s.spare:
		s.used = 0
	}
	return nil
}

// stop waits until SQLite is not at work any more. It may be called again.
func (s *sqliteWriter) stop() error {
	if s.work == nil {
		return nil
	}
	close(s.work)
	s.work = nil
	return <-s.done
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
	n := len(s.values.cols)
	for i := range points {
		s.values.row(s.args[s.used:s.used+n], &points[i])
		if s.used += n; s.used == len(s.args) {
			if err := s.send(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sqliteWriter) end() error {
	if err := s.send(); err != nil {
		return err
	}
	if err := s.stop(); err != nil {
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
