package store

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var equal = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmpopts.EquateEmpty(),
}

func mustFilter(t testing.TB, text string) Filter {
	t.Helper()
	f, err := ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

func TestParseFilter(t *testing.T) {
	tests := []struct {
		text  string
		terms []Term
		print string // how it is printed, if not as it was typed
	}{
		{text: ""},
		{text: " \t\n", print: ""},
		{text: "proto:tcp", terms: []Term{{Key: KeyProto, Values: []string{"tcp"}, Ranges: []Range{{6, 6}}}}},
		{text: "PROTO:TCP,47", print: "proto:TCP,47", terms: []Term{{Key: KeyProto, Values: []string{"TCP", "47"}, Ranges: []Range{{6, 6}, {47, 47}}}}},
		{text: "proto:other", terms: []Term{{Key: KeyProto, Values: []string{"other"},
			Ranges: []Range{{0, 0}, {2, 5}, {7, 16}, {18, 57}, {59, 255}}}}},
		{text: "port:443,8000-8080  -port:53", print: "port:443,8000-8080 -port:53", terms: []Term{
			{Key: KeyPort, Values: []string{"443", "8000-8080"}, Ranges: []Range{{443, 443}, {8000, 8080}}},
			{Key: KeyPort, Not: true, Values: []string{"53"}, Ranges: []Range{{53, 53}}}}},
		{text: "ip:1.2.3.4,1.2.3.99/24,2001:db8::1/32", terms: []Term{{Key: KeyIP, Values: []string{"1.2.3.4", "1.2.3.99/24", "2001:db8::1/32"},
			Networks: prefixes("1.2.3.4/32", "1.2.3.0/24", "2001:db8::/32")}}},
		{text: "peer:::1 host:::/0", terms: []Term{{Key: KeyPeer, Values: []string{"::1"}, Networks: prefixes("::1/128")},
			{Key: KeyHost, Values: []string{"::/0"}, Networks: prefixes("::/0")}}},
		{text: "ip:::ffff:1.2.3.4", terms: []Term{{Key: KeyIP, Values: []string{"::ffff:1.2.3.4"}, Networks: prefixes("1.2.3.4/32")}}},
		{text: "country:DE,fr", terms: []Term{{Key: KeyCountry, Values: []string{"DE", "fr"}, Words: []string{"de", "fr"}}}},
		{text: `city:"New York",Paris`, terms: []Term{{Key: KeyCity, Values: []string{"New York", "Paris"}, Words: []string{"new york", "paris"}}}},
		{text: `city:New" "York`, print: `city:"New York"`, terms: []Term{{Key: KeyCity, Values: []string{"New York"}, Words: []string{"new york"}}}},
		{text: `sensor:"a \"b\" \\ c,d"`, terms: []Term{{Key: KeySensor, Values: []string{`a "b" \ c,d`}, Words: []string{`a "b" \ c,d`}}}},
		{text: `region:a:b`, terms: []Term{{Key: KeyRegion, Values: []string{"a:b"}, Words: []string{"a:b"}}}},
		{text: "asn:15169,AS3320,as1-5", terms: []Term{{Key: KeyASN, Values: []string{"15169", "AS3320", "as1-5"},
			Ranges: []Range{{15169, 15169}, {3320, 3320}, {1, 5}}}}},
		{text: "dir:in opened:us,them", terms: []Term{{Key: KeyDir, Values: []string{"in"}, Dirs: []Direction{In}},
			{Key: KeyOpened, Values: []string{"us", "them"}, Dirs: []Direction{Out, In}}}},
		{text: "place:48.8534,2.3488", print: `place:"48.8534,2.3488"`, terms: []Term{{Key: KeyPlace, Values: []string{"48.8534,2.3488"},
			Spots: []Place{{Latitude: 48.8534, Longitude: 2.3488}}}}},
		{text: "place:1,2,-3,-4", print: `place:"1,2","-3,-4"`, terms: []Term{{Key: KeyPlace, Values: []string{"1,2", "-3,-4"},
			Spots: []Place{{Latitude: 1, Longitude: 2}, {Latitude: -3, Longitude: -4}}}}},
		{text: `place:"90, 180"`, terms: []Term{{Key: KeyPlace, Values: []string{"90, 180"}, Spots: []Place{{Latitude: 90, Longitude: 180}}}}},
	}
	for _, test := range tests {
		f, err := ParseFilter(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		if d := cmp.Diff(test.terms, f.Terms, equal); d != "" {
			t.Errorf("%q (-want +got):\n%s", test.text, d)
		}
		want := test.print
		if want == "" && len(test.terms) > 0 {
			want = test.text
		}
		if got := f.String(); got != want {
			t.Errorf("%q is printed %q, want %q", test.text, got, want)
		}
	}
}

func TestParseFilterErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{`city:"New York`, `has an open quote`},
		{"colour:red", `filter key "colour" is unknown: use one of proto, port, ip`},
		{"DE", "for example country:DE"},
		{"1.2.3.4", "for example ip:1.2.3.4"},
		{"2001:db8::/32", "for example ip:2001:db8::/32"},
		{"443", "for example port:443"},
		{"tcp", "for example proto:tcp"},
		{"Paris", "for example city:Paris"},
		{`"New York"`, "for example city:"},
		{"-", "has no key"},
		{"port:", `filter term "port:" has an empty value`},
		{"port:1,,2", "empty value"},
		{`city:""`, "empty value"},
		{"port:65536", `"65536" is no port: write a number up to 65535`},
		{"port:9-1", "is no port"},
		{"port:-1", "is no port"},
		{"port:http", "is no port"},
		{"asn:ASX", "is no AS number"},
		{"asn:4294967296", "is no AS number"},
		{"proto:256", `protocol "256" is unknown`},
		{"proto:quic", `protocol "quic" is unknown`},
		{"ip:1.2.3", "is no address or network: write 1.2.3.4"},
		{"ip:1.2.3.4/33", "is no address or network"},
		{"peer:fe80::1%eth0", "is no address or network"},
		{"dir:up", "write dir:in or dir:out"},
		{"opened:in", "write opened:them or opened:us, or opened:unanswered"},
		{"place:48", "write place:48.8534,2.3488"},
		{`place:"1,2",3`, "write LATITUDE,LONGITUDE"},
		{`place:1,"2,3"`, "write LATITUDE,LONGITUDE"},
		{"place:91,0", "in degrees"},
		{"place:0,181", "in degrees"},
		{"place:NaN,NaN", "in degrees"},
		{"place:x,y", "in degrees"},
	}
	for _, test := range tests {
		f, err := ParseFilter(test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q is %q, error %v; want %q", test.text, f, err, test.want)
		}
	}
}

