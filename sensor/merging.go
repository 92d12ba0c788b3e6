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
		index.add(points[:i], &points[i])
	}
	for i, list := range lists {
		if i == longest {
			continue
		}
		for j := range list {
			p := &list[j]
			at := index.add(points, p)
			if at < 0 {
				points = append(points, *p)
				continue
			}
			same := &points[at]
			same.Packets += p.Packets
			same.Bytes += p.Bytes
			same.Opens += p.Opens
		}
	}
	return points
}

// pointIndex finds points by what makes them the same: an open-addressing table of
// positions in a list, 8 bytes a point, where a Go map of keys would take 150. Above the
// position a slot has bits of the hash: points are four cache lines apart, and one that
// is another is not looked at.
type pointIndex struct {
	slots []uint32 // position + 1 in the low bits; 0: free
	shift uint     // 64 − log2(len(slots))
}

// newPointIndex makes an index for so many points at most.
func newPointIndex(n int) *pointIndex {
	size := bits.Len(uint(max(2*n-1, 15)))
	return &pointIndex{slots: make([]uint32, 1<<size), shift: uint(64 - size)}
}

// add returns the position of the point that has the key of p. Where there is none it
// returns -1, and takes p for the point that is appended next.
func (x *pointIndex) add(points []store.Point, p *store.Point) int {
	hash, low := hashPoint(p), uint32(len(x.slots)-1)
	tag := uint32(hash) &^ low
	for i := hash >> x.shift; ; i++ {
		slot := &x.slots[uint32(i)&low]
		switch {
		case *slot == 0:
			*slot = tag | uint32(len(points)+1)
			return -1
		case *slot&^low != tag:
		case samePoint(&points[*slot&low-1], p):
			return int(*slot&low) - 1
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
