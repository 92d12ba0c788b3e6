package main

import (
	"math"
	"slices"
	"sort"
)

// share is how much of a block lies in a place.
type share struct {
	place  int32
	weight float64
}

// block is a node of the pruned tree: either two halves, or a single place for
// all of its addresses.
type block struct {
	halves *[2]block // nil for a leaf
	place  int32
}

// result is what is known of a block while the tree is pruned from the bottom.
type result struct {
	block  block
	shares []share // in order of place
	cost   float64
	leaves int
}

// pruner finds, for every block of addresses, whether naming one place for all
// of it is worth more than keeping its halves apart.
//
// Going up from the networks of the source, it takes the cheaper of
//
//	price(place) + loss(block, place)   one leaf, of the best place
//	cost(left) + cost(right)            two halves
//
// which is the best tree for the given prices of a leaf: a partition into
// blocks has no other trade-off. The loss is the weight that is told a wrong
// place, plus countryLoss times that which is told a wrong country.
type pruner struct {
	space       *space
	countries   []uint8   // country of each place
	price       []float64 // price of a leaf, by its place
	countryLoss float64

	weightOf [256]float64 // scratch: weight by country
}

// run prunes the whole space.
func (p *pruner) run() result {
	return p.prune(0, 0, p.space.networks)
}

// prune handles the block of the given first bits, which holds networks.
func (p *pruner) prune(key uint64, bits int, networks []network) result {
	switch {
	case len(networks) == 0:
		return p.single(noPlace, p.space.gap(bits))
	case len(networks) == 1 && int(networks[0].bits) <= bits:
		n := networks[0]
		return p.single(n.place, p.space.weight(n))
	case bits == p.space.maxBits():
		return p.best(p.collect(networks))
	}
	upper := key | 1<<(63-bits)
	cut := sort.Search(len(networks), func(i int) bool { return networks[i].key >= upper })
	left := p.prune(key, bits+1, networks[:cut])
	right := p.prune(upper, bits+1, networks[cut:])

	one := p.best(merge(left.shares, right.shares))
	split := left.cost + right.cost
	if one.cost <= split {
		return one
	}
	one.cost, one.leaves = split, left.leaves+right.leaves
	one.block = block{halves: &[2]block{left.block, right.block}}
	return one
}

func (p *pruner) single(place int32, weight float64) result {
	return result{block{place: place}, []share{{place, weight}}, p.price[place], 1}
}

// collect sums up the networks of a block that is too small to be split.
func (p *pruner) collect(networks []network) []share {
	shares := make([]share, 0, len(networks))
	for _, n := range networks {
		shares = append(shares, share{n.place, p.space.weight(n)})
	}
	slices.SortFunc(shares, func(a, b share) int { return int(a.place) - int(b.place) })
	out := shares[:1]
	for _, s := range shares[1:] {
		if last := &out[len(out)-1]; last.place == s.place {
			last.weight += s.weight
		} else {
			out = append(out, s)
		}
	}
	return out
}

// best makes a leaf of the place that loses least.
func (p *pruner) best(shares []share) result {
	total := 0.0
	for _, s := range shares {
		p.weightOf[p.countries[s.place]] += s.weight
		total += s.weight
	}
	best, score := int32(noPlace), math.Inf(-1)
	for _, s := range shares {
		if v := s.weight + p.countryLoss*p.weightOf[p.countries[s.place]] - p.price[s.place]; v > score {
			best, score = s.place, v
		}
	}
	for _, s := range shares {
		p.weightOf[p.countries[s.place]] = 0
	}
	return result{block{place: best}, shares, total*(1+p.countryLoss) - score, 1}
}

// merge adds two lists of shares that are in order of place.
func merge(a, b []share) []share {
	out := make([]share, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].place < b[0].place:
			out, a = append(out, a[0]), a[1:]
		case a[0].place > b[0].place:
			out, b = append(out, b[0]), b[1:]
		default:
			out = append(out, share{a[0].place, a[0].weight + b[0].weight})
			a, b = a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// walk calls f for every leaf in order of address.
func (b *block) walk(key uint64, bits int, f func(key uint64, bits int, place int32)) {
	if b.halves == nil {
		f(key, bits, b.place)
		return
	}
	b.halves[0].walk(key, bits+1, f)
	b.halves[1].walk(key|1<<(63-bits), bits+1, f)
}
