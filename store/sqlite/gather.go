package sqlite

import (
	"cmp"
	"context"
	"math"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// gatherer collects the points of many blocks by key, in about 24 bytes a point. It
// is used once.
type gatherer struct {
	groups numbers[group]
	kinds  numbers[kind]
	peers  numbers[netip.Prefix]
	rows   numbers[[2]uint64] // group, peer; kind, port
	points []gathered
	big    []store.Sum // of points with an amount of more than 32 bits

	group, kind, peer []uint32 // the numbers of the block being added
}

// group is what points of a block have in common.
type group struct {
	addr       netip.Prefix
	place, asn uint32
}

// gathered is a point. Of one that is big, packets is the index in gatherer.big.
type gathered struct {
	row, tick               uint32 // ticks since the interval's start
	packets, octets, opened uint32
}

// bigOctets marks points that are big.
const bigOctets = math.MaxUint32

// sample is what a row has of one tick.
type sample struct {
	tick uint32
	store.Sum
}

// totalOf adds up what a row has, in the order of its ticks.
func totalOf(samples []sample) tierSum {
	sum := tierSum{first: samples[0].tick, last: samples[len(samples)-1].tick}
	for i := range samples {
		sum.Add(samples[i].Sum)
	}
	return sum
}

func newGatherer(points int64) *gatherer {
	return &gatherer{points: make([]gathered, 0, points)}
}

// add takes the points of a block, all of the same tick, or with samples those of a
// chunk of full keys. All columns must have been decoded.
func (g *gatherer) add(c *columns, tick uint32, samples bool) {
	g.group, g.kind, g.peer = g.group[:0], g.kind[:0], g.peer[:0]
	for i := range c.groups {
		k := group{c.addr[i], c.place[i], c.asn[i]}
		g.group = append(g.group, g.groups.of(k, hashOf(k.addr)+uint64(k.place)+uint64(k.asn)<<16))
	}
	for _, k := range c.kinds {
		g.kind = append(g.kind, g.kinds.of(k, k.hash()))
	}
	for _, p := range c.peers {
		g.peer = append(g.peer, g.peers.of(p, hashOf(p)))
	}
	i := 0
	for at, n := range c.count {
		for end := i + int(n); i < end; i++ {
			port := uint64(0)
			if c.kinds[c.kind[i]].hasPort {
				port = uint64(c.ports[c.port[i]])
			}
			key := [2]uint64{uint64(g.group[at])<<32 | uint64(g.peer[c.peer[i]]), uint64(g.kind[c.kind[i]])<<16 | port}
			row := g.rows.of(key, mix2(key[0], key[1]))
			if !samples {
				g.take(row, tick, c.sum(i))
				continue
			}
			for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
				g.take(row, tick+uint32(c.sampleTick[s]), c.sample(s))
			}
		}
	}
}

// sample returns the amounts of sample s.
func (c *columns) sample(s uint32) store.Sum {
	return store.Sum{Packets: c.sampleAmount[packets][s], Bytes: c.sampleAmount[octets][s], Opens: c.sampleAmount[opens][s]}
}

func (g *gatherer) take(row, tick uint32, sum store.Sum) {
	p := gathered{row, tick, uint32(sum.Packets), uint32(sum.Bytes), uint32(sum.Opens)}
	if (sum.Packets|sum.Opens)>>32 != 0 || sum.Bytes >= bigOctets {
		p.packets, p.octets = uint32(len(g.big)), bigOctets
		g.big = append(g.big, sum)
	}
	g.points = append(g.points, p)
}

func (g *gatherer) sum(p *gathered) store.Sum {
	if p.octets == bigOctets {
		return g.big[p.packets]
	}
	return store.Sum{Packets: uint64(p.packets), Bytes: uint64(p.octets), Opens: uint64(p.opened)}
}

// rowOrder is a row's key in words that compare as rows are ordered, and its number.
type rowOrder struct {
	ends uint64 // place of the group among all, protocol, has port, port
	rest uint64 // place of the peer among all, direction, flags
	row  uint32
}

