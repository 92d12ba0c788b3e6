package clickhouse

import (
	"strconv"

	"github.com/packetheat/packetheat/store"
)

// topScan is where a row of a top is scanned to: keys of every dimension, of which some
// are used.
type topScan struct {
	topRow
	text                  string // country, city, sensor, address
	spot                  uint8
	latitude, longitude   float64
	bits, family          uint8
	port                  uint16
	proto, hasPort, which uint8
	number                uint32
	where                 placeRow
}

// into returns the places of what topQuery.outer selects, in its order.
func (r *topScan) into(q *topQuery) []any {
	list := append(r.keys(q.by), &r.in.Packets, &r.in.Bytes, &r.in.Opens, &r.out.Packets, &r.out.Bytes, &r.out.Opens,
		&r.first, &r.last, &r.lowCountry, &r.highCountry, &r.addresses)
	switch q.by {
	case store.ByPlace, store.ByCity:
		list = append(list, r.where.into()...)
	case store.ByIP:
		list = append(append(list, r.where.into()...), &r.asn, &r.org)
	case store.ByASN:
		list = append(list, &r.org)
	}
	return list
}

func (r *topScan) keys(by store.Dimension) []any {
	switch by {
	case store.ByPlace:
		return []any{&r.spot, &r.latitude, &r.longitude, &r.text}
	case store.ByASN:
		return []any{&r.number}
	case store.ByIP, store.ByPeer:
		return []any{&r.text, &r.bits, &r.family}
	case store.ByPort:
		return []any{&r.proto, &r.port, &r.hasPort}
	case store.ByProto:
		return []any{&r.proto}
	case store.ByDirection:
		return []any{&r.which}
	}
	return []any{&r.text}
}

// row returns what has been scanned.
func (r *topScan) row(by store.Dimension) topRow {
	row := r.topRow
	row.place = r.where.place()
	switch by {
	case store.ByPlace:
		row.key.text = r.text
		if r.spot != 0 {
			row.key.text = spot(store.Place{Latitude: r.latitude, Longitude: r.longitude, Precision: store.Region})
		}
	case store.ByASN:
		if row.asn = r.number; r.number != 0 {
			row.key.text = strconv.FormatUint(uint64(r.number), 10)
		}
	case store.ByIP, store.ByPeer:
		row.key.text = store.PrefixString(endOf(r.text, r.bits, r.family))
	case store.ByPort:
		row.key = portKey(r.proto, r.port, r.hasPort != 0)
	case store.ByProto:
		row.key.text = store.ProtoName(r.proto)
	case store.ByDirection:
		row.key.text = store.Direction(r.which).String()
	default:
		row.key.text = r.text
	}
	return row
}
