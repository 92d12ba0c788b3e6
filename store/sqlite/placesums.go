package sqlite

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Maps of long windows read views by place alone, of millions of rows. What follows
// adds these up as they are unpacked, without columns between.

// leanSums is where the columns of a view are in decoder.raw, all of it checked.
type leanSums struct {
	kind   []byte // one a point
	amount [3]int // where each column begins
}

// lean reads a part "sums" as decode does, but leaves kinds and amounts of points
// packed. It reports false where it is damaged, or where kinds take more than a byte.
func (d *decoder) lean(sealed []byte) (l leanSums, ok bool) {
	if d.open(sealed, partSums) != nil {
		return l, false
	}
	size := len(d.raw)
	d.raw = append(d.raw, make([]byte, 8)...) // so that eight bytes can be read anywhere
	r := reader{b: d.raw[:size]}
	if !d.head(&r) {
		return l, false
	}
	c := &d.cols
	l.kind = r.bytes(r.uvarint())
	if len(l.kind) != c.points || len(c.kinds) > 0x80 || c.points > 0 && int(slices.Max(l.kind)) >= len(c.kinds) {
		return l, false
	}
	for i := range l.amount {
		column := r.bytes(r.uvarint())
		l.amount[i] = size - len(r.b) - len(column)
		if countUvarints(column) != c.points {
			return l, false
		}
	}
	return l, !r.bad && len(r.b) == 0
}

// countUvarints returns how many numbers b is made of, -1 if the last does not end or
// any takes more than eight bytes, which few do.
func countUvarints(b []byte) (n int) {
	if len(b) > 0 && b[len(b)-1] >= 0x80 {
		return -1
	}
	long := 0 // bytes since the last end
	for ; len(b) >= 8; b = b[8:] {
		ends := ^binary.LittleEndian.Uint64(b) & highBits
		if ends == 0 || long+bits.TrailingZeros64(ends)/8 >= 8 {
			return -1
		}
		n += bits.OnesCount64(ends)
		long = bits.LeadingZeros64(ends) / 8
	}
	for _, v := range b {
		if long++; v < 0x80 {
			n, long = n+1, 0
		} else if long >= 8 {
			return -1
		}
	}
	return n
}

// addLean adds all points of a view by place.
func (c *cellVisitor) addLean(d *decoder, l *leanSums) {
	slot := slotsOf(d.cols.kinds)
	raw := d.raw
	p, o, n := l.amount[packets], l.amount[octets], l.amount[opens]
	kinds := l.kind
	for g, count := range d.cols.count {
		sums := c.sums(d.cols.place[g])
		for _, k := range kinds[:count] {
			sum := &sums[slot[k]&(slots-1)]
			w := binary.LittleEndian.Uint64(raw[p:])
			v, size := joinSevens(w, ^w&highBits)
			sum.Packets += v
			p += size
			w = binary.LittleEndian.Uint64(raw[o:])
			v, size = joinSevens(w, ^w&highBits)
			sum.Bytes += v
			o += size
			w = binary.LittleEndian.Uint64(raw[n:])
			if w&0x80 == 0 { // most are small
				sum.Opens += w & 0x7f
				n++
				continue
			}
			v, size = joinSevens(w, ^w&highBits)
			sum.Opens += v
			n += size
		}
		kinds = kinds[count:]
	}
}

// slotsOf returns the slot of each kind, of which there are 256 at most.
func slotsOf(kinds []kind) (slot [256]uint8) {
	slotsInto(slot[:], kinds)
	return slot
}

// slotsInto returns the slot of each kind, in room if that is enough.
func slotsInto(room []uint8, kinds []kind) []uint8 {
	if len(kinds) > len(room) {
		room = make([]uint8, len(kinds))
	}
	for i, k := range kinds {
		room[i] = uint8(k.slot())
	}
	return room
}

// addPlaces has c add up a view by place of which all counts. It reports false where
// it has not, because something is asked for beside sums or something is wrong: then
// the view is to be read as others are.
func (v *view) addPlaces(it *item, c *cellVisitor) bool {
	t, f := it.piece, v.plan.filter
	if t.source != sourcePlace || t.exact || v.plan.need != 0 || f.props != 0 || len(f.kind) > 0 {
		return false
	}
	l, ok := v.dec.lean(it.blobs[sourcePlace.sums()])
	if !ok || int(t.sensor) >= len(v.sensors) || int(maxOf(v.dec.cols.place)) >= len(v.places) {
		return false
	}
	v.store.damage.noteParts(t.id, it.chunk, []int{sourcePlace.sums()}, t.start, nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turnTo(t.start, v.dec.cols.groups, len(v.places))
	c.addLean(v.dec, &l)
	return true
}

// addExact has c add up what is asked for of a tier that is read exact to the tick,
// where all of that is in one bin: without the columns of a bin. It reports false where
// it has not.
func (v *view) addExact(it *item, c *cellVisitor) (bool, error) {
	t := it.piece
	if !t.exact || v.plan.ordered || binOf(t.from, v.plan.step) != binOf(t.to-1, v.plan.step) {
		return false, nil
	}
	v.summed = true
	ok, err := v.openTier(it)
	v.summed, v.exact = false, false
	if err != nil || !ok {
		return true, err
	}
	v.tick = t.from
	return true, c.visit(v)
}
