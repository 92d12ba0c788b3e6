//go:build linux && faultclock

package capture

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This is a build for tests only: of a system whose clock is set while packets come. The
// true one cannot be: it is everybody's. The file that FAULTCLOCK names holds by how many
// ns, as a native int64, the clock is off; what the kernel stamps and what Now says follow
// it at once.

// skewed is the mapped file; it is opened at once, before the sensor gives up its rights.
var skewed = mapClock(os.Getenv("FAULTCLOCK"))

func mapClock(name string) *int64 {
	f, err := os.Open(name)
	if err != nil {
		return new(int64)
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, 8, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return new(int64)
	}
	return (*int64)(unsafe.Pointer(&mem[0]))
}

// Now is the clock that frames are stamped by, without a monotonic part.
func Now() time.Time { return time.Now().Round(0).Add(time.Duration(skew())) }

func skew() int64 { return atomic.LoadInt64(skewed) }
