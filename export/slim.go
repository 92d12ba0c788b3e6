package export

import (
	"encoding/binary"
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

// tables are what the numbers of slim rows mean.
type tables struct {
	ends    table[netip.Prefix]
	places  table[store.Place]
	nets    table[network]
	sensors table[string]
	flows   table[slimKey]

	tags  *tags   // nil: no labels
	parts []uint8 // by flow: 1 + what part returns; 0: not asked yet

	known  []knownEnd // by hash: the last endpoint of each
	recent []knownFlow
	sensor struct {
		name   string
		number uint16
	}
}

// knownEnd is what is known of an endpoint. The same ones come again in every tick:
// to compare is much cheaper than to look their places up.
type knownEnd struct {
	prefix     netip.Prefix
	end        uint32 // 0: not numbered yet
	place, net uint32
}

// knownFlow is a flow that came not long ago.
type knownFlow struct {
	key    slimKey
	number uint32
}

const (
	knownEnds  = 1 << 12
	knownFlows = 1 << 13
	spread     = 0x9E3779B97F4A7C15 // 2^64 / the golden ratio: spreads keys over the top bits
)

func newTables() *tables {
	t := &tables{sensors: newTable[string](), known: make([]knownEnd, knownEnds)}
	t.places, t.nets = newTable[store.Place](), newTable[network]()
	t.forget()
	return t
}

// forget drops the numbers of endpoints and flows.
func (t *tables) forget() {
	t.ends = newTable[netip.Prefix]()
	clear(t.known)
	t.forgetFlows()
}

func (t *tables) forgetFlows() {
	t.flows = newTable[slimKey]()
	t.parts = t.parts[:0]
	t.recent = make([]knownFlow, knownFlows)
}

// know returns what is known of an endpoint.
func (t *tables) know(p netip.Prefix) *knownEnd {
	b := p.Addr().As16()
	h := (binary.LittleEndian.Uint64(b[:8])*31 + binary.LittleEndian.Uint64(b[8:]) + uint64(p.Bits())) * spread
	k := &t.known[h>>52] // 64 - log2(knownEnds)
	if k.prefix != p {
		*k = knownEnd{prefix: p}
	}
	return k
}

// end returns the number of an endpoint that is known.
func (t *tables) end(k *knownEnd) uint32 {
	if k.end == 0 {
		k.end = t.ends.number(k.prefix)
	}
	return k.end
}

// flow returns the number of a flow.
func (t *tables) flow(k *slimKey) uint32 {
	h := (uint64(k.addr)<<32 | uint64(k.peer)) ^ uint64(k.port)<<48 ^ uint64(k.proto)<<24 ^ uint64(k.bits)<<16 ^ uint64(k.place)<<5
	f := &t.recent[h*spread>>51] // 64 - log2(knownFlows)
	if f.key != *k {
		f.key, f.number = *k, t.flows.number(*k)
	}
	return f.number
}

// key numbers the parts of a point, without those that the level does not tell apart.
func (t *tables) key(p *store.Point, l level) slimKey {
	known := t.know(p.Addr)
	if t.places.list[known.place] != p.Place {
		known.place = t.places.number(p.Place)
	}
	if net := (network{p.ASN, p.ASOrg}); t.nets.list[known.net] != net {
		known.net = t.nets.number(net)
	}
	if p.Sensor != t.sensor.name {
		t.sensor.name, t.sensor.number = p.Sensor, uint16(t.sensors.number(p.Sensor))
	}
	k := slimKey{place: known.place, net: known.net, proto: p.Proto, sensor: t.sensor.number}
	if l < levelWindow {
		k.flags = p.Flags
	}
	if p.Direction == store.Out {
		k.bits |= bitOut
	}
	if l < levelPlaces {
		k.addr = t.end(known)
	}
	if l < levelAddresses {
		k.peer, k.port = t.end(t.know(p.Peer)), p.Port
		if p.HasPort {
			k.bits |= bitPort
		}
	}
	return k
}

// mover gives what is in old tables numbers of new ones, each value once.
type mover struct {
	from, to                    *tables
	ends, places, nets, sensors []uint32 // 1 + the new number
}

func newMover(from, to *tables) *mover {
	return &mover{from, to, make([]uint32, from.ends.len()), make([]uint32, from.places.len()),
		make([]uint32, from.nets.len()), make([]uint32, from.sensors.len())}
}

// key returns a key of the old tables with the numbers of the new ones.
func (m *mover) key(k slimKey) slimKey {
	k.addr = move(m.ends, k.addr, &m.from.ends, &m.to.ends)
	k.peer = move(m.ends, k.peer, &m.from.ends, &m.to.ends)
	k.place = move(m.places, k.place, &m.from.places, &m.to.places)
	k.net = move(m.nets, k.net, &m.from.nets, &m.to.nets)
	k.sensor = uint16(move(m.sensors, uint32(k.sensor), &m.from.sensors, &m.to.sensors))
	return k
}

func move[T comparable](moved []uint32, i uint32, from, to *table[T]) uint32 {
	if moved[i] == 0 {
		moved[i] = 1 + to.number(from.list[i])
	}
	return moved[i] - 1
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
