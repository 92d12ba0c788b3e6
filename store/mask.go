package store

import "net/netip"

// Mask shortens the addresses of points so that they name a network and nobody in it.
// The zero value masks nothing. It is plain data and may be shared.
type Mask struct {
	Addr, Peer bool // which ends of a point are shortened
	IPv4, IPv6 int  // bits that are kept of an address
}

// Active reports whether the mask does anything.
func (m Mask) Active() bool { return m.Addr || m.Peer }

// Apply shortens the addresses of p, and flags it where that has taken something away.
// Amounts, place and network stay as they are.
func (m Mask) Apply(p *Point) {
	addr, peer := p.Addr, p.Peer
	if m.Addr {
		p.Addr = m.Network(addr)
	}
	if m.Peer {
		p.Peer = m.Network(peer)
	}
	if p.Addr != addr || p.Peer != peer {
		p.Flags |= Masked
	}
}

// embedded are the IPv6 networks whose addresses have an IPv4 address in them, with the
// bit at which it begins: of it no more may be kept than of any other.
var embedded = [...]struct {
	network netip.Prefix
	at      int
}{
	{netip.MustParsePrefix("::ffff:0:0/96"), 96}, // mapped, RFC 4291 section 2.5.5.2
	{netip.MustParsePrefix("2002::/16"), 16},     // 6to4, RFC 3056
	{netip.MustParsePrefix("64:ff9b::/96"), 96},  // NAT64, RFC 6052
	{netip.MustParsePrefix("2001::/32"), 96},     // Teredo, RFC 4380: inverted, but prefixes stay
}

// Network returns what is left of an endpoint. One that is shorter already, or missing,
// stays as it is.
func (m Mask) Network(p netip.Prefix) netip.Prefix {
	if !p.IsValid() {
		return p
	}
	bits := m.IPv6
	if p.Addr().Is4() {
		bits = m.IPv4
	} else {
		for _, e := range embedded {
			if e.network.Bits() <= p.Bits() && e.network.Contains(p.Addr()) {
				bits = min(bits, e.at+m.IPv4)
			}
		}
	}
	if bits >= p.Bits() {
		return p
	}
	return netip.PrefixFrom(p.Addr(), bits).Masked()
}
