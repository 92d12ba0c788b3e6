package store

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPointCheck(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Point)
		want  string
	}{
		{"good", func(*Point) {}, ""},
		{"folded", func(p *Point) { p.Addr, p.Peer = netip.MustParsePrefix("10.0.0.0/8"), netip.Prefix{} }, ""},
		{"port 0", func(p *Point) { p.Port = 0 }, ""},
		{"no port", func(p *Point) { p.Port, p.HasPort = 0, false }, ""},
		{"without bytes", func(p *Point) { p.Bytes = 0 }, ""},
		{"no address", func(p *Point) { p.Addr = netip.Prefix{} }, "no address"},
		{"no packets", func(p *Point) { p.Packets = 0 }, "no packets"},
		{"more opens than packets", func(p *Point) { p.Opens = 2 }, "2 opens in 1 packets"},
		{"direction", func(p *Point) { p.Direction = 2 }, "direction 2"},
		{"port that it says it has not", func(p *Point) { p.HasPort = false }, "port 443 but says it has none"},
	}
	for _, test := range tests {
		p := matching()
		test.spoil(&p)
		err := p.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestProtocols(t *testing.T) {
	for n := range 256 {
		name := ProtoName(uint8(n))
		back, err := ParseProto(name)
		if err != nil || int(back) != n {
			t.Errorf("protocol %d is %q, which is %d (%v)", n, name, back, err)
		}
	}
	for n, want := range map[uint8]Class{6: TCP, 17: UDP, 1: ICMP, 58: ICMP, 0: Other, 2: Other, 132: Other, 255: Other} {
		if got := ClassOf(n); got != want {
			t.Errorf("protocol %d is of class %s, want %s", n, got, want)
		}
	}
	for n, want := range map[uint8]string{1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6", 132: "sctp", 200: "200"} {
		if got := ProtoName(n); got != want {
			t.Errorf("protocol %d is %q, want %q", n, got, want)
		}
	}
}

// TestNames is a table of everything that is printed by a String method.
func TestNames(t *testing.T) {
	all := matching()
	tests := []struct{ got, want string }{
		{In.String(), "in"}, {Out.String(), "out"},
		{TCP.String() + UDP.String() + ICMP.String() + Other.String() + Class(9).String(), "tcpudpicmpotherother"},
		{Unlocated.String() + "," + Country.String() + "," + Region.String() + "," + City.String() + "," + Precision(9).String(), ",country,region,city,city"},
		{StateOff.String() + StateIdle.String() + StateData.String() + State(9).String(), "offidledatadata"},
		{Flags(0).String(), ""}, {Folded.String(), "folded"}, {(Folded | Late | Masked).String(), "folded;late;masked"}, {(Late | 128).String(), "late"},
		{PrefixString(all.Addr), "203.0.113.7"}, {PrefixString(netip.Prefix{}), ""},
		{PrefixString(netip.MustParsePrefix("10.0.0.0/8")), "10.0.0.0/8"}, {PrefixString(netip.MustParsePrefix("::1/128")), "::1"},
		{strings.Join(Keys(), " "), "proto port ip peer host country region city place asn dir opened sensor label"},
		{strings.Join(Dimensions(), " "), "place country city asn ip peer port proto dir sensor"},
		{Dimension(99).String(), "dimension 99"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
	for i, name := range Dimensions() {
		if d, err := ParseDimension(strings.ToUpper(name)); err != nil || int(d) != i || d.String() != name {
			t.Errorf("dimension %q is %s (%v)", name, d, err)
		}
		if !slices.Contains(Keys(), name) {
			t.Errorf("a row's key cannot be put behind %q in a filter", name)
		}
	}
	if _, err := ParseDimension("colour"); err == nil || !strings.Contains(err.Error(), "use one of place, country") {
		t.Errorf("dimension colour: %v", err)
	}
}

func TestPlaceHasCoordinates(t *testing.T) {
	for p, want := range map[Precision]bool{Unlocated: false, Country: false, Region: true, City: true} {
		if got := (Place{Precision: p}).HasCoordinates(); got != want {
			t.Errorf("a place known to the %s has coordinates: %v", p, got)
		}
	}
}

func TestSortRows(t *testing.T) {
	row := func(key string, proto uint8, in, out, bytes uint64) Row {
		return Row{Key: key, Proto: proto, In: Sum{Packets: in, Bytes: bytes}, Out: Sum{Packets: out}}
	}
	want := []Row{
		row("z", 0, 1<<63, 0, 0), row("c", 0, 5, 5, 9), row("b", 0, 1, 9, 8), row("a", 6, 3, 0, 0), row("a", 17, 0, 3, 0), row("b", 0, 3, 0, 0), row("", 0, 1, 0, 0),
	}
	rows := slices.Clone(want)
	slices.Reverse(rows)
	SortRows(rows)
	if d := cmp.Diff(want, rows); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	total := want[1].Total()
	if total != (Sum{10, 9, 0}) || want[1].In.Packets != 5 {
		t.Errorf("total %v of %v", total, want[1])
	}
}

func TestCoverageOff(t *testing.T) {
	c := Coverage{Spans: []Span{
		{Window: hours(0, 2)}, {Window: hours(2, 5), State: StateIdle}, {Window: hours(5, 6), State: StateData}, {Window: hours(6, 7), State: StateOff},
	}}
	if got := c.Off(); got != 3*time.Hour {
		t.Errorf("off for %s", got)
	}
	if got := new(Coverage).Off(); got != 0 {
		t.Errorf("nothing is off for %s", got)
	}
}
