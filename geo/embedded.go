package geo

import (
	"encoding/binary"
	"net/netip"
)

// Prefixes of IPv6 addresses that carry the IPv4 address of the endpoint.
const (
	prefix6to4   = 0x2002             // 2002::/16, RFC 3056, section 2
	prefixTeredo = 0x20010000         // 2001::/32, RFC 4380, section 2.6
	prefixNAT64  = 0x0064ff9b00000000 // 64:ff9b::/96, RFC 6052, section 2.1
)

// canonical returns the address whose place is looked up: v4-mapped addresses
// unmapped, the IPv4 address inside 6to4, Teredo and NAT64 addresses, any
// other address as it is, without its zone.
func canonical(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	if addr.Is4In6() {
		return addr.Unmap()
	}
	b := addr.As16()
	hi := binary.BigEndian.Uint64(b[:8])
	lo := binary.BigEndian.Uint64(b[8:])
	switch {
	case hi>>48 == prefix6to4:
		return ipv4(uint32(hi >> 16))
	case hi>>32 == prefixTeredo:
		// The client's address is stored with every bit inverted.
		return ipv4(^uint32(lo))
	case hi == prefixNAT64 && lo>>32 == 0:
		return ipv4(uint32(lo))
	}
	return addr.WithZone("")
}

func ipv4(u uint32) netip.Addr {
	return netip.AddrFrom4([4]byte{byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)})
}
