package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math/bits"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// slots is how many sums a place or a bin has: four layers times two directions.
const slots = 8

// placeSum is the traffic of one place in one bin.
type placeSum struct {
	bin   int64 // Unix seconds
	place uint32
	sums  [slots]store.Sum
}

// cellVisitor sums by place in a flat table while the bin stays the same, which it
// does for long because blocks come in order of time.
type cellVisitor struct {
	mu sync.Mutex // held while it visits

	step   int64 // seconds; 0: one bin
	bin    int64
	expect int     // how many places there may be in a bin
	index  []int32 // place id to 1 + index into open
	open   []placeSum
	done   []placeSum
}

func (c *cellVisitor) visit(v *view) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turnTo(v.tick, v.groups, len(v.places))
	var room [256]uint8
	kinds := slotsInto(room[:], v.kinds)
	if v.all() {
		c.addAll(v, kinds)
		return nil
	}
	place := uint32(0)
	var sums *[slots]store.Sum
	v.each(func(g int) {
		place, sums = v.place[g], nil
	}, func(_, i int) {
		if sums == nil { // only now, so that a place without a match has no cell
			sums = c.sums(place)
		}
		sums[kinds[v.kind[i]]].Add(v.sum(i))
	})
	return nil
}

// turnTo makes c ready for traffic of a tick at groups of places, of which there are so
// many ids.
func (c *cellVisitor) turnTo(tick int64, groups, places int) {
	if bin := binOf(tick, c.step); bin != c.bin {
		c.flush()
		c.bin = bin
	}
	c.expect = groups
	if len(c.index) < places {
		c.index = append(c.index, make([]int32, places-len(c.index))...)
	}
}

// addAll is visit for points that all match.
func (c *cellVisitor) addAll(v *view, slot []uint8) {
	kinds, p, o, n := v.kind[:v.points], v.amount[packets][:v.points], v.amount[octets][:v.points], v.amount[opens][:v.points]
	i := 0
	for g, count := range v.count {
		sums := c.sums(v.place[g])
		for end := i + int(count); i < end; i++ {
			sum := &sums[slot[kinds[i]]&(slots-1)]
			sum.Packets += p[i]
			sum.Bytes += o[i]
			sum.Opens += n[i]
		}
	}
}

func (c *cellVisitor) sums(place uint32) *[slots]store.Sum {
	i := c.index[place]
	if i == 0 {
		if c.open == nil {
			c.open = make([]placeSum, 0, max(64, c.expect))
		}
		c.open = append(c.open, placeSum{bin: c.bin, place: place})
		i = int32(len(c.open))
		c.index[place] = i
	}
	return &c.open[i-1].sums
}

// flush closes the bin.
func (c *cellVisitor) flush() {
	for i := range c.open {
		c.index[c.open[i].place] = 0
	}
	c.done = append(c.done, c.open...)
	c.open = c.open[:0]
}

// binOf returns the start of the bin that tick lies in.
func binOf(tick, step int64) int64 {
	if step == 0 {
		return 0
	}
	return floorTo(tick, step)
}

// Cells sums the matching points by place, protocol layer and direction and, where
// step is not 0, by bins of that length, which must be a multiple of the tick. Only
// cells with traffic are returned, in order of time, place, layer and direction;
// unlocated traffic is the cell of the zero Place. A step of 0 leaves Time zero.
func (s *Store) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	if err := s.checkStep(step, 0); err != nil {
		return nil, err
	}
	var q cellQuery
	return prompt(ctx, func() ([]store.Cell, error) {
		return steadily(func() ([]store.Cell, error) { return q.run(ctx, s, &f, step) })
	})
}

// cellQuery is one answer of Cells in the making.
type cellQuery struct {
	mu     sync.Mutex
	cursor *cursor // nil: nothing has been read yet
	own    []*cellVisitor
}

func (q *cellQuery) run(ctx context.Context, s *Store, f *store.Filter, step time.Duration) ([]store.Cell, error) {
	_, c, err := s.plan(ctx, f, question{views: propPlace, step: step})
	if err != nil {
		return nil, err
	}
	own := make([]*cellVisitor, workers())
	visitors := make([]visitor, len(own))
	for i := range own {
		own[i] = s.cellVisitor(step)
		visitors[i] = own[i]
	}
	q.mu.Lock()
	q.cursor, q.own = c, own
	q.mu.Unlock()
	if err := s.scan(ctx, c, visitors...); err != nil {
		return nil, err
	}
	var all [][]placeSum
	for _, o := range own {
		all = append(all, o.done, o.open)
	}
	cells := s.toCells(all, step)
	q.mu.Lock()
	q.cursor, q.own = nil, nil
	q.mu.Unlock()
	for _, o := range own {
		s.visitors.Put(o)
	}
	return cells, nil
}

// cellVisitor returns one that is empty. It goes back into the pool only when nobody
// reads with it any more: of a query that has been given up somebody may.
func (s *Store) cellVisitor(step time.Duration) *cellVisitor {
	c, ok := s.visitors.Get().(*cellVisitor)
	if !ok {
		c = new(cellVisitor)
	}
	for i := range c.open {
		c.index[c.open[i].place] = 0
	}
	c.step, c.bin, c.open, c.done = int64(step/time.Second), 0, c.open[:0], c.done[:0]
	return c
}

