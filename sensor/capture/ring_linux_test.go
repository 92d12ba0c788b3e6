package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// tally is what a reader has seen of one ring.
type tally struct {
	frames, segments, octets uint64
	bad                      uint64 // frames of unexpected size
	err                      error
	stats                    capture.Stats
}

// smallRing is the configuration of most tests: little memory, short waits.
func smallRing(shards int) capture.RingConfig {
	return capture.RingConfig{
		Interface: capturetest.SensorInterface, Shards: shards,
		RingBytes: 8 << 20, BlockSize: 256 << 10, BlockTimeout: 10 * time.Millisecond,
	}
}

// open opens rings in the sensor's namespace.
func open(t testing.TB, link *capturetest.Link, cfg capture.RingConfig) []*capture.Ring {
	t.Helper()
	var rings []*capture.Ring
	var err error
	link.Sensor.Do(t, func() { rings, err = capture.OpenRings(cfg) })
	if err != nil {
		t.Fatal(err)
	}
	return rings
}

// readAll reads every ring in a goroutine of its own until it ends, then closes
// it. each, if not nil, is called for every frame. The function returned waits.
func readAll(rings []*capture.Ring, each func(*capture.Frame) bool) func() []tally {
	tallies := make([]tally, len(rings))
	var wg sync.WaitGroup
	for i, r := range rings {
		wg.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			t := &tallies[i]
			for t.err == nil {
				var b *capture.Block
				if b, t.err = r.ReadBlock(100 * time.Millisecond); b == nil {
					continue
				}
				var f capture.Frame
				for b.Next(&f) {
					t.frames++
					t.segments += uint64(f.Segments)
					t.octets += uint64(f.WireLen)
					if each != nil && !each(&f) {
						t.bad++
					}
				}
			}
			t.stats, _ = r.Stats()
			if err := r.Close(); err != nil {
				t.err = err
			}
		})
	}
	return func() []tally { wg.Wait(); return tallies }
}

func stopAll(rings []*capture.Ring) {
	for _, r := range rings {
		r.Stop()
	}
}

// sum adds the tallies up and checks what must hold for each.
func sum(t testing.TB, tallies []tally) (s tally) {
	t.Helper()
	for i, r := range tallies {
		if !errors.Is(r.err, io.EOF) {
			t.Errorf("ring %d ended with %v, not io.EOF", i, r.err)
		}
		if r.frames+r.stats.Drops != r.stats.Packets {
			t.Errorf("ring %d: %d frames + %d drops, the kernel says %d", i, r.frames, r.stats.Drops, r.stats.Packets)
		}
		if r.stats.Malformed != 0 || r.bad != 0 {
			t.Errorf("ring %d: %d malformed, %d unexpected", i, r.stats.Malformed, r.bad)
		}
		s.frames += r.frames
		s.segments += r.segments
		s.octets += r.octets
		s.stats.Packets += r.stats.Packets
		s.stats.Drops += r.stats.Drops
	}
	return s
}

// backlog waits until what was sent has reached the interface, and returns how
// much of it the kernel lost before the rings (netdev_max_backlog).
func backlog(t testing.TB, link *capturetest.Link, before uint64, sent int) uint64 {
	t.Helper()
	for range 100 {
		got, dropped := link.Sensor.Received(t)
		if got+dropped-before >= uint64(sent) {
			return uint64(sent) - (got - before)
		}
		time.Sleep(10 * time.Millisecond)
	}
	got, dropped := link.Sensor.Received(t)
	t.Fatalf("sent %d frames, the interface has %d and dropped %d", sent, got-before, dropped)
	return 0
}

