package capturetest

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// probe tries what the tests need, on a thread that ends with it.
func probe() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread()
		result <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make network namespace: %w", err)
			}
			fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				return fmt.Errorf("open packet socket: %w", err)
			}
			return unix.Close(fd)
		}()
	}()
	return <-result
}
