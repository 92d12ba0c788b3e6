package store

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lists is a Labels of networks: those called "my …" are of peers, too.
type lists map[string][]netip.Prefix

func (l lists) Names() (names []string) {
	for name := range l {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (l lists) Matcher(name string) (func(addr, peer netip.Prefix, asn uint32) bool, bool) {
	networks, ok := l[strings.ToLower(name)]
	if !ok {
		return nil, false
	}
	peers := strings.HasPrefix(name, "my")
	return func(addr, peer netip.Prefix, asn uint32) bool {
		for _, n := range networks {
			if n.Contains(addr.Addr()) || peers && n.Contains(peer.Addr()) {
				return true
			}
		}
		return asn == 64500 && strings.EqualFold(name, "cloud")
	}, peers
}

var someLists = lists{
	"cloud":      {netip.MustParsePrefix("1.1.1.0/24")},
	"my devices": {netip.MustParsePrefix("192.168.1.7/32")},
}

func TestLabelTerms(t *testing.T) {
	point := func(addr, peer string, asn uint32) *Point {
		return &Point{Addr: netip.MustParsePrefix(addr), Peer: netip.MustParsePrefix(peer), ASN: asn}
	}
	cloud, system := point("1.1.1.1/32", "10.0.0.1/32", 0), point("5.5.5.5/32", "10.0.0.1/32", 64500)
	mine, other := point("5.5.5.5/32", "192.168.1.7/32", 1), point("5.5.5.5/32", "1.1.1.1/32", 1)
	for _, c := range []struct {
		filter string
		peers  bool
		want   []*Point
	}{
		{"label:cloud", false, []*Point{cloud, system}},
		{"-label:Cloud", false, []*Point{mine, other}},
		{`label:"my devices"`, true, []*Point{mine}},
		{`label:cloud,"my devices"`, true, []*Point{cloud, system, mine}},
		{`-label:cloud -label:"my devices"`, false, []*Point{other}},
	} {
		f, err := ParseFilterWith(c.filter, someLists)
		if err != nil {
			t.Fatal(err)
		}
		if f.String() != c.filter {
			t.Errorf("%s is printed as %s", c.filter, &f)
		}
		if f.Terms[0].AsksPeer() != c.peers {
			t.Errorf("%s asks for the peer: %v", c.filter, !c.peers)
		}
		for _, p := range []*Point{cloud, system, mine, other} {
			if got := f.Match(p); got != slices.Contains(c.want, p) {
				t.Errorf("%s holds for %s and %s: %v", c.filter, p.Addr, p.Peer, got)
			}
		}
	}
	for filter, want := range map[string]string{
		"label:tor":      `filter term "label:tor": label "tor" is unknown: use one of cloud, "my devices" (geo.labels adds some)`,
		"label:cloud,,x": "an empty value",
	} {
		if _, err := ParseFilterWith(filter, someLists); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %s", filter, err, want)
		}
	}
	if _, err := ParseFilter("-label:cloud"); err == nil || !strings.Contains(err.Error(), "no labels here") {
		t.Errorf("without labels: error %v", err)
	}
}

func TestTagger(t *testing.T) {
	tags := NewTagger(someLists)
	if diff := cmp.Diff([]string{"cloud", "my devices"}, tags.Names); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		got  uint32
		want []string
	}{
		{tags.Addr(netip.MustParsePrefix("1.1.1.1/32"), 0), []string{"cloud"}},
		{tags.Addr(netip.MustParsePrefix("192.168.1.7/32"), 64500), []string{"cloud", "my devices"}},
		{tags.Addr(netip.MustParsePrefix("5.5.5.5/32"), 0), []string{}},
		{tags.Peer(netip.MustParsePrefix("192.168.1.7/32")), []string{"my devices"}},
		{tags.Peer(netip.MustParsePrefix("1.1.1.1/32")), []string{}},
	} {
		if diff := cmp.Diff(c.want, tags.Of(c.got)); diff != "" {
			t.Error(diff)
		}
	}
	for _, c := range []struct {
		by   Dimension
		row  Row
		want []string
	}{
		{ByIP, Row{Key: "1.1.1.1"}, []string{"cloud"}}, {ByIP, Row{Key: "5.5.5.5", ASN: 64500}, []string{"cloud"}}, {ByIP, Row{}, nil},
		{ByPeer, Row{Key: "192.168.1.7"}, []string{"my devices"}}, {ByASN, Row{Key: "64500"}, []string{"cloud"}}, {ByASN, Row{}, nil},
		{ByCountry, Row{Key: "DE"}, nil},
	} {
		if diff := cmp.Diff(c.want, tags.Row(c.by, &c.row)); diff != "" {
			t.Errorf("by %s, %q: %s", c.by, c.row.Key, diff)
		}
	}
	none := NewTagger(nil)
	if none.Addr(netip.MustParsePrefix("1.1.1.1/32"), 1) != 0 || len(none.Of(7)) != 0 {
		t.Error("no labels have some")
	}
	many := lists{}
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		many[string(c)] = nil
	}
	if n := len(NewTagger(many).Names); n != maxLabels {
		t.Errorf("%d labels", n)
	}
}
