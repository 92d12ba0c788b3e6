package clickhouse

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestTokens checks that a token says which batches it is of, and nothing else.
func TestTokens(t *testing.T) {
	t.Parallel()
	gw1, gw2, late := someBatch("gw1", noon, 0, 2), someBatch("gw2", noon, 0, 2), someBatch("gw1", noon, 1, 2)
	next, none := someBatch("gw1", noon.Add(10*time.Second), 0, 2), someBatch("gw3", noon, 0, 0)
	seen := map[string]string{}
	for name, group := range map[string][]*store.Batch{
		"gw1": {gw1}, "gw2": {gw2}, "late": {late}, "next": {next}, "gw1 gw2": {gw1, gw2}, "gw1 late": {gw1, late},
		"all": {gw1, gw2, late, next}, "a slash": {someBatch("gw1/1795348800", noon, 0, 2)},
	} {
		for _, origin := range []string{"a", "b", "a/gw1"} {
			token := tokenOf(origin, group)
			if other := seen[token]; other != "" {
				t.Errorf("%s of %s has the token of %s: %s", name, origin, other, token)
			}
			seen[token] = name
			if with := tokenOf(origin, append(slices.Clone(group), none)); with != token {
				t.Errorf("%s: a batch without points changes %s to %s", name, token, with)
			}
		}
	}
	if got := tokenOf("store", []*store.Batch{late}); got != "store/gw1/1795348800/1" {
		t.Errorf("the token of one batch is %q", got)
	}
}

// TestShipments checks that batches travel with those of their day, in one order.
func TestShipments(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	a, b, c := someBatch("gw1", midnight.Add(-10*time.Second), 0, 3), someBatch("gw1", midnight, 0, 3), someBatch("gw1", midnight, 1, 0)
	big := someBatch("gw0", midnight, 0, 0)
	big.Points = make([]store.Point, shipmentRows)
	got := shipments([]*store.Batch{c, b, a, big})
	want := [][]*store.Batch{{a}, {big}, {b, c}}
	if !slices.EqualFunc(got, want, slices.Equal[[]*store.Batch]) {
		t.Errorf("%d shipments: %v", len(got), got)
	}
}

// TestEnds turns addresses and networks into columns and back.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1.2.3.4/32", "1.2.3.4/24", "0.0.0.0/0", "255.255.255.255/32", "::/0", "::1/128", "::ffff:1.2.3.4/128", "::ffff:1.2.3.4/100", "2001:db8::5/48"} {
		p := netip.MustParsePrefix(text)
		addr, bits, family := encodeEnd(p)
		if back := decodeEnd(addr, bits, family); back != p {
			t.Errorf("%s comes back as %s", p, back)
		}
		if wide := netip.PrefixFrom(netip.AddrFrom16(addr), int(bits)); p.Addr().Is4() && !wide.Contains(netip.AddrFrom16(p.Addr().As16())) {
			t.Errorf("%s is not in its columns' network %s", p, wide)
		}
	}
	if addr, bits, family := encodeEnd(netip.Prefix{}); decodeEnd(addr, bits, family).IsValid() || family != 0 {
		t.Error("what was folded away has an address")
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	for _, list := range [][]store.GeoSource{nil, someBatch("gw1", noon, 0, 0).Geo, {{Kind: "asn", Built: time.Unix(-5, 0).UTC()}, {Kind: `"}]`, Name: "ä\x00", Built: time.Unix(0, 0).UTC()}}} {
		text, err := encodeSources(list)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decodeSources(text); err != nil || !slices.Equal(back, list) {
			t.Errorf("%v came back as %v, %v", list, back, err)
		}
	}
	if _, err := decodeSources("["); err == nil {
		t.Error("half an answer is taken")
	}
}
