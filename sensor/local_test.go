package sensor

import (
	"net/netip"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func TestNetworksLocal(t *testing.T) {
	n := NewNetworks(
		prefixes("198.41.0.0/25", "2a00:1450:4001::/48", "8.8.4.4/32"),
		prefixes("10.20.0.0/16", "fd12:3456::/32", "10.20.30.40/32"))
	tests := []struct {
		addr  string
		local bool
	}{
		{"8.8.8.8", false}, {"1.1.1.1", false}, {"9.255.255.255", false}, {"11.0.0.0", false},
		{"0.1.2.3", true}, {"10.0.0.1", true}, {"10.255.255.255", true}, {"127.0.0.1", true},
		{"100.63.255.255", false}, {"100.64.0.0", true}, {"100.127.255.255", true}, {"100.128.0.0", false},
		{"169.254.1.1", true}, {"169.253.1.1", false}, {"172.15.255.255", false}, {"172.16.0.0", true},
		{"172.31.255.255", true}, {"172.32.0.0", false}, {"192.0.0.1", true}, {"192.0.0.9", false},
		{"192.0.0.10", false}, {"192.0.0.11", true}, {"192.0.1.0", false}, {"192.0.2.77", true},
		{"192.88.99.1", false}, {"192.168.0.1", true}, {"192.169.0.0", false}, {"198.17.255.255", false},
		{"198.18.0.0", true}, {"198.19.255.255", true}, {"198.20.0.0", false}, {"198.51.100.9", true},
		{"203.0.113.9", true}, {"203.0.114.0", false}, {"223.255.255.255", false}, {"224.0.0.1", true},
		{"239.255.255.255", true}, {"240.0.0.1", true}, {"255.255.255.255", true},
		{"::", true}, {"::1", true}, {"::2", false}, {"64:ff9b::808:808", false}, {"64:ff9b:1::1", true},
		{"100::1", true}, {"100:0:0:1::", true}, {"100:0:0:2::", false}, {"2001::1", false},
		{"2001:1::1", false}, {"2001:1::4", true}, {"2001:2::1", true}, {"2001:3::1", false},
		{"2001:4:112::1", false}, {"2001:5::1", true}, {"2001:20::1", false}, {"2001:200::1", false},
		{"2001:db8::1", true}, {"2001:db9::1", false}, {"2002:808:808::1", false},
		{"2606:4700::1", false}, {"3fff::1", true}, {"3fff:1000::1", false}, {"5f00::1", true},
		{"fc00::1", true}, {"fdff::1", true}, {"fe00::1", false}, {"fe80::1", true}, {"febf::1", true},
		{"fec0::1", true}, {"ff02::1", true},
		// ours, and what is mapped
		{"198.41.0.4", true}, {"198.41.0.129", false}, {"2a00:1450:4001::7", true}, {"2a00:1450:4002::7", false},
		{"8.8.4.4", true}, {"8.8.4.5", false}, {"10.20.0.1", false}, {"10.21.0.1", true}, {"10.20.30.40", false},
		{"fd12:3456::1", false}, {"fd12:3457::1", true},
	}
	for _, tt := range tests {
		if got := n.Local(netip.MustParseAddr(tt.addr)); got != tt.local {
			t.Errorf("Local(%s) = %t, want %t", tt.addr, got, tt.local)
		}
	}
}

// The table of first 16 bits must never say anything that the rules do not.
func TestNetworksVerdictAgreesWithRules(t *testing.T) {
	t.Parallel()
	n := NewNetworks(prefixes("4.0.0.0/7", "200.1.0.0/16", "200.1.2.0/24", "2400::/12"), prefixes("200.1.2.128/25"))
	rules := append(specialRules(),
		rule{netip.MustParsePrefix("4.0.0.0/7"), true}, rule{netip.MustParsePrefix("200.1.0.0/16"), true},
		rule{netip.MustParsePrefix("200.1.2.0/24"), true}, rule{netip.MustParsePrefix("2400::/12"), true},
		rule{netip.MustParsePrefix("200.1.2.128/25"), false})
	step := 1
	if testing.Short() {
		step = 17
	}
	for top := 0; top < 1<<16; top += step {
		for _, low := range []uint16{0, 0x0280, 0xffff} {
			a := netip.AddrFrom4([4]byte{byte(top >> 8), byte(top), byte(low >> 8), byte(low)})
			if got, want := n.Local(a), longest(rules, a); got != want {
				t.Fatalf("Local(%s) = %t, the longest rule says %t", a, got, want)
			}
			var b [16]byte
			b[0], b[1], b[14], b[15] = byte(top>>8), byte(top), byte(low>>8), byte(low)
			a = netip.AddrFrom16(b)
			if a.Is4In6() {
				continue
			}
			if got, want := n.Local(a), longest(rules, a); got != want {
				t.Fatalf("Local(%s) = %t, the longest rule says %t", a, got, want)
			}
		}
	}
}

// longest is the slow oracle: netip's own matching, longest prefix wins.
func longest(rules []rule, a netip.Addr) bool {
	local, bits := false, -1
	for _, r := range rules {
		if r.network.Bits() > bits && r.network.Contains(a) {
			local, bits = r.local, r.network.Bits()
		}
	}
	return local
}
