package capture_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

const scarceEnv = "CAPTURETEST_SCARCE" // this process is the child of TestRingHalves

// TestRingHalves: where there is no room for a ring, one of half the size is tried, then
// one of a quarter; each time that is said, and the ring works. A process with a limited
// address space is what the kernel refuses memory to reliably.
func TestRingHalves(t *testing.T) {
	if os.Getenv(scarceEnv) != "" {
		scarce(t)
		return
	}
	link := capturetest.Veth(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestRingHalves$", "-test.v")
	cmd.Env = append(os.Environ(), scarceEnv+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var err error
	link.Sensor.Do(t, func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	sender := link.Peer.Sender(t)
	for deadline := time.Now().Add(time.Minute); ; { // until it has seen what it wants to
		if _, err := sender.Send(capturetest.UDPFrames(5, 64), 5, 0, nil); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != nil || !strings.Contains(out.String(), "--- PASS") {
				t.Errorf("%v\n%s", err, out.String())
			}
			return
		case <-time.After(20 * time.Millisecond):
			if time.Now().After(deadline) {
				_ = cmd.Process.Kill()
				t.Fatalf("no end after a minute:\n%s", out.String())
			}
		}
	}
}

// scarce opens a ring of 256 MiB in an address space that has room for 100.
func scarce(t *testing.T) {
	var said bytes.Buffer
	cfg := capture.RingConfig{
		Interface: capturetest.SensorInterface, RingBytes: 256 << 20, BlockTimeout: 5 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(&said, nil)),
	}
	limit := unix.Rlimit{Cur: addressSpace(t) + 100<<20, Max: unix.RLIM_INFINITY}
	if err := unix.Setrlimit(unix.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	rings, err := capture.OpenRings(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := rings[0]
	defer r.Close()
	if got := r.Size(); got != 64<<20 {
		t.Errorf("a ring of %d MiB, want 64", got>>20)
	}
	for _, size := range []int{128 << 20, 64 << 20} {
		if want := fmt.Sprintf("bytes=%d", size); !strings.Contains(said.String(), want) {
			t.Errorf("%q was not said, but:\n%s", want, said.String())
		}
	}
	frames := 0
	for begin := time.Now(); frames < 10 && time.Since(begin) < 30*time.Second; {
		block, err := r.ReadBlock(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for f := (capture.Frame{}); block != nil && block.Next(&f); {
			frames++
		}
	}
	if frames < 10 {
		t.Errorf("%d frames in the smaller ring", frames)
	}
}

// addressSpace is how much of it this process uses.
func addressSpace(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmSize:"); ok {
			kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatal("no VmSize")
	return 0
}
