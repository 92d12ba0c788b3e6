package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// poolSize is how many queries read at the same time.
const poolSize = 4

// newPragmas count only before the first table is made and the journal's mode is set.
var newPragmas = [...]string{"page_size = 4096", "auto_vacuum = INCREMENTAL"}

// writerPragmas are set on the one writing connection.
var writerPragmas = [...]string{
	"journal_mode = WAL",
	"synchronous = FULL",
	"journal_size_limit = 67108864",
	"foreign_keys = OFF",
	"secure_delete = FAST", // overwrites what is deleted in pages that are written anyway
}

// uri returns what the driver opens path by, with parameters of SQLite and driver. Each
// connection keeps the statements that it used last: half of what a small one costs is
// preparing it.
func uri(path, parameters string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_busy_timeout=10000&_stmt_cache_size=24&" + parameters
}

// makeDir makes the folder where it is missing, and has the disk keep the names of all
// folders that are new: SQLite sees to those of the files in it.
func makeDir(dir string) error {
	first := filepath.Clean(dir) // of those that are missing, the outermost
	for {
		_, err := os.Stat(filepath.Dir(first))
		if err == nil || filepath.Dir(first) == first {
			break
		}
		first = filepath.Dir(first)
	}
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		syncDir(filepath.Dir(d))
		if d == first {
			return nil
		}
	}
}

// syncDir has the disk keep the names in a folder. There are file systems and systems
// that cannot; no store should fail because of it.
func syncDir(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// openRecovering opens the writing connection. A broken file is set aside and a new one
// begun; where the disk is full, the ballast makes room for the files that SQLite needs.
func (s *Store) openRecovering(ctx context.Context, tick time.Duration) error {
	s.ballast.path = filepath.Join(filepath.Dir(s.path), BallastName)
	err := s.openWriter(ctx, tick)
	if diskFull(err) && s.ballast.drop() {
		s.ballast.hold()
		err = s.openWriter(ctx, tick)
	}
	if broken(err) {
		if err = s.setAside(err); err == nil {
			err = s.openWriter(ctx, tick)
		}
	}
	if err == nil {
		s.ballast.keep()
	}
	return err
}

// openWriter opens the writing connection, migrates and reads the dictionaries.
func (s *Store) openWriter(ctx context.Context, tick time.Duration) (err error) {
	defer func() {
		if err != nil {
			s.closeWriter()
		}
	}()
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE, 0o640) // SQLite gives its other files the same mode
	if err != nil {
		return err
	}
	f.Close()
	if s.wdb, err = sql.Open("sqlite3", uri(s.path, "_txlock=immediate")); err != nil {
		return err
	}
	s.wdb.SetMaxOpenConns(1)
	if s.w, err = s.wdb.Conn(ctx); err != nil {
		return err
	}
	version, err := checkFormat(ctx, s.w, true)
	if err != nil {
		return err
	}
	if version > 0 { // before anything is written: the file may not be for us
		if err := s.readTick(ctx, s.w, tick); err != nil {
			return err
		}
	}
	if err := s.prepare(ctx, version == 0, tick); err != nil {
		return err
	}
	if err := s.dicts.load(ctx, s.w); err != nil {
		return err
	}
	s.dicts.index()
	last, err := lastID(ctx, s.w)
	if err != nil {
		return err
	}
	// Ids of batches that are in tiers and whose rows are gone are not given again.
	held, err := number(ctx, s.w, "SELECT max(last) FROM tiers")
	if err != nil {
		return err
	}
	s.nextID = max(last, held) + 1
	if s.enc, err = newBlockEncoder(); err != nil {
		return err
	}
	return s.probe(ctx)
}

// probe writes a batch and takes it back, so that a file that is damaged where the
// next ticks go is found now, when it can be set aside.
func (s *Store) probe(ctx context.Context) error {
	newest, err := number(ctx, s.w, "SELECT max(tick) FROM batches")
	if err != nil {
		return err
	}
	tx, err := s.w.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return insertBatch(ctx, tx, []byte{}, []byte{}, s.nextID, newest, -1, 0, 0, 0, 0, "", []byte{})
}

// prepare sets the writing connection up and brings the file to the newest format.
func (s *Store) prepare(ctx context.Context, fresh bool, tick time.Duration) error {
	pragmas := writerPragmas[:]
	if fresh {
		pragmas = slices.Concat(newPragmas[:], pragmas)
	}
	for _, p := range pragmas {
		if _, err := s.w.ExecContext(ctx, "PRAGMA "+p); err != nil {
			return fmt.Errorf("set %s: %w", p, err)
		}
	}
	if _, err := s.w.ExecContext(ctx, "PRAGMA wal_autocheckpoint = "+strconv.Itoa(s.commitPages)); err != nil {
		return err
	}
	if err := migrate(ctx, s.w, cmp.Or(tick, defaultTick)); err != nil {
		return err
	}
	return s.readTick(ctx, s.w, tick)
}

