package sensor

import "net/netip"

// special lists the address ranges that are not globally reachable, and the ranges
// inside them that are, after the IANA special-purpose address registries (RFC 6890
// and successors), with multicast and the deprecated site-local range. The longest
// prefix wins. Teredo (2001::/32), 6to4 (2002::/16) and NAT64 (64:ff9b::/96) are
// public: they are located by the IPv4 address inside.
var special = []struct {
	network string
	local   bool
}{
	{"0.0.0.0/8", true},       // this network, RFC 791
	{"10.0.0.0/8", true},      // private, RFC 1918
	{"100.64.0.0/10", true},   // carrier-grade NAT, RFC 6598
	{"127.0.0.0/8", true},     // loopback, RFC 1122
	{"169.254.0.0/16", true},  // link-local, RFC 3927
	{"172.16.0.0/12", true},   // private, RFC 1918
	{"192.0.0.0/24", true},    // protocol assignments, RFC 6890
	{"192.0.0.9/32", false},   // port control anycast, RFC 7723
	{"192.0.0.10/32", false},  // TURN anycast, RFC 8155
	{"192.0.2.0/24", true},    // documentation, RFC 5737
	{"192.168.0.0/16", true},  // private, RFC 1918
	{"198.18.0.0/15", true},   // benchmarking, RFC 2544
	{"198.51.100.0/24", true}, // documentation
	{"203.0.113.0/24", true},  // documentation
	{"224.0.0.0/4", true},     // multicast, RFC 5771
	{"240.0.0.0/4", true},     // reserved and limited broadcast, RFC 1112, 919

	{"::/128", true},           // unspecified, RFC 4291
	{"::1/128", true},          // loopback
	{"::ffff:0:0/96", true},    // IPv4-mapped: never on a wire
	{"64:ff9b:1::/48", true},   // local-use NAT64, RFC 8215
	{"100::/64", true},         // discard-only, RFC 6666
	{"100:0:0:1::/64", true},   // dummy prefix, RFC 9780
	{"2001::/23", true},        // protocol assignments, RFC 2928
	{"2001::/32", false},       // Teredo, RFC 4380
	{"2001:1::1/128", false},   // port control anycast, RFC 7723
	{"2001:1::2/128", false},   // TURN anycast, RFC 8155
	{"2001:1::3/128", false},   // DNS-SD registration anycast, RFC 9665
	{"2001:3::/32", false},     // AMT, RFC 7450
	{"2001:4:112::/48", false}, // AS112, RFC 7535
	{"2001:20::/28", false},    // ORCHIDv2, RFC 7343
	{"2001:30::/28", false},    // drone identity, RFC 9374
	{"2001:db8::/32", true},    // documentation, RFC 3849
	{"3fff::/20", true},        // documentation, RFC 9637
	{"5f00::/16", true},        // segment routing, RFC 9602
	{"fc00::/7", true},         // unique local, RFC 4193
	{"fe80::/10", true},        // link-local, RFC 4291
	{"fec0::/10", true},        // site-local, deprecated by RFC 3879
	{"ff00::/8", true},         // multicast
}

// specialRules returns the table above as rules.
func specialRules() []rule {
	rules := make([]rule, len(special))
	for i, s := range special {
		rules[i] = rule{network: netip.MustParsePrefix(s.network), local: s.local}
	}
	return rules
}
