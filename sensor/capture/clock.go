//go:build !(linux && faultclock)

package capture

import "time"

// Now is the clock that the kernel stamps frames by: the system's.
func Now() time.Time { return time.Now() }

// skew is how far frames' times are moved, in ns: not at all. The build for tests of the
// clock (tag faultclock) has another.
func skew() int64 { return 0 }
