package sensor

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// warned waits for a warning of a live sensor.
func (l *life) warned(code, mend string) {
	l.Helper()
	l.wait(code, func(s Status) bool {
		for _, w := range s.Warnings {
			if w.Code == code && strings.HasPrefix(w.Mend, mend) {
				return true
			}
		}
		return false
	})
}

// translate sends the same flows over both links, as a router with NAT would show them
// inside and outside, until quit is closed.
func translate(l *life, inside, outside *capturetest.Link, quit <-chan struct{}) {
	type wire struct {
		sender *capturetest.Sender
		frames [][]byte
	}
	wires := []wire{{sender: inside.Peer.Sender(l)}, {sender: outside.Peer.Sender(l)}}
	for i := range 40 {
		server := fmt.Sprintf("45.%d.0.1", i)
		for w, client := range []string{fmt.Sprintf("192.168.7.%d", 2+i%5), "203.0.113.9"} {
			wires[w].frames = append(wires[w].frames,
				tcp(l, server, client, 443, uint16(40000+i), false, true), tcp(l, client, server, uint16(40000+i), 443, false, true))
		}
	}
	for {
		for _, w := range wires {
			if _, err := w.sender.Send(w.frames, len(w.frames), 0, nil); err != nil {
				l.Error(err)
			}
		}
		select {
		case <-quit:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Inside and outside of a NAT, captured together, are warned of within some ticks.
func TestWarnOfNATLive(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	second := another(t, link)
	second.Sensor.AddAddress(t, "203.0.113.9/32") // documentation, so it is ours anyway
	l := startLife(t, link, "sensor0", "sensor1")
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		translate(l, link, second, quit)
	}()
	l.warned(WarnNAT, "sensor.interfaces: [sensor1]")
	close(quit)
	<-done
	l.end()
}

// A mirror port that delivers each packet twice is noticed; ordinary traffic is not
// taken for one.
func TestWarnOfDuplicatesLive(t *testing.T) {
	t.Parallel()
	for _, copies := range []int{1, 2} {
		link := capturetest.Veth(t)
		l := startLife(t, link, link.Sensor.Name)
		r := rand.New(rand.NewPCG(5, 5))
		var frames [][]byte
		for i := range 12_000 {
			f := numbered(t, r, i)
			for range copies {
				frames = append(frames, f)
			}
		}
		if _, err := link.Peer.Sender(t).Send(frames, len(frames), 20_000, nil); err != nil {
			t.Fatal(err)
		}
		if copies == 2 {
			l.warned(WarnDuplicates, "mirror only one direction")
		}
		l.end()
		if n := len(l.sensor.Status().Warnings); n != copies-1 {
			t.Errorf("%d warnings with each packet %d times: %+v", n, copies, l.sensor.Status().Warnings)
		}
	}
}

// Ordinary traffic of thousands of addresses on two interfaces gives no warning.
func TestWarnOfNothingLive(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	second := another(t, link)
	l := startLife(t, link, "sensor0", "sensor1")
	frames, _ := traffic(t, 20_000)
	half := len(frames) / 2
	for i, part := range [][][]byte{frames[:half], frames[half:]} {
		for range 2 {
			if _, err := []*capturetest.Link{link, second}[i].Peer.Sender(t).Send(part, len(part), 20_000, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	l.end()
	if w := l.sensor.Status().Warnings; len(w) > 0 {
		t.Errorf("warned of ordinary traffic: %+v", w)
	}
}
