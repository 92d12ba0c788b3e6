//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package sqlite

import (
	"os"
	"path/filepath"
)

// lockDir opens the lock file only: without flock(2) it is SQLite's own locks that
// keep a second writer out, a transaction at a time.
func lockDir(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o640)
}
