//go:build !linux

package sqlite

import "errors"

// diskFree is of Linux only.
func diskFree(string) (int64, error) { return 0, errors.ErrUnsupported }
