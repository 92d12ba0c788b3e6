package livetest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRace runs the whole program, built with the race detector, with traffic, a
// browserless reader and a drain. (The other tests run it as users have it: opening
// the built-in database alone takes ten times as long with the detector.)
func TestRace(t *testing.T) {
	t.Parallel()
	capturetest.RequireCapture(t)
	path := filepath.Join(workdir(t), "packetheat")
	if err := build(path, "-race"); err != nil {
		t.Fatal(err)
	}
	link := capturetest.Veth(t)
	traffic := mix(t, 500)
	s := start(t, link, options{path: path, env: []string{"GORACE=halt_on_error=0"}})
	s.ready()
	sender := link.Peer.Sender(t)
	for range 4 {
		transmit(t, link, sender, traffic.frames, len(traffic.frames))
		for _, path := range []string{"/", "/api/v1/status", "/api/v1/points.csv", "/api/v1/top?by=country", "/metrics"} {
			s.get(path)
		}
	}
	s.stop()
	if strings.Contains(s.said(), "DATA RACE") {
		t.Error("data race")
	}
	same(t, "export csv", traffic.times(4), readCSV(t, strings.NewReader(ask(t, s.dir, "export", "csv", "-o", "-"))))
}
