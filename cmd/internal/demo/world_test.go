package demo

import (
	"hash/crc32"
	"net/netip"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// atlas is a made-up geography: an address lies anywhere in one of six countries, and
// a seventh of the addresses are unknown.
func atlas(a netip.Addr) (Host, bool) {
	n := crc32.ChecksumIEEE(a.AsSlice())
	countries := [...]string{"US", "BR", "DE", "IN", "JP", "IS"}
	lon := float64(n%360) - 180
	return Host{Addr: a, Country: countries[n%6], Lat: 20, Lon: lon}, n%7 != 0
}

// onceWorld draws it once: it costs a second with the race detector, and nobody
// changes a World.
var onceWorld = sync.OnceValues(func() (*World, error) { return newWorld(1, 5000, atlas) })

func testWorld(t testing.TB) *World {
	t.Helper()
	w, err := onceWorld()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestNewWorld(t *testing.T) {
	w := testWorld(t)
	for _, hosts := range [][]Host{w.V4, w.V6} {
		got := make(map[string]int)
		for _, h := range hosts {
			got[h.Country]++
		}
		want := make(map[string]int)
		for _, c := range []string{"US", "BR", "DE", "IN", "JP", "IS"} {
			want[c] = weight[c]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("hosts by country (-want +got):\n%s", diff)
		}
	}
	for _, h := range w.V4 {
		if !h.Addr.Is4() || !h.Addr.IsGlobalUnicast() || h.Addr.IsPrivate() {
			t.Errorf("%s is no public IPv4 address", h.Addr)
		}
	}
	for _, h := range w.V6 {
		if h.Addr.Is4() || !h.Addr.IsGlobalUnicast() || h.Addr.IsPrivate() {
			t.Errorf("%s is no public IPv6 address", h.Addr)
		}
	}
}

func TestNewWorldRepeats(t *testing.T) {
	same := cmp.Comparer(func(a, b netip.Addr) bool { return a == b })
	again, err := newWorld(1, 5000, atlas)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testWorld(t), again, same); diff != "" {
		t.Errorf("the same seed gives another world (-first +second):\n%s", diff)
	}
	other, err := newWorld(2, 5000, atlas)
	if err != nil {
		t.Fatal(err)
	}
	if cmp.Equal(testWorld(t), other, same) {
		t.Error("another seed gives the same world")
	}
}

func TestNewWorldPoorDatabase(t *testing.T) {
	if _, err := newWorld(1, 5000, func(netip.Addr) (Host, bool) { return Host{}, false }); err == nil {
		t.Error("a database that locates nothing makes a world")
	}
	v4only := func(a netip.Addr) (Host, bool) {
		h, ok := atlas(a)
		return h, ok && a.Is4()
	}
	w, err := newWorld(1, 5000, v4only)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.V4, w.V6, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("without IPv6 places the IPv4 hosts stand in (-want +got):\n%s", diff)
	}
}
