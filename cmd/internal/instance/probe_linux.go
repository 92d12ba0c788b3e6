package instance

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// isLocked reports whether another open file holds the exclusive lock of f; see
// flock(2). The shared lock that the test may give us ends when f is closed.
func isLocked(f *os.File) (bool, error) {
	err := unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
