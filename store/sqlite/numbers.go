package sqlite

import (
	"encoding/binary"
	"net/netip"
)

// numbers gives distinct keys numbers in order of appearance. The zero value is empty.
// It costs a fraction of a map of Go: the caller hashes what it has in registers, and
// the slots that are looked through are flat and have no pointers.
type numbers[K comparable] struct {
	list  []K // what the numbers mean
	slots []numberSlot
}

// numberSlot is one of a power of two, of which at most half are used.
type numberSlot struct {
	hash   uint32
	number uint32 // plus one; 0: free
}

// leastSlots is how many slots there are at least.
const leastSlots = 64

// of returns the number of a key, whose hash is always the same, a new one if the key
// is new: then it was len(list).
func (n *numbers[K]) of(key K, hash uint64) uint32 {
	if 2*len(n.list) >= len(n.slots) {
		n.resize(max(leastSlots, 2*len(n.slots)))
	}
	h := uint32(hash)
	mask := uint32(len(n.slots) - 1)
	for at := h & mask; ; at = (at + 1) & mask {
		s := n.slots[at]
		if s.number == 0 {
			n.list = append(n.list, key)
			n.slots[at] = numberSlot{h, uint32(len(n.list))}
			return uint32(len(n.list) - 1)
		}
		if s.hash == h && n.list[s.number-1] == key {
			return s.number - 1
		}
	}
}

func (n *numbers[K]) resize(size int) {
	old := n.slots
	n.slots = make([]numberSlot, size)
	mask := uint32(size - 1)
	for _, s := range old {
		if s.number == 0 {
			continue
		}
		at := s.hash & mask
		for n.slots[at].number != 0 {
			at = (at + 1) & mask
		}
		n.slots[at] = s
	}
}

// reset forgets all keys and keeps as much room as they took.
func (n *numbers[K]) reset() {
	size := leastSlots
	for size <= 2*len(n.list) {
		size *= 2
	}
	n.slots = n.slots[:min(size, len(n.slots))]
	clear(n.slots)
	n.list = n.list[:0]
}

// mix spreads a word over all bits, of which numbers looks at the low ones: the high
// half of a product depends on every bit.
func mix(a uint64) uint64 {
	a *= 0x9e3779b97f4a7c15
	return a ^ a>>32
}

// mix2 is mix for two words.
func mix2(a, b uint64) uint64 { return mix(mix(a) ^ b) }

// hashOf mixes an endpoint.
func hashOf(p netip.Prefix) uint64 {
	a := p.Addr().As16()
	hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	return mix2(hi+uint64(p.Bits()), lo)
}

// hash mixes a kind.
func (k kind) hash() uint64 {
	w := uint64(k.proto)<<16 | uint64(k.direction)<<9 | uint64(k.flags)
	if k.hasPort {
		w |= 1 << 8
	}
	return mix(w)
}
