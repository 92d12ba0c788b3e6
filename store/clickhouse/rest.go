package clickhouse

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/packetheat/packetheat/store"
)

// Terms that only we can decide about need the points themselves: they come filtered by
// all the other terms, a stretch after the other, and are summed here.

// cellsOfPoints is Cells for such filters.
func (p *plan) cellsOfPoints(ctx context.Context, step int64) ([]store.Cell, error) {
	sums := map[store.Cell]store.Sum{}
	err := p.eachPoint(ctx, func(x *store.Point) {
		key := store.Cell{Time: binTime(binOf(x, step), step), Place: x.Place, Class: store.ClassOf(x.Proto), Direction: x.Direction}
		add(sums, key, x)
	})
	cells := slices.SortedFunc(maps.Keys(sums), compareCells)
	for i := range cells {
		cells[i].Sum = sums[cells[i]]
	}
	return cells, err
}

// seriesOfPoints is Series for such filters.
func (p *plan) seriesOfPoints(ctx context.Context, step int64) ([]store.Bin, error) {
	sums := map[store.Bin]store.Sum{}
	err := p.eachPoint(ctx, func(x *store.Point) {
		add(sums, store.Bin{Time: binTime(binOf(x, step), step), Class: store.ClassOf(x.Proto), Direction: x.Direction}, x)
	})
	bins := slices.SortedFunc(maps.Keys(sums), compareBins)
	for i := range bins {
		bins[i].Sum = sums[bins[i]]
	}
	return bins, err
}

func binOf(x *store.Point, step int64) int64 {
	if step == 0 {
		return 0
	}
	return floorTo(x.Time.Unix(), step)
}

func add[K comparable](sums map[K]store.Sum, key K, x *store.Point) {
	sum := sums[key]
	sum.Add(x.Sum())
	sums[key] = sum
}

// eachPoint calls do with every matching point.
func (p *plan) eachPoint(ctx context.Context, do func(*store.Point)) error {
	return p.points(ctx, func(points []store.Point) error {
		for i := range points {
			do(&points[i])
		}
		return nil
	})
}

// topOfPoints is Top for such filters.
func (p *plan) topOfPoints(ctx context.Context, by store.Dimension) ([]topRow, error) {
	rows := map[topKey]*topRow{}
	type pair struct {
		key  topKey
		addr string
	}
	seen := map[pair]struct{}{}
	err := p.eachPoint(ctx, func(x *store.Point) {
		key := topKeyOf(by, x)
		row := rows[key]
		if row == nil {
			row = &topRow{key: key, first: x.Time.Unix(), lowCountry: x.Place.Country, highCountry: x.Place.Country}
			rows[key] = row
		}
		row.addPoint(x)
		if by != store.ByIP && len(seen) <= mostPairs {
			seen[pair{key, x.Addr.String()}] = struct{}{}
		}
	})
	list := slices.Collect(maps.Values(rows))
	if len(seen) > mostPairs {
		return values(list), err // not counted
	}
	for s := range seen {
		rows[s.key].addresses++
	}
	return values(list), err
}

// mostPairs is how many pairs of a row and an address of it are told apart here.
const mostPairs = 2 << 20

func values(list []*topRow) []topRow {
	out := make([]topRow, len(list))
	for i, r := range list {
		out[i] = *r
	}
	return out
}

// addPoint adds x, which is of the row. Points come in order of time: the last one of all
// says where its address is now.
func (r *topRow) addPoint(x *store.Point) {
	sum := &r.in
	if x.Direction == store.Out {
		sum = &r.out
	}
	sum.Add(x.Sum())
	r.lowCountry, r.highCountry = min(r.lowCountry, x.Place.Country), max(r.highCountry, x.Place.Country)
	r.last = max(r.last, x.Time.Add(x.Interval).Unix())
	r.place, r.asn, r.org = x.Place, x.ASN, x.ASOrg
}

// topKeyOf returns which row of a top a point is of.
func topKeyOf(by store.Dimension, x *store.Point) topKey {
	switch by {
	case store.ByPlace:
		return topKey{text: cmp.Or(spot(x.Place), x.Place.Country)}
	case store.ByCountry:
		return topKey{text: x.Place.Country}
	case store.ByCity:
		return topKey{text: x.Place.City}
	case store.ByASN:
		if x.ASN == 0 {
			return topKey{}
		}
		return topKey{text: strconv.FormatUint(uint64(x.ASN), 10)}
	case store.ByIP:
		return topKey{text: store.PrefixString(x.Addr)}
	case store.ByPeer:
		return topKey{text: store.PrefixString(x.Peer)}
	case store.ByPort:
		return portKey(x.Proto, x.Port, x.HasPort)
	case store.ByProto:
		return topKey{text: store.ProtoName(x.Proto)}
	case store.ByDirection:
		return topKey{text: x.Direction.String()}
	}
	return topKey{text: x.Sensor}
}

func portKey(proto uint8, port uint16, hasPort bool) topKey {
	if !hasPort {
		return topKey{proto: proto}
	}
	return topKey{text: strconv.FormatUint(uint64(port), 10), proto: proto}
}

// spot is a place in the filter language; "" without coordinates.
func spot(p store.Place) string {
	if !p.HasCoordinates() {
		return ""
	}
	return strconv.FormatFloat(p.Latitude, 'f', 4, 64) + "," + strconv.FormatFloat(p.Longitude, 'f', 4, 64)
}
