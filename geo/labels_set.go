package geo

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"
)

// labelSet is what one list names: networks and autonomous systems. It is sealed before
// it is used, and does not change after that.
type labelSet struct {
	v4      ranges[uint32]
	v6      ranges[uint128]
	systems map[uint32]bool
	peers   bool // the other end of a point counts, too
}

// span is a closed range of addresses.
type span[T any] struct{ first, last T }

// ranges are disjoint and in order once they are sealed: an entry of IPv4 takes 8 bytes,
// and a list of a million is searched in 20 steps.
type ranges[T any] []span[T]

// uint128 is an IPv6 address as a number.
type uint128 struct{ hi, lo uint64 }

func compare128(a, b uint128) int { return cmp.Or(cmp.Compare(a.hi, b.hi), cmp.Compare(a.lo, b.lo)) }

func number4(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func number6(a netip.Addr) uint128 {
	b := a.As16()
	return uint128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// last returns the last address of a network.
func last(p netip.Prefix) netip.Addr {
	if p.IsSingleIP() {
		return p.Addr()
	}
	b := p.Masked().Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(b); bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	a, _ := netip.AddrFromSlice(b) // it has the length of one
	return a
}

// add takes a closed range of addresses of one IP version.
func (s *labelSet) add(first, last netip.Addr) {
	if first.Is4() {
		s.v4 = append(s.v4, span[uint32]{number4(first), number4(last)})
	} else {
		s.v6 = append(s.v6, span[uint128]{number6(first), number6(last)})
	}
}

func (s *labelSet) addSystem(n uint32) {
	if s.systems == nil {
		s.systems = map[uint32]bool{}
	}
	s.systems[n] = true
}

// seal makes the set ready for questions.
func (s *labelSet) seal() {
	s.v4, s.v6 = sealed(s.v4, cmp.Compare[uint32]), sealed(s.v6, compare128)
}

// sealed sorts ranges and joins those that overlap.
func sealed[T any](list ranges[T], compare func(a, b T) int) ranges[T] {
	slices.SortFunc(list, func(a, b span[T]) int { return compare(a.first, b.first) })
	out := list[:0]
	for _, r := range list {
		if n := len(out); n > 0 && compare(r.first, out[n-1].last) <= 0 {
			if compare(r.last, out[n-1].last) > 0 {
				out[n-1].last = r.last
			}
			continue
		}
		out = append(out, r)
	}
	return slices.Clip(out)
}

// within reports whether all of a range lies in one of the list.
func within[T any](list ranges[T], first, last T, compare func(a, b T) int) bool {
	i := sort.Search(len(list), func(i int) bool { return compare(list[i].first, first) > 0 })
	return i > 0 && compare(last, list[i-1].last) <= 0
}

// holds reports whether all of an endpoint lies in the set's networks. Of an address that
// has an IPv4 address in it, that one is looked for, too.
func (s *labelSet) holds(p netip.Prefix) bool {
	if !p.IsValid() {
		return false
	}
	a := p.Addr()
	if p.IsSingleIP() {
		if inner := canonical(a); inner != a && s.holds(netip.PrefixFrom(inner, inner.BitLen())) {
			return true
		}
	}
	if a.Is4() {
		return len(s.v4) > 0 && within(s.v4, number4(a), number4(last(p)), cmp.Compare[uint32])
	}
	return len(s.v6) > 0 && within(s.v6, number6(a), number6(last(p)), compare128)
}

// match reports whether a point with these ends, and the system of the first, has the label.
func (s *labelSet) match(addr, peer netip.Prefix, asn uint32) bool {
	return asn != 0 && s.systems[asn] || s.holds(addr) || s.peers && s.holds(peer)
}
