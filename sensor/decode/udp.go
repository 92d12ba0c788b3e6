package decode

import "encoding/binary"

// gtpExtensions bounds the extension headers of GTP-U.
const gtpExtensions = 8

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
