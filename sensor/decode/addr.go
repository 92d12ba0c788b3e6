package decode

import (
	"encoding/binary"
	"net/netip"
)

// Addr is an IP address as two big-endian words, an IPv4 address v4-mapped
// (::ffff:a.b.c.d, RFC 4291 section 2.5.5.2). It is comparable, has no pointers
// and so suits as a key; the IP version is told by the Packet beside it. The
// zero value is the unspecified IPv6 address.
type Addr struct{ Hi, Lo uint64 }

// mapped is the upper half of Lo of a v4-mapped address.
const mapped = 0xffff << 32

// AddrFrom returns a in this form; a zone is dropped. The invalid netip.Addr
// gives the zero Addr.
func AddrFrom(a netip.Addr) Addr {
	if !a.IsValid() {
		return Addr{}
	}
	b := a.As16()
	return addr6(b[:])
}

// Netip returns the address as netip has it: an IPv6 address when v6 is set
// (a v4-mapped one stays that, Is4In6), else the IPv4 address in the last four
// bytes.
func (a Addr) Netip(v6 bool) netip.Addr {
	if !v6 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.Lo))
		return netip.AddrFrom4(b)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b)
}

// IsMapped tells whether the address is v4-mapped, which an IPv4 address
// always is.
func (a Addr) IsMapped() bool { return a.Hi == 0 && a.Lo>>32 == 0xffff }

// addr4 and addr6 read an address from the wire; b has 4 or 16 bytes at least.
func addr4(b []byte) Addr {
	return Addr{Lo: mapped | uint64(binary.BigEndian.Uint32(b))}
}

func addr6(b []byte) Addr {
	_ = b[15]
	return Addr{Hi: binary.BigEndian.Uint64(b), Lo: binary.BigEndian.Uint64(b[8:])}
}