// matching is a point that has every field.
func matching() Point {
	return Point{
		Time: noon, Addr: netip.MustParsePrefix("203.0.113.7/32"), Peer: netip.MustParsePrefix("10.0.0.5/32"),
		Direction: In, Proto: 6, Port: 443, HasPort: true, ASN: 64500, Opens: 1, Packets: 1, Sensor: "GW1",
		Place: Place{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", Region: "Île-de-France", City: "Paris", Precision: City},
	}
}

func TestMatch(t *testing.T) {
	with := func(change func(*Point)) Point { p := matching(); change(&p); return p }
	all := matching()
	v6 := with(func(p *Point) {
		p.Addr, p.Peer = netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("fd00::1/128")
	})
	folded := with(func(p *Point) { p.Addr, p.Peer = netip.MustParsePrefix("203.0.113.0/24"), netip.Prefix{} })
	mapped := with(func(p *Point) { p.Addr = netip.PrefixFrom(netip.MustParseAddr("::ffff:203.0.113.7"), 128) })
	bare := Point{Time: noon, Addr: all.Addr, Direction: Out, Proto: 1, Packets: 1}
	country := with(func(p *Point) { p.Place = Place{Country: "FR", Precision: Country} })
	tests := []struct {
		text string
		p    Point
		want bool
	}{
		{"", all, true},
		{"", bare, true},
		{"proto:tcp", all, true}, {"proto:udp,tcp", all, true}, {"proto:udp", all, false}, {"-proto:udp", all, true}, {"proto:other", all, false},
		{"proto:icmp", bare, true},
		{"port:443", all, true}, {"port:442-444", all, true}, {"port:80,443", all, true}, {"port:444", all, false}, {"-port:443", all, false},
		{"port:0-65535", bare, false}, {"-port:443", bare, true}, // a missing field never matches
		{"port:0", with(func(p *Point) { p.Port = 0 }), true},
		{"ip:203.0.113.7", all, true}, {"ip:203.0.113.0/24", all, true}, {"ip:0.0.0.0/0", all, true}, {"ip:::/0", all, false}, {"ip:203.0.113.8", all, false},
		{"ip:10.0.0.5", all, false}, {"peer:10.0.0.5", all, true}, {"host:10.0.0.5", all, true}, {"host:203.0.113.7", all, true}, {"host:1.1.1.1", all, false},
		{"-host:1.1.1.1", all, true},
		{"ip:2001:db8::/32", v6, true}, {"ip:0.0.0.0/0", v6, false}, {"peer:fd00::/8", v6, true},
		{"ip:203.0.113.0/24", folded, true}, {"ip:203.0.0.0/16", folded, true}, {"ip:203.0.113.0/25", folded, false}, {"ip:203.0.113.7", folded, false},
		{"peer:0.0.0.0/0", folded, false}, {"-peer:0.0.0.0/0", folded, true}, {"host:203.0.0.0/8", folded, true},
		{"ip:203.0.113.7", mapped, true}, {"ip:::ffff:203.0.113.7", mapped, true}, {"ip:::ffff:203.0.113.7", all, true},
		{"country:FR", all, true}, {"country:fr,de", all, true}, {"country:DE", all, false}, {"-country:DE", bare, true}, {"country:FR", country, true},
		{`region:"ÎLE-de-france"`, all, true}, {"city:PARIS", all, true}, {"city:Par", all, false}, {"city:Paris", country, false},
		{"place:48.8534,2.3488", all, true}, {"place:48.85344,2.3488", all, true}, {"place:48.8536,2.3488", all, false},
		{"place:0,0", bare, false}, {"place:0,0", country, false}, {"-place:0,0", bare, true},
		{"asn:64500", all, true}, {"asn:AS1-64500", all, true}, {"asn:1", all, false}, {"asn:0", bare, false}, {"-asn:1", bare, true},
		{"dir:in", all, true}, {"dir:out", all, false}, {"dir:out", bare, true}, {"dir:in,out", all, true},
		{"opened:them", all, true}, {"opened:us", all, false}, {"opened:us", with(func(p *Point) { p.Direction = Out }), true},
		{"opened:us,them", bare, false}, {"-opened:them", bare, true},
		{"sensor:gw1", all, true}, {"sensor:gw2", all, false},
		{"proto:tcp port:443 country:FR", all, true}, {"proto:tcp port:443 country:DE", all, false},
		{"port:1-500 port:400-600", all, true}, {"port:1-500 -port:400-600", all, false},
	}
	for _, test := range tests {
		f := mustFilter(t, test.text)
		if got := f.Match(&test.p); got != test.want {
			t.Errorf("%q matches %+v: %v", test.text, test.p, got)
		}
	}
	f := mustFilter(t, "proto:tcp")
	f.Window = hours(0, 1)
	late := with(func(p *Point) { p.Time = noon.Add(hours(0, 1).To.Sub(noon)) })
	if !f.Match(&all) || f.Match(&late) {
		t.Error("the window is not looked at")
	}
}

// FuzzParseFilter: what can be read is printed so that it is read the same again.
func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{
		`proto:tcp port:443,8443 ip:1.2.3.0/24 peer:10.0.0.5 country:DE,FR asn:15169 city:"New York" dir:in opened:them -port:53 sensor:gw1`,
		`place:1,2 place:"3,4","5,6" -host:::1/64`, `city:"a\"b\\c,d e"`, `city:a\"b`, "city:\xff", `-proto:other port:1-2,3`, `region:"`, `asn:AS1-5`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, err := ParseFilter(s)
		if err != nil {
			return
		}
		printed := first.String()
		second, err := ParseFilter(printed)
		if err != nil {
			t.Fatalf("%q is printed %q: %v", s, printed, err)
		}
		if d := cmp.Diff(first, second, equal); d != "" {
			t.Fatalf("%q is printed %q (-first +second):\n%s", s, printed, d)
		}
		p := matching()
		if first.Match(&p) != second.Match(&p) {
			t.Fatalf("%q and %q match differently", s, printed)
		}
	})
}
