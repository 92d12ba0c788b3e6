package sqlite

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// gatherer collects the points of many blocks by key, in about 36 bytes a point. It
// is used once.
type gatherer struct {
	groups map[group]uint32
	kinds  map[kind]uint32
	peers  map[netip.Prefix]uint32
	rows   pairs

	byGroup []group // what the numbers mean
	byKind  []kind
	byPeer  []netip.Prefix

	// A point each.
	row    []uint32
	tick   []uint32 // since the interval's start
	amount [3][]uint64

	group, kind, peer []uint32 // the numbers of the block being added
}

// group is what points of a block have in common.
type group struct {
	addr       netip.Prefix
	place, asn uint32
}

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
	g := &gatherer{
		groups: make(map[group]uint32), kinds: make(map[kind]uint32), peers: make(map[netip.Prefix]uint32),
		row: make([]uint32, 0, points), tick: make([]uint32, 0, points),
	}
	for k := range g.amount {
		g.amount[k] = make([]uint64, 0, points)
	}
	return g
}

// number returns the number of v, a new one if v is new.
func number32[T comparable](numbers map[T]uint32, list *[]T, v T) uint32 {
	n, ok := numbers[v]
	if !ok {
		n = uint32(len(*list))
		numbers[v] = n
		*list = append(*list, v)
	}
	return n
}

// add takes the points of a block, all of the same tick, or with samples those of a
// chunk of full keys. All columns must have been decoded.
func (g *gatherer) add(c *columns, tick uint32, samples bool) {
	g.group, g.kind, g.peer = g.group[:0], g.kind[:0], g.peer[:0]
	for i := range c.groups {
		g.group = append(g.group, number32(g.groups, &g.byGroup, group{c.addr[i], c.place[i], c.asn[i]}))
	}
	for _, k := range c.kinds {
		g.kind = append(g.kind, number32(g.kinds, &g.byKind, k))
	}
	for _, p := range c.peers {
		g.peer = append(g.peer, number32(g.peers, &g.byPeer, p))
	}
	i := 0
	for at, n := range c.count {
		for end := i + int(n); i < end; i++ {
			port := uint64(0)
			if c.kinds[c.kind[i]].hasPort {
				port = uint64(c.ports[c.port[i]])
			}
			row := g.rows.number(uint64(g.group[at])<<32|uint64(g.peer[c.peer[i]]), uint64(g.kind[c.kind[i]])<<16|port)
			if !samples {
				g.row, g.tick = append(g.row, row), append(g.tick, tick)
				for k := range g.amount {
					g.amount[k] = append(g.amount[k], c.amount[k][i])
				}
				continue
			}
			for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
				g.row, g.tick = append(g.row, row), append(g.tick, tick+uint32(c.sampleTick[s]))
				for k := range g.amount {
					g.amount[k] = append(g.amount[k], c.sampleAmount[k][s])
				}
			}
		}
	}
}

// key returns the key of a row, not opened.
func (g *gatherer) key(row uint32) rowKey {
	p := g.rows.list[row]
	gr := g.byGroup[p[0]>>32]
	k := groupOf(gr.addr, gr.place, gr.asn)
	k.setRest(g.byKind[p[1]>>16], uint16(p[1]), g.byPeer[uint32(p[0])])
	return k
}

// sorted calls yield for every key in order with its ticks in order, those with opens
// apart from the others. What the same key has several times in a tick is added up.
// The samples are reused.
func (g *gatherer) sorted(ctx context.Context, yield func(*rowKey, []sample) error) error {
	type entry struct {
		key rowKey
		row uint32
	}
	entries := make([]entry, len(g.rows.list))
	for row := range entries {
		entries[row] = entry{g.key(uint32(row)), uint32(row)}
	}
	slices.SortFunc(entries, func(a, b entry) int { return a.key.compare(&b.key) })
	start, points := g.byRow()
	var samples [2][]sample
	for n := range entries {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e := &entries[n]
		g.collect(points[start[e.row]:start[e.row+1]], &samples)
		for opened, list := range samples {
			if len(list) == 0 {
				continue
			}
			e.key.setOpened(opened == 1)
			if err := yield(&e.key, list); err != nil {
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
	for _, r := range g.row {
		start[r+2]++
	}
	for r := 2; r < len(start); r++ {
		start[r] += start[r-1]
	}
	points = make([]uint32, len(g.row))
	for i, r := range g.row { // start[r+1] moves to where start[r+2] was
		points[start[r+1]] = uint32(i)
		start[r+1]++
	}
	return start[:len(start)-1], points
}

// collect sets samples to the ticks of a row: first those without opens, then those
// with.
func (g *gatherer) collect(points []uint32, samples *[2][]sample) {
	byTick := func(a, b uint32) int { return cmp.Compare(g.tick[a], g.tick[b]) }
	if !slices.IsSortedFunc(points, byTick) {
		slices.SortStableFunc(points, byTick)
	}
	samples[0], samples[1] = samples[0][:0], samples[1][:0]
	for i := 0; i < len(points); {
		s := sample{tick: g.tick[points[i]]}
		for ; i < len(points) && g.tick[points[i]] == s.tick; i++ {
			p := points[i]
			s.Add(store.Sum{Packets: g.amount[packets][p], Bytes: g.amount[octets][p], Opens: g.amount[opens][p]})
		}
		at := min(s.Opens, 1)
		samples[at] = append(samples[at], s)
	}
}

// pairs numbers distinct pairs of words, in order of appearance. The zero value is
// empty.
type pairs struct {
	list  [][2]uint64
	slots []uint32 // number + 1; a power of two of them, at most half of them used
}

func (p *pairs) number(a, b uint64) uint32 {
	if 2*len(p.list) >= len(p.slots) {
		p.grow()
	}
	mask := uint64(len(p.slots) - 1)
	for at := pairHash(a, b) & mask; ; at = (at + 1) & mask {
		n := p.slots[at]
		if n == 0 {
			p.list = append(p.list, [2]uint64{a, b})
			p.slots[at] = uint32(len(p.list))
			return uint32(len(p.list) - 1)
		}
		if p.list[n-1] == [2]uint64{a, b} {
			return n - 1
		}
	}
}

func (p *pairs) grow() {
	p.slots = make([]uint32, max(1024, 2*len(p.slots)))
	mask := uint64(len(p.slots) - 1)
	for i, pair := range p.list {
		at := pairHash(pair[0], pair[1]) & mask
		for p.slots[at] != 0 {
			at = (at + 1) & mask
		}
		p.slots[at] = uint32(i + 1)
	}
}

// pairHash mixes by two multiplications, whose high halves depend on every bit.
func pairHash(a, b uint64) uint64 {
	h := (a ^ b<<17 ^ b>>47) * 0x9e3779b97f4a7c15
	h ^= h >> 32
	h = (h ^ b) * 0xd6e8feb86659fd93
	return h ^ h>>32
}
