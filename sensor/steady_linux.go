package sensor

import (
	"time"

	"golang.org/x/sys/unix"
)

// steadyTime is the time since the machine started, sleep included: CLOCK_BOOTTIME of
// clock_gettime(2). Go's own monotonic clock stands still while the machine sleeps.
func steadyTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // a long sleep is then taken for a leap
	}
	return time.Duration(ts.Nano())
}

// clockSynced reports whether a time service keeps the clock: to set it by hand takes
// that back, and adjtimex(2) then says TIME_ERROR.
func clockSynced() bool {
	state, err := unix.Adjtimex(new(unix.Timex))
	return err == nil && state != unix.TIME_ERROR
}
