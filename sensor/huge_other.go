//go:build !linux

package sensor

// adviseHuge does nothing: huge pages are asked for on Linux only.
func adviseHuge([]entry) {}
