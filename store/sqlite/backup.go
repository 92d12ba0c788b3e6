package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Progress is told how much of a long work is done, and of how much.
type Progress func(done, total int64)

// progressEvery is how often a Progress is told.
const progressEvery = 200 * time.Millisecond

// ErrExists is the error of Backup where its file is there and must not be replaced.
var ErrExists = errors.New("the file is there already")

// ErrLocked is the error of Open where another process writes to the store.
var ErrLocked = errLocked

// Backup writes all that is committed now to a new file, which is a store of its own:
// as packetheat.db in a folder it can be opened. It takes no lock and may be beside a
// writer, whose commits do not wait; what is committed meanwhile stays in the log until
// it is done. The file is made without gaps, by VACUUM INTO: copying pages, as SQLite's
// backup does, would begin anew with every commit. It appears as a whole and on the
// disk, with mode 0640, or not at all; one that is there is only replaced by force.
// progress may be nil.
func (s *Store) Backup(ctx context.Context, path string, force bool, progress Progress) error {
	if err := s.backup(ctx, path, force, progress); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("back up %q to %q: %w%s", s.path, path, err, hint(err))
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string, force bool, progress Progress) (err error) {
	if err := mayWrite(path, force); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, temporary.Close())
		if err != nil {
			_ = os.Remove(temporary.Name())
			_ = os.Remove(temporary.Name() + "-journal")
		}
	}()
	size, err := s.sizeInUse(ctx)
	if err != nil {
		return err
	}
	stop := watchSize(temporary.Name(), size, progress)
	err = s.vacuumInto(ctx, temporary.Name())
	stop()
	if err != nil {
		return err
	}
	if err := errors.Join(temporary.Chmod(0o640), temporary.Sync()); err != nil {
		return err
	}
	if err := mayWrite(path, force); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

// mayWrite refuses what is there, unless it is a file and force is set.
func mayWrite(path string, force bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("it is a folder: name a file in it, such as %q", filepath.Join(path, FileName))
	case !info.Mode().IsRegular():
		return errors.New("it is no regular file")
	case !force:
		return ErrExists
	}
	return nil
}

// vacuumInto has a connection of its own: those for queries allow nothing but reading,
// which SQLite takes to mean the new file, too. A copy whose folder cannot be written
// to is read as openCopy does.
func (s *Store) vacuumInto(ctx context.Context, path string) (err error) {
	for _, how := range []string{"mode=ro", "mode=ro&immutable=1"} {
		if err = s.vacuumBy(ctx, how, path); !s.readOnly || !cannotOpen(err) {
			break
		}
	}
	return err
}

func (s *Store) vacuumBy(ctx context.Context, how, path string) (err error) {
	db, err := sql.Open("sqlite3", uri(s.path, how))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

// sizeInUse is how long the file would be without gaps.
func (s *Store) sizeInUse(ctx context.Context) (int64, error) {
	var n [3]int64
	for i, name := range []string{"page_count", "freelist_count", "page_size"} {
		var err error
		if n[i], err = pragma(ctx, s.readers, name); err != nil {
			return 0, err
		}
	}
	return (n[0] - n[1]) * n[2], nil
}

// watchSize tells progress how long the file at path is, until stop is called.
func watchSize(path string, total int64, progress Progress) (stop func()) {
	if progress == nil {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				progress(total, total)
				return
			case <-ticker.C:
				if info, err := os.Stat(path); err == nil {
					progress(min(info.Size(), total), total)
				}
			}
		}
	}()
	return func() { close(quit); <-done }
}
