package sensor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// randomPoints are points whose keys are unique, as those of one shard are.
func randomPoints(r *rand.Rand, n int) []store.Point {
	seen := map[string]bool{}
	var points []store.Point
	for range n {
		p := store.Point{
			Addr:      netip.PrefixFrom(netip.AddrFrom4([4]byte{45, 0, byte(r.IntN(4)), byte(r.IntN(64))}), 32),
			Direction: store.Direction(r.IntN(2)), Proto: []uint8{6, 17}[r.IntN(2)], Port: uint16(r.IntN(3)), HasPort: true,
			Packets: uint64(1 + r.IntN(100)), Bytes: uint64(r.IntN(10000)), Opens: uint64(r.IntN(2)),
		}
		switch r.IntN(5) {
		case 0:
			p.Addr, p.Flags = netip.MustParsePrefix("45.0.0.0/24"), store.Folded
		case 1:
			p.Port, p.HasPort = 0, false
		case 2:
			p.Addr = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x26, 15: byte(r.IntN(64))}), 128)
			p.Peer = netip.MustParsePrefix("fd00::1/128")
		default:
			p.Peer = netip.MustParsePrefix("192.168.1.2/32")
		}
		if k := mergeKey(&p); !seen[k] {
			seen[k] = true
			points = append(points, p)
		}
	}
	return points
}

func mergeKey(p *store.Point) string {
	return fmt.Sprint(p.Addr, p.Peer, p.Direction, p.Proto, p.Port, p.HasPort, p.Flags)
}

func sumsOf(lists ...[]store.Point) map[string]store.Sum {
	sums := map[string]store.Sum{}
	for _, list := range lists {
		for i := range list {
			s := sums[mergeKey(&list[i])]
			s.Add(list[i].Sum())
			sums[mergeKey(&list[i])] = s
		}
	}
	return sums
}

// Merged points are what a map makes of them: each key once, sums exact.
func TestMergePoints(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for range 200 {
		var lists [][]store.Point
		for range r.IntN(5) {
			lists = append(lists, randomPoints(r, r.IntN(400)))
		}
		want := sumsOf(lists...)
		got := mergePoints(lists)
		if len(got) != len(want) {
			t.Fatalf("%d points of %d keys", len(got), len(want))
		}
		if sums := sumsOf(got); !maps.Equal(want, sums) { // much quicker than Diff, which is for people
			t.Fatalf("sums (-want +got):\n%s", gocmp.Diff(want, sums))
		}
	}
}

// BenchmarkMergePoints is what a tick of two shards with 50,000 keys each costs, a
// point; a tenth is in both.
func BenchmarkMergePoints(b *testing.B) {
	const n = 50_000
	var lists [2][]store.Point
	for shard := range lists {
		for i := range n {
			key := uint32(i)
			if i%10 != 0 {
				key += uint32(shard+1) << 20
			}
			a := netip.AddrFrom4([4]byte{byte(key>>24) + 1, byte(key >> 16), byte(key >> 8), byte(key)})
			lists[shard] = append(lists[shard], store.Point{Addr: netip.PrefixFrom(a, 32), Peer: netip.MustParsePrefix("192.168.1.2/32"), Packets: 1})
		}
	}
	for b.Loop() {
		mergePoints([][]store.Point{lists[0][:n:n], lists[1]})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/point")
}

// BenchmarkTick is what a tick of two shards with 50,000 keys each costs behind the
// shards, a key: points are made, located (by a locator that answers at once) and joined.
func BenchmarkTick(b *testing.B) {
	const n = 50_000
	s := newSensor(b, &memory{}, nil)
	var tallies [2]*tally
	for shard := range tallies {
		t := &tally{networks: NewNetworks(nil, nil), table: newTable(DefaultMaxKeys, 1)}
		for i := range uint64(n) {
			k := key{meta: metaUsed | 17 | metaHasPort | 53<<metaPort}
			k.src.Lo, k.dst.Lo = 0xffff_2d00_0000|i<<1|uint64(shard), 0xffff_c0a8_0709
			t.table.insert(t.table.hash(&k), &k, srcPublic, count{packets: 1, bytes: 60})
		}
		tallies[shard] = t
	}
	b.ReportAllocs()
	for b.Loop() {
		var lists [][]store.Point
		for _, t := range tallies {
			lists = append(lists, s.points(t, noGeo{}))
		}
		if got := len(mergePoints(lists)); got != 2*n {
			b.Fatalf("%d points", got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*n), "ns/point")
}
