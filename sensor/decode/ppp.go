package decode

import "encoding/binary"

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
// section 3.1). A field whose first byte is odd is one byte long. With
// pppd's captures the address is replaced by the direction, 0 or 1.
func ppp(b []byte) (uint32, []byte) {
	if len(b) < 2 {
		return nextBad, nil
	}
	if (b[0] == 0xff || b[0] <= 1) && b[1] == 3 {
		b = b[2:]
	}
	if len(b) == 0 {
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
