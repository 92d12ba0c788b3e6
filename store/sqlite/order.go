package sqlite

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// sortRoom is what an encoder needs to sort points.
type sortRoom struct {
	v4, other []uint64 // addresses above, indices of points below
	keys      []sortKey
}

// sortKey is a point's address in a form that compares fast, and its index.
type sortKey struct {
	family uint8
	bits   uint8
	point  uint32
	hi, lo uint64
}

// radixLeast is how many numbers are sorted by digits: fewer are not worth counting.
const radixLeast = 256

// digit is how many bits of an address are sorted by at a time: three digits.
const digit = 11

// sort sorts v4 by address, and equal ones by point.
func (r *sortRoom) sort() {
	if len(r.v4) < radixLeast {
		slices.Sort(r.v4)
		return
	}
	var counts [3][1 << digit]uint32
	for _, w := range r.v4 {
		counts[0][w>>32&(1<<digit-1)]++
		counts[1][w>>(32+digit)&(1<<digit-1)]++
		counts[2][w>>(32+2*digit)]++
	}
	r.other = grow(r.other, len(r.v4))
	for n := range counts {
		at := uint32(0)
		for d, count := range counts[n] {
			counts[n][d] = at
			at += count
		}
		next, shift := &counts[n], 32+n*digit
		for _, w := range r.v4 {
			d := w >> shift & (1<<digit - 1)
			r.other[next[d]] = w
			next[d]++
		}
		r.v4, r.other = r.other, r.v4
	}
}

// sort sets e.order to the points' indices by address and, within one, so that equal
// places, ports and peers are neighbours. The caller's points stay as they are.
func (e *encoder) sort(points []store.Point) {
	r := &e.sorting
	r.v4, r.keys, e.order = r.v4[:0], r.keys[:0], e.order[:0]
	networks := false
	for i := range points {
		if p := points[i].Addr; p.Addr().Is4() {
			a := p.Addr().As4()
			r.v4 = append(r.v4, uint64(binary.BigEndian.Uint32(a[:]))<<32|uint64(i))
			networks = networks || p.Bits() != 32
		}
	}
	if networks { // few ticks have any
		r.v4 = r.v4[:0]
	}
	r.sort()
	for _, v := range r.v4 {
		e.order = append(e.order, uint32(v))
	}
	singles := len(e.order)
	for start := 0; start < singles; {
		end := start + 1
		for end < singles && r.v4[end]>>32 == r.v4[start]>>32 {
			end++
		}
		slices.SortFunc(e.order[start:end], func(a, b uint32) int { return compareRest(&points[a], &points[b]) })
		start = end
	}
	if singles < len(points) {
		e.sortOthers(points, networks)
	}
}

// sortOthers appends the points that sort has not: those with IPv6 addresses, and
// where there are IPv4 networks, all.
func (e *encoder) sortOthers(points []store.Point, all bool) {
	r := &e.sorting
	for i := range points {
		p := points[i].Addr
		if p.Addr().Is4() && !all {
			continue
		}
		k := sortKey{family: uint8(family(p)), bits: uint8(p.Bits()), point: uint32(i)}
		a := p.Addr().As16()
		k.hi, k.lo = binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
		r.keys = append(r.keys, k)
	}
	slices.SortFunc(r.keys, func(a, b sortKey) int {
		switch {
		case a.family != b.family:
			return int(a.family) - int(b.family)
		case a.hi != b.hi:
			return cmp.Compare(a.hi, b.hi)
		case a.lo != b.lo:
			return cmp.Compare(a.lo, b.lo)
		case a.bits != b.bits:
			return int(a.bits) - int(b.bits)
		}
		return compareRest(&points[a.point], &points[b.point])
	})
	for _, k := range r.keys {
		e.order = append(e.order, k.point)
	}
}

// compareRest orders points of one address.
func compareRest(a, b *store.Point) int {
	switch {
	case a.Place != b.Place:
		return comparePlaces(a.Place, b.Place)
	case a.ASN != b.ASN:
		return cmp.Compare(a.ASN, b.ASN)
	case a.ASOrg != b.ASOrg:
		return cmp.Compare(a.ASOrg, b.ASOrg)
	case a.Proto != b.Proto:
		return cmp.Compare(a.Proto, b.Proto)
	case a.Port != b.Port:
		return cmp.Compare(a.Port, b.Port)
	case a.HasPort != b.HasPort: // port 0 is a port
		if b.HasPort {
			return -1
		}
		return 1
	case a.Peer != b.Peer:
		return compareEndpoints(a.Peer, b.Peer)
	}
	return cmp.Or(cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Flags, b.Flags))
}

// comparePlaces orders places; the zero Place is not always first (latitudes may
// be negative), which nothing needs.
func comparePlaces(a, b store.Place) int {
	return cmp.Or(
		cmp.Compare(a.Latitude, b.Latitude), cmp.Compare(a.Longitude, b.Longitude),
		cmp.Compare(a.Country, b.Country), cmp.Compare(a.Region, b.Region), cmp.Compare(a.City, b.City),
		cmp.Compare(a.Precision, b.Precision), cmp.Compare(a.AccuracyKM, b.AccuracyKM))
}
