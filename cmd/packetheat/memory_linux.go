package main

import "golang.org/x/sys/unix"

// memory is how much of it this machine has, in bytes; 0 where that is not known.
func memory() int64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}
