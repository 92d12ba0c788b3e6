package sensor

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/store"
)

// halves locates the upper half of a /24 elsewhere than the lower one.
type halves struct{}

func (halves) Locate(a netip.Addr) geo.Location {
	l := geo.Location{Country: "DE", City: "Berlin", Precision: geo.City, ASN: 64500}
	if b := a.As16(); b[15] >= 128 {
		l.City = "Hamburg"
	}
	return l
}

// maskedPoint is what a masked store has of a point.
type maskedPoint struct {
	Addr, Peer, City, Flags string
	Packets                 uint64
}

func masked(m *memory) map[maskedPoint]bool {
	all := map[maskedPoint]bool{}
	for _, p := range m.points() {
		k := maskedPoint{store.PrefixString(p.Addr), store.PrefixString(p.Peer), p.Place.Country, p.Flags.String(), p.Packets}
		all[k] = true
	}
	return all
}

// Whole addresses do not reach the sink, points that become equal are one, and the
// books balance.
func TestMask(t *testing.T) {
	var packets []packet
	for i, ends := range [][2]string{
		{"198.18.0.1", "192.168.1.2"}, // not on the map: benchmarking
		{"93.184.216.34", "192.168.1.2"}, {"93.184.216.35", "192.168.1.3"}, {"93.184.216.36", "192.168.1.4"},
		{"93.184.216.234", "192.168.1.2"}, {"2606:2800:220:1::5", "fd00::5"},
	} {
		for n := range i + 1 {
			packets = append(packets, packet{noon.Add(time.Duration(n) * time.Millisecond), udp(t, ends[0], ends[1], 53, 40000)})
		}
	}
	for _, c := range []struct {
		name string
		mask store.Mask
		want map[maskedPoint]bool
	}{
		{"none", store.Mask{IPv4: 24, IPv6: 48}, map[maskedPoint]bool{
			{"93.184.216.34", "192.168.1.2", "DE", "", 2}: true, {"93.184.216.35", "192.168.1.3", "DE", "", 3}: true,
			{"93.184.216.36", "192.168.1.4", "DE", "", 4}: true, {"93.184.216.234", "192.168.1.2", "DE", "", 5}: true,
			{"2606:2800:220:1::5", "fd00::5", "DE", "", 6}: true}},
		{"peer", store.Mask{Peer: true, IPv4: 24, IPv6: 48}, map[maskedPoint]bool{
			{"93.184.216.34", "192.168.1.0/24", "DE", "masked", 2}: true, {"93.184.216.35", "192.168.1.0/24", "DE", "masked", 3}: true,
			{"93.184.216.36", "192.168.1.0/24", "DE", "masked", 4}: true, {"93.184.216.234", "192.168.1.0/24", "DE", "masked", 5}: true,
			{"2606:2800:220:1::5", "fd00::/48", "DE", "masked", 6}: true}},
		{"both", store.Mask{Addr: true, Peer: true, IPv4: 24, IPv6: 48}, map[maskedPoint]bool{
			{"93.184.216.0/24", "192.168.1.0/24", "DE", "masked", 9}: true, {"93.184.216.0/24", "192.168.1.0/24", "DE", "masked", 5}: true,
			{"2606:2800:220::/48", "fd00::/48", "DE", "masked", 6}: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := replay(t, packets, func(cfg *Config) {
				cfg.Mask, cfg.NewLocator = c.mask, func() Locator { return halves{} }
			})
			if diff := gocmp.Diff(c.want, masked(m)); diff != "" {
				t.Errorf("points (-want +got):\n%s", diff)
			}
			m.checkBooks(t, true)
		})
	}
}

// Shards' points that are the same only when they are masked add up, too.
func TestMaskAcrossParts(t *testing.T) {
	point := func(last int, city string, n uint64) store.Point {
		return store.Point{Addr: netip.MustParsePrefix(fmt.Sprintf("93.184.216.%d/32", last)), Place: store.Place{City: city}, Packets: n}
	}
	lists := [][]store.Point{
		{point(1, "Paris", 1), point(2, "Paris", 2), point(3, "Lyon", 4)},
		{point(4, "Paris", 8), point(5, "Lyon", 16)},
	}
	maskPoints(store.Mask{Addr: true, IPv4: 24}, lists)
	got := map[string]uint64{}
	for _, p := range mergePoints(lists) {
		got[p.Addr.String()+" "+p.Place.City] += p.Packets
	}
	if diff := gocmp.Diff(map[string]uint64{"93.184.216.0/24 Paris": 11, "93.184.216.0/24 Lyon": 20}, got); diff != "" {
		t.Error(diff)
	}
	if n := len(lists[0]) + len(lists[1]); n != 4 {
		t.Errorf("%d points in the parts, want 4", n)
	}
}

// A warning about our own address does not say more of it than the store does.
func TestMaskedWarning(t *testing.T) {
	var packets []packet
	for i := range 400 {
		packets = append(packets, packet{noon, udp(t, fmt.Sprintf("93.%d.%d.34", 1+i%20, i/20), "45.33.32.156", 53, 40000)})
	}
	for mask, want := range map[store.Mask]string{{}: "45.33.32.156/32", {Addr: true, Peer: true, IPv4: 24}: "45.33.32.0/24"} {
		m := &memory{}
		s := newSensor(t, m, func(cfg *Config) { cfg.Mask = mask })
		if err := s.Replay(context.Background(), []Named{{"test.pcap", pcap(t, packets)}}); err != nil {
			t.Fatal(err)
		}
		warnings := s.Status().Warnings
		if len(warnings) != 1 || warnings[0].Mend != "--local "+want {
			t.Errorf("warnings with mask %+v are %+v, want one about %s", mask, warnings, want)
		}
	}
}
