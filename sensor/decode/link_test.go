package decode

import (
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// linkSamples is one packet behind every link layer, and what is no IP.
// (A table, hence long; so are the others.)
func linkSamples() []sample {
	tcp4 := opening(plain(a4, b4, 6, 40000, 443))
	udp6 := plain(a6, b6, 17, 5353, 53)
	four := gopacket.Payload(serialize(ip4(a4, b4, 6), syn(), text))
	six := gopacket.Payload(serialize(ip6(a6, b6, 17), udp(5353, 53), text))
	tag := func(typ layers.EthernetType) *layers.Dot1Q { return &layers.Dot1Q{VLANIdentifier: 100, Type: typ} }
	snap := &layers.SNAP{OrganizationalCode: []byte{0, 0, 0}, Type: 0x0800}
	llc := &layers.LLC{DSAP: 0xaa, SSAP: 0xaa, Control: 3}
	label := func(bottom bool) *layers.MPLS { return &layers.MPLS{Label: 1000, StackBottom: bottom, TTL: 9} }
	session := func() *layers.PPPoE { return &layers.PPPoE{Version: 1, Type: 1, SessionId: 7} }
	return []sample{
		{"ethernet ipv4", LinkEthernet, 0, serialize(eth(0x0800), four), Decoded, tcp4},
		{"ethernet ipv6", LinkEthernet, 0, serialize(eth(0x86dd), six), Decoded, udp6},
		{"ethernet type wins over the kernel's", LinkEthernet, 0x86dd, serialize(eth(0x0800), four), Decoded, tcp4},
		{"vlan", LinkEthernet, 0, serialize(eth(0x8100), tag(0x0800), four), Decoded, tcp4},
		{"qinq", LinkEthernet, 0, serialize(eth(0x88a8), tag(0x8100), tag(0x86dd), six), Decoded, udp6},
		{"9100", LinkEthernet, 0, serialize(eth(0x9100), tag(0x9200), tag(0x0800), four), Decoded, tcp4},
		{"vlan arp", LinkEthernet, 0, serialize(eth(0x8100), tag(0x0806), text), NonIP, Packet{}},
		{"mpls", LinkEthernet, 0, serialize(eth(0x8847), label(true), four), Decoded, tcp4},
		{"mpls three labels", LinkEthernet, 0, serialize(eth(0x8848), label(false), label(false), label(true), six), Decoded, udp6},
		{"mpls pseudowire", LinkEthernet, 0, serialize(eth(0x8847), label(true), raw("00000000"), eth(0x0800), four), Decoded, tcp4},
		{"mpls pseudowire vlan", LinkEthernet, 0, serialize(eth(0x8847), label(true), raw("00000000"), eth(0x8100), tag(0x86dd), six), Decoded, udp6},
		{"mpls pseudowire stp", LinkEthernet, 0, serialize(eth(0x8847), label(true), raw("00000000"), eth(0x88cc), text), NonIP, Packet{}},
		{"mpls channel", LinkEthernet, 0, serialize(eth(0x8847), label(true), raw("10000007"), text), NonIP, Packet{}},
		{"mpls endless", LinkEthernet, 0, serialize(eth(0x8847), gopacket.Payload(make([]byte, 100))), NonIP, Packet{}},
		{"pppoe ipv4", LinkEthernet, 0, serialize(eth(0x8864), session(), &layers.PPP{PPPType: 0x21}, four), Decoded, tcp4},
		{"pppoe ipv6", LinkEthernet, 0, serialize(eth(0x8864), session(), &layers.PPP{PPPType: 0x57}, six), Decoded, udp6},
		{"pppoe lcp", LinkEthernet, 0, serialize(eth(0x8864), session(), raw("c021"), text), NonIP, Packet{}},
		{"pppoe discovery", LinkEthernet, 0, serialize(eth(0x8863), raw("1109 0000 0000"), text), NonIP, Packet{}},
		{"pppoe not a session", LinkEthernet, 0, serialize(eth(0x8864), raw("1109 0000 0000 0021"), four), NonIP, Packet{}},
		{"snap", LinkEthernet, 0, serialize(eth(0), llc, snap, four), Decoded, tcp4},
		{"snap tunnelled", LinkEthernet, 0, serialize(eth(0), raw("aaaa03 0000f8 86dd"), six), Decoded, udp6},
		{"snap cdp", LinkEthernet, 0, serialize(eth(0), raw("aaaa03 00000c 2000"), text), NonIP, Packet{}},
		{"snap of a length", LinkEthernet, 0, serialize(eth(0), raw("aaaa03 000000 0045"), text), NonIP, Packet{}},
		{"llc ip", LinkEthernet, 0, serialize(eth(0), raw("060603"), four), Decoded, tcp4},
		{"llc stp", LinkEthernet, 0, serialize(eth(0), raw("424203"), text), NonIP, Packet{}},
		{"llc jumbo", LinkEthernet, 0, serialize(eth(0x8870), llc, snap, four), Decoded, tcp4},
		{"arp", LinkEthernet, 0, serialize(eth(0x0806), text), NonIP, Packet{}},
		{"lldp", LinkEthernet, 0, serialize(eth(0x88cc), text), NonIP, Packet{}},
		{"macsec clear", LinkEthernet, 0, serialize(eth(0x88e5), raw("0000 00000001 0800"), four, text), Decoded, tcp4},
		{"macsec clear sci", LinkEthernet, 0, serialize(eth(0x88e5), raw("2000 00000001 0200000000010001 0800"), four, text), Decoded, tcp4},
		{"macsec secret", LinkEthernet, 0, serialize(eth(0x88e5), raw("0c00 00000001 0800"), four), NonIP, Packet{}},
		{"mac in mac", LinkEthernet, 0, serialize(eth(0x88a8), tag(0x88e7), raw("00000001"), eth(0x0800), four), Decoded, tcp4},
		{"cisco meta data", LinkEthernet, 0, serialize(eth(0x8909), raw("0101 0001 0007 0800"), four), Decoded, tcp4},
		{"nsh ipv6", LinkEthernet, 0, serialize(eth(0x894f), raw("0fc2 0202 00000001"), six), Decoded, udp6},
		{"nsh nsh ethernet", LinkEthernet, 0, serialize(eth(0x894f), raw("0fc2 0204 00000001 0fc2 0203 00000001"), eth(0x0800), four), Decoded, tcp4},
		{"nsh other", LinkEthernet, 0, serialize(eth(0x894f), raw("0fc2 0209 00000001"), text), NonIP, Packet{}},
		{"tags without end", LinkEthernet, 0, serialize(eth(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100),
			tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x8100), tag(0x0800), four), NonIP, Packet{}},
		{"raw ipv4", LinkRaw, 0, four, Decoded, tcp4},
		{"raw ipv6", LinkRaw, 0, six, Decoded, udp6},
		{"raw by type", LinkRaw, 0x86dd, six, Decoded, udp6},
		{"raw mpls by type", LinkRaw, 0x8847, serialize(label(true), four), Decoded, tcp4},
		{"raw arp by type", LinkRaw, 0x0806, four, NonIP, Packet{}},
		{"raw contradicting type", LinkRaw, 0x0800, six, Undecodable, Packet{}},
		{"raw version 5", LinkRaw, 0, raw("50"), Undecodable, Packet{}},
		{"raw bsd", 12, 0, four, Decoded, tcp4},
		{"raw openbsd", 14, 0, six, Decoded, udp6},
		{"ipv4", LinkIPv4, 0, four, Decoded, tcp4},
		{"ipv6", LinkIPv6, 0, six, Decoded, udp6},
		{"ipv6 said to be ipv4", LinkIPv4, 0, six, Undecodable, Packet{}},
		{"null little endian", LinkNull, 0, serialize(raw("02000000"), four), Decoded, tcp4},
		{"null big endian", LinkNull, 0, serialize(raw("00000002"), four), Decoded, tcp4},
		{"null linux", LinkNull, 0, serialize(raw("0a000000"), six), Decoded, udp6},
		{"null netbsd", LinkNull, 0, serialize(raw("18000000"), six), Decoded, udp6},
		{"null freebsd", LinkNull, 0, serialize(raw("1c000000"), six), Decoded, udp6},
		{"null darwin big endian", LinkNull, 0, serialize(raw("0000001e"), six), Decoded, udp6},
		{"null windows", LinkNull, 0, serialize(raw("17000000"), six), Decoded, udp6},
		{"null osi", LinkNull, 0, serialize(raw("07000000"), text), NonIP, Packet{}},
		{"loop", LinkLoop, 0, serialize(raw("00000018"), six), Decoded, udp6},
		{"cooked", LinkSLL, 0, serialize(raw("0000 0001 0006 020000000001 0000 0800"), four), Decoded, tcp4},
		{"cooked vlan", LinkSLL, 0, serialize(raw("0000 0001 0006 020000000001 0000 8100"), tag(0x86dd), six), Decoded, udp6},
		{"cooked llc", LinkSLL, 0, serialize(raw("0000 0001 0006 020000000001 0000 0004 aaaa03 000000 0800"), four), Decoded, tcp4},
		{"cooked novell", LinkSLL, 0, serialize(raw("0000 0001 0006 020000000001 0000 0001"), text), NonIP, Packet{}},
		{"cooked netlink", LinkSLL, 0, serialize(raw("0004 0338 0000 000000000000 0000 0800"), four), NonIP, Packet{}},
		{"cooked 2", LinkSLL2, 0, serialize(raw("0800 0000 00000002 0001 00 06 0200000000010000"), four), Decoded, tcp4},
		{"cooked 2 arp", LinkSLL2, 0, serialize(raw("0806 0000 00000002 0001 00 06 0200000000010000"), text), NonIP, Packet{}},
		{"ppp", LinkPPP, 0, serialize(raw("ff03 0021"), four), Decoded, tcp4},
		{"ppp compressed", LinkPPP, 0, serialize(raw("21"), four), Decoded, tcp4},
		{"ppp direction", 166, 0, serialize(raw("0103 0057"), six), Decoded, udp6},
		{"ppp mpls", LinkPPP, 0, serialize(raw("0281"), label(true), four), Decoded, tcp4},
		{"ppp serial", LinkPPPSerial, 0, serialize(raw("ff03 0057"), six), Decoded, udp6},
		{"ppp serial cisco", LinkPPPSerial, 0, serialize(raw("0f00 0800"), four), Decoded, tcp4},
		{"ppp ether", LinkPPPEther, 0, serialize(session(), &layers.PPP{PPPType: 0x21}, four), Decoded, tcp4},
		{"hdlc", LinkCiscoHDLC, 0, serialize(raw("8f00 86dd"), six), Decoded, udp6},
		{"hdlc keepalive", LinkCiscoHDLC, 0, serialize(raw("8f00 8035"), text), NonIP, Packet{}},
		{"unsupported", 127, 0, four, Undecodable, Packet{}},
		{"empty", LinkEthernet, 0, nil, Undecodable, Packet{}},
	}
}

func TestSupported(t *testing.T) {
	for _, l := range []LinkType{0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 166, 228, 229, 276} {
		if !l.Supported() {
			t.Errorf("link type %d: not supported", l)
		}
	}
	for _, l := range []LinkType{6, 105, 127, 147, 65535} {
		if l.Supported() {
			t.Errorf("link type %d: supported", l)
		}
	}
}
