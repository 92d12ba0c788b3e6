package sensor

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// mergePoints joins the points of several shards; points of the same key add up. One
// service's connections are spread over the shards by their client ports. The lists
// are used up: the result grows out of the longest.
func mergePoints(lists [][]store.Point) []store.Point {
	if len(lists) == 0 {
		return nil
	}
	longest, total := 0, 0
	for i, list := range lists {
		total += len(list)
		if len(list) > len(lists[longest]) {
			longest = i
		}
	}
	points := lists[longest]
	if len(points) == total {
		return points
	}
	points = slices.Grow(points, total-len(points))
	index := newPointIndex(total)
	for i := range points {
		*index.slot(points, &points[i]) = uint32(i + 1)
	}
	for i, list := range lists {
		if i == longest {
			continue
		}
		for j := range list {
			p := &list[j]
			at := index.slot(points, p)
			if *at == 0 {
				points = append(points, *p)
				*at = uint32(len(points))
				continue
			}
			same := &points[*at-1]
			same.Packets += p.Packets
			same.Bytes += p.Bytes
			same.Opens += p.Opens
		}
	}
	return points
}

// pointIndex finds points by what makes them the same: an open-addressing table of
// positions in a list, 8 bytes a point, where a Go map of keys would take 150.
type pointIndex struct {
	slots []uint32 // position + 1; 0: free
	shift uint     // 64 − log2(len(slots))
}

// newPointIndex makes an index for so many points at most.
func newPointIndex(n int) *pointIndex {
	size := max(bits.Len(uint(2*n-1)), 4)
	return &pointIndex{slots: make([]uint32, 1<<size), shift: uint(64 - size)}
}

// slot returns the slot of the point that has the key of p, or the free one for it.
func (x *pointIndex) slot(points []store.Point, p *store.Point) *uint32 {
	mask := uint64(len(x.slots) - 1)
	for i := hashPoint(p) >> x.shift; ; i++ {
		at := &x.slots[i&mask]
		if *at == 0 || samePoint(&points[*at-1], p) {
			return at
		}
	}
}

// samePoint reports whether two points of one tick and sensor add up. An address has one
// place and AS; a masked one may stand for several, which stay apart.
func samePoint(a, b *store.Point) bool {
	return a.Addr == b.Addr && a.Port == b.Port && a.Peer == b.Peer && a.Proto == b.Proto &&
		a.Direction == b.Direction && a.HasPort == b.HasPort && a.Flags == b.Flags &&
		(a.Flags&store.Masked == 0 || a.ASN == b.ASN && a.Place == b.Place && a.ASOrg == b.ASOrg)
}

// hashPoint mixes what most points differ in. The keys come from tables that are seeded
// against an adversary; here a collision costs one comparison.
func hashPoint(p *store.Point) uint64 {
	rest := uint64(p.Port)<<16 | uint64(p.Proto)<<8 | uint64(p.Direction)
	return mixPrefix(p.Addr, 0x9e3779b97f4a7c15) ^ bits.RotateLeft64(mixPrefix(p.Peer, 0xa0761d6478bd642f+rest), 32)
}

func mixPrefix(p netip.Prefix, seed uint64) uint64 {
	b := p.Addr().As16()
	h, l := bits.Mul64(binary.LittleEndian.Uint64(b[:8])^seed, 0xe7037ed1a0b428db)
	h, l = bits.Mul64(h^l^binary.LittleEndian.Uint64(b[8:]), seed|1)
	return h ^ l
}
