//go:build !linux

package export

import "time"

// cpuTime is unknown here; wall time is used instead.
func cpuTime() time.Duration { return 0 }
