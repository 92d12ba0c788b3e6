package sqlite

import (
	"cmp"
	"math"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// viewSources are the views of a tier.
var viewSources = [...]source{sourcePlace, sourceASN, sourcePort, sourceKind}

// viewSums adds up the views of a tier; the zero value is empty.
type viewSums struct {
	tables [len(viewSources)]viewTable
}

// viewTable is one view: rows by id, protocol and direction.
type viewTable struct {
	keys numbers[uint64] // id, protocol, direction
	sums []tierSum
	next uint32 // row behind the one that was added to last
}

// tierSum is what is kept of a key or of a row of a view over an interval.
type tierSum struct {
	store.Sum
	first, last uint32 // ticks
}

func (t *tierSum) merge(o *tierSum) {
	t.Add(o.Sum)
	t.first, t.last = min(t.first, o.first), max(t.last, o.last)
}

func (t *viewTable) add(id uint32, k kind, sum *tierSum) {
	key := uint64(id)<<16 | uint64(k.proto)<<8 | uint64(k.direction)
	i := t.next // views that are added up have nearly the same rows in the same order
	if int(i) >= len(t.sums) || t.keys.list[i] != key {
		i = t.keys.of(key, mix(key))
	}
	t.next = i + 1
	if int(i) == len(t.sums) {
		t.sums = append(t.sums, *sum)
		return
	}
	t.sums[i].merge(sum)
}

// add adds traffic to every view.
func (v *viewSums) add(place, asn uint32, k kind, port uint16, sum *tierSum) {
	v.tables[0].add(place, k, sum)
	v.tables[1].add(asn, k, sum)
	v.tables[2].add(portID(k, port), k, sum)
	v.tables[3].add(0, k, sum)
}

// portID is the id of a port in the view of ports.
func portID(k kind, port uint16) uint32 {
	if !k.hasPort {
		return 0
	}
	return uint32(port) + 1
}

// addBlock adds the points of a block.
func (v *viewSums) addBlock(c *columns, tick uint32) {
	i := 0
	for g, n := range c.count {
		for end := i + int(n); i < end; i++ {
			k, port := c.kinds[c.kind[i]], uint16(0)
			if k.hasPort {
				port = c.ports[c.port[i]]
			}
			v.add(c.place[g], c.asn[g], k, port, &tierSum{c.sum(i), tick, tick})
		}
	}
}

// addView adds the n-th view of another tier that begins offset ticks later.
func (v *viewSums) addView(n int, c *columns, offset uint32) {
	i := 0
	for g, points := range c.count {
		for end := i + int(points); i < end; i++ {
			v.tables[n].add(c.place[g], c.kinds[c.kind[i]], &tierSum{c.sum(i), c.first[i] + offset, c.last[i] + offset})
		}
	}
}

// encode seals all views into b and reads them back. want is what every view must
// add up to.
func (v *viewSums) encode(e *encoder, d *decoder, b *tierBlobs, want store.Sum) error {
	for n := range viewSources {
		if err := v.encodeView(n, e, d, b, want); err != nil {
			return err
		}
	}
	return nil
}

// encodeView is encode for the n-th view.
func (v *viewSums) encodeView(n int, e *encoder, d *decoder, b *tierBlobs, want store.Sum) error {
	v.tables[n].fill(e)
	e.encodeTier(b, viewSources[n], false)
	if err := d.decodeTier(b, viewSources[n], needTimes); err != nil || !sameSums(&e.cols, &d.cols) || d.cols.total() != want {
		return errSealed
	}
	return nil
}

// fill sets the columns of e to the rows in order.
func (t *viewTable) fill(e *encoder) {
	order := make([]viewOrder, len(t.sums))
	for i, key := range t.keys.list {
		order[i] = viewOrder{key, uint32(i)}
	}
	slices.SortFunc(order, func(a, b viewOrder) int { return cmp.Compare(a.key, b.key) })
	e.begin()
	c := &e.cols
	id := uint64(math.MaxUint64)
	for _, o := range order {
		sum := &t.sums[o.row]
		if o.key>>16 != id {
			id = o.key >> 16
			c.place, c.count = append(c.place, uint32(id)), append(c.count, 0)
		}
		c.count[len(c.count)-1]++
		e.addPoint(kind{proto: uint8(o.key >> 8), direction: store.Direction(o.key & 1)}, 0, sum.Sum)
		c.first, c.last = append(c.first, sum.first), append(c.last, sum.last)
	}
	c.groups, c.points = len(c.place), len(t.sums)
}

// viewOrder is a key of a view and the number of its row.
type viewOrder struct {
	key uint64
	row uint32
}
