package sqlite

import (
	"slices"

	"github.com/packetheat/packetheat/store"
)

// filter is a query's terms, sorted by what they are about, so that each is
// evaluated as seldom as possible: once a sensor, a place, an AS, an address, a kind
// of point, a peer or a port of a block, and only the rest once a point. What a term
// means is store.Term.Match's business alone; it is shown points with just the
// fields filled that it asks about.
type filter struct {
	sensor, place, asn, addr, kind, peer, port, point []store.Term

	need  need
	props props
}

// props are properties of traffic that an answer depends on. Protocol, direction,
// sensor and time are known wherever there is any.
type props uint8

const (
	propPlace props = 1 << iota
	propASN
	propPort
	propKey // any other
)

// sourceFor returns the smallest source that knows properties.
func sourceFor(p props) source {
	switch p {
	case 0:
		return sourceKind
	case propPlace:
		return sourcePlace
	case propASN:
		return sourceASN
	case propPort:
		return sourcePort
	}
	return sourceKeys
}

func newFilter(terms []store.Term) *filter {
	f := new(filter)
	for _, t := range terms {
		switch t.Key {
		case store.KeySensor:
			f.sensor = append(f.sensor, t)
		case store.KeyCountry, store.KeyRegion, store.KeyCity, store.KeyPlace:
			f.place = append(f.place, t)
			f.props |= propPlace
		case store.KeyASN:
			f.asn = append(f.asn, t)
			f.need |= needASN
			f.props |= propASN
		case store.KeyIP:
			f.addr = append(f.addr, t)
			f.need |= needAddr
			f.props |= propKey
		case store.KeyProto, store.KeyDir:
			f.kind = append(f.kind, t)
		case store.KeyPeer:
			f.peer = append(f.peer, t)
			f.need |= needPeer
			f.props |= propKey
		case store.KeyPort:
			f.port = append(f.port, t)
			f.need |= needPort
			f.props |= propPort
		case store.KeyLabel:
			f.need |= needAddr | needASN
			f.props |= propKey
			if t.AsksPeer() {
				f.point = append(f.point, t)
				f.need |= needPeer
			} else {
				f.addr = append(f.addr, t)
			}
		default: // host, opened: of several properties
			f.point = append(f.point, t)
			f.props |= propKey
			if t.Key == store.KeyHost {
				f.need |= needAddr | needPeer
			}
			if t.Unanswered {
				f.need |= needAddr | needPeer | needPort
			}
		}
	}
	return f
}

func matchAll(terms []store.Term, p *store.Point) bool {
	for i := range terms {
		if !terms[i].Match(p) {
			return false
		}
	}
	return true
}

func (f *filter) matchSensor(name string) bool {
	return matchAll(f.sensor, &store.Point{Sensor: name})
}

// matcher evaluates a filter on one block after the other. Outcomes about ids are
// kept from block to block.
type matcher struct {
	filter *filter

	placeKnown, asnKnown []verdict // by id

	group []bool // of the block; nil: all match
	kinds []bool
	peers []bool
	ports []bool
	none  bool // what a point without port gets from the port terms

	everyPoint bool        // no term is about less than a group
	scratch    store.Point // of pointOK
	probe      store.Point // of judgeID
}

// verdict is the outcome of a term on an id, if it is known.
type verdict uint8

const (
	unknown verdict = iota
	yes
	no
)

// open evaluates what can be known about the block v before its points are looked
// at, and reports whether any point may match.
func (m *matcher) open(v *view) bool {
	f := m.filter
	m.everyPoint = len(f.kind)+len(f.peer)+len(f.port)+len(f.point) == 0
	m.kinds = judge(m.kinds, len(v.kinds), f.kind, func(p *store.Point, i int) {
		p.Proto, p.Direction = v.kinds[i].proto, v.kinds[i].direction
	})
	m.peers = judge(m.peers, len(v.peers), f.peer, func(p *store.Point, i int) { p.Peer = v.peers[i] })
	m.ports = judge(m.ports, len(v.ports), f.port, func(p *store.Point, i int) { p.Port, p.HasPort = v.ports[i], true })
	m.none = matchAll(f.port, new(store.Point))
	m.openGroups(v)
	return (m.group == nil || slices.Contains(m.group, true)) &&
		(m.kinds == nil || slices.Contains(m.kinds, true)) &&
		(m.peers == nil || slices.Contains(m.peers, true)) &&
		(m.ports == nil || m.none || slices.Contains(m.ports, true))
}

