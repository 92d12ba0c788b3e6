package decode

import "encoding/binary"

// Protocol types of GRE (and Geneve) that are no link layer's.
const (
	typeTEB     = 0x6558 // transparent Ethernet bridging
	typeGREPPP  = 0x880b
	typeWCCP    = 0x883e // Cisco's web cache redirection
	typeERSPAN  = 0x88be // types I and II
	typeERSPAN3 = 0x22eb
)

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
