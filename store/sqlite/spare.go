package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// SpareName is a second file in the store's folder, brought up to date once a day: a
// store of its own that has the sums by hour and day alone, without any address. Where
// the first file breaks, the new one is begun with it.
const SpareName = "spare.db"

const (
	spareEvery  = 24 * time.Hour
	spareLevels = "(3600, 86400)"
	spareTiers  = 32 // copied in a transaction
)

func (s *Store) sparePath() string { return filepath.Join(filepath.Dir(s.path), SpareName) }

// keepSpare brings the spare up to date where that was a day ago.
func (s *Store) keepSpare(ctx context.Context) error {
	info, err := os.Stat(s.sparePath())
	if err == nil && time.Since(info.ModTime()).Abs() < spareEvery {
		return nil
	}
	return s.writeSpare(ctx)
}

// writeSpare brings the spare up to date: what is there already is not written again.
func (s *Store) writeSpare(ctx context.Context) error {
	some, err := number(ctx, s.readers, "SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 3600)")
	if err != nil || some == 0 {
		return err
	}
	err = s.syncSpare(ctx)
	if broken(err) || errors.Is(err, errOtherStore) { // it is a copy: begin it again
		if err = s.removeSpare(); err == nil {
			err = s.syncSpare(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("write spare %q: %w%s", s.sparePath(), err, hint(err))
	}
	now := time.Now()
	return os.Chtimes(s.sparePath(), now, now) // also where nothing was new
}

// errOtherStore is the error of a spare whose ids mean something else.
var errOtherStore = errors.New("the spare is that of another store")

func (s *Store) removeSpare() error {
	for _, suffix := range []string{"-journal", ""} {
		if err := os.Remove(s.sparePath() + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (s *Store) syncSpare(ctx context.Context) (err error) {
	db, err := sql.Open("sqlite3", uri(s.sparePath(), "_txlock=immediate&_synchronous=FULL"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	w, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer w.Close()
	p := spareWriter{s, w}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if err := p.copyTiers(ctx); err != nil {
		return err
	}
	return p.mark(ctx)
}

// spareWriter is one pass over it.
type spareWriter struct {
	s *Store
	w *sql.Conn
}

// prepare makes the tables, and sees whether ids mean the same in both files.
func (p *spareWriter) prepare(ctx context.Context) error {
	version, err := checkFormat(ctx, p.w, true)
	if err != nil {
		return err
	}
	if version == 0 {
		for _, pragma := range newPragmas {
			if _, err := p.w.ExecContext(ctx, "PRAGMA "+pragma); err != nil {
				return err
			}
		}
	}
	if err := migrate(ctx, p.w, p.s.tick); err != nil {
		return err
	}
	const made = "SELECT value FROM about WHERE key = 'made'"
	var ours, theirs string
	if err := p.s.readers.QueryRowContext(ctx, made).Scan(&ours); err != nil {
		return err
	}
	if version == 0 {
		_, err := p.w.ExecContext(ctx, "UPDATE about SET value = ? WHERE key = 'made'", ours)
		return err
	}
	if err := p.w.QueryRowContext(ctx, made).Scan(&theirs); err == nil && ours != theirs {
		return errOtherStore
	}
	return err
}

// copyTiers deletes what is not in the store any more and adds what is new there. A
// tier that is written again gets another id.
func (p *spareWriter) copyTiers(ctx context.Context) error {
	const list = "SELECT id FROM tiers WHERE level IN " + spareLevels + " ORDER BY id"
	want, err := rowIDs(ctx, p.s.readers, list)
	if err != nil {
		return err
	}
	have, err := rowIDs(ctx, p.w, list)
	if err != nil {
		return err
	}
	gone := func(id int64) bool { _, found := slices.BinarySearch(want, id); return !found }
	known := func(id int64) bool { _, found := slices.BinarySearch(have, id); return found }
	for ids := range slices.Chunk(slices.DeleteFunc(slices.Clone(have), func(id int64) bool { return !gone(id) }), spareTiers) {
		if err := inTx(ctx, p.w, func(tx *sql.Tx) error { return dropTiers(ctx, tx, ids) }); err != nil {
			return err
		}
	}
	for ids := range slices.Chunk(slices.DeleteFunc(want, known), spareTiers) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := inTx(ctx, p.w, func(tx *sql.Tx) error { return p.addTiers(ctx, tx, ids) }); err != nil {
			return err
		}
	}
	return nil
}

func dropTiers(ctx context.Context, tx *sql.Tx, ids []int64) error {
	for _, id := range ids {
		if _, err := tx.ExecContext(ctx, "DELETE FROM parts WHERE id >= ? AND id < ?", partID(id, 0, 0), partID(id+1, 0, 0)); err != nil {
			return err
		}
	}
	return deleteIDs(ctx, tx, "tiers", ids)
}

// addTiers copies the views of some tiers, and first the values that they refer to.
func (p *spareWriter) addTiers(ctx context.Context, tx *sql.Tx, ids []int64) error {
	from, err := p.s.readers.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer from.Rollback()
	for _, t := range []string{"sensors", "places", "asns", "geo_sources"} {
		if err := copyRows(ctx, tx, from, t, "SELECT * FROM "+t+" WHERE id > ?", "SELECT coalesce(max(id), 0) FROM "+t); err != nil {
			return err
		}
	}
	// Batches have ids of their own in a store that is begun with this: none is in the tier.
	err = copyRows(ctx, tx, from, "tiers", "SELECT id, level, start, sensor, 0, batches, points, 0, 0, geo, books, spans FROM tiers WHERE id IN ("+joinIDs(ids)+")", "")
	for _, id := range ids {
		if err == nil {
			err = copyRows(ctx, tx, from, "parts", fmt.Sprintf("SELECT id, data FROM parts WHERE id >= %d AND id < %d",
				partID(id, 0, int(sourcePlace)), partID(id, 0, maxPart)), "")
		}
	}
	return err
}

// copyRows inserts what a query gives; last, if not "", asks the target for the
// query's argument.
func copyRows(ctx context.Context, to, from *sql.Tx, table, query, last string) error {
	var args []any
	if last != "" {
		id, err := number(ctx, to, last)
		if err != nil {
			return err
		}
		args = append(args, id)
	}
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, places, marks := make([]any, len(columns)), make([]any, len(columns)), "?"
	for i := range columns {
		places[i] = &values[i]
		if i > 0 {
			marks += ", ?"
		}
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if _, err := to.ExecContext(ctx, "INSERT INTO "+table+" VALUES ("+marks+")", values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// mark says in the spare that points and sums of ten minutes are gone.
func (p *spareWriter) mark(ctx context.Context) error {
	end, err := number(ctx, p.w, "SELECT max(start + level) FROM tiers WHERE level = 3600")
	if err != nil {
		return err
	}
	m, err := readMarks(ctx, p.s.readers)
	if err != nil {
		return err
	}
	m[markPoints], m[mark10m] = end, end
	return inTx(ctx, p.w, func(tx *sql.Tx) error { return m.write(ctx, tx) })
}

// beginWithSpare puts a copy of the spare in the place of the file, which is not there.
// It reports whether there was a spare that is whole.
func (s *Store) beginWithSpare(ctx context.Context) (bool, error) {
	if _, err := os.Stat(s.sparePath()); err != nil {
		return false, nil
	}
	if err := s.checkSpare(ctx); err != nil {
		return false, err
	}
	next := s.path + ".new"
	if err := copyFile(next, s.sparePath()); err != nil {
		return false, errors.Join(err, os.Remove(next))
	}
	if err := becomeAnother(ctx, next); err != nil {
		return false, err
	}
	if err := os.Rename(next, s.path); err != nil {
		return false, err
	}
	syncDir(filepath.Dir(s.path))
	return true, nil
}

// checkSpare opens it for writing, so that a transaction that was broken off is undone.
func (s *Store) checkSpare(ctx context.Context) error {
	db, err := sql.Open("sqlite3", uri(s.sparePath(), "mode=rw"))
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return errors.New(found)
	}
	_, err = checkFormat(ctx, db, true)
	return err
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
