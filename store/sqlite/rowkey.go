package sqlite

import (
	"cmp"
	"encoding/binary"
	"net/netip"

	"github.com/packetheat/packetheat/store"
)

// rowKey is what a row of a tier's full keys is the sum of, in words that compare as
// the rows are ordered: address, place, AS, protocol, port, peer, direction, flags,
// and whether the ticks are those with opens.
//
//	0, 1, 2  family and bits of the address
//	3        length of the address's prefix, id of the place
//	4        id of the AS, protocol, has port, port
//	5, 6, 7  family and bits of the peer
//	8        length of the peer's prefix, direction, flags, opened
type rowKey [9]uint64

// groupOf and restOf make a key of its parts.
func groupOf(addr netip.Prefix, place, asn uint32) (k rowKey) {
	var bits uint64
	k[0], k[1], k[2], bits = endpointWords(addr)
	k[3] = bits<<32 | uint64(place)
	k[4] = uint64(asn) << 32
	return k
}

func (k *rowKey) setRest(kind kind, port uint16, peer netip.Prefix) {
	k[4] = k[4]>>32<<32 | uint64(kind.proto)<<17
	if kind.hasPort {
		k[4] |= 1<<16 | uint64(port)
	}
	var bits uint64
	k[5], k[6], k[7], bits = endpointWords(peer)
	k[8] = bits<<32 | uint64(kind.direction)<<16 | uint64(kind.flags)<<8
}

func (k *rowKey) setOpened(opened bool) {
	k[8] &^= 1
	if opened {
		k[8] |= 1
	}
}

func (k *rowKey) sameGroup(o *rowKey) bool {
	return k[0] == o[0] && k[1] == o[1] && k[2] == o[2] && k[3] == o[3] && k[4]>>32 == o[4]>>32
}

func (k *rowKey) addr() netip.Prefix { return endpointOf(k[0], k[1], k[2], k[3]>>32) }
func (k *rowKey) peer() netip.Prefix { return endpointOf(k[5], k[6], k[7], k[8]>>32) }
func (k *rowKey) place() uint32      { return uint32(k[3]) }
func (k *rowKey) asn() uint32        { return uint32(k[4] >> 32) }
func (k *rowKey) port() uint16       { return uint16(k[4]) }

func (k *rowKey) kind() kind {
	return kind{
		proto: uint8(k[4] >> 17), hasPort: k[4]>>16&1 != 0,
		direction: store.Direction(k[8] >> 16 & 1), flags: store.Flags(k[8] >> 8),
	}
}

func (k *rowKey) compare(o *rowKey) int {
	for i, w := range k {
		if w != o[i] {
			return cmp.Compare(w, o[i])
		}
	}
	return 0
}

// endpointWords takes p apart into words that are ordered as compareEndpoints orders.
func endpointWords(p netip.Prefix) (kin, hi, lo, bits uint64) {
	if !p.IsValid() {
		return 0, 0, 0, 0
	}
	a := p.Addr().As16()
	return uint64(family(p)), binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:]), uint64(p.Bits())
}

func endpointOf(kin, hi, lo, bits uint64) netip.Prefix {
	switch kin {
	case 0:
		return netip.Prefix{}
	case 1:
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(lo))
		return netip.PrefixFrom(netip.AddrFrom4(a), int(bits))
	}
	var a [16]byte
	binary.BigEndian.PutUint64(a[:8], hi)
	binary.BigEndian.PutUint64(a[8:], lo)
	return netip.PrefixFrom(netip.AddrFrom16(a), int(bits))
}
