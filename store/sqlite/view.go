package sqlite

import (
	"slices"

	"github.com/packetheat/packetheat/store"
)

// view is a decoded block together with what is needed to understand it: the
// values behind its ids, and which of its points match the query's filter.
type view struct {
	columns
	tick   int64
	sensor uint32
	alone  bool // see block

	sensors []string
	places  []store.Place
	asns    []asOrg

	store *Store
	plan  *plan
	dec   *decoder
	match matcher
}

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
func (v *view) close() { v.store.decoders.Put(v.dec) }

// open decodes b. It reports false where the block is damaged, which is counted, or
// where no point matches for sure.
func (v *view) open(b *block) bool {
	err := v.dec.decode(b.sums, b.ends, v.plan.need)
	if err == nil {
		v.columns = v.dec.cols
		v.tick, v.sensor, v.alone = b.tick, b.sensor, b.alone
		if !v.known() {
			err = errDamaged // its ids were committed with it, and plan loaded them
		}
	}
	if err != nil || v.plan.need != 0 { // without need only one of the parts was checked
		v.store.damage.note(b.id, b.tick, err)
	}
	return err == nil && v.match.open(v)
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

// each calls group for every group and point for every point that matches, a group
// before its points. Groups none of whose points can match are left out.
func (v *view) each(group func(g int), point func(g, i int)) {
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

// portOf returns the port of point i, and whether it has one.
func (v *view) portOf(i int) (uint16, bool) {
	if !v.kinds[v.kind[i]].hasPort {
		return 0, false
	}
	return v.ports[v.port[i]], true
}
