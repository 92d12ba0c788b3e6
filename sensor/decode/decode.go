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
	b := data
	var next uint32
	switch link {
	case LinkEthernet: // past peel's loop where a type follows
		next = nextEthernet
		if len(b) >= 14 {
			next, b = uint32(binary.BigEndian.Uint16(b[12:])), b[14:]
		}
	case LinkRaw:
		if next = uint32(etherType); next == 0 {
			next = version(b)
		}
	default:
		next = link.first()
	}
	if next != nextIPv4 && next != nextIPv6 {
		switch next, b = peel(next, b); next {
		case nextNone:
			return NonIP
		case nextBad:
			return Undecodable
		}
	}
	left := unknown
	if next == nextIPv4 {
		b, left = p.ipv4(b, left)
	} else {
		b, left = p.ipv6(b, left)
	}
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
