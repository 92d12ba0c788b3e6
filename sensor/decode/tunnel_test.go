package decode

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// over4 and over6 are frames between the tunnel's ends with these parts behind
// the IP header.
func over4(proto layers.IPProtocol, parts ...gopacket.SerializableLayer) []byte {
	return serialize(append([]gopacket.SerializableLayer{eth(0x0800), ip4(o4, q4, proto)}, parts...)...)
}

func over6(next layers.IPProtocol, parts ...gopacket.SerializableLayer) []byte {
	return serialize(append([]gopacket.SerializableLayer{eth(0x86dd), ip6(o6, q6, next)}, parts...)...)
}

// innerPackets returns the packets that the samples wrap: IPv4 with TCP, IPv6
// with UDP, and either as an Ethernet frame.
func innerPackets() (four, six, frame4, frame6 gopacket.Payload) {
	return serialize(ip4(a4, b4, 6), syn(), text), serialize(ip6(a6, b6, 17), udp(5353, 53), text),
		serialize(eth(0x0800), ip4(a4, b4, 6), syn(), text), serialize(eth(0x86dd), ip6(a6, b6, 17), udp(5353, 53), text)
}

// tunnelSamples is every tunnel around a packet of either version.
func tunnelSamples() []sample {
	four, six, frame4, frame6 := innerPackets()
	want4, want6 := opening(plain(a4, b4, 6, 40000, 443)), plain(a6, b6, 17, 5353, 53)
	by4 := func(proto uint8, p Packet, kinds uint16) Packet { return in(plain(o4, q4, proto), p, 1, kinds) }
	by6 := func(proto uint8, p Packet, kinds uint16) Packet { return in(plain(o6, q6, proto), p, 1, kinds) }
	port := func(dst uint16, p Packet, kinds uint16) Packet {
		return in(plain(o4, q4, 17, 50000, dst), p, 1, kinds)
	}
	tunnel := func(dst layers.UDPPort) *layers.UDP { return udp(50000, dst) }
	gre := func(typ layers.EthernetType) *layers.GRE { return &layers.GRE{Protocol: typ} }
	full := &layers.GRE{Protocol: 0x0800, ChecksumPresent: true, KeyPresent: true, SeqPresent: true, Key: 7, Seq: 8}
	vxlan := func() *layers.VXLAN { return &layers.VXLAN{ValidIDFlag: true, VNI: 42} }
	fragment := ip4(o4, q4, 4)
	fragment.Flags = layers.IPv4MoreFragments
	part := gopacket.Payload(four[:40]) // of 83; the rest comes later
	samples := []sample{
		{name: "gre", data: over4(47, gre(0x0800), four), want: by4(47, want4, TunnelGRE)},
		{name: "gre all flags", data: over4(47, full, four), want: by4(47, want4, TunnelGRE)},
		{name: "gre ipv6 in ipv6", data: over6(47, gre(0x86dd), six), want: by6(47, want6, TunnelGRE)},
		{name: "gre ethernet", data: over4(47, gre(0x6558), frame6), want: by4(47, want6, TunnelGRE)},
		{name: "gre mpls", data: over4(47, gre(0x8847), &layers.MPLS{Label: 16, StackBottom: true}, four), want: by4(47, want4, TunnelGRE)},
		{name: "gre cisco meta data", data: over4(47, raw("0000 8909 0800 0101 0001 0007"), four), want: by4(47, want4, TunnelGRE)},
		{name: "wccp 1", data: over4(47, raw("0000 883e"), four), want: by4(47, want4, TunnelGRE)},
		{name: "wccp 2", data: over4(47, raw("0000 883e 00000000"), four), want: by4(47, want4, TunnelGRE)},
		{name: "pptp", data: over4(47, raw("3081 880b 0057 0001 00000001 00000002 ff03 0021"), four), want: by4(47, want4, TunnelPPTP)},
		{name: "pptp compressed", data: over4(47, raw("3001 880b 0057 0001 00000001 21"), four), want: by4(47, want4, TunnelPPTP)},
		{name: "erspan 1", data: over4(47, raw("0000 88be"), frame4), want: by4(47, want4, TunnelERSPAN)},
		{name: "erspan 2", data: over4(47, raw("1000 88be 00000001 1001 0064 00000000"), frame4), want: by4(47, want4, TunnelERSPAN)},
		{name: "erspan 3", data: over4(47, raw("1000 22eb 00000001 2001 0064 00000000 0000 0000"), frame4), want: by4(47, want4, TunnelERSPAN)},
		{name: "erspan 3 more", data: over4(47, raw("1000 22eb 00000001 2001 0064 00000000 0000 0001 0000000000000000"), frame6), want: by4(47, want6, TunnelERSPAN)},
		{name: "ipip", data: over4(4, four), want: by4(4, want4, TunnelIPIP)},
		{name: "6in4", data: over4(41, six), want: by4(41, want6, Tunnel6in4)},
		{name: "4in6", data: over6(4, four), want: by6(4, want4, Tunnel4in6)},
		{name: "6in6 with encapsulation limit", data: over6(60, raw("2900 040104 010100"), six), want: by6(41, want6, Tunnel6in6)},
		{name: "ipip first fragment", data: serialize(eth(0x0800), fragment, part), want: by4(4, opening(plain(a4, b4, 6, 40000, 443)), TunnelIPIP)},
		{name: "ipip later fragment", data: patched(over4(4, four), 20, 0, 5), want: later(plain(o4, q4, 4))},
		{name: "ipip total length 0", data: patched(over4(4, four), 16, 0, 0), want: by4(4, want4, TunnelIPIP)},
		{name: "vxlan", data: over4(17, tunnel(4789), vxlan(), frame4), want: port(4789, want4, TunnelVXLAN)},
		{name: "vxlan 8472", data: over4(17, tunnel(8472), vxlan(), frame6), want: port(8472, want6, TunnelVXLAN)},
		{name: "vxlan group policy", data: over4(17, tunnel(4789), raw("88000007 00002a00"), frame4), want: port(4789, want4, TunnelVXLAN)},
		{name: "vxlan gpe ipv4", data: over4(17, tunnel(4790), raw("0c000001 00002a00"), four), want: port(4790, want4, TunnelVXLAN)},
		{name: "vxlan gpe nsh", data: over4(17, tunnel(4790), raw("0c000004 00002a00 0fc20202 00000001"), six), want: port(4790, want6, TunnelVXLAN)},
		{name: "vxlan udp length 0", data: patched(over4(17, tunnel(4789), vxlan(), frame4), 38, 0, 0), want: port(4789, want4, TunnelVXLAN)},
		{name: "geneve", data: over4(17, tunnel(6081), raw("0000 6558 00002a00"), frame4), want: port(6081, want4, TunnelGeneve)},
		{name: "geneve options", data: over4(17, tunnel(6081), raw("0240 6558 00002a00 0102800100000007"), frame6), want: port(6081, want6, TunnelGeneve)},
		{name: "geneve ipv6", data: over4(17, tunnel(6081), raw("0000 86dd 00002a00"), six), want: port(6081, want6, TunnelGeneve)},
		{name: "gtp-u", data: over4(17, tunnel(2152), &layers.GTPv1U{Version: 1, ProtocolType: 1, MessageType: 255, TEID: 1}, four), want: port(2152, want4, TunnelGTPU)},
		{name: "gtp-u sequence", data: over4(17, tunnel(2152), raw("32ff 005f 00000001 00010000"), six), want: port(2152, want6, TunnelGTPU)},
		{name: "gtp-u extensions", data: over4(17, tunnel(2152), raw("34ff 005f 00000001 00000085 01000985 01000900"), four), want: port(2152, want4, TunnelGTPU)},
		{name: "icmp in gre", data: over4(47, gre(0x0800), ip4(a4, b4, 1), raw("0301 0000 00000000"), four), want: by4(47, plain(a4, b4, 1), TunnelGRE)},
		{name: "two tunnels", data: over4(41, ip6(o6, q6, 47), gre(0x0800), four), want: in(plain(o4, q4, 41), want4, 2, Tunnel6in4|TunnelGRE)},
		{name: "vxlan in vxlan", data: over4(17, tunnel(4789), vxlan(), eth(0x0800), ip4(b4, a4, 17), tunnel(4789), vxlan(), frame4),
			want: in(plain(o4, q4, 17, 50000, 4789), want4, 2, TunnelVXLAN)},
		{name: "four tunnels", data: over4(4, ip4(q4, o4, 4), ip4(a4, q4, 4), ip4(b4, q4, 4), four), want: in(plain(o4, q4, 4), want4, 4, TunnelIPIP)},
		{name: "five tunnels", data: over4(4, ip4(q4, o4, 4), ip4(a4, q4, 4), ip4(b4, q4, 4), ip4(b4, a4, 4), four),
			want: in(plain(o4, q4, 4), plain(b4, a4, 4), 4, TunnelIPIP)},
	}
	for i := range samples {
		samples[i].link, samples[i].status = LinkEthernet, Decoded
	}
	return samples
}

