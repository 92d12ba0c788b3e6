package sqlite

import (
	"errors"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// view is a decoded block, chunk of a tier or bin of one, together with what is needed
// to understand it: the values behind its ids, and which of its points match the
// query's filter.
type view struct {
	columns
	tick   int64 // start of the tick, bin or tier
	end    int64 // of it
	sensor uint32
	timed  bool  // first and last say when each point was; else it was in the tick
	origin int64 // what they count from

	exact bool // it is a bin after the other of an exact tier
	clip  clip // its samples
	live  []uint32
	bins  bool // only the points in live count, with the amounts of the bin
	bin   int  // the next one
	used  bool // of what is not exact: it has been shown

	summed bool // of an exact tier only the sums of what is asked for are wanted

	sensors []string
	places  []store.Place
	asns    []asOrg
	zeros   []uint32

	store *Store
	plan  *plan
	dec   *decoder
	match matcher
}

// errReplace says that a tier is damaged and that its place can be taken by others.
var errReplace = errors.New("a tier is damaged")

func (s *Store) newView(p *plan) (*view, error) {
	d, ok := s.decoders.Get().(*decoder)
	if !ok {
		var err error
		if d, err = newDecoder(); err != nil {
			return nil, err
		}
	}
	return &view{
		sensors: s.dicts.sensors.snapshot(),
		places:  s.dicts.places.snapshot(),
		asns:    s.dicts.asns.snapshot(),
		store:   s, plan: p, dec: d,
		match: matcher{filter: p.filter},
	}, nil
}

// close gives the decoder back, whose columns must not be used any more.
func (v *view) close() {
	if v.dec.cols.points < 1<<20 { // else it is too big to be kept
		v.store.decoders.Put(v.dec)
	}
}

// openBlock decodes a block. It reports false where the block is damaged, which is
// counted, or where no point matches for sure.
func (v *view) openBlock(b *item) bool {
	n := v.plan.need & needAll
	err := v.dec.decode(b.sums, b.ends, n)
	if err == nil {
		v.columns = v.dec.cols
		v.tick, v.end, v.sensor = b.tick, b.tick+v.plan.tick, b.sensor
		v.timed, v.bins, v.exact, v.used = false, false, false, false
		if !v.known() {
			err = errDamaged // its ids were committed with it, and plan loaded them
		}
	}
	if err != nil || n != 0 { // without need only one of the parts was checked
		v.store.damage.note(b.id, b.tick, err)
	}
	return err == nil && v.match.open(v)
}

// openTier decodes a chunk of a tier. It reports false where nothing of it is to be
// visited; damage is counted. An exact one then has its bins ready, unless its samples
// are damaged and all of it is asked for: then it is as one that is whole.
func (v *view) openTier(it *item) (ok bool, err error) {
	t := it.piece
	n := v.plan.need & (needAll | needTimes)
	from, parts := t.source, v.plan.parts(t)
	if t.exact {
		from, n = sourceKeys, n|needTimes|needSamples
	}
	if t.exact && v.summed {
		ok = v.decodeTier(it, from, n&^needSamples) && v.dec.clipTier(it.blobs, t.ticks(v.plan.tick)) == nil
	} else {
		ok = v.decodeTier(it, from, n)
	}
	news := v.store.damage.noteParts(t.id, it.chunk, parts[:], t.start, damageOf(ok))
	exact := t.exact
	if !ok && exact && t.from == t.start && t.to == t.start+t.level {
		exact = false
		ok = v.decodeTier(it, from, n&^needSamples)
	}
	if !ok {
		if !t.exact && news {
			return false, errReplace
		}
		return false, nil
	}
	if !v.match.open(v) {
		return false, nil
	}
	if v.exact = exact; exact && !v.summed {
		v.bin = 0
		v.clip.open(v, t)
	}
	return true, nil
}

func damageOf(ok bool) error {
	if ok {
		return nil
	}
	return errDamaged
}

// decodeTier fills the columns; those of a view become as if it were of points that
// have nothing but the one property.
func (v *view) decodeTier(it *item, from source, n need) bool {
	if v.dec.decodeTier(it.blobs, from, n) != nil {
		return false
	}
	t := it.piece
	v.columns = v.dec.cols
	v.tick, v.end, v.sensor = t.start, t.start+t.level, t.sensor
	v.timed, v.origin, v.bins = n&needTimes != 0, t.start, false
	v.exact, v.used = false, false
	switch from {
	case sourceASN:
		v.asn, v.place = v.place, v.none(v.groups)
	case sourceKind:
		v.place = v.none(v.groups)
	case sourcePort:
		if !v.spreadPorts() {
			return false
		}
	}
	return v.known()
}

// none returns n zeros.
func (v *view) none(n int) []uint32 {
	if len(v.zeros) < n {
		v.zeros = make([]uint32, n+n/4)
	}
	return v.zeros[:n]
}

// spreadPorts turns the ids of a view by port, which are 0 for no port and else the
// port plus one, into the columns that blocks have.
func (v *view) spreadPorts() bool {
	with := len(v.kinds) // the same kinds, of points with a port
	for _, k := range v.kinds[:with] {
		k.hasPort = true
		v.kinds = append(v.kinds, k)
	}
	v.ports, v.port = v.ports[:0], grow(v.port, v.points)
	i := 0
	for g, n := range v.count {
		id := v.place[g]
		if id > 1<<16 {
			return false
		}
		if id > 0 {
			v.ports = append(v.ports, uint16(id-1))
		}
		for range n {
			v.port[i] = uint32(max(len(v.ports), 1) - 1)
			if id > 0 {
				v.kind[i] += uint32(with)
			}
			i++
		}
	}
	v.place = v.none(v.groups)
	v.dec.cols.kinds, v.dec.cols.ports, v.dec.cols.port = v.kinds, v.ports, v.port // to be used again
	return true
}

// known reports whether every id of the block has a value.
func (v *view) known() bool {
	if int(v.sensor) >= len(v.sensors) || int(maxOf(v.place)) >= len(v.places) {
		return false
	}
	return v.plan.need&needASN == 0 || int(maxOf(v.asn)) < len(v.asns)
}

func maxOf(ids []uint32) uint32 {
	if len(ids) == 0 {
		return 0
	}
	return slices.Max(ids)
}

// all reports whether every point of the columns counts.
func (v *view) all() bool { return !v.bins && v.match.everyPoint && v.match.group == nil }

// each calls group for every group and point for every point that matches, a group
// before its points. Groups none of whose points can match are left out.
func (v *view) each(group func(g int), point func(g, i int)) {
	if v.bins {
		v.eachLive(group, point)
		return
	}
	m := &v.match
	i := 0
	for g, n := range v.count {
		next := i + int(n)
		if !m.groupOK(g) {
			i = next
			continue
		}
		group(g)
		if m.everyPoint {
			for ; i < next; i++ {
				point(g, i)
			}
			continue
		}
		for ; i < next; i++ {
			if m.pointOK(v, g, i) {
				point(g, i)
			}
		}
	}
}

// eachLive is each for a bin, whose points are known to match.
func (v *view) eachLive(group func(g int), point func(g, i int)) {
	last := -1
	for _, i := range v.live {
		g := int(v.clip.group[i])
		if g != last {
			group(g)
			last = g
		}
		point(g, int(i))
	}
}

// firstOf and lastOf return the first and the last tick that point i is of.
func (v *view) firstOf(i int) int64 {
	if !v.timed {
		return v.tick
	}
	return v.origin + int64(v.first[i])*v.plan.tick
}

func (v *view) lastOf(i int) int64 {
	if !v.timed {
		return v.tick
	}
	return v.origin + int64(v.last[i])*v.plan.tick
}

// portOf returns the port of point i, and whether it has one.
func (v *view) portOf(i int) (uint16, bool) {
	if !v.kinds[v.kind[i]].hasPort {
		return 0, false
	}
	return v.ports[v.port[i]], true
}

// equalPoints reports whether points i and j of one group differ in nothing but their
// amounts.
func (v *view) equalPoints(i, j int) bool {
	if v.kind[i] != v.kind[j] {
		return false
	}
	if !v.hasEnds() {
		return true
	}
	return v.peer[i] == v.peer[j] && (!v.kinds[v.kind[i]].hasPort || v.port[i] == v.port[j])
}

// hasEnds reports whether the columns of endpoints have been read.
func (v *view) hasEnds() bool { return len(v.addr) == v.groups && v.groups > 0 }
