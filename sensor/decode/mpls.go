package decode

import "encoding/binary"

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
		if b[0]>>4 == 0 && len(b) >= 4 {
			return pseudowire(b[4:])
		}
		return nextNone, nil
	}
	return nextNone, nil
}

// pseudowire is the Ethernet frame after a control word, if it is one with a
// whole IP header behind at most two VLAN tags; nothing names it, so anything
// else is not taken for a frame.
func pseudowire(b []byte) (uint32, []byte) {
	next, rest := skip(b, 14, 12)
	for range 2 {
		if next == nextVLAN || next == nextQinQ || next == nextQinQ91 {
			next, rest = skip(rest, 4, 2)
		}
	}
	if next == nextIPv4 || next == nextIPv6 {
		if version(rest) == next {
			return next, rest
		}
	}
	return nextNone, nil
}

// pppoe takes a PPPoE session header off (RFC 2516 section 4): version and type
// 1, code 0, session, length.
func pppoe(b []byte) (uint32, []byte) {
	if len(b) < 6 {
		return nextBad, nil
	}
	if b[0] != 0x11 || b[1] != 0 {
		return nextNone, nil
	}
	return nextPPP, b[6:]
}

// ppp takes the protocol field of PPP off, and address and control before it
// where they were not compressed away (RFC 1661 sections 2 and 6.5, RFC 1662
// section 3.1). A field whose first byte is odd is one byte long. The first
// byte of LINKTYPE_PPP may also be a direction, 0 or 1, followed by 03.
func ppp(b []byte) (uint32, []byte) {
	if len(b) >= 2 && (b[0] == 0xff || b[0] <= 1) && b[1] == 3 {
		b = b[2:]
	}
	if len(b) < 1 {
		return nextBad, nil
	}
	proto := uint16(b[0])
	if proto&1 == 0 {
		if len(b) < 2 {
			return nextBad, nil
		}
		proto, b = binary.BigEndian.Uint16(b), b[1:]
	}
	b = b[1:]
	switch proto {
	case 0x21:
		return nextIPv4, b
	case 0x57:
		return nextIPv6, b
	case 0x281, 0x283:
		return nextMPLS, b
	}
	return nextNone, nil
}

// serial tells Cisco HDLC, whose address byte is 0f (unicast) or 8f (multicast)
// with control 00, from PPP.
func serial(b []byte) (uint32, []byte) {
	if len(b) < 2 {
		return nextBad, nil
	}
	if b[0] == 0x0f || b[0] == 0x8f {
		return nextCiscoHDLC, b
	}
	return nextPPP, b
}
