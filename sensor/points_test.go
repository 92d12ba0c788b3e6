package sensor

import (
	"cmp"
	"net/netip"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/store"
)

var noon = time.Date(2026, 11, 17, 12, 0, 3, 250e6, time.UTC)

// flat is the part of a point that the contract's definitions are about.
type flat struct {
	Addr, Peer, Direction, Proto string
	Port                         int // -1: none
	Packets, Opens               uint64
}

func flatten(points []store.Point) []flat {
	var list []flat
	for _, p := range points {
		f := flat{store.PrefixString(p.Addr), store.PrefixString(p.Peer), p.Direction.String(), store.ProtoName(p.Proto), -1, p.Packets, p.Opens}
		if p.HasPort {
			f.Port = int(p.Port)
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b flat) int {
		return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Proto, b.Proto))
	})
	return list
}

// What becomes of each kind of packet: contract.md, Points.
func TestPoints(t *testing.T) {
	laterFragment := func() []byte {
		f := frame(t, "93.184.216.34", "192.168.1.2", layers.IPProtocolUDP, gopacket.Payload("\x00\x35\x12\x34later"))
		f[14+6], f[14+7] = 0x00, 0xb9 // fragment offset 185
		return f
	}
	gre := func(src, dst string) []byte {
		inner := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: addr(src), DstIP: addr(dst)}
		return frame(t, "45.33.32.156", "192.168.1.2", layers.IPProtocolGRE, &layers.GRE{Protocol: layers.EthernetTypeIPv4},
			inner, &layers.UDP{SrcPort: 5000, DstPort: 53}, gopacket.Payload("x"))
	}
	tests := []struct {
		name   string
		frames [][]byte
		change func(*Config)
		want   []flat
	}{
		{"they open", [][]byte{tcp(t, "93.184.216.34", "192.168.1.2", 40000, 22, true, false)}, nil,
			[]flat{{"93.184.216.34", "192.168.1.2", "in", "tcp", 22, 1, 1}}},
		{"we open, they answer", [][]byte{
			tcp(t, "192.168.1.2", "93.184.216.34", 51000, 443, true, false),
			tcp(t, "93.184.216.34", "192.168.1.2", 443, 51000, true, true),
			tcp(t, "192.168.1.2", "93.184.216.34", 51000, 443, false, true)}, nil,
			[]flat{{"93.184.216.34", "192.168.1.2", "in", "tcp", 443, 1, 0}, {"93.184.216.34", "192.168.1.2", "out", "tcp", 443, 2, 1}}},
		{"two connections to one service are one point", [][]byte{
			udp(t, "192.168.1.2", "9.9.9.9", 51000, 53), udp(t, "192.168.1.2", "9.9.9.9", 51001, 53)}, nil,
			[]flat{{"9.9.9.9", "192.168.1.2", "out", "udp", 53, 2, 0}}},
		{"port 0 is a port", [][]byte{udp(t, "9.9.9.9", "192.168.1.2", 0, 9)}, nil,
			[]flat{{"9.9.9.9", "192.168.1.2", "in", "udp", 0, 1, 0}}},
		{"both public: a point for each", [][]byte{tcp(t, "93.184.216.34", "9.9.9.9", 40000, 25, true, false)}, nil,
			[]flat{{"9.9.9.9", "93.184.216.34", "out", "tcp", 25, 1, 1}, {"93.184.216.34", "9.9.9.9", "in", "tcp", 25, 1, 1}}},
		{"both local: none", [][]byte{udp(t, "192.168.1.2", "10.0.0.1", 1, 2), udp(t, "fe80::1", "ff02::fb", 5353, 5353)}, nil, nil},
		{"ours by configuration", [][]byte{udp(t, "93.184.216.34", "9.9.9.9", 5000, 53)},
			func(c *Config) { c.Networks = []netip.Prefix{netip.MustParsePrefix("93.184.216.0/24")} },
			[]flat{{"9.9.9.9", "93.184.216.34", "out", "udp", 53, 1, 0}}},
		{"private but mapped", [][]byte{udp(t, "10.1.0.1", "10.2.0.1", 5000, 53)},
			func(c *Config) { c.Mapped = []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16")} },
			[]flat{{"10.2.0.1", "10.1.0.1", "out", "udp", 53, 1, 0}}},
		{"icmp has no port", [][]byte{frame(t, "192.168.1.2", "1.1.1.1", layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: 0x0800})}, nil,
			[]flat{{"1.1.1.1", "192.168.1.2", "out", "icmp", -1, 1, 0}}},
		{"icmpv6", [][]byte{frame(t, "2606:4700:4700::1111", "fd00::2", layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: 0x8100})}, nil,
			[]flat{{"2606:4700:4700::1111", "fd00::2", "in", "icmpv6", -1, 1, 0}}},
		{"other protocols by number", [][]byte{frame(t, "1.1.1.1", "192.168.1.2", 253, gopacket.Payload("abcdefgh"))}, nil,
			[]flat{{"1.1.1.1", "192.168.1.2", "in", "253", -1, 1, 0}}},
		{"later fragments have no port", [][]byte{laterFragment()}, nil,
			[]flat{{"93.184.216.34", "192.168.1.2", "in", "udp", -1, 1, 0}}},
		{"a tunnel is charged to its inner ends", [][]byte{gre("9.9.9.9", "192.168.7.7")}, nil,
			[]flat{{"9.9.9.9", "192.168.7.7", "in", "udp", 53, 1, 0}}},
		{"a tunnel between local ends is charged to its outer ends", [][]byte{gre("192.168.8.8", "192.168.7.7")}, nil,
			[]flat{{"45.33.32.156", "192.168.1.2", "in", "gre", -1, 1, 0}}},
		{"outer by configuration", [][]byte{gre("9.9.9.9", "192.168.7.7")}, func(c *Config) { c.Outer = true },
			[]flat{{"45.33.32.156", "192.168.1.2", "in", "gre", -1, 1, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var packets []packet
			for _, f := range tt.frames {
				packets = append(packets, packet{noon, f})
			}
			m := replay(t, packets, tt.change)
			if diff := gocmp.Diff(tt.want, flatten(m.points())); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
			m.checkBooks(t, true)
		})
	}
}

