package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Top sums the matching points by one dimension and returns the n biggest rows (n ≤
// 0: all) with the total and number of all. A row's key is all that a filter needs
// to find the row's traffic again, so that equally named cities of two countries are
// one row, labelled so. By place, what is known to a country only is a row of that
// country, without a key: no filter tells it from the rest of the country. Distinct addresses are counted exactly as long as they fit
// into a table of a few million; else all counts are 0, which means not counted. So it
// is over windows of many keys, where sums by AS, port, protocol and direction do not
// know the country either.
func (s *Store) Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error) {
	if by > store.BySensor {
		return store.Top{}, fmt.Errorf("cannot sum by %s", by)
	}
	return prompt(ctx, func() (store.Top, error) {
		return steadily(func() (store.Top, error) { return s.top(ctx, &f, by, n) })
	})
}

func (s *Store) top(ctx context.Context, f *store.Filter, by store.Dimension, n int) (store.Top, error) {
	p, c, err := s.plan(ctx, f, question{need: topNeed(by), views: topProps(by), keys: true})
	if err != nil {
		return store.Top{}, err
	}
	own := make([]*topVisitor, workers())
	visitors := make([]visitor, len(own))
	for i := range own {
		own[i] = newTopVisitor(by, p)
		visitors[i] = own[i]
	}
	if err := s.scan(ctx, c, visitors...); err != nil {
		return store.Top{}, err
	}
	for _, o := range own[1:] {
		own[0].merge(o)
	}
	return own[0].top(s, n), nil
}

// topNeed returns the columns that a dimension is read from; the address is for
// counting.
func topNeed(by store.Dimension) need {
	switch by {
	case store.ByASN, store.ByIP:
		return needTimes | needAddr | needASN
	case store.ByPeer:
		return needTimes | needAddr | needPeer
	case store.ByPort:
		return needTimes | needAddr | needPort
	}
	return needTimes | needAddr
}

// topProps returns what must be known of traffic to sum it by a dimension.
func topProps(by store.Dimension) props {
	switch by {
	case store.ByPlace, store.ByCountry, store.ByCity:
		return propPlace
	case store.ByASN:
		return propASN
	case store.ByPort:
		return propPort
	case store.ByIP, store.ByPeer:
		return propKey
	}
	return 0
}

// topKey tells the rows of a top apart; which fields are used follows from the
// dimension.
type topKey struct {
	end  netip.Prefix // ip, peer
	text string       // place, country, city, proto, dir, sensor
	n    uint32       // asn, port (plus portGiven)
	p    uint8        // the protocol of a port
}

// portGiven tells port 0 from no port.
const portGiven = 1 << 16

// tally is the traffic of one row.
type tally struct {
	key         topKey
	number      uint32       // in order of appearance
	sums        [2]store.Sum // by direction
	first, last int64        // ticks

	place, asn uint32 // of the latest point; of several in a tick, the highest ids
	country    string // of the first point
	several    bool   // points of other countries, too

	stamp uint64 // the group whose address was counted last
	addrs uint64
}

// note takes over what the row says about itself besides sums, of point i. It looks
// only at what tells apart points of the same row, so that every source says the same.
func (t *tally) note(v *view, by store.Dimension, g, i int) {
	o := tally{first: v.firstOf(i), last: v.lastOf(i)}
	place := v.place[g]
	switch by {
	case store.ByASN:
		o.asn = v.asn[g]
	case store.ByIP:
		o.place, o.asn = place, v.asn[g]
	case store.ByPlace, store.ByCity:
		o.place = place
	}
	o.country = v.places[place].Country
	t.merge(&o)
}

// merge adds o, which has the same key, without its addresses.
func (t *tally) merge(o *tally) {
	for i := range t.sums {
		t.sums[i].Add(o.sums[i])
	}
	if o.last > t.last || o.last == t.last && (o.place > t.place || o.place == t.place && o.asn > t.asn) {
		t.place, t.asn = o.place, o.asn
	}
	t.first, t.last = min(t.first, o.first), max(t.last, o.last)
	t.several = t.several || o.several || t.country != o.country
}

