package decode

import "encoding/binary"

// UDP destination ports by which tunnels are known.
const (
	portGTPU     = 2152
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portVXLANOld = 8472 // Linux's before IANA's, still its default
)

// Lengths of headers before options.
const (
	udpHeader    = 8
	vxlanHeader  = 8
	geneveHeader = 8
)

// mayTunnel tells whether the packet may carry another; it is all that a packet
// without a tunnel pays.
func (p *Packet) mayTunnel() bool {
	switch p.Proto {
	case protoUDP:
		switch p.DstPort {
		case portVXLAN, portVXLANGPE, portVXLANOld, portGeneve, portGTPU:
			return true
		}
	case protoIPv4, protoIPv6, protoGRE:
		return !p.Fragment
	}
	return false
}

// unwrap reads the tunnel header at b, the upper layer of p, and replaces p by
// the packet inside, remembering the outermost. It returns that packet's upper
// layer as network does. Where the header or the IP header inside is cut or
// does not fit into what was declared, p stays and the result is -1: such a
// frame counts for the outer addresses.
func (p *Packet) unwrap(b []byte, left int) ([]byte, int) {
	kind, next, rest := p.tunnel(b, left)
	next, rest = peel(next, rest)
	if next != nextIPv4 && next != nextIPv6 {
		return nil, -1
	}
	if left != unknown {
		left -= len(b) - len(rest)
	}
	inner := Packet{Tunnels: p.Tunnels + 1, TunnelKinds: p.TunnelKinds | kind}
	if p.Tunnels == 0 {
		inner.OuterSrc, inner.OuterDst, inner.OuterV6 = p.Src, p.Dst, p.V6
		inner.OuterProto, inner.OuterHasPorts = p.Proto, p.HasPorts
		inner.OuterSrcPort, inner.OuterDstPort = p.SrcPort, p.DstPort
	} else {
		inner.OuterSrc, inner.OuterDst, inner.OuterV6 = p.OuterSrc, p.OuterDst, p.OuterV6
		inner.OuterProto, inner.OuterHasPorts = p.OuterProto, p.OuterHasPorts
		inner.OuterSrcPort, inner.OuterDstPort = p.OuterSrcPort, p.OuterDstPort
	}
	if rest, left = inner.network(next, rest, left); left >= 0 {
		*p = inner
	}
	return rest, left
}

// tunnel takes the tunnel header off and says its kind and what follows it,
// nextBad where it is none.
func (p *Packet) tunnel(b []byte, left int) (kind uint16, next uint32, rest []byte) {
	switch p.Proto {
	case protoIPv4:
		if p.V6 {
			return Tunnel4in6, nextIPv4, b
		}
		return TunnelIPIP, nextIPv4, b
	case protoIPv6:
		if p.V6 {
			return Tunnel6in6, nextIPv6, b
		}
		return Tunnel6in4, nextIPv6, b
	case protoGRE:
		return gre(b)
	}
	if len(b) < udpHeader {
		return 0, nextBad, nil
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n != 0 && (n < udpHeader || n > left) {
		return 0, nextBad, nil
	}
	b, left = b[udpHeader:], left-udpHeader
	switch p.DstPort {
	case portVXLAN, portVXLANOld:
		return vxlan(b)
	case portVXLANGPE:
		return vxlanGPE(b)
	case portGeneve:
		return geneve(b)
	}
	return gtpu(b, left)
}
