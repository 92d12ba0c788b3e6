package export

import (
	"time"

	"github.com/packetheat/packetheat/store"
)

// pieces are the cells of a CSV row that many rows share, each made once from the
// columns of all formats, with the commas behind them.
type pieces struct {
	cols []column
	rows *rowCache

	spots, cities, precisions pieceList // of places
	ends, nets, sensors       pieceList
	kinds                     [512][]byte // direction and protocol

	at, length []byte
	atOf       time.Time
	lengthOf   time.Duration
}

// pieceList has the text of a table's values by number. It follows the table.
type pieceList struct {
	text []byte
	end  []uint32 // of each text
	make func(b []byte, i uint32) []byte
}

func (l *pieceList) of(i uint32) []byte {
	for n := uint32(len(l.end)); n <= i; n++ {
		l.text = l.make(l.text, n)
		l.end = append(l.end, uint32(len(l.text)))
	}
	if i == 0 {
		return l.text[:l.end[0]]
	}
	return l.text[l.end[i-1]:l.end[i]]
}

// newPieces returns the pieces of a table's values, and of those to come.
func newPieces(t *tables) *pieces {
	p := &pieces{cols: rowColumns(), rows: newRowCache(), lengthOf: -1}
	cells := func(from, to string, fill func(i uint32) store.Point) pieceList {
		return pieceList{make: func(b []byte, i uint32) []byte {
			point := fill(i)
			return appendCells(b, p.cols, from, to, p.rows, &point)
		}}
	}
	place := func(i uint32) store.Point { return store.Point{Place: t.places.list[i]} }
	p.spots = cells("latitude", "longitude", place)
	p.cities = cells("country", "city", place)
	p.precisions = cells("precision", "accuracy_km", place)
	p.ends = cells("ip", "ip", func(i uint32) store.Point { return store.Point{Addr: t.ends.list[i]} })
	p.nets = cells("asn", "as_org", func(i uint32) store.Point {
		return store.Point{ASN: t.nets.list[i].asn, ASOrg: t.nets.list[i].org}
	})
	p.sensors = cells("sensor", "sensor", func(i uint32) store.Point { return store.Point{Sensor: t.sensors.list[i]} })
	return p
}

func (p *pieces) kind(k *slimKey) []byte {
	piece := &p.kinds[uint(k.proto)<<1|uint(k.bits&bitOut)]
	if *piece == nil {
		*piece = appendCells(nil, p.cols, "direction", "protocol", p.rows,
			&store.Point{Proto: k.proto, Direction: store.Direction(k.bits & bitOut)})
	}
	return *piece
}

func (p *pieces) time(at time.Time) []byte {
	if p.at == nil || at != p.atOf { // not Equal: cheaper, and at worst made again
		p.atOf = at
		p.at = append(appendTime(p.at[:0], p.rows, &store.Point{Time: at}), ',')
	}
	return p.at
}

func (p *pieces) interval(d time.Duration) []byte {
	if d != p.lengthOf {
		p.lengthOf = d
		p.length = appendCells(p.length[:0], p.cols, "interval", "interval", p.rows, &store.Point{Interval: d})
	}
	return p.length
}