// topVisitor sums by one dimension.
type topVisitor struct {
	by     store.Dimension
	rows   map[topKey]*tally
	list   []*tally // the same by number
	byID   []*tally // rows of a dimension that follows from an id of the group
	byKind []*tally // of a block: rows by kind, or by kind and port, or by peer
	stamp  uint64
	addrs  addressCounter
	placed bool // where each point is is known
}

func newTopVisitor(by store.Dimension, p *plan) *topVisitor {
	return &topVisitor{
		by: by, rows: make(map[topKey]*tally), addrs: newAddressCounter(maxPairs),
		placed: p.source == sourceKeys || p.source == sourcePlace,
	}
}

// perPoint reports whether the points of a group may belong to several rows.
func (c *topVisitor) perPoint() bool {
	switch c.by {
	case store.ByPeer, store.ByPort, store.ByProto, store.ByDirection:
		return true
	}
	return false
}

func (c *topVisitor) visit(v *view) error {
	perPoint := c.perPoint()
	width := c.openBlock(v)
	var row *tally
	v.each(func(int) {
		row = nil
		c.stamp++
	}, func(g, i int) {
		if perPoint {
			row = c.pointRow(v, g, i, width)
		} else if row == nil {
			row = c.groupRow(v, g)
		}
		row.sums[v.kinds[v.kind[i]].direction].Add(v.sum(i))
		if row.stamp == c.stamp && !v.timed {
			return
		}
		row.note(v, c.by, g, i)
		if row.stamp != c.stamp {
			row.stamp = c.stamp
			if c.by != store.ByIP && v.plan.need&needAddr != 0 {
				c.addrs.add(row.number, v.addr[g])
			}
		}
	})
	return nil
}

// openBlock sizes the rows known by the block's own indices, all unknown yet, and
// returns how many ports each kind has.
func (c *topVisitor) openBlock(v *view) (width int) {
	n := 0
	switch c.by {
	case store.ByPeer:
		n = len(v.peers)
	case store.ByPort:
		width = len(v.ports) + 1
		n = len(v.kinds) * width
	case store.ByProto, store.ByDirection:
		n = len(v.kinds)
	}
	c.byKind = grow(c.byKind, n)
	clear(c.byKind)
	return width
}

// pointRow returns the row of point i of group g.
func (c *topVisitor) pointRow(v *view, g, i, width int) *tally {
	k := v.kind[i]
	at := int(k)
	switch c.by {
	case store.ByPeer:
		at = int(v.peer[i])
	case store.ByPort:
		at = int(k) * width
		if v.kinds[k].hasPort {
			at += 1 + int(v.port[i])
		}
	}
	if c.byKind[at] == nil {
		c.byKind[at] = c.row(v, g, c.pointKey(v, i))
	}
	return c.byKind[at]
}

func (c *topVisitor) pointKey(v *view, i int) topKey {
	kind := v.kinds[v.kind[i]]
	switch c.by {
	case store.ByPeer:
		return topKey{end: v.peers[v.peer[i]]}
	case store.ByPort:
		key := topKey{p: kind.proto}
		if port, ok := v.portOf(i); ok {
			key.n = uint32(port) | portGiven
		}
		return key
	case store.ByProto:
		return topKey{text: store.ProtoName(kind.proto)}
	}
	return topKey{text: kind.direction.String()}
}

// groupRow returns the row of all points of group g.
func (c *topVisitor) groupRow(v *view, g int) *tally {
	id := v.place[g]
	switch c.by {
	case store.ByIP:
		return c.row(v, g, topKey{end: v.addr[g]})
	case store.ByASN:
		id = v.asn[g]
	case store.BySensor:
		id = v.sensor
	}
	if int(id) >= len(c.byID) {
		c.byID = append(c.byID, make([]*tally, int(id)+1-len(c.byID)+256)...)
	}
	if c.byID[id] == nil {
		c.byID[id] = c.row(v, g, c.groupKey(v, g))
	}
	return c.byID[id]
}

func (c *topVisitor) groupKey(v *view, g int) topKey {
	place := v.places[v.place[g]]
	switch c.by {
	case store.ByASN:
		return topKey{n: v.asns[v.asn[g]].asn}
	case store.BySensor:
		return topKey{text: v.sensors[v.sensor]}
	case store.ByCountry:
		return topKey{text: place.Country}
	case store.ByCity:
		return topKey{text: place.City}
	}
	return topKey{text: cmp.Or(spot(place), place.Country)}
}

