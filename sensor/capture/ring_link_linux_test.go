package capture_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRingDownUp: a ring stays while its interface is down and goes on after.
func TestRingDownUp(t *testing.T) {
	for _, shards := range []int{1, 2} {
		link := capturetest.Veth(t)
		rings := open(t, link, smallRing(shards))
		wait := readAll(rings, nil)
		sender := link.Peer.Sender(t)
		const n = 1000
		for range 3 {
			before, _ := link.Sensor.Received(t)
			if _, err := sender.Send(capturetest.UDPFrames(10, 64), n, 0, nil); err != nil {
				t.Fatal(err)
			}
			backlog(t, link, before, n)
			link.Sensor.SetUp(t, false)
			time.Sleep(20 * time.Millisecond)
			link.Sensor.SetUp(t, true)
		}
		stopAll(rings)
		if got := sum(t, wait()); got.frames != 3*n {
			t.Errorf("%d shards: sent %d, got %d", shards, 3*n, got.frames)
		}
	}
}

// TestRingGone: a deleted interface ends its rings with ErrInterfaceGone after
// what was captured, and new rings work on the one that takes its place.
func TestRingGone(t *testing.T) {
	link := capturetest.Veth(t)
	rings := open(t, link, smallRing(2))
	wait := readAll(rings, nil)
	const n = 1000
	if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(10, 64), n, 0, nil); err != nil {
		t.Fatal(err)
	}
	backlog(t, link, 0, n)
	link.Sensor.Delete(t)
	var frames uint64
	for i, r := range wait() {
		if !errors.Is(r.err, capture.ErrInterfaceGone) {
			t.Errorf("ring %d ended with %v, not ErrInterfaceGone", i, r.err)
		}
		frames += r.frames
	}
	if frames != n {
		t.Errorf("sent %d before the interface was deleted, got %d", n, frames)
	}
	var err error
	link.Sensor.Do(t, func() { _, err = capture.OpenRings(smallRing(1)) })
	if !errors.Is(err, capture.ErrInterfaceGone) {
		t.Errorf("open without the interface: %v, want ErrInterfaceGone", err)
	}
	link.Connect(t)
	rings = open(t, link, smallRing(2))
	wait = readAll(rings, nil)
	if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(10, 64), n, 0, nil); err != nil {
		t.Fatal(err)
	}
	backlog(t, link, 0, n)
	stopAll(rings)
	if got := sum(t, wait()); got.frames != n {
		t.Errorf("sent %d over the new interface, got %d", n, got.frames)
	}
}

// TestRingVLAN: the outer tag, which the kernel takes out, is reported and its
// four octets counted; inner tags stay in the data.
func TestRingVLAN(t *testing.T) {
	plain := capturetest.UDPFrames(1, 100)[0]
	tag := func(f []byte, proto, tci uint16) []byte {
		return bytes.Join([][]byte{f[:12], {byte(proto >> 8), byte(proto), byte(tci >> 8), byte(tci)}, f[12:]}, nil)
	}
	for _, tt := range []struct {
		name       string
		frame      []byte
		proto, tci uint16
		data       []byte
	}{
		{"none", plain, 0, 0, plain},
		{"802.1Q", tag(plain, 0x8100, 0x2005), 0x8100, 0x2005, plain},
		{"802.1ad", tag(plain, 0x88a8, 7), 0x88a8, 7, plain},
		{"priority", tag(plain, 0x8100, 0), 0x8100, 0, plain},
		{"QinQ", tag(tag(plain, 0x8100, 9), 0x88a8, 7), 0x88a8, 7, tag(plain, 0x8100, 9)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			link := capturetest.Veth(t)
			rings := open(t, link, smallRing(1))
			wait := readAll(rings, func(f *capture.Frame) bool {
				ok := f.VLANProto == tt.proto && f.VLAN == tt.tci && bytes.Equal(f.Data, tt.data)
				if !ok {
					t.Errorf("got tag %#x/%#x, data %x", f.VLANProto, f.VLAN, f.Data)
				}
				return ok
			})
			if _, err := link.Peer.Sender(t).Send([][]byte{tt.frame}, 5, 0, nil); err != nil {
				t.Fatal(err)
			}
			backlog(t, link, 0, 5)
			stopAll(rings)
			if got := sum(t, wait()); got.frames != 5 || got.octets != uint64(5*len(tt.frame)) {
				t.Errorf("got %d frames, %d octets of 5 with %d each", got.frames, got.octets, len(tt.frame))
			}
		})
	}
}

// TestRingSnaplen: the filter's result cuts what is kept, never what is counted.
func TestRingSnaplen(t *testing.T) {
	accept := func(n uint32) []bpf.RawInstruction { return []bpf.RawInstruction{{Op: 6, K: n}} }
	for _, tt := range []struct {
		name    string
		snaplen int
		filter  []bpf.RawInstruction
		kept    int
	}{
		{"default", 0, nil, 128},
		{"short", 60, nil, 60},
		{"whole", 9000, nil, 1400},
		{"filter asks for all", 96, accept(1 << 18), 96},
		{"filter asks for less", 96, accept(40), 40},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			link := capturetest.Veth(t)
			cfg := smallRing(1)
			cfg.Snaplen, cfg.Filter = tt.snaplen, tt.filter
			rings := open(t, link, cfg)
			wait := readAll(rings, func(f *capture.Frame) bool { return len(f.Data) == tt.kept && f.WireLen == 1400 })
			if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(3, 1400), 30, 0, nil); err != nil {
				t.Fatal(err)
			}
			backlog(t, link, 0, 30)
			stopAll(rings)
			if got := sum(t, wait()); got.frames != 30 {
				t.Errorf("sent 30, got %d", got.frames)
			}
		})
	}
}

// TestRingLoopback: on loopback each frame is counted once, though it passes
// twice, and other interfaces are not seen.
func TestRingLoopback(t *testing.T) {
	link := capturetest.Veth(t)
	cfg := smallRing(2)
	cfg.Interface = "lo"
	rings := open(t, link, cfg)
	wait := readAll(rings, func(f *capture.Frame) bool { return f.WireLen == 14+20+8+100 && f.PacketType == capture.PacketHost })
	if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(1, 64), 100, 0, nil); err != nil {
		t.Fatal(err)
	}
	const n = 500
	link.Sensor.Do(t, func() {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		to := &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}
		// Bound, so that no ICMP answers: port unreachable would be a frame, too.
		if err := unix.Bind(fd, to); err != nil {
			t.Error(err)
		}
		for range n {
			if err := unix.Sendto(fd, make([]byte, 100), 0, to); err != nil {
				t.Error(err)
			}
		}
	})
	backlog(t, link, 0, 100)
	stopAll(rings)
	if got := sum(t, wait()); got.frames != n {
		t.Errorf("sent %d over loopback, got %d", n, got.frames)
	}
}
