package store

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Point is what one sensor saw in one tick between one public endpoint and one
// peer, in one direction, on one protocol and service port. The zero value is not
// a valid point (it has no Addr).
type Point struct {
	Time     time.Time     // start of the tick, UTC, from packet timestamps
	Interval time.Duration // length of the tick, or of the tier the point comes from

	// Addr is the public endpoint that is on the map; Peer is the other end. Both
	// are single addresses unless the point is folded or masked: then they are
	// networks, and Peer may be the zero Prefix (folded away).
	Addr, Peer netip.Prefix

	Direction Direction
	Proto     uint8  // IANA protocol number
	Port      uint16 // service port: the lower of the two; valid if HasPort
	HasPort   bool   // false for protocols without ports and for later fragments

	Place Place
	ASN   uint32 // autonomous system that announces Addr; 0: unknown
	ASOrg string // its organisation's name; "": unknown

	Packets uint64
	Bytes   uint64 // octets on the wire: link header and tags, no frame check sequence
	Opens   uint64 // TCP segments with SYN and without ACK

	Sensor string
	Flags  Flags
}

// Sum returns the three amounts of the point.
func (p *Point) Sum() Sum { return Sum{p.Packets, p.Bytes, p.Opens} }

// Check reports the first rule that the point breaks.
func (p *Point) Check() error {
	switch {
	case !p.Addr.IsValid():
		return fmt.Errorf("point has no address")
	case p.Packets == 0:
		return fmt.Errorf("point of %s has no packets", p.Addr)
	case p.Opens > p.Packets:
		return fmt.Errorf("point of %s has %d opens in %d packets", p.Addr, p.Opens, p.Packets)
	case p.Direction > Out:
		return fmt.Errorf("point of %s has direction %d", p.Addr, p.Direction)
	case p.Port != 0 && !p.HasPort:
		return fmt.Errorf("point of %s has port %d but says it has none", p.Addr, p.Port)
	}
	return nil
}

// JoinEqual adds up neighbours that differ in nothing but their amounts and returns how
// many points are left at the beginning of points.
func JoinEqual(points []Point) int {
	n := 0
	for i := range points {
		if n > 0 && points[n-1].Like(&points[i]) {
			last := &points[n-1]
			last.Packets += points[i].Packets
			last.Bytes += points[i].Bytes
			last.Opens += points[i].Opens
			continue
		}
		points[n] = points[i]
		n++
	}
	return n
}

// Like reports whether two points differ in nothing but their amounts.
func (p *Point) Like(o *Point) bool {
	x, y := *p, *o
	x.Packets, x.Bytes, x.Opens = y.Packets, y.Bytes, y.Opens
	return x == y
}

// Sum is an amount of traffic. It is comparable; the zero value is nothing.
type Sum struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Opens   uint64 `json:"opens"`
}

// Add adds o to s.
func (s *Sum) Add(o Sum) {
	s.Packets += o.Packets
	s.Bytes += o.Bytes
	s.Opens += o.Opens
}

// PrefixString prints an endpoint as files and answers do: a single address bare,
// a network in CIDR notation, the zero Prefix as "".
func PrefixString(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return ""
	case p.IsSingleIP():
		return p.Addr().String()
	}
	return p.String()
}

// protoNames maps the IANA protocol numbers that have a name in answers to it.
// Every other number is printed as a number.
var protoNames = map[uint8]string{
	1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6", 47: "gre",
	50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 103: "pim", 112: "vrrp", 115: "l2tp",
	132: "sctp", 136: "udplite",
}

// ProtoName returns the name of an IANA protocol number, or the number itself in
// decimal where contract and answers have no name for it.
func ProtoName(proto uint8) string {
	if name, ok := protoNames[proto]; ok {
		return name
	}
	return strconv.Itoa(int(proto))
}

// ParseProto is the inverse of ProtoName.
func ParseProto(s string) (uint8, error) {
	for number, name := range protoNames {
		if name == s {
			return number, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("protocol %q is unknown: use tcp, udp, icmp, icmpv6, sctp … or a number from 0 to 255", s)
	}
	return uint8(n), nil
}

// Class is the protocol layer that the map toggles.
type Class uint8

// The four layers. ICMP is ICMP and ICMPv6 together.
const (
	TCP Class = iota
	UDP
	ICMP
	Other
)

// ClassOf returns the layer of an IANA protocol number.
func ClassOf(proto uint8) Class {
	switch proto {
	case 6:
		return TCP
	case 17:
		return UDP
	case 1, 58:
		return ICMP
	}
	return Other
}

// String returns "tcp", "udp", "icmp" or "other".
func (c Class) String() string {
	return [...]string{"tcp", "udp", "icmp", "other"}[min(c, Other)]
}
