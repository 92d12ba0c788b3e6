package livetest

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/packetheat/packetheat/store"
)

// key is what contract.md says a point is about, except its time, as answers print it.
type key struct {
	addr, peer, direction, proto, port string
}

// ledger is what was put on the wire, kept by the sender: it knows nothing of how the
// sensor decodes or counts.
type ledger struct {
	frames [][]byte
	points map[key]store.Sum // what the store must hold once all frames are sent once
	books  struct{ one, two, local, nonIP, bad uint64 }
}

// Ethernet addresses of machines that do not exist, so that no IP stack answers.
var (
	srcMAC = net.HardwareAddr{2, 0, 0, 0, 0, 8}
	dstMAC = net.HardwareAddr{2, 0, 0, 0, 0, 9}
)

// v4, v6 are public addresses, a different one for each number, all over the map and
// away from every special-purpose range.
func v4(n int) netip.Addr {
	first := [...]byte{5, 23, 31, 41, 46, 62, 77, 80, 91, 101, 103, 105, 110, 133, 150, 177, 186, 190, 196, 200, 202, 212}
	return netip.AddrFrom4([4]byte{first[n%len(first)], byte(n >> 8), byte(n), byte(n*7 + 1)})
}

func v6(n int) netip.Addr {
	first := [...]uint32{0x24000000, 0x24080000, 0x26000000, 0x28000000, 0x28040000, 0x2a000000, 0x2a020000, 0x2c0f0000, 0x20014860}
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], first[n%len(first)])
	binary.BigEndian.PutUint32(b[4:], uint32(n)<<8)
	binary.BigEndian.PutUint32(b[12:], uint32(n)+1)
	return netip.AddrFrom16(b)
}

// home is one of our addresses, of the same version as its peer.
func home(peer netip.Addr, n int) netip.Addr {
	if peer.Is4() {
		return netip.AddrFrom4([4]byte{10, 1, byte(n % 3), byte(n%200 + 1)})
	}
	return netip.AddrFrom16([16]byte{0: 0xfd, 14: byte(n % 3), 15: byte(n%200 + 1)})
}

// serialize builds a frame with right lengths and checksums.
func serialize(t testing.TB, stack ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, options, stack...); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// ip returns the Ethernet and IP layers of a packet, with 802.1Q tags between them.
func ip(src, dst netip.Addr, proto layers.IPProtocol, tags ...uint16) ([]gopacket.SerializableLayer, gopacket.NetworkLayer) {
	kind := layers.EthernetTypeIPv4
	if !src.Is4() {
		kind = layers.EthernetTypeIPv6
	}
	eth := &layers.Ethernet{SrcMAC: srcMAC, DstMAC: dstMAC, EthernetType: kind}
	stack := []gopacket.SerializableLayer{eth}
	for i := range tags {
		tag := &layers.Dot1Q{VLANIdentifier: tags[i], Type: kind}
		if i+1 < len(tags) {
			tag.Type = layers.EthernetTypeDot1Q
		}
		stack = append(stack, tag)
		eth.EthernetType = layers.EthernetTypeDot1Q
	}
	if len(tags) > 1 {
		eth.EthernetType = layers.EthernetTypeQinQ // 802.1ad outside
	}
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		l := &layers.IPv4{Version: 4, TTL: 60, Id: 1, Protocol: proto, SrcIP: s[:], DstIP: d[:]}
		return append(stack, l), l
	}
	s, d := src.As16(), dst.As16()
	l := &layers.IPv6{Version: 6, HopLimit: 60, NextHeader: proto, SrcIP: s[:], DstIP: d[:]}
	return append(stack, l), l
}

// end is an address with a port.
type end struct {
	addr netip.Addr
	port uint16
}

func (l *ledger) tcp(t testing.TB, src, dst end, flags string, size int, tags ...uint16) {
	stack, network := ip(src.addr, dst.addr, layers.IPProtocolTCP, tags...)
	h := &layers.TCP{SrcPort: layers.TCPPort(src.port), DstPort: layers.TCPPort(dst.port), Window: 1024}
	for _, f := range flags {
		switch f {
		case 'S':
			h.SYN = true
		case 'A':
			h.ACK = true
		case 'F':
			h.FIN = true
		case 'R':
			h.RST = true
		}
	}
	h.SetNetworkLayerForChecksum(network)
	frame := serialize(t, append(stack, h, gopacket.Payload(make([]byte, size)))...)
	l.add(frame, src.addr, dst.addr, "tcp", fmt.Sprint(min(src.port, dst.port)), flags == "S")
}

