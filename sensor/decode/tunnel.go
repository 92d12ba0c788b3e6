package decode

import "encoding/binary"

// UDP destination ports by which tunnels are known.
const (
	portGTPU      = 2152
	portVXLAN     = 4789
	portGeneve    = 6081
	portVXLANGPE  = 4790
	portVXLANOld  = 8472 // Linux's before IANA's, still its default
	udpHeader     = 8
	vxlanHeader   = 8
	geneveHeader  = 8
	typeTEB       = 0x6558 // transparent Ethernet bridging
	typeGREPPP    = 0x880b
	typeWCCP      = 0x883e // Cisco's web cache redirection
	typeERSPAN    = 0x88be // types I and II
	typeERSPAN3   = 0x22eb
	gtpExtensions = 8 // bound on GTP-U extension headers
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

// gre reads a GRE header: flags C, R, K, S of RFC 1701, 2784 and 2890. With
// source routes (R) nothing is unwrapped.
func gre(b []byte) (uint16, uint32, []byte) {
	if len(b) < 4 {
		return 0, nextBad, nil
	}
	flags, typ := binary.BigEndian.Uint16(b), uint32(binary.BigEndian.Uint16(b[2:]))
	size := 4
	for _, optional := range [...]uint16{0x8000, 0x2000, 0x1000} {
		if flags&optional != 0 {
			size += 4
		}
	}
	version := flags & 7
	if version == 1 && flags&0x80 != 0 { // RFC 2637's acknowledgment
		size += 4
	}
	if flags&0x4000 != 0 || len(b) < size {
		return 0, nextBad, nil
	}
	sequenced := flags&0x1000 != 0
	b = b[size:]
	switch {
	case version == 1 && typ == typeGREPPP && flags&0x2000 != 0:
		return TunnelPPTP, nextPPP, b
	case version != 0:
		return 0, nextBad, nil
	case typ == typeERSPAN && !sequenced: // type I has no header of its own
		return TunnelERSPAN, nextEthernet, b
	case typ == typeERSPAN || typ == typeERSPAN3:
		return erspan(b)
	case typ == typeWCCP:
		return wccp(b)
	case typ == nextCMD: // in GRE the type comes first, not last
		next, rest := skip(b, 8, 0)
		return TunnelGRE, next, rest
	case typ == typeTEB:
		return TunnelGRE, nextEthernet, b
	case typ == nextIPv4, typ == nextIPv6, typ == nextMPLS, typ == nextMPLSMc,
		typ == nextVLAN, typ == nextQinQ, typ == nextNSH:
		return TunnelGRE, typ, b
	}
	return 0, nextBad, nil
}

// wccp reads what follows the GRE header of a redirected packet: version 1 has
// none, version 2 four bytes (draft-param-wccp-v2rev1 section 4.12.1).
func wccp(b []byte) (uint16, uint32, []byte) {
	if len(b) < 4 {
		return 0, nextBad, nil
	}
	if version(b) == nextIPv4 {
		return TunnelGRE, nextIPv4, b
	}
	return TunnelGRE, nextIPv4, b[4:]
}

// erspan reads the header of types II (version 1) and III (version 2) of
// draft-foschiano-erspan-03; the last bit of the latter announces eight bytes
// more.
func erspan(b []byte) (uint16, uint32, []byte) {
	if len(b) < 12 {
		return 0, nextBad, nil
	}
	size := 8
	switch b[0] >> 4 {
	case 1:
	case 2:
		size = 12 + int(b[11]&1)*8
	default:
		return 0, nextBad, nil
	}
	if len(b) < size {
		return 0, nextBad, nil
	}
	return TunnelERSPAN, nextEthernet, b[size:]
}

// vxlan reads a VXLAN header: the flag for a valid network number, no other but
// those of the group policy extension, and the last byte zero.
func vxlan(b []byte) (uint16, uint32, []byte) {
	if len(b) < vxlanHeader || b[0]&^0x80 != 0x08 || b[7] != 0 {
		return 0, nextBad, nil
	}
	return TunnelVXLAN, nextEthernet, b[vxlanHeader:]
}

// vxlanGPE reads the generic protocol extension's header
// (draft-ietf-nvo3-vxlan-gpe): version 0, the flags for the number and for the
// protocol.
func vxlanGPE(b []byte) (uint16, uint32, []byte) {
	if len(b) < vxlanHeader || b[0]&0xfc != 0x0c || b[7] != 0 {
		return 0, nextBad, nil
	}
	return TunnelVXLAN, nextProtocol(b[3]), b[vxlanHeader:]
}

// geneve reads a Geneve header: version 0, options in words, control packets
// (O) left alone, reserved bits zero.
func geneve(b []byte) (uint16, uint32, []byte) {
	if len(b) < geneveHeader || b[0]>>6 != 0 || b[1]&^0x40 != 0 || b[7] != 0 {
		return 0, nextBad, nil
	}
	size := geneveHeader + int(b[0]&0x3f)*4
	if len(b) < size {
		return 0, nextBad, nil
	}
	typ := uint32(binary.BigEndian.Uint16(b[2:]))
	switch typ {
	case typeTEB:
		return TunnelGeneve, nextEthernet, b[size:]
	case nextIPv4, nextIPv6:
		return TunnelGeneve, typ, b[size:]
	}
	return 0, nextBad, nil
}

// gtpu reads a GTP-U header (TS 29.281 section 5): version 1, protocol type 1,
// message 255 (G-PDU), a length that fits; with E, S or PN four bytes more, and
// after E extension headers, each of which names the next in its last byte.
func gtpu(b []byte, left int) (uint16, uint32, []byte) {
	if len(b) < 8 || b[0]&0xf8 != 0x30 || b[1] != 255 {
		return 0, nextBad, nil
	}
	if 8+int(binary.BigEndian.Uint16(b[2:])) > left {
		return 0, nextBad, nil
	}
	optional, extended := b[0]&7 != 0, b[0]&4 != 0
	if b = b[8:]; !optional {
		return TunnelGTPU, nextVersion, b
	}
	if len(b) < 4 {
		return 0, nextBad, nil
	}
	next := b[3]
	b = b[4:]
	for range gtpExtensions {
		if !extended || next == 0 {
			return TunnelGTPU, nextVersion, b
		}
		if len(b) < 1 {
			break
		}
		size := int(b[0]) * 4
		if size == 0 || len(b) < size {
			break
		}
		next, b = b[size-1], b[size:]
	}
	return 0, nextBad, nil
}