// spot is a place in the filter language; "" without coordinates.
func spot(p store.Place) string {
	if !p.HasCoordinates() {
		return ""
	}
	return strconv.FormatFloat(p.Latitude, 'f', 4, 64) + "," + strconv.FormatFloat(p.Longitude, 'f', 4, 64)
}

// row finds or makes the row of key, whose first point is of group g.
func (c *topVisitor) row(v *view, g int, key topKey) *tally {
	t := c.rows[key]
	if t == nil {
		t = &tally{key: key, first: math.MaxInt64, last: math.MinInt64, country: v.places[v.place[g]].Country}
		c.keep(t)
	}
	return t
}

func (c *topVisitor) keep(t *tally) {
	t.number = uint32(len(c.list))
	c.rows[t.key] = t
	c.list = append(c.list, t)
}

// merge adds what another visitor of the same query has, which is used up by it.
func (c *topVisitor) merge(o *topVisitor) {
	numbers := make([]uint32, len(o.list))
	for i, theirs := range o.list {
		mine := c.rows[theirs.key]
		if mine == nil {
			c.keep(theirs)
			numbers[i] = theirs.number
			continue
		}
		mine.merge(theirs)
		numbers[i] = mine.number
	}
	c.addrs.merge(&o.addrs, numbers)
}

// top makes the answer.
func (c *topVisitor) top(s *Store, n int) store.Top {
	c.addrs.count(c.list)
	places, asns := s.dicts.places.snapshot(), s.dicts.asns.snapshot()
	top := store.Top{By: c.by, Count: len(c.rows)}
	rows := make([]store.Row, 0, len(c.rows))
	for _, t := range c.list {
		row := t.toRow(c.by, c.placed, places[t.place], asns[t.asn])
		row.First, row.Last = time.Unix(t.first, 0).UTC(), time.Unix(t.last, 0).UTC().Add(s.tick)
		top.Total.Add(row.Total())
		rows = append(rows, row)
	}
	store.SortRows(rows)
	if n > 0 && n < len(rows) {
		rows = rows[:n:n]
	}
	top.Rows = rows
	return top
}

// toRow words the row.
func (t *tally) toRow(by store.Dimension, placed bool, place store.Place, as asOrg) store.Row {
	row := store.Row{In: t.sums[store.In], Out: t.sums[store.Out], Addresses: t.addrs, Key: t.key.text}
	if !t.several && placed {
		row.Place.Country = t.country
	}
	switch by {
	case store.ByIP:
		row.Key, row.Addresses = store.PrefixString(t.key.end), 1
		row.Place, row.ASN, row.ASOrg = place, as.asn, as.org
	case store.ByPeer:
		row.Key = store.PrefixString(t.key.end)
	case store.ByASN:
		if t.key.n != 0 {
			row.Key = strconv.FormatUint(uint64(t.key.n), 10)
			row.ASN, row.ASOrg, row.Label = as.asn, as.org, as.org
		}
	case store.ByPort:
		row.Proto = t.key.p
		if t.key.n != 0 {
			row.Key = strconv.FormatUint(uint64(t.key.n&^portGiven), 10)
			row.Label = row.Key + "/" + store.ProtoName(t.key.p)
		}
	case store.ByPlace, store.ByCity:
		switch {
		case row.Key == "":
		case by == store.ByPlace && row.Key == t.country:
			row.CountryOnly(t.country)
		default:
			row.Place, row.Label = place, t.placeLabel(place)
		}
	}
	row.Label = cmp.Or(row.Label, row.Key, "unknown")
	return row
}

// placeLabel is "City, Country", or what of it is known and true of the whole row.
func (t *tally) placeLabel(p store.Place) string {
	name := cmp.Or(p.City, p.Region)
	switch {
	case t.several:
		return name + " (several countries)"
	case name != "" && p.Country != "":
		return name + ", " + p.Country
	}
	return cmp.Or(name, p.Country)
}