// ordered is where a placeSum belongs in the answer: 24 bytes to sort, not 200.
type ordered struct {
	bin  int64
	rank uint32 // of the place among all places
	has  uint8  // a bit for each slot that is not zero
	sum  *placeSum
}

func (o *ordered) same(p *ordered) bool { return o.bin == p.bin && o.rank == p.rank }

// fewCells is an answer so small that several goroutines would not make it sooner.
const fewCells = 4096

// toCells adds up what several visitors have about the same place and bin. It makes
// the answer in as many goroutines as there are workers: at a hundred thousand cells
// that is as much work as reading a day.
func (s *Store) toCells(all [][]placeSum, step time.Duration) []store.Cell {
	places := s.dicts.places.snapshot()
	order := orderSums(all, s.ranks.of(places), step == 0)
	parts, size := cutCells(order, workers())
	cells := make([]store.Cell, size)
	if size < fewCells {
		for _, part := range parts {
			fillCells(cells[part.at:], order[part.from:part.to], places, step)
		}
		return cells
	}
	var group sync.WaitGroup
	for _, part := range parts {
		group.Go(func() { fillCells(cells[part.at:], order[part.from:part.to], places, step) })
	}
	group.Wait()
	return cells
}

// cellPart is a stretch of ordered sums, and where its cells begin.
type cellPart struct{ from, to, at int }

// cutCells cuts order into about n parts, none of them within a place and bin, and
// counts the cells.
func cutCells(order []ordered, n int) (parts []cellPart, size int) {
	each := max(1, (len(order)+n-1)/n)
	part := cellPart{}
	for i := 0; i < len(order); {
		has, j := order[i].has, i+1
		for ; j < len(order) && order[j].same(&order[i]); j++ {
			has |= order[j].has
		}
		size += bits.OnesCount8(has)
		if i = j; i-part.from >= each || i == len(order) {
			part.to = i
			parts = append(parts, part)
			part = cellPart{from: i, at: size}
		}
	}
	return parts, size
}

// fillCells writes the cells of sums in order, as many as cutCells has counted.
func fillCells(cells []store.Cell, order []ordered, places []store.Place, step time.Duration) {
	n := 0
	for i := 0; i < len(order); {
		first := order[i].sum
		sums, has := &first.sums, order[i].has
		j := i + 1
		if j < len(order) && order[j].same(&order[i]) {
			sum := first.sums
			for ; j < len(order) && order[j].same(&order[i]); j++ {
				addSlots(&sum, &order[j].sum.sums)
				has |= order[j].has
			}
			sums = &sum
		}
		i = j
		var at time.Time
		if step != 0 {
			at = time.Unix(first.bin, 0).UTC()
		}
		for ; has != 0; has &= has - 1 {
			slot := bits.TrailingZeros8(has)
			cell := &cells[n]
			cell.Time, cell.Place = at, places[first.place]
			cell.Class, cell.Direction, cell.Sum = store.Class(slot/2), store.Direction(slot%2), sums[slot]
			n++
		}
	}
}

// orderSums sorts sums by bin and the rank of the place.
func orderSums(all [][]placeSum, ranks []uint32, oneBin bool) (order []ordered) {
	n := 0
	for _, part := range all {
		n += len(part)
	}
	order = make([]ordered, n)
	var group sync.WaitGroup
	rest := order
	for _, part := range all {
		mine := rest[:len(part)]
		rest = rest[len(part):]
		if n < fewCells {
			rankSums(mine, part, ranks)
			continue
		}
		group.Go(func() { rankSums(mine, part, ranks) })
	}
	group.Wait()
	if oneBin {
		return byRank(order, len(ranks))
	}
	slices.SortFunc(order, func(a, b ordered) int {
		return cmp.Or(cmp.Compare(a.bin, b.bin), cmp.Compare(a.rank, b.rank))
	})
	return order
}

// rankSums notes of each sum where it belongs and what it has.
func rankSums(order []ordered, sums []placeSum, ranks []uint32) {
	for i := range sums {
		p := &sums[i]
		has := uint8(0)
		for slot := range p.sums {
			if p.sums[slot] != (store.Sum{}) {
				has |= 1 << slot
			}
		}
		order[i] = ordered{p.bin, ranks[p.place], has, p}
	}
}

// byRank sorts by rank alone, of which there are n: by counting.
func byRank(list []ordered, n int) []ordered {
	if len(list) < n/16 {
		slices.SortFunc(list, func(a, b ordered) int { return cmp.Compare(a.rank, b.rank) })
		return list
	}
	ends := make([]uint32, n+1)
	for _, o := range list {
		ends[o.rank+1]++
	}
	for i := range n {
		ends[i+1] += ends[i]
	}
	sorted := make([]ordered, len(list))
	for _, o := range list {
		sorted[ends[o.rank]] = o
		ends[o.rank]++
	}
	return sorted
}

func addSlots(sums, more *[slots]store.Sum) {
	for i := range sums {
		sums[i].Add(more[i])
	}
}

// checkStep refuses steps that no tick fits into; least is the least step allowed.
func (s *Store) checkStep(step, least time.Duration) error {
	if step < least || step%s.tick != 0 {
		return fmt.Errorf("step %s is not possible: use a multiple of the tick, %s", step, s.tick)
	}
	return nil
}
