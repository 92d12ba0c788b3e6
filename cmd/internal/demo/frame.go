package demo

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// endpoint is one side of a conversation; port is 0 where there are none.
type endpoint struct {
	addr netip.Addr
	port uint16
}

// flags of a TCP segment.
const (
	syn = 1 << iota
	ack
	psh
	fin
)

// packet is what a conversation wants to send; encode makes the frame of it.
type packet struct {
	src, dst endpoint
	proto    layers.IPProtocol // TCP, UDP, ICMPv4 (echo, in either IP version) or ESP
	flags    uint8             // TCP
	seq, ack uint32            // TCP; for an echo, seq is its number
	reply    bool              // echo
	payload  int               // bytes behind the last header
}

// The frames look like those of a mirror port: neither MAC address is the capturing
// interface's, so that the namespace's own IP stack answers none of them.
var (
	homeMAC  = net.HardwareAddr{0x02, 0x70, 0x68, 0, 0, 0x01}
	worldMAC = net.HardwareAddr{0x02, 0x70, 0x68, 0, 0, 0x02}
)

// mss is the payload of a full segment: an Ethernet frame of 1514 bytes at most.
const mss = 1380

// payload is what all packets carry. The sensor stores headers only, and never this.
var payload [mss]byte

// encoder turns packets into frames. It is for one goroutine; the zero value is not
// ready, use newEncoder.
type encoder struct {
	buf gopacket.SerializeBuffer
	eth layers.Ethernet
	ip4 layers.IPv4
	ip6 layers.IPv6
}

func newEncoder() *encoder {
	return &encoder{buf: gopacket.NewSerializeBufferExpectedSize(1514, 0)}
}

// encode returns the frame of p with right lengths and checksums. It is valid until
// the next call.
func (e *encoder) encode(p *packet) ([]byte, error) {
	e.eth = layers.Ethernet{SrcMAC: worldMAC, DstMAC: homeMAC, EthernetType: layers.EthernetTypeIPv4}
	if isHome(p.src.addr) {
		e.eth.SrcMAC, e.eth.DstMAC = homeMAC, worldMAC
	}
	var network gopacket.NetworkLayer
	var networkLayer gopacket.SerializableLayer
	proto := p.proto
	if p.src.addr.Is4() {
		src, dst := p.src.addr.As4(), p.dst.addr.As4()
		e.ip4 = layers.IPv4{Version: 4, TTL: 57, Protocol: proto, SrcIP: src[:], DstIP: dst[:]}
		network, networkLayer = &e.ip4, &e.ip4
	} else {
		e.eth.EthernetType = layers.EthernetTypeIPv6
		if proto == layers.IPProtocolICMPv4 {
			proto = layers.IPProtocolICMPv6
		}
		src, dst := p.src.addr.As16(), p.dst.addr.As16()
		e.ip6 = layers.IPv6{Version: 6, HopLimit: 57, NextHeader: proto, SrcIP: src[:], DstIP: dst[:]}
		network, networkLayer = &e.ip6, &e.ip6
	}
	upper, err := transport(p, proto, network)
	if err != nil {
		return nil, err
	}
	stack := append([]gopacket.SerializableLayer{&e.eth, networkLayer}, upper...)
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(e.buf, options, append(stack, gopacket.Payload(payload[:p.payload]))...); err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return e.buf.Bytes(), nil
}

// transport returns the layers between the IP header and the payload.
func transport(p *packet, proto layers.IPProtocol, network gopacket.NetworkLayer) ([]gopacket.SerializableLayer, error) {
	switch proto {
	case layers.IPProtocolTCP:
		l := &layers.TCP{SrcPort: layers.TCPPort(p.src.port), DstPort: layers.TCPPort(p.dst.port), Seq: p.seq, Ack: p.ack,
			SYN: p.flags&syn != 0, ACK: p.flags&ack != 0, PSH: p.flags&psh != 0, FIN: p.flags&fin != 0, Window: 64240}
		return []gopacket.SerializableLayer{l}, l.SetNetworkLayerForChecksum(network)
	case layers.IPProtocolUDP:
		l := &layers.UDP{SrcPort: layers.UDPPort(p.src.port), DstPort: layers.UDPPort(p.dst.port)}
		return []gopacket.SerializableLayer{l}, l.SetNetworkLayerForChecksum(network)
	case layers.IPProtocolICMPv4:
		kind := uint8(layers.ICMPv4TypeEchoRequest)
		if p.reply {
			kind = layers.ICMPv4TypeEchoReply
		}
		return []gopacket.SerializableLayer{&layers.ICMPv4{
			TypeCode: layers.CreateICMPv4TypeCode(kind, 0), Id: 7, Seq: uint16(p.seq)}}, nil
	case layers.IPProtocolICMPv6:
		kind := uint8(layers.ICMPv6TypeEchoRequest)
		if p.reply {
			kind = layers.ICMPv6TypeEchoReply
		}
		l := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(kind, 0)}
		return []gopacket.SerializableLayer{l, &layers.ICMPv6Echo{Identifier: 7, SeqNumber: uint16(p.seq)}},
			l.SetNetworkLayerForChecksum(network)
	}
	return nil, nil // ESP: the payload is all there is
}
