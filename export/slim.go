package export

import (
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// slimKey is what makes two points of one time bin the same row: a rowKey of 24
// bytes, because its parts are numbers of a table. 0 is the zero value of each.
type slimKey struct {
	addr, peer, place, net uint32
	port                   uint16
	proto                  uint8
	bits                   uint8 // 1 out, 2 has a port
	sensor                 uint16
	flags                  store.Flags
}

const (
	bitOut uint8 = 1 << iota
	bitPort
)

// slim is a row of 48 bytes.
type slim struct {
	slimKey
	store.Sum
}

// network is an autonomous system.
type network struct {
	asn uint32
	org string
}

// table numbers values in the order in which they come; the zero value is 0.
type table[T comparable] struct {
	index map[T]uint32
	list  []T
}

func newTable[T comparable]() table[T] {
	var zero T
	return table[T]{index: map[T]uint32{zero: 0}, list: []T{zero}}
}

func (t *table[T]) number(v T) uint32 {
	if i, ok := t.index[v]; ok {
		return i
	}
	i := uint32(len(t.list))
	t.index[v] = i
	t.list = append(t.list, v)
	return i
}

func (t *table[T]) len() int { return len(t.list) }

// tables are what the numbers of slim rows mean.
type tables struct {
	ends    table[netip.Prefix]
	places  table[store.Place]
	nets    table[network]
	sensors table[string]
}

func newTables() *tables {
	return &tables{newTable[netip.Prefix](), newTable[store.Place](), newTable[network](), newTable[string]()}
}

// key numbers the parts of a point, without those that the level does not tell apart.
func (t *tables) key(p *store.Point, l level) slimKey {
	k := slimKey{place: t.places.number(p.Place), net: t.nets.number(network{p.ASN, p.ASOrg}), proto: p.Proto,
		sensor: uint16(t.sensors.number(p.Sensor)), flags: p.Flags}
	if p.Direction == store.Out {
		k.bits |= bitOut
	}
	if l < levelPlaces {
		k.addr = t.ends.number(p.Addr)
	}
	if l < levelAddresses {
		k.peer, k.port = t.ends.number(p.Peer), p.Port
		if p.HasPort {
			k.bits |= bitPort
		}
	}
	return k
}

// point is the inverse of key.
func (t *tables) point(s *slim, at time.Time, interval time.Duration) store.Point {
	n := &t.nets.list[s.net]
	return store.Point{Time: at, Interval: interval, Addr: t.ends.list[s.addr], Peer: t.ends.list[s.peer],
		Direction: store.Direction(s.bits & bitOut), Proto: s.proto, Port: s.port, HasPort: s.bits&bitPort != 0,
		Place: t.places.list[s.place], ASN: n.asn, ASOrg: n.org, Packets: s.Packets, Bytes: s.Bytes, Opens: s.Opens,
		Sensor: t.sensors.list[s.sensor], Flags: s.flags}
}
