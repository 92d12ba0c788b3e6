package main

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// small is a space of IPv4 in which each of the 2^levels first blocks has a
// random place below places.
func small(rnd *rand.Rand, levels, places int) *space {
	s := &space{version: 4}
	for i := range 1 << levels {
		if rnd.IntN(8) > 0 { // some are empty
			s.networks = append(s.networks, network{uint64(i) << (64 - levels), uint8(levels), int32(1 + rnd.IntN(places-1))})
		}
	}
	return s
}

// partitions lists every tree over the given levels, leaves without a place.
func partitions(levels int) []block {
	all := []block{{}}
	if levels > 0 {
		for _, left := range partitions(levels - 1) {
			for _, right := range partitions(levels - 1) {
				all = append(all, block{halves: &[2]block{left, right}})
			}
		}
	}
	return all
}

// cost is what a tree costs if each of its leaves takes the place that is best
// for it, worked out network by network.
func cost(p *pruner, tree *block, levels int) float64 {
	total := 0.0
	tree.walk(0, 0, func(key uint64, bits int, _ int32) {
		best := math.Inf(1)
		for place := range p.price {
			c := p.price[place]
			for i := range 1 << (levels - bits) {
				at, truth := key+uint64(i)<<(64-levels), int32(noPlace)
				for _, n := range p.space.networks {
					if n.key == at {
						truth = n.place
					}
				}
				if truth != int32(place) {
					c += math.Ldexp(1, 32-levels)
				}
				if p.countries[truth] != p.countries[place] {
					c += p.countryLoss * math.Ldexp(1, 32-levels)
				}
			}
			best = min(best, c)
		}
		total += best
	})
	return total
}

// TestPruneIsBest compares the pruned tree with every other tree.
func TestPruneIsBest(t *testing.T) {
	const levels, places = 3, 5
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		p := &pruner{space: small(rnd, levels, places), countries: []uint8{0, 1, 1, 2, 2}, price: make([]float64, places), countryLoss: 1}
		for i := range p.price {
			p.price[i] = rnd.Float64() * math.Ldexp(1, 32-levels)
		}
		got := p.run()
		best := math.Inf(1)
		for _, tree := range partitions(levels) {
			best = min(best, cost(p, &tree, levels))
		}
		if math.Abs(got.cost-best) > 1 {
			t.Fatalf("pruned tree costs %.0f, the best one %.0f", got.cost, best)
		}
		if c := cost(p, &got.block, levels); math.Abs(c-got.cost) > 1 {
			t.Fatalf("pruned tree says %.0f and costs %.0f", got.cost, c)
		}
	}
}

// TestPruneFree keeps everything where leaves cost next to nothing.
func TestPruneFree(t *testing.T) {
	s := small(rand.New(rand.NewPCG(2, 2)), 8, 50)
	one := make([]uint8, 50)
	tree := optimise(s, &space{version: 6}, one, 1, rates{v4: 1e-9, v6: 1e-9, describe: 1})
	if diff := cmp.Diff(agreement{1, 1}, agree(s, tree.v4, one), cmp.AllowUnexported(agreement{})); diff != "" {
		t.Errorf("agreement (-want +got):\n%s", diff)
	}
	if tree.v6.halves != nil || tree.v6.place != noPlace {
		t.Errorf("empty space became %+v", tree.v6)
	}
}

// TestPruneDear keeps almost nothing where leaves are dear, and the more the
// cheaper they are.
func TestPruneDear(t *testing.T) {
	s := small(rand.New(rand.NewPCG(3, 3)), 10, 9)
	countries := []uint8{0, 1, 1, 1, 1, 2, 2, 2, 2}
	last := -1.0
	for _, rate := range []float64{1e12, 1e7, 1e6, 1e5, 1} {
		tree := optimise(s, &space{version: 6}, countries, 1, rates{v4: rate, v6: 1, describe: 30})
		leaves := 0
		tree.v4.walk(0, 0, func(uint64, int, int32) { leaves++ })
		a := agree(s, tree.v4, countries)
		if a.record < last || a.country < a.record {
			t.Errorf("rate %g: %+v with %d leaves after %.3f", rate, a, leaves, last)
		}
		if rate == 1e12 && leaves != 1 {
			t.Errorf("%d leaves at any price", leaves)
		}
		last = a.record
	}
	if last < 0.999 {
		t.Errorf("agreement of %v at the lowest price", last)
	}
}

// TestCollect prunes IPv6 networks finer than are told apart.
func TestCollect(t *testing.T) {
	s := &space{version: 6}
	for i, place := range []int32{1, 2, 2, 1, 2} { // five /64 of one /48
		s.networks = append(s.networks, network{0x20010db800000000 + uint64(i), 64, place})
	}
	p := &pruner{space: s, countries: make([]uint8, 3), price: make([]float64, 3)}
	for i := range p.price {
		p.price[i] = 1e-3
	}
	tree := p.run().block
	tree.walk(0, 0, func(key uint64, bits int, place int32) {
		if place != noPlace && (place != 2 || bits != 48 || key != 0x20010db800000000) {
			t.Errorf("%x/%d is %d", key, bits, place)
		}
	})
	if a := agree(s, &tree, make([]uint8, 3)); a.record != 0.6 {
		t.Errorf("agreement %v, want 3 of 5", a.record)
	}
}

func TestAddRange(t *testing.T) {
	tests := []struct {
		first, last string
		want        []string
	}{
		{"1.0.0.0", "1.0.0.255", []string{"1.0.0.0/24"}},
		{"1.0.0.1", "1.0.0.1", []string{"1.0.0.1/32"}},
		{"1.0.0.1", "1.0.0.6", []string{"1.0.0.1/32", "1.0.0.2/31", "1.0.0.4/31", "1.0.0.6/32"}},
		{"1.0.128.0", "1.0.196.255", []string{"1.0.128.0/18", "1.0.192.0/22", "1.0.196.0/24"}},
		{"0.0.0.0", "255.255.255.255", []string{"0.0.0.0/1", "128.0.0.0/1"}},
		{"2001:4:112::", "2001:4:112:ffff:ffff:ffff:ffff:ffff", []string{"2001:4:112::/48"}},
		{"2001:200::", "2001:200:1b9:ffff:ffff:ffff:ffff:ffff", []string{
			"2001:200::/40", "2001:200:100::/41", "2001:200:180::/43", "2001:200:1a0::/44",
			"2001:200:1b0::/45", "2001:200:1b8::/47"}},
	}
	for _, tt := range tests {
		s := &space{version: 4}
		if netip.MustParseAddr(tt.first).Is6() {
			s.version = 6
		}
		s.addRange(netip.MustParseAddr(tt.first), netip.MustParseAddr(tt.last), 7)
		var got []string
		for _, n := range s.networks {
			addr := s.address(n.key)
			if s.version == 6 {
				addr = netip.PrefixFrom(addr, 64).Masked().Addr()
			}
			got = append(got, netip.PrefixFrom(addr, int(n.bits)).String())
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s to %s (-want +got):\n%s", tt.first, tt.last, diff)
		}
	}
}