// inOrder returns the rows in order of their keys.
func (g *gatherer) inOrder() []rowOrder {
	groups := ranksOf(g.groups.list, func(a, b *group) int {
		return cmp.Or(compareEndpoints(a.addr, b.addr), cmp.Compare(a.place, b.place), cmp.Compare(a.asn, b.asn))
	})
	peers := ranksOf(g.peers.list, func(a, b *netip.Prefix) int { return compareEndpoints(*a, *b) })
	list := make([]rowOrder, len(g.rows.list))
	for row, key := range g.rows.list {
		k := g.kinds.list[key[1]>>16]
		o := rowOrder{row: uint32(row)}
		o.ends = uint64(groups[key[0]>>32])<<32 | uint64(k.proto)<<17 | key[1]&math.MaxUint16
		if k.hasPort {
			o.ends |= 1 << 16
		}
		o.rest = uint64(peers[uint32(key[0])])<<32 | uint64(k.direction)<<8 | uint64(k.flags)
		list[row] = o
	}
	slices.SortFunc(list, func(a, b rowOrder) int {
		if a.ends != b.ends {
			return cmp.Compare(a.ends, b.ends)
		}
		return cmp.Compare(a.rest, b.rest)
	})
	return list
}

// ranksOf returns the place of each of list in the order of compare.
func ranksOf[T any](list []T, compare func(a, b *T) int) []uint32 {
	order := make([]uint32, len(list))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return compare(&list[a], &list[b]) })
	ranks := make([]uint32, len(list))
	for rank, i := range order {
		ranks[i] = uint32(rank)
	}
	return ranks
}

// key returns the key of a row, not opened.
func (g *gatherer) key(row uint32) rowKey {
	p := g.rows.list[row]
	gr := g.groups.list[p[0]>>32]
	k := groupOf(gr.addr, gr.place, gr.asn)
	k.setRest(g.kinds.list[p[1]>>16], uint16(p[1]), g.peers.list[uint32(p[0])])
	return k
}

// sorted calls yield for every key in order with its ticks in order, those with opens
// apart from the others. What the same key has several times in a tick is added up.
// The samples are reused.
func (g *gatherer) sorted(ctx context.Context, yield func(*rowKey, []sample) error) error {
	start, points := g.byRow()
	var samples [2][]sample
	for n, o := range g.inOrder() {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		g.collect(points[start[o.row]:start[o.row+1]], &samples)
		key := g.key(o.row)
		for opened, list := range samples {
			if len(list) == 0 {
				continue
			}
			key.setOpened(opened == 1)
			if err := yield(&key, list); err != nil {
				return err
			}
		}
	}
	return nil
}

// byRow returns the points in order of their row: those of row r are
// [start[r], start[r+1]).
func (g *gatherer) byRow() (start, points []uint32) {
	start = make([]uint32, len(g.rows.list)+2)
	for i := range g.points {
		start[g.points[i].row+2]++
	}
	for r := 2; r < len(start); r++ {
		start[r] += start[r-1]
	}
	points = make([]uint32, len(g.points))
	for i := range g.points { // start[r+1] moves to where start[r+2] was
		r := g.points[i].row + 1
		points[start[r]] = uint32(i)
		start[r]++
	}
	return start[:len(start)-1], points
}

// collect sets samples to the ticks of a row: first those without opens, then those
// with.
func (g *gatherer) collect(points []uint32, samples *[2][]sample) {
	byTick := func(a, b uint32) int { return cmp.Compare(g.points[a].tick, g.points[b].tick) }
	if !slices.IsSortedFunc(points, byTick) {
		slices.SortStableFunc(points, byTick)
	}
	samples[0], samples[1] = samples[0][:0], samples[1][:0]
	for i := 0; i < len(points); {
		p := &g.points[points[i]]
		s := sample{tick: p.tick, Sum: g.sum(p)}
		for i++; i < len(points) && g.points[points[i]].tick == s.tick; i++ {
			s.Add(g.sum(&g.points[points[i]]))
		}
		at := min(s.Opens, 1)
		samples[at] = append(samples[at], s)
	}
}
