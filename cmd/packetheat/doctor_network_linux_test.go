package main

import (
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/netdev"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
)

// link is an interface with traffic of some bytes a second each way.
func link(name, kind string, bytes float64, captured bool, roles string, addresses ...string) interfaceJSON {
	return interfaceJSON{Name: name, Kind: kind, Up: true, Captured: captured, Roles: strings.Fields(roles), Addresses: addresses,
		Rates: &netdev.Rates{BytesIn: bytes, BytesOut: bytes}}
}

func TestNetworkFindings(t *testing.T) {
	eth, wan := link("eth0", "", 1e6, true, "WAN", "10.0.0.5/24", "fe80::1/64"), link("eth0", "", 1e6, true, "WAN", "198.18.0.1/24", "9.9.9.9/24")
	lan := link("eth1", "", 1e6, false, "", "192.168.1.1/24")
	inside := link("eth0", "veth", 1e5, true, "WAN", "172.17.0.2/16")
	inside.elsewhere = true
	for _, c := range []struct {
		name  string
		found []finding
		level string // "": nothing is found
		words []string
	}{
		{"VPN carries all", tunnelled([]interfaceJSON{eth, link("wg0", "wireguard", 9e5, false, "VPN")}), warning, []string{"wg0", "90 %", "--interface wg0"}},
		{"VPN carries little", tunnelled([]interfaceJSON{eth, link("wg0", "wireguard", 1e5, false, "VPN")}), "", nil},
		{"VPN is captured", tunnelled([]interfaceJSON{link("wg0", "wireguard", 9e5, true, "VPN")}), "", nil},
		{"nearly idle", tunnelled([]interfaceJSON{link("eth0", "", 100, true, ""), link("wg0", "tun", 100, false, "VPN")}), "", nil},
		{"behind a router", translated([]interfaceJSON{eth}, false), good, []string{"eth0", "inside"}},
		{"router", translated([]interfaceJSON{wan, lan}, true), note, []string{"eth0 is outside", "--interface eth1"}},
		{"server with a LAN", translated([]interfaceJSON{wan, lan}, false), "", nil},
		{"server", translated([]interfaceJSON{wan}, true), "", nil},
		{"container", enclosed([]interfaceJSON{inside}), warning, []string{"--network host"}},
		{"veth of ours", enclosed([]interfaceJSON{link("eth0", "veth", 1, true, "WAN")}), "", nil},
		{"LRO", []finding{judgeOffloads("eth0", true, true, true, true)}, warning, []string{"lro off"}},
		{"GRO, old kernel", []finding{judgeOffloads("eth0", false, true, false, false)}, note, []string{"gro off"}},
		{"GRO", []finding{judgeOffloads("eth0", false, true, true, true)}, good, []string{"on the wire"}},
		{"nothing joined", []finding{judgeOffloads("eth0", false, false, false, false)}, good, []string{"as they are"}},
		{"hardware forwards", offloaded(strings.NewReader("ipv4 2 tcp 6 src=1 [HW_OFFLOAD] mark=0\nipv4 2 udp 17 src=2\n")), warning, []string{"1 of 2", "flowtable"}},
		{"software forwards", offloaded(strings.NewReader("ipv4 2 tcp 6 src=1 [OFFLOAD] mark=0\n")), "", nil},
		{"mirror port", mirrored("eth0", 5000, 20), warning, []string{"5,000", "sensor.promiscuous: true"}},
		{"a few strays", mirrored("eth0", 20, 5000), note, []string{"20 frames/s"}},
		{"no strays", mirrored("eth0", 0, 0), good, []string{"not needed"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.level == "" && len(c.found) > 0 || c.level != "" && !has(c.found, c.level, c.words...) {
				t.Errorf("findings are %+v", c.found)
			}
		})
	}
}

func TestTried(t *testing.T) {
	running := sensor.Status{Interfaces: []sensor.InterfaceStatus{
		{Name: "eth0", Shards: 2, RingBytes: 4 << 20, RingWanted: 4 << 20},
		{Name: "eth1", Shards: 1, RingBytes: 1 << 20, RingWanted: 4 << 20},
		{Name: "eth2", State: "waiting: interface is down"},
	}}
	found := tried(running, sensor.Status{Books: store.Books{Frames: 1000}}, 3*time.Second)
	for _, want := range []struct {
		level string
		words []string
	}{
		{good, []string{"eth0", "4.19 MB in 2 rings"}}, {warning, []string{"eth1", "1.05 MB of the 4.19 MB", "sensor.ring.total"}},
		{failure, []string{"eth2: waiting"}}, {good, []string{"none of 1,000 frames in 3s"}},
	} {
		if !has(found, want.level, want.words...) {
			t.Errorf("no %s with %q in %+v", want.level, want.words, found)
		}
	}
	lossy := sensor.Status{Books: store.Books{Frames: 1000, Drops: 7}, Losses: sensor.Losses{BacklogDrops: 8, RxMissed: 4, RxFIFO: 5},
		Warnings: []sensor.Warning{{Code: sensor.WarnDuplicates, Text: "all come twice", Mend: "mirror one direction"}}}
	found = tried(running, lossy, time.Second)
	for _, words := range [][]string{{"7 of 1,000", "sensor.ring.total"}, {"8 of", "netdev_max_backlog"}, {"9 of", "ethtool -G"}, {"all come twice", "mirror one"}} {
		if !has(found, warning, words...) {
			t.Errorf("no warning with %q in %+v", words, found)
		}
	}
	if has(found, good, "none of") {
		t.Error("losses are said to be none")
	}
}

// TestTrial captures on loopback, as doctor does.
func TestTrial(t *testing.T) {
	mayCapture(t)
	r := call{args: []string{"doctor", "--trial", "100ms", "--json"}, env: []string{"PACKETHEAT_SENSOR_INTERFACES=lo", "PACKETHEAT_DASHBOARD_LISTEN=off"}}.run(t)
	for _, want := range []string{`"check": "ring"`, `"check": "drops"`, `"check": "fanout"`, `hash works`} {
		if !strings.Contains(r.out, want) {
			t.Errorf("doctor does not say %s:\n%s%s", want, r.out, r.err)
		}
	}
	if _, err := ethtoolValue("lo", ethtoolGetTSO); err != nil {
		t.Errorf("offloads of lo: %v", err)
	}
	if _, err := ethtoolValue("none0", ethtoolGetTSO); err == nil {
		t.Error("an interface that is not there has offloads")
	}
}
