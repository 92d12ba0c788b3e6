package decode

import (
	"encoding/binary"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// patched returns b with the bytes at offset at replaced.
func patched(b []byte, at int, with ...byte) []byte {
	b = append([]byte(nil), b...)
	copy(b[at:], with)
	return b
}

// ipSamples is IPv4 and IPv6 with all that may stand between address and port.
func ipSamples() []sample {
	frag4 := func(offset uint16, flags layers.IPv4Flag) *layers.IPv4 {
		ip := ip4(a4, b4, 17)
		ip.FragOffset, ip.Flags = offset, flags
		return ip
	}
	options := ip4(a4, b4, 6)
	options.Options = []layers.IPv4Option{{OptionType: 148, OptionLength: 4, OptionData: []byte{0, 0}}, {OptionType: 0}}
	flags := func(set func(*layers.TCP)) *layers.TCP {
		tcp := &layers.TCP{SrcPort: 443, DstPort: 40000}
		set(tcp)
		return tcp
	}
	embedded := gopacket.Payload(serialize(ip4(b4, o4, 6), syn()))
	tcp4 := serialize(eth(0x0800), ip4(a4, b4, 6), syn(), text)
	tcp6 := serialize(eth(0x86dd), ip6(a6, b6, 6), syn(), text)
	sctp := func() *layers.SCTP { return &layers.SCTP{SrcPort: 2905, DstPort: 2906} }
	wantTCP4, wantTCP6 := opening(plain(a4, b4, 6, 40000, 443)), opening(plain(a6, b6, 6, 40000, 443))
	udp4, udp6 := plain(a4, b4, 17, 5353, 53), plain(a6, b6, 17, 5353, 53)
	mappedAddr := "::ffff:192.0.2.1"
	frame6 := func(first layers.IPProtocol, parts ...gopacket.SerializableLayer) []byte {
		return serialize(append([]gopacket.SerializableLayer{eth(0x86dd), ip6(a6, b6, first)}, parts...)...)
	}
	query := func() *layers.UDP { return udp(5353, 53) }
	samples := []sample{
		{name: "options", data: serialize(eth(0x0800), options, syn()), status: Decoded, want: wantTCP4},
		{name: "syn ack", data: serialize(eth(0x0800), ip4(a4, b4, 6), flags(func(t *layers.TCP) { t.SYN, t.ACK = true, true })), status: Decoded, want: plain(a4, b4, 6, 443, 40000)},
		{name: "syn ece cwr", data: serialize(eth(0x0800), ip4(a4, b4, 6), flags(func(t *layers.TCP) { t.SYN, t.ECE, t.CWR = true, true, true })), status: Decoded, want: opening(plain(a4, b4, 6, 443, 40000))},
		{name: "rst", data: serialize(eth(0x0800), ip4(a4, b4, 6), flags(func(t *layers.TCP) { t.RST = true })), status: Decoded, want: plain(a4, b4, 6, 443, 40000)},
		{name: "udp", data: serialize(eth(0x0800), ip4(a4, b4, 17), query(), text), status: Decoded, want: udp4},
		{name: "sctp", data: serialize(eth(0x0800), ip4(a4, b4, 132), sctp()), status: Decoded, want: plain(a4, b4, 132, 2905, 2906)},
		{name: "sctp ipv6", data: frame6(132, sctp()), status: Decoded, want: plain(a6, b6, 132, 2905, 2906)},
		{name: "icmp error", data: serialize(eth(0x0800), ip4(a4, b4, 1), raw("0301 0000 00000000"), embedded), status: Decoded, want: plain(a4, b4, 1)},
		{name: "icmpv6 error", data: frame6(58, raw("0100 0000 00000000"), embedded), status: Decoded, want: plain(a6, b6, 58)},
		{name: "ospf", data: serialize(eth(0x0800), ip4(a4, b4, 89), text), status: Decoded, want: plain(a4, b4, 89)},
		{name: "udp lite has no service port", data: serialize(eth(0x0800), ip4(a4, b4, 136), query()), status: Decoded, want: plain(a4, b4, 136)},
		{name: "esp", data: serialize(eth(0x0800), ip4(a4, b4, 50), text), status: Decoded, want: plain(a4, b4, 50)},
		{name: "first fragment", data: serialize(eth(0x0800), frag4(0, layers.IPv4MoreFragments), query(), text), status: Decoded, want: udp4},
		{name: "later fragment", data: serialize(eth(0x0800), frag4(185, layers.IPv4MoreFragments), query(), text), status: Decoded, want: later(plain(a4, b4, 17))},
		{name: "last fragment", data: serialize(eth(0x0800), frag4(185, 0), query(), text), status: Decoded, want: later(plain(a4, b4, 17))},
		{name: "don't fragment", data: serialize(eth(0x0800), frag4(0, layers.IPv4DontFragment), query(), text), status: Decoded, want: udp4},
		{name: "ports cut", data: serialize(eth(0x0800), ip4(a4, b4, 17), raw("14e9"))[:36], status: Decoded, want: plain(a4, b4, 17)},
		{name: "padding", data: append(serialize(eth(0x0800), ip4(a4, b4, 6), raw("9c40")), 1, 2, 3, 4, 5, 6), status: Decoded, want: plain(a4, b4, 6)},
		{name: "total length 0", data: patched(tcp4, 16, 0, 0), status: Decoded, want: wantTCP4},
		{name: "total length beyond the frame", data: patched(tcp4, 16, 0xff, 0xff), status: Decoded, want: wantTCP4},
		{name: "ah", data: serialize(eth(0x0800), ip4(a4, b4, 51), raw("1104 0000 00000100 00000001 000000000000000000000000"), query()), status: Decoded, want: udp4},
		{name: "ah before what extends only ipv6", data: serialize(eth(0x0800), ip4(a4, b4, 51), raw("2c04 0000 00000100 00000001 000000000000000000000000 1100 0009 00000007"), query()), status: Decoded, want: plain(a4, b4, 44)},
		{name: "ah ipv6", data: frame6(51, raw("0604 0000 00000100 00000001 000000000000000000000000"), syn()), status: Decoded, want: wantTCP6},
		{name: "ipv6 udp", data: frame6(17, query(), text), status: Decoded, want: udp6},
		{name: "v4-mapped stays ipv6", data: serialize(eth(0x86dd), ip6(mappedAddr, b6, 17), query()), status: Decoded, want: plain(mappedAddr, b6, 17, 5353, 53)},
		{name: "all extension headers", data: frame6(0, hop(60), hop(43), hop(44), raw("8700 0000 00000007"), hop(139), hop(140), hop(60), hop(17), query(), text), status: Decoded, want: udp6},
		{name: "long extension header", data: frame6(0, raw("1101 050200000100 0000000000000000"), query()), status: Decoded, want: udp6},
		{name: "ipv6 first fragment", data: frame6(44, raw("1100 0001 00000007"), query(), text), status: Decoded, want: udp6},
		{name: "ipv6 later fragment", data: frame6(44, raw("1100 0009 00000007"), query(), text), status: Decoded, want: later(plain(a6, b6, 17))},
		{name: "ipv6 later fragment of options", data: frame6(0, hop(44), raw("3c00 0010 00000007"), hop(17), query()), status: Decoded, want: later(plain(a6, b6, 60))},
		{name: "no next header", data: frame6(59, text), status: Decoded, want: plain(a6, b6, 59)},
		{name: "mobility alone", data: frame6(135, raw("3b00 0500 0000 0000")), status: Decoded, want: plain(a6, b6, 135)},
		{name: "hip alone", data: frame6(139, raw("3b04 0111"), text), status: Decoded, want: plain(a6, b6, 139)},
		{name: "too many extension headers", data: frame6(0, raw(strings.Repeat("0000 010400000000", 40))), status: Decoded, want: plain(a6, b6, 0)},
		{name: "extension header beyond the packet", data: frame6(0, raw("11ff 010400000000"), query()), status: Decoded, want: plain(a6, b6, 17)},
		{name: "big tcp", data: patched(tcp6, 18, 0, 0), status: Decoded, want: wantTCP6},
		{name: "jumbogram", data: patched(frame6(0, raw("0600 c204 00011170"), syn(), text), 18, 0, 0), status: Decoded, want: wantTCP6},
		{name: "ipv6 payload 0 and padding", data: patched(frame6(17, raw("000000000000")), 18, 0, 0), status: Decoded, want: plain(a6, b6, 17)},
		{name: "ipv6 padding", data: append(frame6(6, raw("9c40")), 1, 2, 3, 4), status: Decoded, want: plain(a6, b6, 6)},
		{name: "ipv4 version 5", data: patched(tcp4, 14, 0x55), status: Undecodable},
		{name: "ipv4 header of 16", data: patched(tcp4, 14, 0x44), status: Undecodable},
		{name: "ipv4 total below the header", data: patched(tcp4, 16, 0, 19), status: Undecodable},
		{name: "ipv6 version 4", data: patched(tcp6, 14, 0x40), status: Undecodable},
	}
	for i := range samples {
		samples[i].link = LinkEthernet
	}
	// A chain of the longest extension headers: 10 × 2048 bytes.
	long := make([]byte, 10*2048)
	for i := range 10 {
		binary.BigEndian.PutUint16(long[i*2048:], 60<<8|0xff)
	}
	return append(samples, sample{"long chain", LinkEthernet, 0, frame6(60, gopacket.Payload(long)), Decoded, plain(a6, b6, 60)})
}