// TestRingExact: every frame sent is read once or counted as dropped, by all
// shards and modes together.
func TestRingExact(t *testing.T) {
	for _, tt := range []struct {
		shards int
		fanout string
	}{{1, "hash"}, {2, "hash"}, {2, "pair"}, {2, "cpu"}, {3, "lb"}, {2, "queue"}} {
		t.Run(fmt.Sprintf("%d %s", tt.shards, tt.fanout), func(t *testing.T) {
			link := capturetest.Veth(t)
			cfg := smallRing(tt.shards)
			cfg.Fanout = tt.fanout
			rings := open(t, link, cfg)
			wait := readAll(rings, func(f *capture.Frame) bool {
				return len(f.Data) == 64 && f.WireLen == 64 && f.Segments == 1 && f.LinkType == capture.LinkEthernet
			})
			const n = 100_000
			sent, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(1000, 64), n, 0, nil)
			if err != nil || sent != n {
				t.Fatalf("sent %d: %v", sent, err)
			}
			lost := backlog(t, link, 0, n)
			stopAll(rings)
			tallies := wait()
			got := sum(t, tallies)
			if got.stats.Packets+lost != n {
				t.Errorf("sent %d, captured %d, lost before the ring %d", n, got.stats.Packets, lost)
			}
			if tt.fanout == "hash" || tt.fanout == "pair" || tt.fanout == "lb" {
				for i, r := range tallies {
					if r.stats.Packets < n/10 {
						t.Errorf("shard %d of %d got only %d frames", i, tt.shards, r.stats.Packets)
					}
				}
			}
		})
	}
}

// TestRingFlood: rings that come up and stop in the middle of a flood count no
// frame twice, and the books still balance to the frame.
func TestRingFlood(t *testing.T) {
	link := capturetest.Veth(t)
	stop := make(chan struct{})
	var sent int
	var err error
	var wg sync.WaitGroup
	sender := link.Peer.Sender(t)
	wg.Go(func() { sent, err = sender.Send(capturetest.UDPFrames(256, 64), 1<<40, 0, stop) })
	var captured uint64
	for i := range 6 {
		rings := open(t, link, smallRing(1+i%2))
		wait := readAll(rings, func(f *capture.Frame) bool { return f.WireLen == 64 })
		time.Sleep(50 * time.Millisecond)
		begin := time.Now()
		stopAll(rings)
		got := sum(t, wait())
		if d := time.Since(begin); d > time.Second {
			t.Errorf("stop under flood took %v", d)
		}
		if got.frames == 0 {
			t.Error("nothing captured in a flood")
		}
		captured += got.stats.Packets
	}
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if captured > uint64(sent) {
		t.Errorf("captured %d frames of %d sent: some twice", captured, sent)
	}
}

// TestRingOverflow: a ring that nobody reads fills up; what did not fit is
// counted, and what did fit is still there.
func TestRingOverflow(t *testing.T) {
	link := capturetest.Veth(t)
	cfg := smallRing(1)
	cfg.RingBytes = 2 * cfg.BlockSize
	rings := open(t, link, cfg)
	const n = 20_000
	if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(10, 64), n, 0, nil); err != nil {
		t.Fatal(err)
	}
	lost := backlog(t, link, 0, n)
	stopAll(rings)
	got := sum(t, readAll(rings, nil)())
	if got.stats.Packets+lost != n || got.stats.Drops == 0 || got.frames == 0 {
		t.Errorf("sent %d: %d frames, %d drops, %d lost before", n, got.frames, got.stats.Drops, lost)
	}
}

// TestRingStop: the frames of the block that is still open at Stop are not lost,
// however long its timeout is, and an idle ring stops quickly.
func TestRingStop(t *testing.T) {
	link := capturetest.Veth(t)
	for _, n := range []int{0, 1, 7} {
		cfg := smallRing(1)
		cfg.BlockTimeout = 60 * time.Millisecond
		rings := open(t, link, cfg)
		before, _ := link.Sensor.Received(t)
		if _, err := link.Peer.Sender(t).Send(capturetest.UDPFrames(7, 64), n, 0, nil); err != nil {
			t.Fatal(err)
		}
		backlog(t, link, before, n)
		begin := time.Now()
		stopAll(rings)
		got := sum(t, readAll(rings, nil)())
		if d := time.Since(begin); d > time.Second {
			t.Errorf("stop took %v", d)
		}
		if got.frames != uint64(n) {
			t.Errorf("sent %d, got %d", n, got.frames)
		}
	}
}

