//go:build !linux

package chtest

import "os"

// alive cannot tell elsewhere: what does not answer runs into the timeout.
func alive(*os.Process) bool { return true }
