package decode

import (
	"net/netip"
	"testing"
)

func TestAddr(t *testing.T) {
	for _, test := range []struct {
		text   string
		want   Addr
		mapped bool
	}{
		{"192.0.2.1", Addr{0, 0xffff_c000_0201}, true},
		{"255.255.255.255", Addr{0, 0xffff_ffff_ffff}, true},
		{"0.0.0.0", Addr{0, 0xffff_0000_0000}, true},
		{"::", Addr{0, 0}, false},
		{"::1", Addr{0, 1}, false},
		{"2001:db8::c000:201", Addr{0x20010db8_00000000, 0xc000_0201}, false},
		{"::ffff:192.0.2.1", Addr{0, 0xffff_c000_0201}, true},
	} {
		ip := netip.MustParseAddr(test.text)
		a := AddrFrom(ip)
		if a != test.want {
			t.Errorf("AddrFrom(%s) = %x, want %x", test.text, a, test.want)
		}
		if back := a.Netip(ip.Is6()); back != ip {
			t.Errorf("%s comes back as %s", test.text, back)
		}
		if a.IsMapped() != test.mapped {
			t.Errorf("IsMapped(%s) = %v", test.text, !test.mapped)
		}
	}
	if a := AddrFrom(netip.MustParseAddr("fe80::1%eth0")); a != (Addr{0xfe80 << 48, 1}) {
		t.Errorf("a zone makes %x", a)
	}
	if a := AddrFrom(netip.Addr{}); a != (Addr{}) {
		t.Errorf("the invalid address makes %x", a)
	}
}
