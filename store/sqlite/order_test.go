package sqlite

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestOrder sorts ticks that are sorted by comparing and by digits, and compares the
// order of addresses with one that compares alone.
func TestOrder(t *testing.T) {
	e, _ := newCoders(t)
	r := newRandom(84)
	for _, n := range []int{0, 1, 2, radixLeast - 1, radixLeast, radixLeast + 1, 5000} {
		for _, spread := range []uint32{1, 1 << 12, 1<<32 - 1} {
			points := make([]store.Point, n)
			for i := range points {
				var a [4]byte
				binary.BigEndian.PutUint32(a[:], spread&uint32(r.Uint64())|^spread&0xa5c3f00f)
				points[i] = r.point()
				points[i].Addr = netip.PrefixFrom(netip.AddrFrom4(a), 32)
				if n < 1000 && spread == 1 && r.IntN(3) == 0 {
					points[i].Addr = r.prefix()
				}
			}
			e.sort(points)
			want := make([]uint32, n)
			for i := range want {
				want[i] = uint32(i)
			}
			compare := func(a, b uint32) int {
				return cmp.Or(compareEndpoints(points[a].Addr, points[b].Addr), compareRest(&points[a], &points[b]))
			}
			slices.SortFunc(want, compare)
			if len(e.order) != n || !slices.EqualFunc(e.order, want, func(a, b uint32) bool { return compare(a, b) == 0 }) {
				t.Errorf("%d points, spread %x: out of order", n, spread)
			}
			slices.Sort(e.order)
			slices.Sort(want)
			if !slices.Equal(e.order, want) {
				t.Errorf("%d points, spread %x: some are missing", n, spread)
			}
		}
	}
}
