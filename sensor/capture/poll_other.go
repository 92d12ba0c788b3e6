//go:build !linux

package capture

import "time"

// readable lets the read block: only Linux waits for a pipe with a timeout.
func readable(int, time.Duration) bool { return true }
