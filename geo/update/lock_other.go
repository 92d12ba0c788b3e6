//go:build !unix

package update

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// lock takes the lock of a folder. Here it is the existence of the file, so that a
// process that was killed leaves it behind; removing it helps.
func lock(name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w (if not, remove %q)", ErrBusy, name)
	}
	if err != nil {
		return nil, fmt.Errorf("lock geo databases: %w", err)
	}
	return func() { _ = f.Close(); _ = os.Remove(name) }, nil
}

// syncFolder does nothing: folders cannot be opened here.
func syncFolder(string) error { return nil }
