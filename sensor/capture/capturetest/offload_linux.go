package capturetest

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// struct ethtool_value and the commands that take one (linux/ethtool.h).
type ethtoolValue struct{ cmd, data uint32 }

const (
	ethtoolSetTxChecksum = 0x17
	ethtoolSetSG         = 0x19
	ethtoolSetTSO        = 0x1f
	ethtoolSetGSO        = 0x24
	ethtoolSetGRO        = 0x2c
)

// ifreqData is struct ifreq with a pointer in it (netdevice(7)): 16 bytes of
// name, a union of 24.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// SetOffload switches TSO, GSO and GRO of the interface on or off, as ethtool -K
// does. On, TCP between the ends travels as super-frames of up to 64 KB. Off,
// checksums are off as well, without which there is no segmentation of UDP
// either (netdev_fix_features).
func (e *End) SetOffload(t testing.TB, on bool) {
	t.Helper()
	e.Do(t, func() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		must(t, "open socket", err)
		defer unix.Close(fd)
		for _, cmd := range []uint32{ethtoolSetTxChecksum, ethtoolSetSG, ethtoolSetTSO, ethtoolSetGSO, ethtoolSetGRO} {
			value := &ethtoolValue{cmd: cmd}
			if on {
				value.data = 1
			}
			req := ifreqData{data: unsafe.Pointer(value)}
			copy(req.name[:unix.IFNAMSIZ-1], e.Name)
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
				must(t, "set offload", errno)
			}
		}
	})
}
