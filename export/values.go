package export

import (
	"database/sql/driver"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/packetheat/packetheat/store"
)

// values are the fields of a row as values of SQL. Those that many rows share are
// made once from the columns of all formats.
type values struct {
	cols    []column
	rows    *rowCache
	tables  *tables
	places  [][]any // by number: latitude, longitude, country, city, precision, accuracy_km
	nets    [][]any // asn, as_org
	sensors [][]any
	kinds   [512][]any // direction, protocol
	peers   map[netip.Prefix]any

	at       time.Time
	time     any
	addr     netip.Prefix
	addrText any
	length   time.Duration
	interval any
}

func newValues() *values {
	return &values{cols: rowColumns(), rows: newRowCache(), tables: newTables(), peers: map[netip.Prefix]any{}, length: -1}
}

// cells returns the values of columns from to to.
func (v *values) cells(from, to string, p *store.Point) (out []any) {
	var text []byte
	in := false
	for i := range v.cols {
		c := &v.cols[i]
		if in = in || c.name == from; !in {
			continue
		}
		text = c.append(text[:0], v.rows, p)
		out = append(out, value(c.sql, string(text)))
		if c.name == to {
			break
		}
	}
	return out
}

// value turns the text of a column into what its type makes of it
// (https://sqlite.org/datatype3.html, 3.1).
func value(kind, text string) any {
	if text == "" {
		return nil
	}
	if kind == "INTEGER" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return n
		}
	}
	if kind != "TEXT" {
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return f
		}
	}
	return text
}

// row fills args, one for each column, with p's values.
func (v *values) row(args []driver.NamedValue, p *store.Point) {
	if v.tables.places.len()+v.tables.nets.len() > 1<<16 {
		v.tables, v.places, v.nets, v.sensors = newTables(), nil, nil, nil
	}
	k := v.tables.key(p, levelPlaces) // addresses change all the time
	place, net := v.ofPlace(k.place), v.ofNet(k.net)
	if v.time == nil || p.Time != v.at {
		v.at, v.time = p.Time, v.cells("time", "time", p)[0]
	}
	if p.Interval != v.length {
		v.length, v.interval = p.Interval, v.cells("interval", "interval", p)[0]
	}
	if p.Addr != v.addr {
		v.addr, v.addrText = p.Addr, value("TEXT", store.PrefixString(p.Addr))
	}
	kind := &v.kinds[uint(p.Proto)<<1|uint(k.bits&bitOut)]
	if *kind == nil {
		*kind = v.cells("direction", "protocol", p)
	}
	args[0].Value = v.time
	args[1].Value, args[2].Value = place[0], place[1]
	args[3].Value, args[4].Value = (*kind)[0], (*kind)[1]
	args[5].Value, args[6].Value = v.addrText, v.peer(p.Peer)
	args[7].Value = nil
	if p.HasPort {
		args[7].Value = integer(uint64(p.Port))
	}
	args[8].Value, args[9].Value, args[10].Value = integer(p.Packets), integer(p.Bytes), integer(p.Opens)
	args[11].Value, args[12].Value = place[2], place[3]
	args[13].Value, args[14].Value = net[0], net[1]
	args[15].Value = v.ofSensor(uint32(k.sensor))
	args[16].Value = v.interval
	args[17].Value, args[18].Value = place[4], place[5]
	args[19].Value = nil
	if p.Flags != 0 {
		args[19].Value = p.Flags.String()
	}
}

func (v *values) ofPlace(i uint32) []any {
	for n := len(v.places); n <= int(i); n++ {
		p := &store.Point{Place: v.tables.places.list[n]}
		all := append(v.cells("latitude", "longitude", p), v.cells("country", "city", p)...)
		v.places = append(v.places, append(all, v.cells("precision", "accuracy_km", p)...))
	}
	return v.places[i]
}

func (v *values) ofNet(i uint32) []any {
	for n := len(v.nets); n <= int(i); n++ {
		net := &v.tables.nets.list[n]
		v.nets = append(v.nets, v.cells("asn", "as_org", &store.Point{ASN: net.asn, ASOrg: net.org}))
	}
	return v.nets[i]
}

func (v *values) ofSensor(i uint32) any {
	for n := len(v.sensors); n <= int(i); n++ {
		v.sensors = append(v.sensors, v.cells("sensor", "sensor", &store.Point{Sensor: v.tables.sensors.list[n]}))
	}
	return v.sensors[i][0]
}

// peer returns the text of an address of which there are usually few: local ones.
func (v *values) peer(p netip.Prefix) any {
	text, ok := v.peers[p]
	if !ok {
		if len(v.peers) >= 1<<14 {
			clear(v.peers)
		}
		text = value("TEXT", store.PrefixString(p))
		v.peers[p] = text
	}
	return text
}

// integer is n as SQLite's largest kind of number takes it.
func integer(n uint64) any {
	if n > math.MaxInt64 {
		return float64(n)
	}
	return int64(n)
}
