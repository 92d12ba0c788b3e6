package capture_test

import (
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// only compiles a filter that takes frames of one source network.
func only(t *testing.T, network string) []bpf.RawInstruction {
	t.Helper()
	condition := capture.Condition{Networks: []netip.Prefix{netip.MustParsePrefix(network)}}
	prog, err := capture.CompileFilter([]capture.Condition{condition}, nil, capture.LinkEthernet, true)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

// TestRingSetFilterNoGap: while the filter of two rings is replaced again and again
// under traffic by others that take the same, no frame is missing.
func TestRingSetFilterNoGap(t *testing.T) {
	link := capturetest.Veth(t)
	rings := open(t, link, smallRing(2))
	wait := readAll(rings, nil)
	const n = 60_000
	sender := link.Peer.Sender(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	changes := 0
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			for _, r := range rings {
				prog := [][]bpf.RawInstruction{nil, only(t, "192.0.0.0/8")}[changes%2]
				if err := r.SetFilter(prog); err != nil {
					t.Error(err)
				}
			}
			changes++
		}
	})
	_, err := sender.Send(capturetest.UDPFrames(500, 64), n, 60_000, nil)
	if err != nil {
		t.Fatal(err)
	}
	lost := backlog(t, link, 0, n)
	close(done)
	wg.Wait()
	stopAll(rings)
	if got := sum(t, wait()); got.stats.Packets+lost != n {
		t.Errorf("sent %d, captured %d, lost before %d, over %d changes of the filter", n, got.stats.Packets, lost, changes)
	}
	if changes < 10 {
		t.Errorf("only %d changes", changes)
	}
}

// TestRingSetFilter: the new filter decides from the next frame on, its result is
// still cut to the snaplen, one that the kernel refuses changes nothing, and after Stop
// none opens the ring again.
func TestRingSetFilter(t *testing.T) {
	link := capturetest.Veth(t)
	cfg := smallRing(1)
	cfg.Snaplen = 80
	r := open(t, link, cfg)[0]
	if r.LinkType() != capture.LinkEthernet || r.Index() == 0 {
		t.Errorf("link type %d, index %d", r.LinkType(), r.Index())
	}
	sender := link.Peer.Sender(t)
	frames := capturetest.UDPFrames(2, 100) // from 192.0.2.1 and .2
	send := func() {
		t.Helper()
		before, _ := link.Sensor.Received(t)
		if _, err := sender.Send(frames, 10, 0, nil); err != nil {
			t.Fatal(err)
		}
		backlog(t, link, before, 10)
	}
	send() // 10
	if err := r.SetFilter(only(t, "192.0.2.1/32")); err != nil {
		t.Fatal(err)
	}
	send() // 5
	for _, bad := range [][]bpf.RawInstruction{{}, make([]bpf.RawInstruction, 5000)} {
		if err := r.SetFilter(bad); err == nil {
			t.Errorf("a filter of %d instructions was accepted", len(bad))
		}
	}
	if err := r.SetFilter([]bpf.RawInstruction{{Op: 0xffff}}); !errors.Is(err, unix.EINVAL) {
		t.Errorf("invalid filter: %v, want EINVAL", err)
	}
	send() // 5: the old one stays
	if err := r.SetFilter(nil); err != nil {
		t.Fatal(err)
	}
	send() // 10
	wait := readAll([]*capture.Ring{r}, func(f *capture.Frame) bool { return len(f.Data) == 80 && f.WireLen == 100 })
	r.Stop()
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		if err := r.SetFilter(nil); err != nil {
			t.Fatal(err)
		}
		send() // whatever of these came before the stop is counted, and the ring ends
	}
	got := sum(t, wait())
	if got.frames < 30 { // sum has compared them with what the kernel counted
		t.Errorf("%d frames, want 30 before the stop", got.frames)
	}
	if err := r.SetFilter(nil); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

// TestLosses: the counters are those of the interface, and one that is gone is left out.
func TestLosses(t *testing.T) {
	link := capturetest.Veth(t)
	var index int
	read := func() (losses map[int]capture.InterfaceLoss) {
		inSensor(t, link, func() (err error) {
			if index == 0 {
				list, err := capture.Interfaces()
				if err != nil {
					return err
				}
				index = list[len(list)-1].Index
			}
			losses, err = capture.Losses([]int{index, 1 << 20})
			return err
		})
		return losses
	}
	// Nobody listens, so what is no IP is dropped by the stack.
	frame := capturetest.UDPFrames(1, 64)
	frame[0][12], frame[0][13] = 0x99, 0x99
	if _, err := link.Peer.Sender(t).Send(frame, 7, 0, nil); err != nil {
		t.Fatal(err)
	}
	backlog(t, link, 0, 7)
	_, dropped := link.Sensor.Received(t)
	got := read()
	if len(got) != 1 || got[index].RxDropped != dropped || dropped == 0 {
		t.Errorf("losses %+v, the interface dropped %d", got, dropped)
	}
	link.Sensor.Delete(t)
	if got := read(); len(got) != 0 {
		t.Errorf("losses of a deleted interface: %+v", got)
	}
}
