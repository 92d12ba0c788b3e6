package livetest

import (
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// second makes another wire, both ends of which are in the sensor's namespace.
func second(t *testing.T, link *capturetest.Link) *capturetest.Link {
	t.Helper()
	sensor, peer := *link.Sensor, *link.Sensor
	sensor.Name, peer.Name = "second0", "second1"
	link.Sensor.Do(t, func() {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = sensor.Name
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: peer.Name}); err != nil {
			t.Error(err)
		}
	})
	for _, e := range []*capturetest.End{&sensor, &peer} {
		e.SetOffload(t, false)
		e.SetUp(t, true)
	}
	return &capturetest.Link{Sensor: &sensor, Peer: &peer}
}

// TestTwoInterfaces captures on two interfaces at once: what came over either is
// stored, once.
func TestTwoInterfaces(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	other := second(t, link)
	s := start(t, link, options{args: []string{"--interface", other.Sensor.Name}})
	if got, want := s.ready()["interface"], capturetest.SensorInterface+","+other.Sensor.Name; got != want {
		t.Errorf("ready interface=%s, want %s", got, want)
	}
	traffic := mix(t, 400)
	transmit(t, link, link.Peer.Sender(t), traffic.frames, len(traffic.frames))
	transmit(t, other, other.Peer.Sender(t), traffic.frames, 2*len(traffic.frames))
	s.stop()
	same(t, "export csv", traffic.times(3), readCSV(t, strings.NewReader(ask(t, s.dir, "export", "csv", "-o", "-"))))
	balanced(t, s.dir+"/data")
}
