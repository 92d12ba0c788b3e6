package capture

import (
	"encoding/binary"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// headersOf makes the bytes of the given layers.
func headersOf(t *testing.T, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{}, ls...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestSegments(t *testing.T) {
	eth := func(typ layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: typ}
	}
	ip4 := &layers.IPv4{Version: 4, IHL: 5, Protocol: 6, SrcIP: make([]byte, 4), DstIP: make([]byte, 4)}
	udp4 := &layers.IPv4{Version: 4, IHL: 5, Protocol: 17, SrcIP: make([]byte, 4), DstIP: make([]byte, 4)}
	ip6 := &layers.IPv6{Version: 6, NextHeader: 6, SrcIP: make([]byte, 16), DstIP: make([]byte, 16)}
	jumbo := &layers.IPv6{Version: 6, NextHeader: 0, SrcIP: make([]byte, 16), DstIP: make([]byte, 16)}
	tcp, udp := &layers.TCP{DataOffset: 8}, &layers.UDP{Length: 8}
	option := gopacket.Payload{6, 0, 0xc2, 4, 0, 2, 0, 0}
	v4, v6 := layers.EthernetTypeIPv4, layers.EthernetTypeIPv6
	tcp4 := headersOf(t, eth(v4), ip4, tcp) // 14+20+20: the option bytes of the 32 are payload
	for _, tt := range []struct {
		name      string
		kind      uint8
		size      uint16
		csumStart uint16
		data      []byte
		link      uint16
		wire      uint32
		octets, n uint32
	}{
		{"TCP", vnetGSOTCPv4, 1000, 0, tcp4, 1, 66 + 2500, 2500 + 3*66, 3},
		{"TCP with ECN", vnetGSOTCPv4 | vnetGSOECN, 1000, 0, tcp4, 1, 66 + 2500, 2500 + 3*66, 3},
		{"one segment", vnetGSOTCPv4, 1000, 0, tcp4, 1, 66 + 1000, 1066, 1},
		{"cut before the data offset", vnetGSOTCPv4, 1000, 0, tcp4[:40], 1, 66 + 2500, 2500 + 3*66, 3},
		{"cut before TCP, checksum known", vnetGSOTCPv4, 1000, 34, tcp4[:20], 1, 66 + 2500, 2500 + 3*66, 3},
		{"cut before TCP, nothing known", vnetGSOTCPv4, 1000, 0, tcp4[:20], 1, 66 + 2500, 66 + 2500, 1},
		{"two tags", vnetGSOTCPv4, 1000, 0, headersOf(t, eth(layers.EthernetTypeQinQ), &layers.Dot1Q{Type: layers.EthernetTypeDot1Q}, &layers.Dot1Q{Type: v4}, ip4, tcp), 1, 74 + 2500, 2500 + 3*74, 3},
		{"IPv6", vnetGSOTCPv6, 1000, 0, headersOf(t, eth(v6), ip6, tcp), 1, 86 + 2000, 2000 + 2*86, 2},
		{"IPv6 jumbogram", vnetGSOTCPv6, 1000, 0, headersOf(t, eth(v6), jumbo, option, tcp), 1, 94 + 70000, 70000 + 70*86, 70},
		{"raw IP", vnetGSOTCPv4, 1000, 0, headersOf(t, ip4, tcp), 101, 52 + 2000, 2000 + 2*52, 2},
		{"UDP", vnetGSOUDP, 1000, 0, headersOf(t, eth(v4), udp4, udp), 1, 42 + 2000, 2000 + 2*42, 2},
		{"UDP as IP fragments", vnetGSOUDPFrag, 1000, 0, headersOf(t, eth(v4), udp4, udp), 1, 34 + 2000, 2000 + 2*34, 2},
		{"TCP in VXLAN", vnetGSOTCPv4, 1000, 84, headersOf(t, eth(v4), udp4, udp, &layers.VXLAN{}, eth(v4), ip4, tcp), 1, 116 + 2000, 2000 + 2*116, 2},
		{"size 0", vnetGSOTCPv4, 0, 0, tcp4, 1, 3000, 3000, 1},
		{"unknown kind", 99, 1000, 0, tcp4, 1, 3000, 3000, 1},
		{"shorter than its headers", vnetGSOTCPv4, 1000, 0, tcp4, 1, 60, 60, 1},
		{"longer than there are", vnetGSOTCPv4, 1000, 0, tcp4, 1, 4_294_967_038, 4_294_967_038, 1},
		{"headers on every octet", vnetGSOUDP, 1, 0xfff0, tcp4[:20], 1, 600_000, 600_000, 1},
		{"no data", vnetGSOTCPv4, 1000, 0, nil, 1, 3000, 3000, 1},
		{"no IP", vnetGSOTCPv4, 1000, 0, headersOf(t, eth(layers.EthernetTypeARP)), 1, 3000, 3000, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			vh := make([]byte, vnetHeaderLen)
			vh[1] = tt.kind
			binary.NativeEndian.PutUint16(vh[4:], tt.size)
			if tt.csumStart > 0 {
				vh[0] = vnetNeedsCsum
				binary.NativeEndian.PutUint16(vh[6:], tt.csumStart)
			}
			octets, n := segments(vh, &Frame{Data: tt.data, LinkType: tt.link, WireLen: tt.wire})
			if octets != tt.octets || n != tt.n {
				t.Errorf("%d octets in %d segments, want %d in %d", octets, n, tt.octets, tt.n)
			}
		})
	}
}

// TestSkipIPv6: extension headers lead to the transport, cut ones to nothing.
func TestSkipIPv6(t *testing.T) {
	header := func(next byte, rest ...byte) []byte {
		b := make([]byte, 40, 100)
		b[0], b[6] = 0x60, next
		return append(b, rest...)
	}
	options := []byte{6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, tt := range []struct {
		name string
		ip   []byte
		off  int
		next uint8
		ok   bool
	}{
		{"plain", header(6), 40, 6, true},
		{"destination options of 16 octets", header(60, append(options, make([]byte, 8)...)...), 56, 6, true},
		{"fragment", header(44, 17, 0, 0, 0, 0, 0, 0, 0), 48, 17, true},
		{"options cut", header(60, 6, 0), 40, 60, false},
		{"header cut", header(6)[:39], 0, 0, false},
	} {
		if off, next, ok := skipIPv6(tt.ip); off != tt.off || next != tt.next || ok != tt.ok {
			t.Errorf("%s: %d, %d, %v, want %d, %d, %v", tt.name, off, next, ok, tt.off, tt.next, tt.ok)
		}
	}
}
