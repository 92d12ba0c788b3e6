package decode

import "encoding/binary"

// IANA protocol numbers that Decode looks into.
const (
	protoHopByHop    = 0
	protoIPv4        = 4
	protoTCP         = 6
	protoUDP         = 17
	protoIPv6        = 41
	protoRouting     = 43
	protoFragment    = 44
	protoGRE         = 47
	protoAH          = 51
	protoNone        = 59
	protoDestination = 60
	protoSCTP        = 132
	protoMobility    = 135
	protoHIP         = 139
	protoShim6       = 140
)

// network reads the IP header at b, and the ports behind it, into the zero p.
// left is how many bytes the headers before declare (unknown where there are
// none). It returns the upper layer's captured bytes and how many are declared,
// which is more when the frame is cut; -1 and an untouched p mean an invalid or
// cut header.
func (p *Packet) network(next uint32, b []byte, left int) ([]byte, int) {
	if next == nextIPv4 {
		return p.ipv4(b, left)
	}
	return p.ipv6(b, left)
}

// ipv4 reads an IPv4 header (RFC 791). A total length of zero is a super-frame
// before segmentation, of any length.
func (p *Packet) ipv4(b []byte, left int) ([]byte, int) {
	if len(b) < 20 {
		return nil, -1
	}
	_ = b[19]
	header := int(b[0]&15) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = left
	}
	if b[0]>>4 != 4 || header < 20 || total < header || total > left {
		return nil, -1
	}
	p.Src, p.Dst = addr4(b[12:]), addr4(b[16:])
	p.Proto = b[9]
	fragment := binary.BigEndian.Uint16(b[6:]) & 0x3fff
	b, left = cut(b, header, total)
	if fragment != 0 {
		if fragment&0x2000 != 0 {
			left = unknown
		}
		if fragment&0x1fff != 0 {
			p.Fragment = true
			return b, left
		}
	}
	if p.Proto == protoAH {
		b, left = p.extensions(b, left)
	}
	p.transport(b)
	return b, left
}

// cut takes a header off and what follows the packet (padding, a trailer), and
// returns how many bytes are declared behind the header.
func cut(b []byte, header, total int) ([]byte, int) {
	if len(b) > total {
		b = b[:total]
	}
	if len(b) < header {
		return nil, total - header
	}
	return b[header:], total - header
}

// ipv6 reads an IPv6 header and its extension headers (RFC 8200). A payload
// length of zero is a jumbogram (RFC 2675, Linux's BIG TCP) where a hop-by-hop
// header follows, or more than the six bytes that Ethernet's padding to 60
// would leave: at least a TCP header.
func (p *Packet) ipv6(b []byte, left int) ([]byte, int) {
	if len(b) < 40 {
		return nil, -1
	}
	_ = b[39]
	total := int(binary.BigEndian.Uint16(b[4:])) + 40
	if total == 40 && (b[6] == protoHopByHop || len(b) >= 60) {
		total = left
	}
	if b[0]>>4 != 6 || total < 40 || total > left {
		return nil, -1
	}
	p.V6 = true
	p.Src, p.Dst = addr6(b[8:]), addr6(b[24:])
	p.Proto = b[6]
	b, left = cut(b, 40, total)
	if p.Proto != protoTCP && p.Proto != protoUDP {
		if b, left = p.extensions(b, left); p.Fragment {
			return b, left
		}
	}
	p.transport(b)
	return b, left
}

// maxExtensions bounds the chain of extension headers: RFC 8200 section 4.1
// knows of seven at most in one packet, and HIP and Shim6 came later.
const maxExtensions = 10

// extensions goes from header to header until the upper layer, sets Proto to
// its number and returns what follows, nothing where a header is cut.
func (p *Packet) extensions(b []byte, left int) ([]byte, int) {
	for range maxExtensions {
		if !p.extends() {
			return b, left
		}
		if len(b) < 2 {
			return nil, left
		}
		size := int(b[1])*8 + 8
		switch p.Proto {
		case protoAH: // RFC 4302 section 2.2: in words, less two
			size = int(b[1])*4 + 8
		case protoMobility, protoHIP, protoShim6:
			if b[0] == protoNone {
				return nil, left
			}
		case protoFragment:
			if len(b) < 4 {
				return nil, left
			}
			size = 8
			offset := binary.BigEndian.Uint16(b[2:])
			p.Fragment = offset&0xfff8 != 0
			if offset&1 != 0 {
				left = unknown
			}
		}
		p.Proto = b[0]
		b, left = b[min(size, len(b)):], max(left-size, 0)
		if p.Fragment {
			return b, left
		}
	}
	return nil, left
}

// extends tells whether Proto is an extension header's (IANA's registry of
// them, without the two for experiments). IPv4 knows none of them but AH.
func (p *Packet) extends() bool {
	switch p.Proto {
	case protoAH:
		return true
	case protoHopByHop, protoRouting, protoFragment, protoDestination, protoMobility, protoHIP, protoShim6:
		return p.V6
	}
	return false
}

// transport reads ports where the upper layer has them in its first four
// bytes, and the flags of TCP (RFC 9293 section 3.1).
func (p *Packet) transport(b []byte) {
	if p.Proto != protoTCP && p.Proto != protoUDP && p.Proto != protoSCTP || len(b) < 4 {
		return
	}
	p.HasPorts = true
	p.SrcPort = binary.BigEndian.Uint16(b)
	p.DstPort = binary.BigEndian.Uint16(b[2:])
	if p.Proto == protoTCP && len(b) > 13 {
		p.SYN = b[13]&0x12 == 0x02
	}
}
