package main

import (
	"strings"
	"testing"

	"github.com/packetheat/packetheat/sensor/capture"
)

func TestRoles(t *testing.T) {
	routes := []capture.Interface{{Name: "eth0", Index: 2}}
	for _, c := range []struct {
		i        capture.Interface
		wireless bool
		want     string
	}{
		{capture.Interface{Index: 2}, false, "WAN"},
		{capture.Interface{Index: 2, Kind: "wireguard"}, false, "WAN VPN"},
		{capture.Interface{Index: 3, Kind: "tun"}, false, "VPN"},
		{capture.Interface{Index: 3, Kind: "bridge"}, false, "bridge"},
		{capture.Interface{Index: 3, Kind: "veth", Master: 5}, false, "port"},
		{capture.Interface{Index: 4}, true, "wireless"},
		{capture.Interface{Index: 1, Loopback: true}, false, ""},
	} {
		if got := strings.Join(rolesOf(&c.i, routes, c.wireless), " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.i, got, c.want)
		}
	}
	if isWireless("lo") || isWireless("none0") {
		t.Error("loopback is a radio")
	}
}

func TestWhy(t *testing.T) {
	eth, br, port := capture.Interface{Name: "eth0", Index: 2, Up: true}, capture.Interface{Name: "br0", Index: 3, Up: true}, capture.Interface{Name: "veth1", Index: 4, Up: true}
	down := capture.Interface{Name: "eth1", Index: 5}
	routes := []capture.Interface{eth}
	byRoute := capture.Resolution{Interfaces: routes}
	everywhere := capture.Resolution{Interfaces: []capture.Interface{eth, br}, LeftOut: []capture.LeftOut{{Name: "veth1", Why: "port of br0"}}}
	none := everywhere
	none.Fallback = true
	for _, c := range []struct {
		i      capture.Interface
		wanted string
		r      capture.Resolution
		want   string
	}{
		{eth, "default_route", byRoute, "default route"},
		{br, "default_route", byRoute, "not the default route"},
		{down, "default_route", byRoute, "down"},
		{eth, "eth0", byRoute, "asked for"},
		{br, "eth0", byRoute, "not asked for"},
		{port, "any", everywhere, "left out: port of br0"},
		{br, "any", everywhere, "it is up"},
		{br, "default_route", none, "it is up"},
	} {
		if got := whyOf(&c.i, []string{c.wanted}, &c.r, routes); got != c.want {
			t.Errorf("%s with %s: %q, want %q", c.i.Name, c.wanted, got, c.want)
		}
	}
}
