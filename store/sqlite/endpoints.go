package sqlite

import (
	"cmp"
	"encoding/binary"
	"net/netip"
)

// family orders endpoints: the zero Prefix, then IPv4, then IPv6. A v4-mapped
// IPv6 address stays an IPv6 address.
func family(p netip.Prefix) int {
	switch {
	case !p.IsValid():
		return 0
	case p.Addr().Is4():
		return 1
	}
	return 2
}

// compareEndpoints orders by family, address and length. Bits beyond the length
// are kept, as everything else, and so take part.
func compareEndpoints(a, b netip.Prefix) int {
	if c := cmp.Compare(family(a), family(b)); c != 0 {
		return c
	}
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return cmp.Compare(a.Bits(), b.Bits())
}

// appendEndpoints appends a sequence of endpoints in the order of
// compareEndpoints, repetitions allowed: how many there are of each family, the
// steps from each address to the next, and the few that are networks.
func appendEndpoints(b []byte, ends []netip.Prefix) []byte {
	var n [3]int
	networks := 0
	for _, p := range ends {
		n[family(p)]++
		if p.IsValid() && !p.IsSingleIP() {
			networks++
		}
	}
	for _, c := range n {
		b = binary.AppendUvarint(b, uint64(c))
	}
	var last uint32
	for _, p := range ends[n[0] : n[0]+n[1]] {
		a := p.Addr().As4()
		v := binary.BigEndian.Uint32(a[:])
		b = binary.AppendUvarint(b, uint64(v-last))
		last = v
	}
	var hi, lo uint64
	for _, p := range ends[n[0]+n[1]:] {
		a := p.Addr().As16()
		h, l := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
		b = binary.AppendUvarint(b, h-hi)
		if h != hi {
			lo = 0
		}
		b = binary.AppendUvarint(b, l-lo)
		hi, lo = h, l
	}
	b = binary.AppendUvarint(b, uint64(networks))
	previous := 0
	for i, p := range ends {
		if p.IsValid() && !p.IsSingleIP() {
			b = binary.AppendUvarint(b, uint64(i-previous))
			b = append(b, byte(p.Bits()))
			previous = i
		}
	}
	return b
}

// readEndpoints is the inverse of appendEndpoints for the whole of b, which may hold
// at most limit endpoints.
func readEndpoints(dst []netip.Prefix, b []byte, limit int) ([]netip.Prefix, error) {
	dst = dst[:0]
	r := reader{b: b}
	zero := r.uvarint()
	n4, n6 := r.uvarint(), r.uvarint()
	if most := uint64(limit); zero > most || n4 > most-zero || n6 > most-zero-n4 {
		return dst, errDamaged
	}
	for range zero {
		dst = append(dst, netip.Prefix{})
	}
	var v4 uint32
	for range n4 {
		v4 += uint32(r.uvarint())
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], v4)
		dst = append(dst, netip.PrefixFrom(netip.AddrFrom4(a), 32))
	}
	var hi, lo uint64
	for range n6 {
		if step := r.uvarint(); step != 0 {
			hi, lo = hi+step, 0
		}
		lo += r.uvarint()
		var a [16]byte
		binary.BigEndian.PutUint64(a[:8], hi)
		binary.BigEndian.PutUint64(a[8:], lo)
		dst = append(dst, netip.PrefixFrom(netip.AddrFrom16(a), 128))
	}
	networks := r.count(2)
	at := uint64(0)
	for range networks {
		at += r.uvarint()
		bits := r.bytes(1)
		if r.bad || at >= uint64(len(dst)) {
			return dst, errDamaged
		}
		dst[at] = netip.PrefixFrom(dst[at].Addr(), int(bits[0]))
	}
	if r.bad || len(r.b) != 0 {
		return dst, errDamaged
	}
	return dst, nil
}
