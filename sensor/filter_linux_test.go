package sensor

import (
	"testing"
	"time"

	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// port53 takes DNS alone.
func port53(linkType uint16, live bool) ([]bpf.RawInstruction, error) {
	return capture.CompileFilter([]capture.Condition{{Ports: []capture.PortRange{{Low: 53, High: 53}}}}, nil, linkType, live)
}

// A filter that is replaced while traffic flows loses none of what both take, is there
// on rings that are opened later, and stays where a new one is refused.
func TestSetFilterLive(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	l := startLife(t, link, link.Sensor.Name)
	dns := [][]byte{udp(t, "45.0.0.1", "192.168.7.9", 53, 40000)}
	web := [][]byte{udp(t, "45.0.0.1", "192.168.7.9", 443, 40000)}
	const n = 20_000
	sent := make(chan error, 1)
	go func() {
		_, err := link.Peer.Sender(t).Send(dns, n, 20_000, nil)
		sent <- err
	}()
	for i, done := 0, false; !done; i++ {
		if err := l.sensor.SetFilter([]Filter{port53, nil}[i%2]); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-sent:
			if done = true; err != nil {
				t.Fatal(err)
			}
		case <-time.After(2 * time.Millisecond):
		}
	}
	l.captured(n)
	bad := func(uint16, bool) ([]bpf.RawInstruction, error) { return []bpf.RawInstruction{{Op: 0xffff}}, nil }
	for _, step := range []struct {
		filter Filter
		ok     bool
	}{{port53, true}, {bad, false}} {
		if err := l.sensor.SetFilter(step.filter); (err == nil) != step.ok {
			t.Errorf("SetFilter: %v, want success %v", err, step.ok)
		}
		l.sendFrames(link, web, 100)
		l.sendFrames(link, dns, 10)
	}
	l.captured(n + 20)
	link.Sensor.Delete(t)
	l.state(link.Sensor.Name, "waiting: ")
	link.Connect(t)
	l.state(link.Sensor.Name, "capturing")
	l.sendFrames(link, web, 100)
	l.sendFrames(link, dns, 10)
	l.captured(n + 30)
	l.end()
	if got := l.sensor.Status().Books.Captured.Packets; got != n+30 {
		t.Errorf("captured %d packets, want %d: the filter let others in", got, n+30)
	}
}
