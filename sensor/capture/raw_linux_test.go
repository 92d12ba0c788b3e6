package capture_test

import (
	"bytes"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// tun makes a tun interface in the sensor's namespace and returns its other
// end: what is written there is received by the interface.
func tun(t *testing.T, end *capturetest.End) *os.File {
	t.Helper()
	var file *os.File
	var err error
	end.Do(t, func() {
		var fd int
		if fd, err = unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		file = os.NewFile(uintptr(fd), "tun")
		ifr, _ := unix.NewIfreq("tun0")
		ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		// TUNSETIFF takes a struct ifreq as SIOC… requests do.
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(ifr))); errno != 0 {
			err = errno
		}
	})
	if err != nil {
		t.Skipf("no tun interface here: %v", err)
	}
	t.Cleanup(func() { _ = file.Close() })
	end.Interface("tun0").SetUp(t, true)
	return file
}

// TestRingTun: an interface without link header gives IP packets, their protocol
// beside them, and their own length.
func TestRingTun(t *testing.T) {
	link := capturetest.Veth(t)
	file := tun(t, link.Sensor)
	cfg := smallRing(2)
	cfg.Interface = "tun0"
	rings := open(t, link, cfg)
	packet := capturetest.UDPFrames(1, 100)[0][14:]
	wait := readAll(rings, func(f *capture.Frame) bool {
		return f.LinkType == capture.LinkRaw && f.EtherType == 0x0800 && f.WireLen == 86 && bytes.Equal(f.Data, packet)
	})
	const n = 50
	for range n {
		if _, err := file.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	stopAll(rings)
	if got := sum(t, wait()); got.frames != n {
		t.Errorf("sent %d packets, got %d frames", n, got.frames)
	}
}
