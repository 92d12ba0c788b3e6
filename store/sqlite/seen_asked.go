package sqlite

import (
	"net/netip"
	"slices"
)

// asked are the addresses that a question is about: ranges in order, none of which
// touches another.
type asked []span16

// span16 is a closed range of addresses of one family.
type span16 struct{ low, high netip.Addr }

// newAsked returns what networks cover. A network of IPv4 also covers its addresses in
// the form that IPv6 has for them.
func newAsked(networks []netip.Prefix) asked {
	var all asked
	for _, n := range networks {
		if !n.IsValid() {
			continue
		}
		all = append(all, spanOfPrefix(n))
		if n.Addr().Is4() {
			all = append(all, spanOfPrefix(netip.PrefixFrom(netip.AddrFrom16(n.Addr().As16()), n.Bits()+96)))
		}
	}
	slices.SortFunc(all, func(a, b span16) int { return a.low.Compare(b.low) })
	merged := all[:0]
	for _, s := range all {
		if n := len(merged); n > 0 && s.low.Compare(merged[n-1].high) <= 0 {
			if s.high.Compare(merged[n-1].high) > 0 {
				merged[n-1].high = s.high
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// spanOfPrefix is the addresses of a network.
func spanOfPrefix(p netip.Prefix) span16 {
	if p.IsSingleIP() {
		return span16{p.Addr(), p.Addr()}
	}
	p = p.Masked()
	low := p.Addr()
	b := low.AsSlice()
	for i := p.Bits(); i < low.BitLen(); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	high, _ := netip.AddrFromSlice(b)
	return span16{low, high}
}

// has reports whether any address of a row was asked for.
func (a asked) has(p netip.Prefix) bool {
	if !p.IsValid() {
		return false
	}
	if p.IsSingleIP() {
		return a.overlap(span16{p.Addr(), p.Addr()})
	}
	return a.overlap(spanOfPrefix(p))
}

// asker asks for rows in order: each is compared with the range that the one before it
// has come to.
type asker struct {
	asked
	at    int
	begun bool
}

func (a *asker) has(p netip.Prefix) bool {
	if !p.IsSingleIP() {
		return a.asked.has(p)
	}
	addr := p.Addr()
	if !a.begun {
		a.begun = true
		a.at, _ = slices.BinarySearchFunc(a.asked, addr, func(s span16, addr netip.Addr) int { return s.high.Compare(addr) })
	}
	for a.at < len(a.asked) && a.asked[a.at].high.Compare(addr) < 0 {
		a.at++
	}
	return a.at < len(a.asked) && a.asked[a.at].low.Compare(addr) <= 0
}

// overlap reports whether any of the ranges has an address of s.
func (a asked) overlap(s span16) bool {
	i, found := slices.BinarySearchFunc(a, s.low, func(e span16, low netip.Addr) int { return e.high.Compare(low) })
	return found || i < len(a) && a[i].low.Compare(s.high) <= 0
}

// chunksOf returns which chunks of a summary may have what was asked for.
func (a asked) chunksOf(h *seenHead) (list []int64) {
	for i := range h.lows {
		if h.networks { // a network may begin before what it has
			list = append(list, int64(i))
			continue
		}
		s := span16{h.lows[i].Addr(), lastAddr}
		if i+1 < len(h.lows) {
			s.high = h.lows[i+1].Addr()
		}
		if a.overlap(s) {
			list = append(list, int64(i))
		}
	}
	return list
}

// lastAddr is behind all others.
var lastAddr = netip.AddrFrom16([16]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
