package store

import (
	"encoding/json"
	"errors"
	"flag"
	"net/netip"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The page reads the filter language, too: testdata/filter.json is what both must
// agree on. It is written by
//
//	go test ./store -run TestFilterVectors -write-vectors
var writeVectors = flag.Bool("write-vectors", false, "write testdata/filter.json anew")

// vectors are filters, what they are read as, and which of the points they match.
type vectors struct {
	Labels   []string        `json:"labels"` // that there are
	Points   []vectorPoint   `json:"points"`
	Filters  []vectorFilter  `json:"filters"`
	Mistakes []vectorMistake `json:"mistakes"`
}

// vectorPoint is a point as answers print one, and the labels that it has.
type vectorPoint struct {
	IP        string   `json:"ip"`
	Peer      string   `json:"peer"`
	Direction string   `json:"direction"`
	Proto     uint8    `json:"proto"`
	Port      *uint16  `json:"port"`
	ASN       uint32   `json:"asn"`
	Opens     uint64   `json:"opens"`
	Latitude  *float64 `json:"latitude"`
	Longitude *float64 `json:"longitude"`
	Country   string   `json:"country"`
	Region    string   `json:"region"`
	City      string   `json:"city"`
	Sensor    string   `json:"sensor"`
	Labels    []string `json:"labels"`
}

type vectorFilter struct {
	Text    string       `json:"text"`
	Print   string       `json:"print"`
	Terms   []vectorTerm `json:"terms"`
	Matches []int        `json:"matches"` // of the points
}

type vectorTerm struct {
	Key      string       `json:"key"`
	Not      bool         `json:"not"`
	Values   []string     `json:"values"`
	Networks []string     `json:"networks,omitempty"`
	Ranges   [][2]uint32  `json:"ranges,omitempty"`
	Words    []string     `json:"words,omitempty"`
	Spots    [][2]float64 `json:"spots,omitempty"` // latitude, longitude
	Dirs     []string     `json:"dirs,omitempty"`

	Unanswered bool `json:"unanswered,omitempty"`
}

type vectorMistake struct {
	Text  string `json:"text"`
	Says  string `json:"says"`
	Start int    `json:"start"` // bytes of the text
	End   int    `json:"end"`
	Fix   string `json:"fix"`
}

// vectorPoints differ in what filters ask about.
func vectorPoints() []Point {
	with := func(change func(*Point)) Point { p := matching(); change(&p); return p }
	addr := netip.MustParsePrefix
	return []Point{
		matching(),
		with(func(p *Point) { p.Addr, p.Peer = addr("2001:db8::1/128"), addr("fd00::1/128") }),
		with(func(p *Point) { p.Addr, p.Peer = addr("203.0.113.0/24"), netip.Prefix{} }), // folded
		with(func(p *Point) { p.Addr = netip.PrefixFrom(netip.MustParseAddr("::ffff:203.0.113.7"), 128) }),
		{Time: noon, Addr: addr("203.0.113.7/32"), Direction: Out, Proto: 1, Packets: 1}, // the least
		with(func(p *Point) { p.Place = Place{Country: "FR", Precision: Country} }),
		with(func(p *Point) { p.Direction, p.Opens = Out, 3 }),
		with(func(p *Point) { p.Direction, p.Proto, p.Port, p.Opens = Out, 17, 53, 0 }),
		with(func(p *Point) { p.Proto, p.HasPort, p.Port = 132, false, 0 }),
		with(func(p *Point) { p.Addr, p.ASN = addr("1.1.1.1/32"), 13335 }),
		with(func(p *Point) { p.Peer, p.Sensor = addr("192.168.1.7/32"), `a "b" \ c,d` }),
		with(func(p *Point) {
			p.Place, p.ASN = Place{Latitude: -33.8688, Longitude: 151.2093, Country: "AU", City: "Sydney", Precision: City}, 1
		}),
		with(func(p *Point) {
			p.Place, p.Port = Place{Latitude: 40.7, Longitude: -74, Country: "US", City: "New York"}, 0
		}),
		with(func(p *Point) { p.Place = Place{Country: "DE", Region: "Île", City: "Køln", Precision: Region} }),
	}
}

var vectorFilters = []string{
	"", " \t\n", "proto:tcp", "PROTO:TCP,47", "proto:other", "-proto:other", "proto:icmp,icmpv6", "proto:132", "proto:sctp,017",
	"port:443", "port:443,8000-8080  -port:53", "port:0", "port:0-65535", "-port:443", "port:00443",
	"ip:203.0.113.7", "ip:203.0.113.99/24", "ip:0.0.0.0/0", "ip:::/0", "ip:::ffff:203.0.113.7", "ip:203.0.113.0/25", "-ip:203.0.113.0/24",
	"ip:2001:DB8::/32", "ip:2001:db8:0:0:0:0:0:1", "peer:10.0.0.5", "peer:fd00::/8", "-peer:0.0.0.0/0", "host:10.0.0.5", "host:203.0.0.0/8,fd00::/16", "-host:1.1.1.1",
	"ip:::ffff:203.0.113.0/120", "ip:::ffff:0:0/90",
	"country:FR", "country:de,fr", "-country:FR", `region:"ÎLE-de-france"`, "city:PARIS", "city:Par", `city:"New York",Paris`, `city:New" "York`, "city:KØLN",
	"place:48.8534,2.3488", "place:48.85344,2.3488", "place:48.8536,2.3488", "place:0,0", "-place:0,0", "place:48.8534,2.3488,-33.8688,151.2093",
	`place:"90, 180","-33.8688,151.2093"`, "place:+4.88534e1,2.3488", "place:40.7,-74.",
	"asn:64500", "asn:AS1-64500,as13335", "asn:0", "-asn:1", "dir:in", "dir:IN,out", "-dir:out", "opened:them", "opened:us", "opened:us,them", "-opened:them", "opened:unanswered", "opened:them,Unanswered", "-opened:unanswered",
	"sensor:gw1", `sensor:"a \"b\" \\ c,d"`, "-sensor:gw1", "label:cloud", "-label:Cloud", `label:"my devices"`, `label:cloud,"my devices"`, `-label:cloud -label:"my devices"`,
	"proto:tcp port:443 country:FR", "port:1-500 port:400-600", "port:1-500 -port:400-600", `region:a:b city:"x y" -dir:in`,
}

var vectorMistakes = []string{
	`city:"New York`, `country:DE city:"Küln" sensor:"x y`, `city:"a\"`, "colour:red", "contry:DE", "country:DE prot:tcp", "country:DE -cuontry:FR", "DE", "country:FR DE", "-1.2.3.4", "2001:db8::/32", "-2001:db8::1",
	"443", "tcp", "Paris", `"New York"`, "-", `country:"Ö" Küln dir:in`, "port:", "port:1,,2", "port:1,", `city:""`, ":x", "-:x",
	"port:65536", "port:9-1", "port:-1", "port:http", "port:1-2-3", "port:99999999999999999999", "asn:ASX", "asn:4294967296", "asn:9-5", "proto:256", "proto:tpc", "proto:icmpv5", "proto:quic",
	"ip:1.2.3", "ip:1.2.3.*", "ip:10.", "ip:1.2.3.4/33", "ip:1.2.3.4/08", "ip:01.2.3.4", "ip:1::2::3", "ip:1:2:3:4:5:6:7:8:9", "ip:12345::", "peer:fe80::1%eth0", "host:example.org", "port:1 ip:1.2.3.4,300.1.1.1 dir:in",
	"dir:up", "dir:ont", "opened:in", "opened:tem", "opened:answered", "dir:unanswered", "place:48", `place:"1,2",3`, `place:1,"2,3"`, "place:91,0", "place:0,181", "place:NaN,NaN", "place:x,y", "place:1,2,x,4",
	"label:tor", "label:clod", `label:"my device"`, `-label:cloud,x`,
}

func TestFilterVectors(t *testing.T) {
	v := vectors{Labels: someLists.Names()}
	points := vectorPoints()
	tagger := NewTagger(someLists)
	for i := range points {
		v.Points = append(v.Points, newVectorPoint(&points[i], tagger))
	}
	for _, text := range vectorFilters {
		f, err := ParseFilterWith(text, someLists)
		if err != nil {
			t.Fatal(err)
		}
		one := vectorFilter{Text: text, Print: f.String(), Terms: []vectorTerm{}, Matches: []int{}}
		for i := range f.Terms {
			one.Terms = append(one.Terms, newVectorTerm(&f.Terms[i]))
		}
		for i := range points {
			if f.Match(&points[i]) {
				one.Matches = append(one.Matches, i)
			}
		}
		v.Filters = append(v.Filters, one)
	}
	for _, text := range vectorMistakes {
		_, err := ParseFilterWith(text, someLists)
		var m *Mistake
		if !errors.As(err, &m) {
			t.Fatalf("%q: %v", text, err)
		}
		if m.Start > m.End || m.End > len(text) {
			t.Errorf("%q is wrong from %d to %d", text, m.Start, m.End)
		}
		v.Mistakes = append(v.Mistakes, vectorMistake{text, m.Text, m.Start, m.End, m.Fix})
	}
	const file = "testdata/filter.json"
	if *writeVectors {
		b, err := json.MarshalIndent(&v, "", " ")
		if err == nil {
			err = os.WriteFile(file, append(b, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var want vectors
	if b, err := os.ReadFile(file); err != nil {
		t.Fatal(err)
	} else if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, v); d != "" {
		t.Errorf("%s is not what the language is (-file +language); the page must learn it, too:\n%s", file, d)
	}
}

// TestFixes: what a mistake proposes can be read when it is put in place.
func TestFixes(t *testing.T) {
	fixed := 0
	for _, text := range vectorMistakes {
		_, err := ParseFilterWith(text, someLists)
		var m *Mistake
		if !errors.As(err, &m) || m.Fix == "" {
			continue
		}
		fixed++
		if text = text[:m.Start] + m.Fix + text[m.End:]; m.Start < m.End {
			if _, err := ParseFilterWith(text, someLists); err != nil {
				t.Errorf("%q is no better: %v", text, err)
			}
		}
	}
	if fixed < 20 {
		t.Errorf("only %d mistakes have a proposal", fixed)
	}
}

func newVectorPoint(p *Point, t *Tagger) vectorPoint {
	v := vectorPoint{IP: PrefixString(p.Addr), Peer: PrefixString(p.Peer), Direction: p.Direction.String(), Proto: p.Proto,
		ASN: p.ASN, Opens: p.Opens, Country: p.Place.Country, Region: p.Place.Region, City: p.Place.City, Sensor: p.Sensor,
		Labels: t.Of(t.Addr(p.Addr, p.ASN) | t.Peer(p.Peer))}
	if p.HasPort {
		v.Port = &p.Port
	}
	if p.Place.HasCoordinates() {
		v.Latitude, v.Longitude = &p.Place.Latitude, &p.Place.Longitude
	}
	return v
}

func newVectorTerm(t *Term) vectorTerm {
	v := vectorTerm{Key: t.Key.String(), Not: t.Not, Values: t.Values, Words: t.Words, Unanswered: t.Unanswered}
	for _, n := range t.Networks {
		v.Networks = append(v.Networks, n.String())
	}
	for _, r := range t.Ranges {
		v.Ranges = append(v.Ranges, [2]uint32{r.Low, r.High})
	}
	for _, s := range t.Spots {
		v.Spots = append(v.Spots, [2]float64{s.Latitude, s.Longitude})
	}
	for _, d := range t.Dirs {
		v.Dirs = append(v.Dirs, d.String())
	}
	return v
}
