package store

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMaskNetwork(t *testing.T) {
	m := Mask{Addr: true, Peer: true, IPv4: 24, IPv6: 48}
	for _, c := range []struct{ name, in, want string }{
		{"IPv4", "198.51.100.77/32", "198.51.100.0/24"},
		{"IPv6", "2001:db8:1:2:3::4/128", "2001:db8:1::/48"},
		{"folded further already", "198.51.0.0/16", "198.51.0.0/16"},
		{"folded as far", "198.51.100.0/24", "198.51.100.0/24"},
		{"everything", "0.0.0.0/0", "0.0.0.0/0"},
		{"mapped", "::ffff:198.51.100.77/128", "::/48"},
		{"6to4 has the IPv4 address in front", "2002:c633:644d::1/128", "2002:c633:6400::/40"},
		{"NAT64", "64:ff9b::c633:644d/128", "64:ff9b::/48"},
		{"Teredo", "2001:0:53aa:64c::3344/128", "2001:0:53aa::/48"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := m.Network(netip.MustParsePrefix(c.in)).String(); got != c.want {
				t.Errorf("%s became %s, want %s", c.in, got, c.want)
			}
		})
	}
	if got := m.Network(netip.Prefix{}); got.IsValid() {
		t.Errorf("no endpoint became %s", got)
	}
	long := Mask{IPv4: 24, IPv6: 128}
	for in, want := range map[string]string{
		"64:ff9b::c633:644d/128":   "64:ff9b::c633:6400/120",
		"::ffff:198.51.100.77/128": "::ffff:198.51.100.0/120",
		"2001:0:1::9ccc:9bb2/128":  "2001:0:1::9ccc:9b00/120",
		"2001:db8::1/128":          "2001:db8::1/128",
	} {
		if got := long.Network(netip.MustParsePrefix(in)).String(); got != netip.MustParsePrefix(want).String() {
			t.Errorf("with 128 bits of IPv6, %s became %s, want %s", in, got, want)
		}
	}
}

func TestMaskApply(t *testing.T) {
	point := func(addr, peer string, flags Flags) Point {
		return Point{Addr: netip.MustParsePrefix(addr), Peer: netip.MustParsePrefix(peer), Flags: flags, Packets: 3, Place: Place{City: "Paris"}}
	}
	before := point("198.51.100.77/32", "10.1.2.3/32", Late)
	for _, c := range []struct {
		name string
		mask Mask
		want Point
	}{
		{"nothing", Mask{IPv4: 24, IPv6: 48}, before},
		{"peer", Mask{Peer: true, IPv4: 24, IPv6: 48}, point("198.51.100.77/32", "10.1.2.0/24", Late|Masked)},
		{"both", Mask{Addr: true, Peer: true, IPv4: 16, IPv6: 48}, point("198.51.0.0/16", "10.1.0.0/16", Late|Masked)},
		{"all bits are kept", Mask{Addr: true, Peer: true, IPv4: 32, IPv6: 128}, before},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := before
			c.mask.Apply(&got)
			if got != c.want {
				t.Error(cmp.Diff(c.want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })))
			}
		})
	}
	if (Mask{IPv4: 24}).Active() || !(Mask{Peer: true}).Active() {
		t.Error("a mask is active when it masks an end")
	}
}
