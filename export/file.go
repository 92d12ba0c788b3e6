package export

import (
	"fmt"
	"os"
	"path/filepath"
)

const fileMode = 0o640

// Owner is the user and group that files are given to, as when the program was
// started through sudo and they belong to SUDO_USER.
type Owner struct{ UID, GID int }

// replaceFile lets fill write a temporary file beside path and puts it in path's
// place. Where anything fails, the temporary file is removed and path untouched.
func replaceFile(path string, owner *Owner, fill func(*os.File) (Report, error)) (rep Report, err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	f, err := os.CreateTemp(dir, "."+base+".*.tmp")
	if err != nil {
		return rep, fmt.Errorf("write %q: %w (is there such a folder, and may you write in it? choose another with -o or export.dir)", path, cause(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if rep, err = fill(f); err != nil {
		_ = f.Close()
		return rep, err
	}
	if err = finish(f, owner); err != nil {
		return rep, fmt.Errorf("write %q: %w", path, cause(err))
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return rep, fmt.Errorf("write %q: %w", path, cause(err))
	}
	return rep, syncFolder(dir)
}

// finish gives the file its mode and owner, and the disk its bytes.
func finish(f *os.File, owner *Owner) error {
	err := f.Chmod(fileMode)
	if err == nil && owner != nil {
		err = f.Chown(owner.UID, owner.GID)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// syncFolder makes a rename durable. Folders that cannot be synced (some network
// file systems) are none the worse for it.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	_ = d.Sync()
	return d.Close()
}

// cause takes the name of the temporary file out of an error: it means nothing to
// the user, who is told the name of the real one.
func cause(err error) error {
	switch e := err.(type) {
	case *os.PathError:
		return e.Err
	case *os.LinkError:
		return e.Err
	}
	return err
}
