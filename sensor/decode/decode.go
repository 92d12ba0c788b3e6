package decode

import "encoding/binary"

// unknown is a length no header declares: where an offloading card or a
// fragment leaves open how long a packet is.
const unknown = 1<<31 - 1

// Decode fills p from the captured bytes of one frame, which may be cut
// anywhere, and says what the frame is. It never panics, never allocates and
// never keeps data.
//
// etherType is used only where the link layer has no header of its own
// (LinkRaw: a ring on a tun, ppp or WireGuard interface, where the kernel tells
// the protocol apart from the data); zero means that the version in the first
// byte decides. An outer VLAN tag that the kernel has taken out of the data
// needs no mention: the type that followed it is what the Ethernet header has.
func Decode(p *Packet, link LinkType, etherType uint16, data []byte) Status {
	*p = Packet{}
	next, b := uint32(nextEthernet), data
	if link != LinkEthernet {
		next = link.first()
		if link == LinkRaw && etherType != 0 {
			next = uint32(etherType)
		}
	} else if len(data) >= 14 { // the common case, without peel's loop
		next, b = uint32(binary.BigEndian.Uint16(data[12:])), data[14:]
	}
	if next != nextIPv4 && next != nextIPv6 {
		switch next, b = peel(next, b); next {
		case nextNone:
			return NonIP
		case nextBad:
			return Undecodable
		}
	}
	b, left := p.network(next, b, unknown)
	if left < 0 {
		return Undecodable
	}
	for p.Tunnels < MaxTunnels && p.mayTunnel() {
		if b, left = p.unwrap(b, left); left < 0 {
			break
		}
	}
	return Decoded
}
