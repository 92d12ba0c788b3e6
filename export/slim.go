package export

import (
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// slimKey is what makes two points of one time bin the same row: 24 bytes, because
// its parts are numbers of a table. 0 is the zero value of each.
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

// part is the protocol class and direction that a page tells apart: class × 2 + (1
// when out).
func (k *slimKey) part() uint8 { return uint8(store.ClassOf(k.proto))<<1 | k.bits&bitOut }

// coarse returns the key without what the level does not tell apart.
func (k slimKey) coarse(l level) slimKey {
	if l >= levelWindow {
		k.flags = 0 // they are joined: see slim
	}
	if l >= levelAddresses {
		k.peer, k.port, k.bits = 0, 0, k.bits&^bitPort
	}
	if l >= levelPlaces {
		k.addr = 0
	}
	return k
}

// slim is a row of 32 bytes.
type slim struct {
	flow  uint32      // number of its slimKey
	flags store.Flags // joined by or, where the key has none
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

// memo is a table's answer to the question before: points come in order of address,
// and places are costly to hash.
type memo[T comparable] struct {
	value  T
	number uint32
}

func (m *memo[T]) of(t *table[T], v T) uint32 {
	if v != m.value {
		m.value, m.number = v, t.number(v)
	}
	return m.number
}

// tables are what the numbers of slim rows mean.
type tables struct {
	ends    table[netip.Prefix]
	places  table[store.Place]
	nets    table[network]
	sensors table[string]
	flows   table[slimKey]

	addr, peer memo[netip.Prefix]
	place      memo[store.Place]
	net        memo[network]
	sensor     memo[string]
}

func newTables() *tables {
	return &tables{ends: newTable[netip.Prefix](), places: newTable[store.Place](), nets: newTable[network](),
		sensors: newTable[string](), flows: newTable[slimKey]()}
}

// key numbers the parts of a point, without those that the level does not tell apart.
func (t *tables) key(p *store.Point, l level) slimKey {
	k := slimKey{place: t.place.of(&t.places, p.Place), net: t.net.of(&t.nets, network{p.ASN, p.ASOrg}), proto: p.Proto,
		sensor: uint16(t.sensor.of(&t.sensors, p.Sensor))}
	if l < levelWindow {
		k.flags = p.Flags
	}
	if p.Direction == store.Out {
		k.bits |= bitOut
	}
	if l < levelPlaces {
		k.addr = t.addr.of(&t.ends, p.Addr)
	}
	if l < levelAddresses {
		k.peer, k.port = t.peer.of(&t.ends, p.Peer), p.Port
		if p.HasPort {
			k.bits |= bitPort
		}
	}
	return k
}

// moved returns a key of other tables with the numbers of these.
func (t *tables) moved(k slimKey, from *tables) slimKey {
	k.addr = t.addr.of(&t.ends, from.ends.list[k.addr])
	k.peer = t.peer.of(&t.ends, from.ends.list[k.peer])
	k.place = t.place.of(&t.places, from.places.list[k.place])
	k.net = t.net.of(&t.nets, from.nets.list[k.net])
	k.sensor = uint16(t.sensor.of(&t.sensors, from.sensors.list[k.sensor]))
	return k
}

// point is the inverse of key, with a row's amounts.
func (t *tables) point(s *slim, at time.Time, interval time.Duration) store.Point {
	k := &t.flows.list[s.flow]
	n := &t.nets.list[k.net]
	return store.Point{Time: at, Interval: interval, Addr: t.ends.list[k.addr], Peer: t.ends.list[k.peer],
		Direction: store.Direction(k.bits & bitOut), Proto: k.proto, Port: k.port, HasPort: k.bits&bitPort != 0,
		Place: t.places.list[k.place], ASN: n.asn, ASOrg: n.org, Packets: s.Packets, Bytes: s.Bytes, Opens: s.Opens,
		Sensor: t.sensors.list[k.sensor], Flags: k.flags | s.flags}
}
