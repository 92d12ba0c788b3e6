//go:build unix && !solaris && !illumos && !aix

package fleet

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// LockImport makes this process the only one on this machine that imports the store in a
// folder, until release is called: two that send the same batches at once, in different
// groups, would have the server count some twice.
func LockImport(dir string) (release func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock the store: %w", err)
	}
	switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		f.Close()
		return nil, fmt.Errorf("the store %q is being imported by another process: wait for it", dir)
	case err != nil: // a file system without locks
	}
	return func() { f.Close() }, nil
}
