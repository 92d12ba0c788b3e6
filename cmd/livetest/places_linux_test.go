package livetest

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestReloadPlaces puts a branch office on the map, and gives its name and a list of
// devices to filters, all by SIGHUP while frames flow.
func TestReloadPlaces(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	branch, printer := netip.MustParseAddr("10.30.0.9"), netip.MustParseAddr("10.0.0.77")
	private, public := new(ledger), new(ledger)
	private.udp(t, end{printer, 40000}, end{branch, 631}, 10)
	public.udp(t, end{printer, 40000}, end{netip.MustParseAddr("93.184.216.34"), 53}, 10)
	dir := workdir(t)
	list := filepath.Join(dir, "devices.txt")
	if err := os.WriteFile(list, []byte("# none yet\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const labels = "  labels: [{file: devices.txt, label: my devices}]\n"
	writeConfig(t, dir, "log: {format: human}\ngeo:\n"+labels)
	s := start(t, link, options{dir: dir})
	s.ready()
	r := &reloading{sensor: s, sender: link.Peer.Sender(t)}
	r.send = func(l *ledger) { transmit(t, link, r.sender, l.frames, len(l.frames)) }
	r.send(private) // local at both ends: not on the map

	const place = "  networks: [{network: 10.30.0.0/16, name: Harbour, latitude: 53.55, longitude: 9.99, country: DE, map: true}]\n"
	if err := os.WriteFile(list, []byte("10.0.0.77\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.configure("log: {format: human}\ngeo:\n"+labels+place, public, "not reloaded", "devices.txt:2", "nonsense")
	if err := os.WriteFile(list, []byte("10.0.0.77\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.configure("log: {format: human}\ngeo:\n"+labels+place+"  home: {latitude: 1.5, longitude: 2.5}\n", public, "configuration reloaded", "geo.networks", "geo.home")
	r.nextTick()
	r.send(private)
	if page := string(s.get("/api/v1/status")); !strings.Contains(page, `"labels":["Harbour","anycast","cloud","my devices"]`) {
		t.Errorf("the dashboard has other labels: %s", page)
	}
	s.stop()
	for filter, want := range map[string]int{"": 2, "label:harbour": 1, `label:"my devices"`: 2, "city:Harbour country:DE place:53.55,9.99": 1, "-label:harbour": 1} {
		rows := strings.Split(strings.TrimSpace(ask(t, dir, "top", "ip", "-n", "0", "--data", "data", "--filter", filter)), "\n")
		if len(rows)-1 != want {
			t.Errorf("%d addresses with %q, want %d:\n%s", len(rows)-1, filter, want, strings.Join(rows, "\n"))
		}
	}
	balanced(t, filepath.Join(dir, "data"))
}
