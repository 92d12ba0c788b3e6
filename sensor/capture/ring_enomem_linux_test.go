package capture

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRingRefused lets PACKET_RX_RING itself fail for want of memory, not the mmap after
// it. The kernel keeps a list of the blocks, 8 octets each, in one piece of memory, and a
// piece may have 4 MiB (KMALLOC_MAX_SIZE): more than 524,288 blocks are refused with
// ENOMEM before any is made. Half of them are not.
func TestRingRefused(t *testing.T) {
	capturetest.RequireCapture(t)
	const page = 4096
	const blocks = 524_288 + 2
	if unix.Getpagesize() != page {
		t.Skipf("pages have %d octets", unix.Getpagesize())
	}
	if available(t) < 3<<30 {
		t.Skip("less than 3 GiB of memory are free: the ring that is granted takes one")
	}
	var said bytes.Buffer
	cfg := RingConfig{Interface: "lo", BlockSize: page, RingBytes: blocks * page, BlockTimeout: 10 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&said, nil))}
	r := &Ring{blockSize: page}
	var err error
	if r.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	r.file = os.NewFile(uintptr(r.fd), "ring")
	defer r.abandon()
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		t.Fatal(err)
	}
	if err := r.tryRing(&cfg, blocks); !errors.Is(err, unix.ENOMEM) || !strings.Contains(err.Error(), "set up ring of 2048 MiB") {
		t.Fatalf("%d blocks: %v, want the kernel to refuse them for want of memory", blocks, err)
	}
	if err := r.mapRing(&cfg); err != nil {
		t.Fatal(err)
	}
	if len(r.mem) != blocks/2*page {
		t.Errorf("a ring of %d octets, want %d", len(r.mem), blocks/2*page)
	}
	if text := said.String(); strings.Count(text, "not enough memory") != 1 || !strings.Contains(text, "bytes=1073745920") {
		t.Errorf("said %q", text)
	}
}

// available is how much memory the kernel would give without swapping.
func available(t *testing.T) uint64 {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "MemAvailable:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	return 0
}
