package capture

import (
	"time"

	"golang.org/x/sys/unix"
)

// readable waits for at most timeout until reading fd does not block, be it
// because the other side has gone.
func readable(fd int, timeout time.Duration) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(timeout.Milliseconds()))
	return n > 0 || err != nil && err != unix.EINTR
}
