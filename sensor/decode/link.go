package decode

import "encoding/binary"

// LinkType is the link layer of a frame, by the LINKTYPE_ numbers that pcap
// files use (https://www.tcpdump.org/linktypes.html). The zero value is
// LinkNull.
type LinkType uint16

// The link types that Decode reads.
const (
	LinkNull      LinkType = 0   // BSD loopback: address family in host byte order
	LinkEthernet  LinkType = 1   // Ethernet, with VLAN, MPLS, PPPoE, LLC/SNAP inside
	LinkPPP       LinkType = 9   // PPP, with or without address and control bytes
	LinkPPPSerial LinkType = 50  // PPP in HDLC-like framing, or Cisco HDLC
	LinkPPPEther  LinkType = 51  // PPPoE without the Ethernet header
	LinkRaw       LinkType = 101 // IPv4 or IPv6 without link layer
	LinkCiscoHDLC LinkType = 104 // Cisco HDLC
	LinkLoop      LinkType = 108 // OpenBSD loopback: family in network byte order
	LinkSLL       LinkType = 113 // Linux cooked capture, 16 bytes
	LinkIPv4      LinkType = 228 // IPv4 without link layer
	LinkIPv6      LinkType = 229 // IPv6 without link layer
	LinkSLL2      LinkType = 276 // Linux cooked capture version 2, 20 bytes
)

// Other numbers for what the above are: DLT_RAW as FreeBSD and as OpenBSD number
// it, written by programs that did not map it, and PPP with a direction in place
// of the address byte (LINKTYPE_PPP_PPPD).
const (
	linkRawBSD     LinkType = 12
	linkRawOpenBSD LinkType = 14
	linkPPPD       LinkType = 166
)

// Supported tells whether Decode reads this link type; every frame of another
// is Undecodable.
func (l LinkType) Supported() bool { return l.first() != nextBad }

// The headers that a link layer may be followed by. Numbers up to 0xffff are
// EtherTypes (below 0x600: the length of an LLC frame, IEEE 802.3 clause 3.2.6);
// those above are what has none.
const (
	nextIPv4   = 0x0800
	nextIPv6   = 0x86dd
	nextVLAN   = 0x8100 // 802.1Q
	nextQinQ   = 0x88a8 // 802.1ad
	nextQinQ91 = 0x9100 // before 802.1ad
	nextQinQ92 = 0x9200
	nextMPLS   = 0x8847
	nextMPLSMc = 0x8848 // upstream-assigned, RFC 5332
	nextPPPoE  = 0x8864
	nextLLC    = 0x8870 // LLC frames longer than 1500 bytes
	nextMACsec = 0x88e5 // 802.1AE
	nextPBB    = 0x88e7 // 802.1ah, MAC in MAC
	nextCMD    = 0x8909 // Cisco's meta data: a security group tag
	nextNSH    = 0x894f // RFC 8300
	minType    = 0x0600

	nextNone      = 0x10000 + iota // not IP; nothing follows
	nextBad                        // cut or invalid
	nextEthernet                   // an Ethernet header
	nextVersion                    // IP, by the version in the first nibble
	nextPPP                        // a PPP protocol field, perhaps FF 03 before
	nextSerial                     // PPP in HDLC-like framing or Cisco HDLC
	nextCiscoHDLC                  // a Cisco HDLC header
	nextNull                       // a BSD loopback header
	nextSLL                        // a Linux cooked header
	nextSLL2                       // the same, version 2
)

// first returns what a frame of this link type begins with.
func (l LinkType) first() uint32 {
	switch l {
	case LinkEthernet:
		return nextEthernet
	case LinkRaw, linkRawBSD, linkRawOpenBSD:
		return nextVersion
	case LinkIPv4:
		return nextIPv4
	case LinkIPv6:
		return nextIPv6
	case LinkNull, LinkLoop:
		return nextNull
	case LinkSLL:
		return nextSLL
	case LinkSLL2:
		return nextSLL2
	case LinkPPP, linkPPPD:
		return nextPPP
	case LinkPPPSerial:
		return nextSerial
	case LinkPPPEther:
		return nextPPPoE
	case LinkCiscoHDLC:
		return nextCiscoHDLC
	}
	return nextBad
}

// maxLinkHeaders bounds the headers before the IP packet: twelve suffice for
// Ethernet, four tags, PPPoE, PPP, and MPLS with an Ethernet of its own.
const maxLinkHeaders = 12