// Bytes are those of the wire, and every other field of a point is as defined.
func TestPointFields(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	m := replay(t, []packet{{noon, f}, {noon.Add(time.Second), f}}, func(c *Config) {
		c.NewLocator = func() Locator { return oneGeo{} }
		c.Geo = func() []store.GeoSource { return []store.GeoSource{{Kind: "city", Name: "test"}} }
	})
	want := []store.Point{{
		Time: noon.Truncate(10 * time.Second), Interval: 10 * time.Second, Sensor: "test",
		Addr: netip.MustParsePrefix("9.9.9.9/32"), Peer: netip.MustParsePrefix("192.168.1.2/32"),
		Direction: store.In, Proto: 17, Port: 53, HasPort: true, Packets: 2, Bytes: 2 * uint64(len(f)),
		Place: store.Place{Latitude: 37.4, Longitude: -122.1, Country: "US", Region: "California", City: "Berkeley", Precision: store.City, AccuracyKM: 20},
		ASN:   19281, ASOrg: "Quad9",
	}}
	if diff := gocmp.Diff(want, m.points(), gocmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if len(m.batches) != 1 || len(m.batches[0].Geo) != 1 || m.batches[0].Geo[0].Name != "test" {
		t.Errorf("batch does not name its database: %+v", m.batches)
	}
}

// oneGeo knows one address.
type oneGeo struct{}

func (oneGeo) Locate(a netip.Addr) geo.Location {
	if a != netip.MustParseAddr("9.9.9.9") {
		return geo.Location{}
	}
	return geo.Location{Latitude: 37.4, Longitude: -122.1, HasCoordinates: true, Country: "US", Region: "California",
		City: "Berkeley", Precision: geo.City, AccuracyKM: 20, ASN: 19281, ASOrg: "Quad9"}
}

// A country is not a point on the map, and nothing is nowhere.
func TestPlaceOf(t *testing.T) {
	tests := []struct {
		name string
		in   geo.Location
		want store.Place
	}{
		{"nothing", geo.Location{}, store.Place{}},
		{"only an AS", geo.Location{ASN: 1, ASOrg: "x"}, store.Place{}},
		{"country", geo.Location{Country: "FR", Precision: geo.Country, Latitude: 48, Longitude: 2}, store.Place{Country: "FR", Precision: store.Country}},
		{"region", geo.Location{Country: "FR", Region: "Brittany", HasCoordinates: true, Latitude: 48, Longitude: -2, Precision: geo.Region},
			store.Place{Country: "FR", Region: "Brittany", Latitude: 48, Longitude: -2, Precision: store.Region}},
	}
	for _, tt := range tests {
		if diff := gocmp.Diff(tt.want, placeOf(&tt.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
