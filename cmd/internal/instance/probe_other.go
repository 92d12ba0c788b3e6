//go:build !linux

package instance

import "os"

// isLocked knows of no sensor: only Linux runs one.
func isLocked(*os.File) (bool, error) { return false, nil }
