package capture

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// someInterfaces is a machine with loopback, two cards and a VPN.
func someInterfaces() []Interface {
	p := netip.MustParsePrefix
	return []Interface{
		{Name: "lo", Index: 1, Up: true, Loopback: true, Addresses: []netip.Prefix{p("127.0.0.1/8"), p("::1/128")}},
		{Name: "eth0", Index: 2, Up: true, Addresses: []netip.Prefix{p("203.0.113.9/24"), p("2001:db8:1::9/64"), p("fe80::9/64")}},
		{Name: "eth1", Index: 3, Addresses: []netip.Prefix{p("198.51.100.1/25")}},
		{Name: "wg0", Index: 4, Up: true, Kind: "wireguard", Addresses: []netip.Prefix{p("10.2.0.2/32")}},
	}
}

func TestResolve(t *testing.T) {
	all := someInterfaces()
	for _, tt := range []struct {
		name     string
		names    []string
		routes   []int
		want     string
		missing  string
		fallback bool
		reason   string
		err      error
	}{
		{"default", nil, []int{2, 2}, "eth0", "", false, "the default route goes through eth0;", nil},
		{"IPv4 and IPv6 differ", []string{DefaultRoute}, []int{4, 2}, "wg0,eth0", "", false, "wg0, eth0", nil},
		{"no route", nil, nil, "eth0,wg0", "", true, "no route to the Internet", nil},
		{"route to nowhere", nil, []int{99}, "eth0,wg0", "", true, "no route", nil},
		{"any", []string{AnyInterface}, []int{2}, "eth0,wg0", "", false, "every interface", nil},
		{"one by name", []string{"eth1"}, []int{2}, "eth1", "", false, "asked for", nil},
		{"any and one", []string{AnyInterface, "lo"}, nil, "lo,eth0,wg0", "", false, "lo was asked for", nil},
		{"same twice", []string{"eth0", DefaultRoute, "eth0"}, []int{2}, "eth0", "", false, "", nil},
		{"one missing", []string{"eth0", "usb0"}, nil, "eth0", "usb0", false, "", nil},
		{"all missing", []string{"usb0"}, nil, "", "usb0", false, "", ErrInterfaceGone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := resolve(tt.names, all, tt.routes)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			var names []string
			for _, i := range r.Interfaces {
				names = append(names, i.Name)
			}
			if got := strings.Join(names, ","); got != tt.want {
				t.Errorf("interfaces %s, want %s", got, tt.want)
			}
			if got := strings.Join(r.Missing, ","); got != tt.missing || r.Fallback != tt.fallback || !strings.Contains(r.Reason+";", tt.reason) {
				t.Errorf("missing %q, fallback %v, reason %q", got, r.Fallback, r.Reason)
			}
		})
	}
	if _, err := resolve(nil, []Interface{{Name: "eth0", Index: 2}}, nil); !errors.Is(err, ErrInterfaceDown) {
		t.Errorf("nothing up: %v, want ErrInterfaceDown", err)
	}
	if _, err := resolve([]string{"usb0"}, all, nil); !strings.Contains(err.Error(), "eth1") {
		t.Errorf("%v: does not name the interfaces there are", err)
	}
}

func TestHostNetworksOf(t *testing.T) {
	own := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28")}
	var got []string
	for _, p := range hostNetworks(someInterfaces(), []int{2}, own) {
		got = append(got, p.String())
	}
	want := []string{
		"10.2.0.2/32", "127.0.0.0/8", "127.0.0.1/32", "192.0.2.0/28",
		"198.51.100.0/25", "198.51.100.1/32", // eth1 has no default route
		"203.0.113.9/32", // eth0 has: the rest of 203.0.113.0/24 are strangers
		"::1/128", "2001:db8:1::/64", "2001:db8:1::9/128", "fe80::/64", "fe80::9/128",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
}
