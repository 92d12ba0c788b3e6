//go:build !linux

package capturetest

import "errors"

// probe fails: packet sockets are Linux's.
func probe() error { return errors.ErrUnsupported }
