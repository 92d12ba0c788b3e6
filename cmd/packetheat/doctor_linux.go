package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

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

// The requests of SIOCETHTOOL that read one setting (linux/ethtool.h).
const (
	ethtoolGetTSO   = 0x1e
	ethtoolGetFlags = 0x25
	ethtoolGetGRO   = 0x2b
	flagLRO         = 1 << 15
)

// ethtoolValue asks the driver of an interface for one setting: struct ethtool_value by
// way of struct ifreq (netdevice(7)).
func ethtoolValue(name string, request uint32) (uint32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	value := struct{ request, data uint32 }{request: request}
	var ask struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [24 - unsafe.Sizeof(uintptr(0))]byte
	}
	copy(ask.name[:unix.IFNAMSIZ-1], name)
	ask.data = unsafe.Pointer(&value)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&ask))); errno != 0 {
		return 0, errno
	}
	return value.data, nil
}

// offloads says what an interface does to frames before we see them.
func (e *examination) offloads(name string) {
	flags, err := ethtoolValue(name, ethtoolGetFlags)
	gro, err2 := ethtoolValue(name, ethtoolGetGRO)
	tso, err3 := ethtoolValue(name, ethtoolGetTSO)
	if err != nil || err2 != nil || err3 != nil {
		e.add("offloads", note, name+": its driver does not say what it joins and cuts", "")
		return
	}
	e.findings = append(e.findings, judgeOffloads(name, flags&flagLRO != 0, gro != 0, tso != 0, countsSegments()))
}

// judgeOffloads: segments says that super-frames are counted as what was on the wire.
func judgeOffloads(name string, lro, gro, tso, segments bool) finding {
	switch {
	case lro:
		return finding{"offloads", warning, name + ": LRO joins packets in the card, which loses how many there were", "ethtool -K " + name + " lro off"}
	case (gro || tso) && !segments:
		return finding{"offloads", note, name + ": GRO and TSO join packets, and this kernel counts each super-frame as one", "ethtool -K " + name + " gro off tso off, or Linux 6.2"}
	case gro || tso:
		return finding{"offloads", good, name + ": GRO or TSO join packets; they are counted as they are on the wire", ""}
	}
	return finding{"offloads", good, name + ": packets are as they are on the wire", ""}
}

// countsSegments: see capture.RingConfig.NoSegments.
func countsSegments() bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	major, minor, ok := kernelVersion(unix.ByteSliceToString(name.Release[:]))
	return ok && (major > 6 || major == 6 && minor >= 2)
}

// flowOffload looks for connections that a network card forwards by itself: no
// program sees their packets. Without root the list cannot be read.
func (e *examination) flowOffload() {
	f, err := os.Open("/proc/self/net/nf_conntrack")
	if err != nil {
		return // no connection tracking, or no right to look
	}
	defer f.Close()
	e.findings = append(e.findings, offloaded(f)...)
}

// offloaded counts the connections that nf_conntrack marks (ct_seq_show).
func offloaded(r io.Reader) []finding {
	all, hardware := 0, 0
	for lines := bufio.NewScanner(r); lines.Scan(); all++ {
		if strings.Contains(lines.Text(), "[HW_OFFLOAD]") {
			hardware++
		}
	}
	if hardware > 0 {
		return []finding{{"offloads", warning, fmt.Sprintf("%d of %d connections are forwarded by the network card itself: their packets are seen by nobody", hardware, all),
			"remove \"flags offload\" from the flowtable of nftables (firewall: flow offloading in hardware)"}}
	}
	return nil
}