// refusedSamples look like tunnels and are not, or not surely: they count for
// the outer addresses.
func refusedSamples() []sample {
	four, six, frame4, _ := innerPackets()
	greOuter := plain(o4, q4, 47)
	port := func(dst uint16) Packet { return plain(o4, q4, 17, 50000, dst) }
	tunnel := func(dst layers.UDPPort) *layers.UDP { return udp(50000, dst) }
	tooLong := gopacket.Payload(patched(four, 2, 0, byte(len(four)+1)))
	samples := []sample{
		{name: "gre with routes", data: over4(47, raw("4000 0800 00000000 00000000"), four), want: greOuter},
		{name: "gre version 2", data: over4(47, raw("0002 0800"), four), want: greOuter},
		{name: "gre keepalive", data: over4(47, raw("0000 0000")), want: greOuter},
		{name: "gre ethernet arp", data: over4(47, raw("0000 6558"), eth(0x0806), text), want: greOuter},
		{name: "gre nhrp", data: over4(47, raw("0000 2001"), text), want: greOuter},
		{name: "pptp lcp", data: over4(47, raw("3001 880b 0057 0001 00000001 ff03 c021"), text), want: greOuter},
		{name: "pptp without key", data: over4(47, raw("1001 880b 00000001 21"), four), want: greOuter},
		{name: "erspan version 7", data: over4(47, raw("1000 88be 00000001 7001 0064 00000000"), frame4), want: greOuter},
		{name: "ipip with ipv6", data: over4(4, six), want: plain(o4, q4, 4)},
		{name: "6in4 with ipv4", data: over4(41, four), want: plain(o4, q4, 41)},
		{name: "ipip inner too long", data: over4(4, tooLong), want: plain(o4, q4, 4)},
		{name: "vxlan without number", data: over4(17, tunnel(4789), raw("00000000 00002a00"), frame4), want: port(4789)},
		{name: "vxlan reserved flag", data: over4(17, tunnel(4789), raw("0a000000 00002a00"), frame4), want: port(4789)},
		{name: "vxlan arp", data: over4(17, tunnel(4789), raw("08000000 00002a00"), eth(0x0806), text), want: port(4789)},
		{name: "vxlan inner too long", data: over4(17, tunnel(4789), raw("08000000 00002a00"), eth(0x0800), tooLong)[:14+20+8+8+14+len(four)], want: port(4789)},
		{name: "vxlan from the port", data: serialize(eth(0x0800), ip4(o4, q4, 17), udp(4789, 50000), raw("08000000 00002a00"), frame4), want: plain(o4, q4, 17, 4789, 50000)},
		{name: "vxlan udp length wrong", data: patched(over4(17, tunnel(4789), raw("08000000 00002a00"), frame4), 38, 0xff, 0), want: port(4789)},
		{name: "vxlan gpe without protocol", data: over4(17, tunnel(4790), raw("08000001 00002a00"), four), want: port(4790)},
		{name: "geneve version 1", data: over4(17, tunnel(6081), raw("4000 0800 00002a00"), four), want: port(6081)},
		{name: "geneve control", data: over4(17, tunnel(6081), raw("0080 0800 00002a00"), four), want: port(6081)},
		{name: "geneve other", data: over4(17, tunnel(6081), raw("0000 8847 00002a00"), four), want: port(6081)},
		{name: "gtp-u echo", data: over4(17, tunnel(2152), raw("3201 0004 00000000 00000000")), want: port(2152)},
		{name: "gtp prime", data: over4(17, tunnel(2152), raw("20ff 0053 00000001"), four), want: port(2152)},
		{name: "gtp-u too long", data: over4(17, tunnel(2152), raw("30ff 0153 00000001"), four), want: port(2152)},
		{name: "gtp-u extension of nothing", data: over4(17, tunnel(2152), raw("34ff 0060 00000001 00000085 00000900"), four), want: port(2152)},
		{name: "gtp-u text", data: over4(17, tunnel(2152), raw("30ff 002b 00000001"), text), want: port(2152)},
	}
	for i := range samples {
		samples[i].link, samples[i].status = LinkEthernet, Decoded
	}
	return samples
}
