package sensor

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// threadName is what prctl(2) takes and gives: 15 bytes and a NUL.
type threadName [16]byte

// nameThread names the thread that the caller is locked to, so that "top -H" and
// /proc/PID/task/*/comm tell what capture costs, apart from all else. The name it had is
// given back by restore: the thread may go on as another's. Of a name 15 bytes are taken.
func nameThread(name string) (restore func()) {
	var before, now threadName
	if !before.call(unix.PR_GET_NAME) {
		return func() {}
	}
	copy(now[:len(now)-1], name)
	now.call(unix.PR_SET_NAME)
	return func() { before.call(unix.PR_SET_NAME) }
}

// call sets or gets the name of the calling thread, and reports whether it could.
func (n *threadName) call(option uintptr) bool {
	_, _, errno := unix.RawSyscall(unix.SYS_PRCTL, option, uintptr(unsafe.Pointer(n)), 0)
	return errno == 0
}
