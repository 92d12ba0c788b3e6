package dashboard

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestTopInOtherOrders sorts by each amount, cuts behind that, and counts all.
func TestTopInOtherOrders(t *testing.T) {
	point := func(addr string, d store.Direction, packets, bytes uint64) store.Point {
		return store.Point{Time: noon, Interval: 10 * time.Second, Addr: netip.MustParsePrefix(addr + "/32"), Direction: d, Packets: packets, Bytes: bytes, Sensor: "gw1"}
	}
	reader := &fakeReader{points: []store.Point{
		point("198.51.100.1", store.In, 9, 900), point("198.51.100.1", store.Out, 1, 5000),
		point("198.51.100.2", store.In, 3, 4000), point("198.51.100.3", store.Out, 5, 700),
	}}
	for sort, want := range map[string][]string{
		"":              {"198.51.100.1", "198.51.100.3"},
		"&sort=packets": {"198.51.100.1", "198.51.100.3"}, "&sort=bytes": {"198.51.100.1", "198.51.100.2"},
		"&sort=packets_in": {"198.51.100.1", "198.51.100.2"}, "&sort=packets_out": {"198.51.100.3", "198.51.100.1"},
		"&sort=bytes_in": {"198.51.100.2", "198.51.100.1"}, "&sort=bytes_out": {"198.51.100.1", "198.51.100.3"},
	} {
		top := decode[topAnswer](t, get(t, Config{Reader: reader}, "/api/v1/top?by=ip&n=2"+sort))
		var got []string
		for _, r := range top.Rows {
			got = append(got, r.Key)
		}
		if !slices.Equal(got, want) || top.Count != 3 || top.Sorted != 0 {
			t.Errorf("%q: %v of %d, sorted %d, want %v of 3", sort, got, top.Count, top.Sorted, want)
		}
	}
	if r := get(t, Config{Reader: reader}, "/api/v1/top?by=ip&sort=colour"); r.StatusCode != 400 {
		t.Errorf("an unknown order: %d", r.StatusCode)
	}
}

// TestResort keeps the order of rows that have as much.
func TestResort(t *testing.T) {
	row := func(key string, packets, bytes uint64) store.Row {
		return store.Row{Key: key, In: store.Sum{Packets: packets, Bytes: bytes}}
	}
	top := store.Top{Rows: []store.Row{row("a", 9, 1), row("b", 8, 7), row("c", 7, 1), row("d", 6, 7)}}
	resort(&top, func(r *store.Row) uint64 { return r.In.Bytes }, 3)
	if got := top.Rows[0].Key + top.Rows[1].Key + top.Rows[2].Key; got != "bda" || len(top.Rows) != 3 {
		t.Errorf("%s, %d rows", got, len(top.Rows))
	}
}
