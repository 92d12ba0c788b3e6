package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// kernel checks for what capture needs: TPACKET_V3 came with Linux 3.2, fanout's
// filter and the accounting of super-frames with 6.2 (see package capture).
func (e *examination) kernel() {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		e.add("kernel", note, fmt.Sprintf("version is not known: %v", err), "")
		return
	}
	release := unix.ByteSliceToString(name.Release[:])
	switch major, minor, ok := kernelVersion(release); {
	case !ok:
		e.add("kernel", note, "version "+release+" is not understood", "")
	case major < 3 || major == 3 && minor < 2:
		e.add("kernel", failure, "Linux "+release+" has no TPACKET_V3 rings", "use Linux 3.2 or newer")
	case major < 6 || major == 6 && minor < 2:
		e.add("kernel", note, "Linux "+release+": super-frames of network cards count as one packet", "Linux 6.2 or newer counts them as they were on the wire; ethtool -K INTERFACE gro off helps, too")
	default:
		e.add("kernel", good, "Linux "+release, "")
	}
}

func kernelVersion(release string) (major, minor int, ok bool) {
	n, err := fmt.Sscanf(release, "%d.%d", &major, &minor)
	return major, minor, n == 2 && err == nil
}

// tryPacketSocket opens and closes a socket as the sensor's rings need it.
func tryPacketSocket() error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// diskFree returns the bytes that an ordinary user may still write, and all.
func diskFree(dir string) (free, total int64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), int64(s.Blocks) * int64(s.Bsize), nil
}

// clockSynchronised asks as adjtimex(2) describes: TIME_ERROR is a clock that no
// time service keeps right.
func clockSynchronised() (bool, error) {
	state, err := unix.Adjtimex(new(unix.Timex))
	return state != unix.TIME_ERROR, err
}
