package main

import (
	"math"
	"sync"
)

// A tree is written by an adaptive coder, so that a leaf of a common place
// takes few bits and one of a rare place many; a place that is used at all has
// to be described besides. Pruning with those prices drops rare places first,
// which changes the prices: three rounds are enough, the size moves by 6 %
// from the second to the third and by 1 % after.
const rounds = 3

// rates are the weights that one bit has to save, of addresses in IPv4 and of
// networks in IPv6, and the bits it takes to describe a record.
type rates struct{ v4, v6, describe float64 }

// pruned is both trees.
type pruned struct{ v4, v6 *block }

// optimise prunes both spaces, which share their records.
func optimise(v4, v6 *space, countries []uint8, countryLoss float64, r rates) pruned {
	uses := make([]float64, len(countries))
	for i := range uses {
		uses[i] = 100 // at first all are alike
	}
	var p pruned
	for range rounds {
		var wg sync.WaitGroup
		run := func(s *space, rate float64, out **block) {
			pr := pruner{space: s, countries: countries, price: prices(uses, rate, r.describe), countryLoss: countryLoss}
			b := pr.run().block
			*out = &b
		}
		wg.Go(func() { run(v4, r.v4, &p.v4) })
		wg.Go(func() { run(v6, r.v6, &p.v6) })
		wg.Wait()
		clear(uses)
		for _, tree := range [...]*block{p.v4, p.v6} {
			tree.walk(0, 0, func(_ uint64, _ int, place int32) { uses[place]++ })
		}
	}
	return p
}

// prices returns what a leaf of each record costs, from how often each was
// used in the round before.
func prices(uses []float64, rate, describe float64) []float64 {
	total := 0.0
	for _, u := range uses {
		total += u
	}
	out := make([]float64, len(uses))
	for i, u := range uses {
		u = max(u, 0.4) // one that was not used may come back, but seldom
		// Three bits for the shape of the tree. Half of the leaves repeat one
		// near by, and cost a few bits instead of the logarithm of their share.
		out[i] = rate * (3 + math.Log2(total/u)/2 + describe/u)
	}
	return out
}

// agreement is the share of a space that is told the truth.
type agreement struct{ record, country float64 }

// agree compares a tree with its source.
func agree(s *space, tree *block, countries []uint8) (a agreement) {
	i, total := 0, 0.0
	tree.walk(0, 0, func(key uint64, bits int, place int32) {
		last := key | math.MaxUint64>>bits
		for ; i < len(s.networks) && s.networks[i].key <= last; i++ {
			n := s.networks[i]
			w := s.votes(n)
			total += w
			if n.place == place {
				a.record += w
			}
			if countries[n.place] == countries[place] {
				a.country += w
			}
		}
	})
	return agreement{a.record / total, a.country / total}
}
