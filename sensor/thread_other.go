//go:build !linux

package sensor

// nameThread does nothing: threads have no names that we know how to set here.
func nameThread(string) (restore func()) { return func() {} }
