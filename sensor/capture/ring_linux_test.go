package capture_test

import (
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

// patience is how long a busy machine may take for what comes at once on a quiet one.
// It only bounds how long a mistake is waited for.
const patience = 30 * time.Second

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
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got, dropped := link.Sensor.Received(t)
		if got+dropped-before >= uint64(sent) {
			return uint64(sent) - (got - before)
		}
		if time.Now().After(end) {
			t.Fatalf("sent %d frames, the interface has %d and dropped %d", sent, got-before, dropped)
		}
	}
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
	wg.Go(func() { sent, err = sender.Send(capturetest.UDPFrames(256, 64), 1<<30, 0, stop) })
	var captured uint64
	for i := range 6 {
		rings := open(t, link, smallRing(1+i%2))
		seen, once := make(chan struct{}), sync.Once{}
		wait := readAll(rings, func(f *capture.Frame) bool {
			once.Do(func() { close(seen) })
			return f.WireLen == 64
		})
		select {
		case <-seen:
			time.Sleep(50 * time.Millisecond)
		case <-time.After(patience):
		}
		begin := time.Now()
		stopAll(rings)
		got := sum(t, wait())
		if d := time.Since(begin); d > patience {
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
		if d := time.Since(begin); d > patience {
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
	if d := time.Since(begin); d > patience {
		t.Errorf("Stop woke ReadBlock after %v", d)
	}
	if b, err := r.ReadBlock(0); b != nil || !errors.Is(err, io.EOF) {
		t.Errorf("ReadBlock after the end = %v, %v, want io.EOF", b, err)
	}
}

// TestRingTimeout: an idle ring returns after the timeout, not before, nor never.
func TestRingTimeout(t *testing.T) {
	link := capturetest.Veth(t)
	r := open(t, link, smallRing(1))[0]
	defer r.Close()
	for _, timeout := range []time.Duration{0, 30 * time.Millisecond} {
		begin := time.Now()
		if b, err := r.ReadBlock(timeout); b != nil || err != nil {
			t.Fatalf("ReadBlock = %v, %v on an idle ring", b, err)
		}
		if d := time.Since(begin); d < timeout || d > patience {
			t.Errorf("ReadBlock(%v) took %v", timeout, d)
		}
	}
}

// TestRingCycles: opening and closing leaks no descriptor, whether the ring was
// read, stopped or neither, and Stop and Stats after Close do no harm.
func TestRingCycles(t *testing.T) {
	link := capturetest.Veth(t)
	before := descriptors(t)
	for i := range 12 {
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
