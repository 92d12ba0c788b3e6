package capture

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// kernelAtLeast reports whether the running kernel is major.minor or newer; an
// unreadable version counts as old.
func kernelAtLeast(major, minor int) bool {
	var uts unix.Utsname
	if unix.Uname(&uts) != nil {
		return false
	}
	return versionAtLeast(unix.ByteSliceToString(uts.Release[:]), major, minor)
}

// versionAtLeast compares the first two numbers of a release such as 6.1.0-13.
func versionAtLeast(release string, major, minor int) bool {
	var a, b int
	if n, _ := fmt.Sscanf(release, "%d.%d", &a, &b); n != 2 {
		return false
	}
	return a > major || a == major && b >= minor
}

// nativeIsBig reports whether the machine is big-endian.
func nativeIsBig() bool {
	return binary.NativeEndian.Uint16([]byte{0, 1}) == 1
}