func (l *ledger) udp(t testing.TB, src, dst end, size int, tags ...uint16) {
	stack, network := ip(src.addr, dst.addr, layers.IPProtocolUDP, tags...)
	h := &layers.UDP{SrcPort: layers.UDPPort(src.port), DstPort: layers.UDPPort(dst.port)}
	h.SetNetworkLayerForChecksum(network)
	frame := serialize(t, append(stack, h, gopacket.Payload(make([]byte, size)))...)
	l.add(frame, src.addr, dst.addr, "udp", fmt.Sprint(min(src.port, dst.port)), false)
}

// echo is ICMP or ICMPv6, which have no ports.
func (l *ledger) echo(t testing.TB, src, dst netip.Addr, size int) {
	if src.Is4() {
		stack, _ := ip(src, dst, layers.IPProtocolICMPv4)
		h := &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0)}
		l.add(serialize(t, append(stack, h, gopacket.Payload(make([]byte, size)))...), src, dst, "icmp", "", false)
		return
	}
	stack, network := ip(src, dst, layers.IPProtocolICMPv6)
	h := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
	h.SetNetworkLayerForChecksum(network)
	l.add(serialize(t, append(stack, h, gopacket.Payload(make([]byte, size+4)))...), src, dst, "icmpv6", "", false)
}

// fragment is a later fragment of a UDP packet over IPv4: it has no ports to see.
func (l *ledger) fragment(t testing.TB, src, dst netip.Addr) {
	stack, network := ip(src, dst, layers.IPProtocolUDP)
	network.(*layers.IPv4).FragOffset = 64
	l.add(serialize(t, append(stack, gopacket.Payload(make([]byte, 200)))...), src, dst, "udp", "", false)
}

// raw is a packet of another protocol.
func (l *ledger) raw(t testing.TB, src, dst netip.Addr, proto layers.IPProtocol, name string, body []byte, port string) {
	stack, _ := ip(src, dst, proto)
	l.add(serialize(t, append(stack, gopacket.Payload(body))...), src, dst, name, port, false)
}

// extended is a TCP SYN behind an IPv6 hop-by-hop header.
func (l *ledger) extended(t testing.TB, src, dst end) {
	stack, network := ip(src.addr, dst.addr, layers.IPProtocolIPv6HopByHop)
	tcp := &layers.TCP{SrcPort: layers.TCPPort(src.port), DstPort: layers.TCPPort(dst.port), SYN: true}
	tcp.SetNetworkLayerForChecksum(network)
	body := serialize(t, tcp)
	hop := append([]byte{6, 0, 1, 4, 0, 0, 0, 0}, body...) // next header TCP, PadN
	frame := serialize(t, append(stack, gopacket.Payload(hop))...)
	l.add(frame, src.addr, dst.addr, "tcp", fmt.Sprint(min(src.port, dst.port)), true)
}

// add books a frame on the address that is on the map: on both where both are public.
func (l *ledger) add(frame []byte, src, dst netip.Addr, proto, port string, open bool) {
	if l.points == nil {
		l.points = make(map[key]store.Sum)
	}
	l.frames = append(l.frames, frame)
	sum := store.Sum{Packets: 1, Bytes: uint64(len(frame))}
	if open {
		sum.Opens = 1
	}
	public := 0
	for _, p := range []struct {
		addr, peer netip.Addr
		direction  string
	}{{src, dst, "in"}, {dst, src, "out"}} {
		if p.addr.IsPrivate() {
			continue
		}
		public++
		k := key{p.addr.String(), p.peer.String(), p.direction, proto, port}
		total := l.points[k]
		total.Add(sum)
		l.points[k] = total
	}
	switch public {
	case 0:
		l.books.local++
	case 1:
		l.books.one++
	case 2:
		l.books.two++
	}
}

