//go:build !linux

package sensor

import "time"

// steadyTime and clockSynced are only known on Linux, where alone there are live
// sensors; files are stored whatever the clock says.
func steadyTime() time.Duration { return 0 }

func clockSynced() bool { return true }