// peel takes link headers off b until it comes to an IP header (nextIPv4,
// nextIPv6), to something else (nextNone) or to the end (nextBad).
func peel(next uint32, b []byte) (uint32, []byte) {
	for range maxLinkHeaders {
		switch next {
		case nextIPv4, nextIPv6, nextNone, nextBad:
			return next, b
		case nextEthernet:
			next, b = skip(b, 14, 12)
		case nextVLAN, nextQinQ, nextQinQ91, nextQinQ92:
			next, b = skip(b, 4, 2)
		case nextSLL2:
			next, b = cooked(b, 20, 0, 8)
		case nextSLL:
			next, b = cooked(b, 16, 14, 2)
		case nextCiscoHDLC:
			next, b = skip(b, 4, 2)
		case nextVersion:
			next = version(b)
		case nextNull:
			next, b = null(b)
		case nextMPLS, nextMPLSMc:
			next, b = mpls(b)
		case nextPPPoE:
			next, b = pppoe(b)
		case nextMACsec:
			next, b = macsec(b)
		case nextPBB:
			next, b = backbone(b)
		case nextCMD: // version, length, option, tag
			next, b = skip(b, 8, 6)
		case nextNSH:
			next, b = nsh(b)
		case nextPPP:
			next, b = ppp(b)
		case nextSerial:
			next, b = serial(b)
		default:
			if next >= minType && next != nextLLC {
				return nextNone, b
			}
			next, b = llc(b)
		}
	}
	return nextNone, b
}

// skip takes a header of n bytes off that has an EtherType at offset at. Where
// the header is cut behind the type, the type still tells non-IP from cut.
func skip(b []byte, n, at int) (uint32, []byte) {
	if len(b) < at+2 {
		return nextBad, nil
	}
	next := uint32(binary.BigEndian.Uint16(b[at:]))
	if len(b) < n {
		return next, nil
	}
	return next, b[n:]
}

// ARPHRD_ numbers (linux/if_arp.h) whose cooked protocol field is no EtherType.
const arphrdNetlink = 824

// cooked takes a Linux cooked header of n bytes off, with the protocol and the
// ARPHRD number at these offsets. Protocol 4 is LLC; the other numbers below
// 0x600 are the kernel's own, none of them IP (linux/if_ether.h).
func cooked(b []byte, n, proto, arphrd int) (uint32, []byte) {
	if len(b) < n {
		return nextBad, nil
	}
	next := uint32(binary.BigEndian.Uint16(b[proto:]))
	if binary.BigEndian.Uint16(b[arphrd:]) == arphrdNetlink || next < minType && next != 4 {
		return nextNone, nil
	}
	return next, b[n:]
}

// version tells IPv4 from IPv6.
func version(b []byte) uint32 {
	if len(b) > 0 {
		switch b[0] >> 4 {
		case 4:
			return nextIPv4
		case 6:
			return nextIPv6
		}
	}
	return nextBad
}

// null takes a loopback header off: an address family in either byte order,
// for the file does not say which. AF_INET is 2 everywhere; AF_INET6 is 24 on
// NetBSD, OpenBSD and BSD/OS, 28 on FreeBSD, 30 on Darwin, 10 on Linux, 23 on
// Windows.
func null(b []byte) (uint32, []byte) {
	if len(b) < 4 {
		return nextBad, nil
	}
	family := binary.BigEndian.Uint32(b)
	if family > 0xffff {
		family = binary.LittleEndian.Uint32(b)
	}
	switch family {
	case 2:
		return nextIPv4, b[4:]
	case 10, 23, 24, 28, 30:
		return nextIPv6, b[4:]
	}
	return nextNone, nil
}

// llc takes an IEEE 802.2 header off. IP is carried by SNAP (RFC 1042; OUI
// 0000f8 is IEEE 802.1H's for bridged tunnels) or by its own SAP 06.
func llc(b []byte) (uint32, []byte) {
	if len(b) < 3 {
		return nextBad, nil
	}
	switch {
	case b[0] == 0xaa && b[1] == 0xaa && b[2] == 3:
		if len(b) < 8 {
			return nextBad, nil
		}
		if b[3] != 0 || b[4] != 0 || b[5] != 0 && b[5] != 0xf8 {
			return nextNone, nil
		}
		next, rest := skip(b, 8, 6)
		if next < minType {
			return nextNone, nil
		}
		return next, rest
	case b[0] == 6 && b[1] == 6 && b[2] == 3:
		return nextIPv4, b[3:]
	}
	return nextNone, nil
}