// openReaders opens the pool of reading connections.
func (s *Store) openReaders(ctx context.Context, parameters string) (err error) {
	s.readers, err = openPool(uri(s.path, "mode=ro&_query_only=1"+parameters), &s.generation)
	if err != nil {
		return err
	}
	s.readers.SetMaxOpenConns(poolSize)
	s.readers.SetMaxIdleConns(poolSize)
	return s.readers.PingContext(ctx)
}

// openCopy is OpenReadOnly without the words around its errors.
func (s *Store) openCopy(ctx context.Context, dir string, tick time.Duration) error {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no %s (the sensor makes it: packetheat run --data %s)", FileName, dir)
	case err != nil:
		return err
	case info.Size() == 0:
		return errors.New("the file is empty: not a packetheat store")
	}
	err = s.tryReaders(ctx, "")
	if _, noLog := os.Stat(s.path + "-wal"); cannotOpen(err) && errors.Is(noLog, fs.ErrNotExist) {
		// A copy in a folder where SQLite cannot make the files that readers share with
		// writers. Without a log nobody writes, so nothing needs to be shared.
		err = s.tryReaders(ctx, "&immutable=1")
	}
	if err != nil {
		return err
	}
	if err := s.readTick(ctx, s.readers, tick); err != nil {
		return err
	}
	return s.dicts.load(ctx, s.readers)
}

// tryReaders opens the pool and looks into the file with it.
func (s *Store) tryReaders(ctx context.Context, parameters string) error {
	if s.readers != nil {
		s.readers.Close()
	}
	if err := s.openReaders(ctx, parameters); err != nil {
		return err
	}
	_, err := checkFormat(ctx, s.readers, false)
	return err
}

// checkFormat refuses files that this program must not or cannot use. An empty
// database, of version 0, passes where fresh is set.
func checkFormat(ctx context.Context, q queryer, fresh bool) (version int64, err error) {
	tables, err := number(ctx, q, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	id, err := pragma(ctx, q, "application_id")
	if err != nil {
		return 0, err
	}
	version, err = pragma(ctx, q, "user_version")
	if err != nil {
		return 0, err
	}
	scripts, err := migrations()
	switch {
	case err != nil:
		return 0, err
	case fresh && tables == 0 && id == 0:
		return 0, nil
	case id != applicationID:
		return 0, fmt.Errorf("%s is a database of another program, not a packetheat store (use another --data)", FileName)
	case version > int64(len(scripts)):
		return 0, fmt.Errorf("the store has format %d and this packetheat knows formats up to %d (use the newer packetheat that wrote it)",
			version, len(scripts))
	}
	return version, nil
}

// readTick learns the store's tick and compares it with the wanted one.
func (s *Store) readTick(ctx context.Context, q queryer, want time.Duration) error {
	rows, err := q.QueryContext(ctx, "SELECT value FROM about WHERE key = 'tick_seconds'")
	if err != nil {
		return err
	}
	defer rows.Close()
	var text string
	for rows.Next() {
		if err := rows.Scan(&text); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds <= 0 {
		return fmt.Errorf("the store does not say its tick (%q)", text)
	}
	if read := time.Duration(seconds) * time.Second; s.tick != read { // not where a file is replaced: others read it
		s.tick = read
	}
	if want != 0 && want != s.tick {
		return fmt.Errorf("its tick is %s, fixed when it was made, not %s (set sensor.tick to %s, or use another --data)", s.tick, want, s.tick)
	}
	return nil
}

// setAside renames the file and its companions, so that a new one can be begun.
func (s *Store) setAside(cause error) error {
	aside := asideName(s.path, time.Now())
	// The file goes last: should this be broken off before, it is found damaged again. Its
	// log must not be taken for that of a new one.
	for _, suffix := range []string{"-shm", "-wal", ""} {
		err := os.Rename(s.path+suffix, aside+suffix)
		if err != nil && !(suffix != "" && errors.Is(err, fs.ErrNotExist)) {
			return fmt.Errorf("set the damaged file aside: %w", err)
		}
	}
	syncDir(filepath.Dir(s.path))
	s.recovered.set(aside)
	s.dicts.reset()
	spare, err := s.beginWithSpare(context.Background())
	if err != nil {
		s.log.Error("the spare is of no use", "cause", err, "spare", s.sparePath())
	}
	s.log.Error("the store was damaged and has been set aside; a new one is begun",
		"cause", cause, "aside", aside, "store", s.path, "with_sums_of_hours_and_days", spare)
	return nil
}

// number reads one number; no row is 0.
func number(ctx context.Context, q queryer, query string, args ...any) (n int64, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var v sql.NullInt64
		if err := rows.Scan(&v); err != nil {
			return 0, err
		}
		n = v.Int64
	}
	return n, rows.Err()
}

// lastID returns the id of the last committed batch, 0 in an empty store.
func lastID(ctx context.Context, q queryer) (int64, error) {
	return number(ctx, q, "SELECT max(id) FROM batches")
}
