package capture

import "fmt"

// knownLink reports whether frames of a link type can hold what we look for and
// are handed out; those of other types are refused or skipped.
func knownLink(linkType uint16) bool {
	switch linkType {
	case LinkNull, LinkLoop, LinkEthernet,
		9, 50, 51, 104, // PPP, PPP in HDLC framing, PPPoE, Cisco HDLC
		LinkRaw, 12, 14, 228, 229, // raw IP: two more numbers from old BSDs, IPv4 and IPv6 alone
		LinkSLL, LinkSLL2:
		return true
	}
	return false
}

// linkName names the link types that capture files often have and we do not
// read, by https://www.tcpdump.org/linktypes.html.
func linkName(linkType uint16) string {
	name := map[uint16]string{
		6: "Token Ring", 7: "ARCNET", 8: "SLIP", 10: "FDDI", 100: "ATM RFC 1483",
		105: "802.11 Wi-Fi", 107: "Frame Relay", 114: "LocalTalk", 117: "pflog", 119: "802.11 with Prism header",
		122: "IP over Fibre Channel", 123: "ATM SunATM", 127: "802.11 with radiotap header", 129: "ARCNET for Linux",
		138: "IP over IEEE 1394", 140: "MTP2", 143: "DOCSIS", 147: "USER0", 149: "USER2", 163: "802.11 with AVS header",
		164: "Juniper monitor", 165: "BACnet MS/TP", 187: "Bluetooth HCI", 189: "USB", 192: "PPI", 195: "802.15.4",
		201: "Bluetooth HCI with direction", 215: "802.15.4 non-ASK", 220: "USB for Linux", 226: "IPNET", 227: "CAN bus",
		230: "802.15.4 without FCS", 231: "D-Bus", 239: "NFLOG", 242: "IP over InfiniBand", 249: "USBPcap", 251: "Bluetooth LE",
		252: "Wireshark upper PDU", 253: "netlink for Linux", 258: "pktap", 281: "DSA with tag", 288: "USB 2.0", 283: "802.15.4 TAP",
	}[linkType]
	if name == "" {
		return fmt.Sprintf("link type %d", linkType)
	}
	return fmt.Sprintf("link type %d, %s", linkType, name)
}

// ARPHRD numbers of linux/if_arp.h.
const (
	hatypeEthernet = 1
	hatypeLoopback = 772
	hatypeRawIP    = 519
	hatypeNone     = 0xfffe
)

// framingKind says what the link header of an interface is worth.
type framingKind uint8

const (
	framingEthernet framingKind = iota // read it
	framingNone                        // there is none
	framingStrip                       // have the kernel take it off (SOCK_DGRAM)
)

// framing says how to capture on an interface of the given ARPHRD type. Only
// Ethernet (and loopback, which carries Ethernet headers of zeros) has a link
// header worth reading. tun and WireGuard have none. PPP, the IP tunnels and the
// rest have one in one direction only, or in a format of their own.
func framing(hatype uint16) framingKind {
	switch hatype {
	case hatypeEthernet, hatypeLoopback:
		return framingEthernet
	case hatypeNone, hatypeRawIP:
		return framingNone
	}
	return framingStrip
}

// LinkType returns what frames captured on the interface begin with,
// LinkEthernet or LinkRaw, for which RingConfig.Filter must be made.
func (i Interface) LinkType() uint16 {
	if framing(i.Type) == framingEthernet {
		return LinkEthernet
	}
	return LinkRaw
}