// TestRingStopWakes: Stop ends a ReadBlock that is waiting.
func TestRingStopWakes(t *testing.T) {
	link := capturetest.Veth(t)
	r := open(t, link, smallRing(1))[0]
	defer r.Close()
	time.AfterFunc(50*time.Millisecond, r.Stop)
	begin := time.Now()
	if b, err := r.ReadBlock(time.Minute); b != nil || !errors.Is(err, io.EOF) {
		t.Errorf("ReadBlock = %v, %v, want io.EOF", b, err)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("Stop woke ReadBlock after %v", d)
	}
	if b, err := r.ReadBlock(0); b != nil || !errors.Is(err, io.EOF) {
		t.Errorf("ReadBlock after the end = %v, %v, want io.EOF", b, err)
	}
}

// TestRingTimeout: an idle ring returns after the timeout, not before, not much later.
func TestRingTimeout(t *testing.T) {
	link := capturetest.Veth(t)
	r := open(t, link, smallRing(1))[0]
	defer r.Close()
	for _, timeout := range []time.Duration{0, 30 * time.Millisecond} {
		begin := time.Now()
		if b, err := r.ReadBlock(timeout); b != nil || err != nil {
			t.Fatalf("ReadBlock = %v, %v on an idle ring", b, err)
		}
		if d := time.Since(begin); d < timeout || d > timeout+500*time.Millisecond {
			t.Errorf("ReadBlock(%v) took %v", timeout, d)
		}
	}
}

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

// TestRingCycles: opening and closing leaks no descriptor, whether the ring was
// read, stopped or neither, and Stop and Stats after Close do no harm.
func TestRingCycles(t *testing.T) {
	link := capturetest.Veth(t)
	before := descriptors(t)
	for i := range 30 {
		rings := open(t, link, smallRing(1+i%3))
		for _, r := range rings {
			if i%2 == 0 {
				r.Stop()
			}
			if i%5 == 0 {
				_, _ = r.ReadBlock(0)
			}
			if err := errors.Join(r.Close(), r.Close()); err != nil {
				t.Fatal(err)
			}
			r.Stop()
			if _, err := r.Stats(); err != nil {
				t.Error(err)
			}
			if _, err := r.ReadBlock(0); !errors.Is(err, os.ErrClosed) {
				t.Errorf("ReadBlock after Close: %v, want os.ErrClosed", err)
			}
		}
	}
	if after := descriptors(t); after > before+2 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestOpenRingsErrors: what is wrong is said, and can be told apart.
func TestOpenRingsErrors(t *testing.T) {
	link := capturetest.Veth(t)
	bad := smallRing(1)
	bad.BlockSize, bad.Snaplen, bad.Fanout = 1000, -1, "dice"
	down := smallRing(2)
	gone := smallRing(1)
	gone.Interface = "nosuch0"
	filter := smallRing(1)
	filter.Filter = []bpf.RawInstruction{{Op: 0xffff}}
	link.Sensor.SetUp(t, false)
	for _, tt := range []struct {
		name string
		cfg  capture.RingConfig
		want error
	}{{"config", bad, nil}, {"down", down, capture.ErrInterfaceDown}, {"gone", gone, capture.ErrInterfaceGone}} {
		link.Sensor.Do(t, func() {
			rings, err := capture.OpenRings(tt.cfg)
			if err == nil || rings != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s: OpenRings = %v, %v, want %v", tt.name, rings, err, tt.want)
			}
		})
	}
	link.Sensor.SetUp(t, true)
	before := descriptors(t)
	link.Sensor.Do(t, func() {
		if _, err := capture.OpenRings(filter); !errors.Is(err, unix.EINVAL) {
			t.Errorf("invalid filter: %v, want EINVAL", err)
		}
	})
	if after := descriptors(t); after > before+1 {
		t.Errorf("a failed open leaks: %d descriptors before, %d after", before, after)
	}
}

// TestOpenRingsPermission: without CAP_NET_RAW the error says what to do.
func TestOpenRingsPermission(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.Do(t, func() { // whose thread ends with it
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Error(err)
			return
		}
		_, err := capture.OpenRings(smallRing(2))
		if !errors.Is(err, os.ErrPermission) {
			t.Errorf("error %v, want os.ErrPermission", err)
			return
		}
		want := `open ring on "sensor0": permission denied (needs CAP_NET_RAW: run with sudo, or setcap cap_net_raw+ep packetheat)`
		if err.Error() != want {
			t.Errorf("error\n%v, want\n%s", err, want)
		}
	})
}