// judge evaluates terms on n values; without terms the result is nil.
func judge(dst []bool, n int, terms []store.Term, fill func(*store.Point, int)) []bool {
	if len(terms) == 0 {
		return nil
	}
	if dst == nil { // which must not be what comes out: a block may have no ports at all
		dst = make([]bool, 0, n)
	}
	dst = grow(dst, n)
	var p store.Point
	for i := range dst {
		fill(&p, i)
		dst[i] = matchAll(terms, &p)
	}
	return dst
}

func (m *matcher) openGroups(v *view) {
	f := m.filter
	if len(f.place)+len(f.asn)+len(f.addr) == 0 {
		m.group = nil
		return
	}
	m.group = grow(m.group, v.groups)
	var p store.Point
	for g := range m.group {
		ok := true
		if len(f.place) > 0 {
			m.placeKnown = judgeID(m.placeKnown, v.place[g], f.place, &m.probe, func(p *store.Point, id uint32) { p.Place = v.places[id] })
			ok = m.placeKnown[v.place[g]] == yes
		}
		if ok && len(f.asn) > 0 {
			m.asnKnown = judgeID(m.asnKnown, v.asn[g], f.asn, &m.probe, func(p *store.Point, id uint32) { p.ASN = v.asns[id].asn })
			ok = m.asnKnown[v.asn[g]] == yes
		}
		if ok && len(f.addr) > 0 {
			p.Addr = v.addr[g]
			if f.need&needASN != 0 {
				p.ASN = v.asns[v.asn[g]].asn
			}
			ok = matchAll(f.addr, &p)
		}
		m.group[g] = ok
	}
}

// judgeID makes sure that the verdict about id is known.
func judgeID(known []verdict, id uint32, terms []store.Term, p *store.Point, fill func(*store.Point, uint32)) []verdict {
	if int(id) >= len(known) {
		known = append(known, make([]verdict, int(id)+1-len(known))...)
	}
	if known[id] == unknown {
		known[id] = no
		fill(p, id)
		if matchAll(terms, p) {
			known[id] = yes
		}
	}
	return known
}

func (m *matcher) groupOK(g int) bool { return m.group == nil || m.group[g] }

// pointOK evaluates what is left to know about point i of group g.
func (m *matcher) pointOK(v *view, g, i int) bool {
	f := m.filter
	k := v.kind[i]
	if m.kinds != nil && !m.kinds[k] || m.peers != nil && !m.peers[v.peer[i]] {
		return false
	}
	if m.ports != nil {
		ok := m.none
		if v.kinds[k].hasPort {
			ok = m.ports[v.port[i]]
		}
		if !ok {
			return false
		}
	}
	if len(f.point) == 0 {
		return true
	}
	p := &m.scratch
	p.Direction, p.Opens, p.Proto = v.kinds[k].direction, v.amount[opens][i], v.kinds[k].proto
	if f.need&needPort != 0 {
		p.Port = 0 // and not that of the point before
		if p.HasPort = v.kinds[k].hasPort; p.HasPort {
			p.Port = v.ports[v.port[i]]
		}
	}
	if f.need&needAddr != 0 {
		p.Addr = v.addr[g]
	}
	if f.need&needASN != 0 {
		p.ASN = v.asns[v.asn[g]].asn
	}
	if f.need&needPeer != 0 {
		p.Peer = v.peers[v.peer[i]]
	}
	return matchAll(f.point, p)
}
