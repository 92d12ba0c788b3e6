package decode

// macsec takes an IEEE 802.1AE tag off where the frame is only authenticated:
// with E or C the rest is encrypted or changed. The integrity value at the
// frame's end is cut by the length in the IP header.
func macsec(b []byte) (uint32, []byte) {
	if len(b) < 6 {
		return nextBad, nil
	}
	if b[0]&0x8c != 0 { // version, E, C
		return nextNone, nil
	}
	size := 6
	if b[0]&0x20 != 0 { // SC: an explicit channel identifier
		size = 14
	}
	return skip(b, size+2, size)
}

// backbone takes the service tag of IEEE 802.1ah (MAC in MAC) off.
func backbone(b []byte) (uint32, []byte) {
	if len(b) < 4 {
		return nextBad, nil
	}
	return nextEthernet, b[4:]
}

// nsh takes a network service header off (RFC 8300 section 2.2): version 0,
// length in words in the lower six bits of the second byte.
func nsh(b []byte) (uint32, []byte) {
	if len(b) < 8 {
		return nextBad, nil
	}
	size := int(b[1]&0x3f) * 4
	if b[0]>>6 != 0 || size < 8 {
		return nextNone, nil
	}
	if len(b) < size {
		return nextBad, nil
	}
	return nextProtocol(b[3]), b[size:]
}

// nextProtocol translates the protocol numbers of NSH, which VXLAN-GPE shares.
func nextProtocol(n byte) uint32 {
	switch n {
	case 1:
		return nextIPv4
	case 2:
		return nextIPv6
	case 3:
		return nextEthernet
	case 4:
		return nextNSH
	}
	return nextNone
}

// maxLabels bounds an MPLS label stack.
const maxLabels = 16

// mpls takes a label stack off. What follows is nowhere named (RFC 4928): a
// first nibble of 4 or 6 is taken for IP, 0 for the control word of an Ethernet
// pseudowire (RFC 4448 section 4.6) if an Ethernet frame with IP lies behind it.
func mpls(b []byte) (uint32, []byte) {
	for range maxLabels {
		if len(b) < 4 {
			return nextBad, nil
		}
		bottom := b[2]&1 != 0
		b = b[4:]
		if !bottom {
			continue
		}
		if len(b) == 0 {
			return nextBad, nil
		}
		if next := version(b); next != nextBad {
			return next, b
		}
		if b[0]>>4 != 0 {
			return nextNone, nil
		}
		return pseudowire(b[min(4, len(b)):])
	}
	return nextNone, nil
}

// pseudowire is the Ethernet frame after a control word, if it is one with IP
// behind at most two VLAN tags; nothing names it, so anything else is not taken
// for a frame.
func pseudowire(b []byte) (uint32, []byte) {
	next, rest := skip(b, 14, 12)
	for range 2 {
		if next == nextVLAN || next == nextQinQ || next == nextQinQ91 {
			next, rest = skip(rest, 4, 2)
		}
	}
	if next == nextBad || len(rest) == 0 || version(rest) == next {
		return next, rest
	}
	return nextNone, nil
}