// total sums all points.
func (l *ledger) total() (s store.Sum) {
	for _, p := range l.points {
		s.Add(p)
	}
	return s
}

// times is what the store must hold once all frames have been sent n times.
func (l *ledger) times(n uint64) sums {
	s := make(sums)
	for k, v := range l.points {
		s.add(k, n*v.Packets, n*v.Bytes, n*v.Opens)
	}
	return s
}

// mix returns a ledger with every kind of traffic there is, from and to hosts
// different addresses.
func mix(t testing.TB, hosts int) *ledger {
	l := new(ledger)
	for i := range hosts {
		addr := v4(i)
		if i%3 == 2 {
			addr = v6(i)
		}
		us, port := home(addr, i), uint16(40000+i%20000)
		switch i % 10 {
		case 0, 1: // they open: handshake, data, end
			c, s := end{addr, port}, end{us, 443}
			l.tcp(t, c, s, "S", 0)
			l.tcp(t, s, c, "SA", 0)
			l.tcp(t, c, s, "A", 0)
			l.tcp(t, c, s, "A", i%1000)
			l.tcp(t, s, c, "FA", 0)
		case 2: // we open, and are refused
			c, s := end{us, port}, end{addr, uint16(i%1000 + 1)}
			l.tcp(t, c, s, "S", 0)
			l.tcp(t, s, c, "RA", 0)
		case 3: // a scan that nobody answers
			l.tcp(t, end{addr, port}, end{us, 23}, "S", 0)
		case 4:
			l.udp(t, end{us, port}, end{addr, 53}, 40)
			l.udp(t, end{addr, 53}, end{us, port}, 400)
		case 5:
			l.echo(t, addr, us, 56)
			l.echo(t, us, addr, 56)
		case 6: // tagged once, tagged twice
			l.udp(t, end{addr, 4500}, end{us, port}, 100, 7)
			l.udp(t, end{us, port}, end{addr, 4500}, 100, 100, 7)
		case 7: // passing by: both ends are public
			other := v4(50000 + i)
			if !addr.Is4() {
				other = v6(50000 + i)
			}
			l.tcp(t, end{addr, port}, end{other, 80}, "S", 0)
			l.tcp(t, end{other, 80}, end{addr, port}, "SA", 0)
		case 8: // later fragments, and SCTP
			if addr.Is4() {
				l.fragment(t, addr, us)
			} else {
				l.extended(t, end{addr, port}, end{us, 8443})
			}
			sctp := make([]byte, 28)
			binary.BigEndian.PutUint16(sctp, 36412)
			binary.BigEndian.PutUint16(sctp[2:], port)
			l.raw(t, us, addr, 132, "sctp", sctp, "36412")
		case 9: // ESP, and a protocol without a name
			l.raw(t, addr, us, 50, "esp", make([]byte, 64), "")
			l.raw(t, us, addr, 253, "253", make([]byte, 64), "")
		}
	}
	l.noise(t)
	return l
}

// noise is what must be counted and not stored: local traffic, no IP, garbage.
func (l *ledger) noise(t testing.TB) {
	for i := range 20 {
		a, b := home(v4(0), i), home(v4(0), i+50)
		l.udp(t, end{a, 5353}, end{b, 5353}, 30)
	}
	arp := &layers.ARP{AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
		Operation: 1, SourceHwAddress: srcMAC, SourceProtAddress: []byte{10, 1, 0, 1}, DstHwAddress: dstMAC, DstProtAddress: []byte{10, 1, 0, 2}}
	for range 10 {
		l.frames = append(l.frames, serialize(t, &layers.Ethernet{SrcMAC: srcMAC, DstMAC: dstMAC, EthernetType: layers.EthernetTypeARP}, arp))
		l.books.nonIP++
	}
	for i := range 10 { // an IPv4 header that is cut, and one of version 9
		bad := serialize(t, &layers.Ethernet{SrcMAC: srcMAC, DstMAC: dstMAC, EthernetType: layers.EthernetTypeIPv4},
			gopacket.Payload([]byte{0x95, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
		if i%2 == 0 {
			bad = bad[:20]
		}
		l.frames = append(l.frames, bad)
		l.books.bad++
	}
}
