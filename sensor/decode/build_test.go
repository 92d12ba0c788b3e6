package decode

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// Addresses of the samples: a and b talk, o and q are ends of tunnels.
const (
	a4, b4 = "10.0.0.1", "192.0.2.2"
	a6, b6 = "fd00::1", "2001:db8::2"
	o4, q4 = "198.51.100.3", "203.0.113.4"
	o6, q6 = "2001:db8:0:3::3", "2001:db8:0:4::4"
)

// serialize puts layers together as gopacket does, lengths filled in.
func serialize(parts ...gopacket.SerializableLayer) []byte {
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, parts...); err != nil {
		panic(err) // a mistake in the table
	}
	return append([]byte(nil), buf.Bytes()...)
}

// raw is bytes written in hexadecimal, for headers gopacket cannot write.
func raw(s string) gopacket.Payload {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

func eth(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: typ}
}

func ip4(src, dst string, proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst)}
}

func ip6(src, dst string, next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: next, SrcIP: net.ParseIP(src), DstIP: net.ParseIP(dst)}
}

func udp(src, dst layers.UDPPort) *layers.UDP { return &layers.UDP{SrcPort: src, DstPort: dst} }

func syn() *layers.TCP { return &layers.TCP{SrcPort: 40000, DstPort: 443, SYN: true, Window: 1000} }

func hop(next layers.IPProtocol) gopacket.Payload {
	return append([]byte{byte(next), 0}, 1, 4, 0, 0, 0, 0) // PadN
}

// text is what the samples carry.
var text = gopacket.Payload("the quick brown fox jumps over the lazy dog")

// plain is the Packet of an IP packet, of TCP, UDP or SCTP when ports are
// given.
func plain(src, dst string, proto uint8, ports ...uint16) Packet {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	p := Packet{Src: AddrFrom(s), Dst: AddrFrom(d), V6: s.Is6(), Proto: proto}
	if len(ports) == 2 {
		p.HasPorts, p.SrcPort, p.DstPort = true, ports[0], ports[1]
	}
	return p
}

// opening is p with SYN set.
func opening(p Packet) Packet {
	p.SYN = true
	return p
}

// later is p as a later fragment.
func later(p Packet) Packet {
	p.Fragment = true
	return p
}

// in is p inside n tunnels of these kinds, of which outer is the outermost.
func in(outer, p Packet, n uint8, kinds uint16) Packet {
	p.Tunnels, p.TunnelKinds = n, kinds
	p.OuterSrc, p.OuterDst, p.OuterV6, p.OuterProto = outer.Src, outer.Dst, outer.V6, outer.Proto
	p.OuterHasPorts, p.OuterSrcPort, p.OuterDstPort = outer.HasPorts, outer.SrcPort, outer.DstPort
	return p
}

// sample is a frame and what is to be read in it.
type sample struct {
	name      string
	link      LinkType
	etherType uint16
	data      []byte
	status    Status
	want      Packet
}

// samples returns all frames of the tables.
func samples() []sample {
	var all []sample
	for _, table := range [][]sample{linkSamples(), ipSamples(), tunnelSamples(), refusedSamples()} {
		all = append(all, table...)
	}
	return all
}
