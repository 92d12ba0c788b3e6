package main

import (
	"bytes"
	"net"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// A Tuesday, one of the times that README asks about.
var tuesday = time.Date(2026, 11, 17, 14, 0, 3, 0, time.UTC)

// us is the one local address of the sample.
const us = "10.0.0.5"

// sample is a capture file whose sums the tests know:
//
//	14:00:03 UTC  9.9.9.9 tcp/443: SYN out, 2 more out, 4 in; 1.1.1.1 udp/53: 1 out, 1 in
//	15:30:00 UTC  8.8.8.8 icmp: 2 in; 2620:fe::fe tcp/22: SYN in; one local packet; one ARP
//
// Every frame is 100 bytes long, except those of 9.9.9.9 coming in: 1000.
func sample() []byte {
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	must(w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	at := func(t time.Time, frames ...[]byte) {
		for i, frame := range frames {
			info := gopacket.CaptureInfo{Timestamp: t.Add(time.Duration(i) * time.Millisecond), CaptureLength: len(frame), Length: len(frame)}
			must(w.WritePacket(info, frame))
		}
	}
	out := tcp(us, "9.9.9.9", 50000, 443, false, 100)
	in := tcp("9.9.9.9", us, 443, 50000, false, 1000)
	at(tuesday, tcp(us, "9.9.9.9", 50000, 443, true, 100), out, out, in, in, in, in,
		udp(us, "1.1.1.1", 40000, 53), udp("1.1.1.1", us, 53, 40000))
	at(tuesday.Add(90*time.Minute-3*time.Second), ping("8.8.8.8", us), ping("8.8.8.8", us),
		tcp("2620:fe::fe", "fd00::5", 1022, 22, true, 100), udp(us, "10.0.0.6", 1, 2), arp())
	return file.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// frame puts layers behind an Ethernet and an IP header and fills up to length bytes.
func frame(src, dst string, proto layers.IPProtocol, length int, upper gopacket.SerializableLayer) []byte {
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv4}
	a, b := net.ParseIP(src), net.ParseIP(dst)
	var ip gopacket.SerializableLayer
	var network gopacket.NetworkLayer
	if a.To4() != nil {
		v4 := &layers.IPv4{Version: 4, TTL: 60, Protocol: proto, SrcIP: a.To4(), DstIP: b.To4()}
		ip, network = v4, v4
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		v6 := &layers.IPv6{Version: 6, HopLimit: 60, NextHeader: proto, SrcIP: a, DstIP: b}
		ip, network = v6, v6
	}
	if l, ok := upper.(interface {
		SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
	}); ok {
		must(l.SetNetworkLayerForChecksum(network))
	}
	build := func(payload int) []byte {
		buffer := gopacket.NewSerializeBuffer()
		options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		must(gopacket.SerializeLayers(buffer, options, eth, ip, upper, gopacket.Payload(make([]byte, payload))))
		return bytes.Clone(buffer.Bytes())
	}
	empty := 60 // gopacket pads Ethernet to the least length
	for n := 0; ; n++ {
		if f := build(n); len(f) > empty {
			return build(n + length - len(f))
		}
	}
}

func tcp(src, dst string, from, to uint16, syn bool, length int) []byte {
	return frame(src, dst, layers.IPProtocolTCP, length, &layers.TCP{SrcPort: layers.TCPPort(from), DstPort: layers.TCPPort(to), SYN: syn, ACK: !syn, Window: 1024})
}

func udp(src, dst string, from, to uint16) []byte {
	return frame(src, dst, layers.IPProtocolUDP, 100, &layers.UDP{SrcPort: layers.UDPPort(from), DstPort: layers.UDPPort(to)})
}

func ping(src, dst string) []byte {
	return frame(src, dst, layers.IPProtocolICMPv4, 100, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0)})
}

func arp() []byte {
	buffer := gopacket.NewSerializeBuffer()
	mac := []byte{2, 0, 0, 0, 0, 1}
	must(gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{FixLengths: true},
		&layers.Ethernet{SrcMAC: mac, DstMAC: net.HardwareAddr{255, 255, 255, 255, 255, 255}, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: 1,
			SourceHwAddress: mac, SourceProtAddress: []byte{10, 0, 0, 5}, DstHwAddress: make([]byte, 6), DstProtAddress: []byte{10, 0, 0, 1}}))
	return bytes.Clone(buffer.Bytes())
}

// pcap is a file of frames, a millisecond apart from tuesday on.
func pcap(frames [][]byte) []byte {
	var file bytes.Buffer
	w := pcapgo.NewWriterNanos(&file)
	must(w.WriteFileHeader(65536, layers.LinkTypeEthernet))
	for i, f := range frames {
		must(w.WritePacket(gopacket.CaptureInfo{Timestamp: tuesday.Add(time.Duration(i) * time.Millisecond), CaptureLength: len(f), Length: len(f)}, f))
	}
	return file.Bytes()
}
