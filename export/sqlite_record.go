package export

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/packetheat/packetheat/store"
)

// field is one or more neighbouring columns of a record as SQLite keeps them: what
// they are (serial types) and their content, each in the columns' order
// (https://sqlite.org/fileformat2.html, 2.1).
type field struct{ types, body []byte }

// add appends a value: nil, int64, float64 or string.
func (f *field) add(v any) {
	switch v := v.(type) {
	case nil:
		f.types = append(f.types, 0)
	case int64:
		f.integer(v)
	case float64:
		if v != v { // SQLite has no value that is no number
			f.types = append(f.types, 0)
			return
		}
		f.types = append(f.types, 7)
		f.body = binary.BigEndian.AppendUint64(f.body, math.Float64bits(v))
	case string:
		f.types = appendVarint(f.types, uint64(len(v))*2+13)
		f.body = append(f.body, v...)
	}
}

// integer appends a number in as few bytes as it fits into.
func (f *field) integer(n int64) {
	switch {
	case n == 0 || n == 1:
		f.types = append(f.types, byte(8+n))
	case n == int64(int8(n)):
		f.types, f.body = append(f.types, 1), append(f.body, byte(n))
	case n == int64(int16(n)):
		f.types, f.body = append(f.types, 2), append(f.body, byte(n>>8), byte(n))
	case n<<40>>40 == n:
		f.types, f.body = append(f.types, 3), append(f.body, byte(n>>16), byte(n>>8), byte(n))
	case n == int64(int32(n)):
		f.types, f.body = append(f.types, 4), binary.BigEndian.AppendUint32(f.body, uint32(n))
	case n<<16>>16 == n:
		f.types, f.body = append(f.types, 5), append(f.body, byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	default:
		f.types, f.body = append(f.types, 6), binary.BigEndian.AppendUint64(f.body, uint64(n))
	}
}

func (f *field) amount(n uint64) {
	if n > math.MaxInt64 {
		f.add(float64(n))
		return
	}
	f.integer(int64(n))
}

func (f *field) join(o *field) {
	f.types, f.body = append(f.types, o.types...), append(f.body, o.body...)
}

// appendVarint appends n as SQLite writes it: 7 bits a byte, the highest first, and
// all eight bits of a ninth byte.
func appendVarint(b []byte, n uint64) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	if n>>56 != 0 {
		for shift := 57; shift >= 8; shift -= 7 {
			b = append(b, byte(n>>shift)|0x80)
		}
		return append(b, byte(n))
	}
	shift := 7
	for n>>shift >= 0x80 {
		shift += 7
	}
	for ; shift > 0; shift -= 7 {
		b = append(b, byte(n>>shift)|0x80)
	}
	return append(b, byte(n)&0x7f)
}

// records makes points into records. What many rows share is made once, from the
// columns of all formats.
type records struct {
	cols    []column
	rows    *rowCache
	tables  *tables
	places  [][3]field // by number: latitude and longitude, country and city, precision and accuracy_km
	nets    []field    // asn, as_org
	sensors []field
	kinds   [512]*field // direction, protocol
	peers   map[netip.Prefix]*field

	at       time.Time
	time     *field
	addr     netip.Prefix
	addrText field
	length   time.Duration
	interval *field
	row      field
	record   []byte
}

func newRecords() *records {
	return &records{cols: rowColumns(), rows: newRowCache(), tables: newTables(), peers: map[netip.Prefix]*field{}, length: -1}
}

// fields returns the columns from to to.
func (r *records) fields(from, to string, p *store.Point) (out field) {
	var text []byte
	in := false
	for i := range r.cols {
		c := &r.cols[i]
		if in = in || c.name == from; !in {
			continue
		}
		text = c.append(text[:0], r.rows, p)
		out.add(value(c.sql, string(text)))
		if c.name == to {
			break
		}
	}
	return out
}

// value turns the text of a column into what its type makes of it
// (https://sqlite.org/datatype3.html, 3.1). An empty field is NULL.
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

// of returns p's record, which is valid until the next call. Its header, of which a
// text's type takes at most five bytes, is below 128: one byte says its length.
func (r *records) of(p *store.Point) []byte {
	if r.tables.places.len()+r.tables.nets.len() > 1<<16 {
		r.tables, r.places, r.nets, r.sensors = newTables(), nil, nil, nil
	}
	k := r.tables.key(p, levelPlaces) // addresses change all the time
	place := r.ofPlace(k.place)
	r.share(p)
	kind := &r.kinds[uint(p.Proto)<<1|uint(k.bits&bitOut)]
	if *kind == nil {
		f := r.fields("direction", "protocol", p)
		*kind = &f
	}
	f := &r.row
	f.types, f.body = f.types[:0], f.body[:0]
	f.join(r.time)
	f.join(&place[0])
	f.join(*kind)
	f.join(&r.addrText)
	f.join(r.peer(p.Peer))
	if p.HasPort {
		f.integer(int64(p.Port))
	} else {
		f.add(nil)
	}
	f.amount(p.Packets)
	f.amount(p.Bytes)
	f.amount(p.Opens)
	f.join(&place[1])
	f.join(r.ofNet(k.net))
	f.join(r.ofSensor(uint32(k.sensor)))
	f.join(r.interval)
	f.join(&place[2])
	if p.Flags == 0 {
		f.add(nil)
	} else {
		f.add(p.Flags.String())
	}
	r.record = append(r.record[:0], byte(1+len(f.types)))
	r.record = append(append(r.record, f.types...), f.body...)
	return r.record
}

// share makes the fields that p has in common with the points before it.
func (r *records) share(p *store.Point) {
	if r.time == nil || p.Time != r.at {
		f := r.fields("time", "time", p)
		r.at, r.time = p.Time, &f
	}
	if p.Interval != r.length {
		f := r.fields("interval", "interval", p)
		r.length, r.interval = p.Interval, &f
	}
	if p.Addr != r.addr || r.addrText.types == nil {
		r.addr = p.Addr
		r.addrText.types, r.addrText.body = r.addrText.types[:0], appendPrefix(r.addrText.body[:0], p.Addr)
		if n := len(r.addrText.body); n > 0 {
			r.addrText.types = appendVarint(r.addrText.types, uint64(n)*2+13)
		} else {
			r.addrText.types = append(r.addrText.types, 0)
		}
	}
}

func (r *records) ofPlace(i uint32) *[3]field {
	for n := len(r.places); n <= int(i); n++ {
		p := &store.Point{Place: r.tables.places.list[n]}
		r.places = append(r.places, [3]field{r.fields("latitude", "longitude", p),
			r.fields("country", "city", p), r.fields("precision", "accuracy_km", p)})
	}
	return &r.places[i]
}

func (r *records) ofNet(i uint32) *field {
	for n := len(r.nets); n <= int(i); n++ {
		net := &r.tables.nets.list[n]
		r.nets = append(r.nets, r.fields("asn", "as_org", &store.Point{ASN: net.asn, ASOrg: net.org}))
	}
	return &r.nets[i]
}

func (r *records) ofSensor(i uint32) *field {
	for n := len(r.sensors); n <= int(i); n++ {
		r.sensors = append(r.sensors, r.fields("sensor", "sensor", &store.Point{Sensor: r.tables.sensors.list[n]}))
	}
	return &r.sensors[i]
}

// peer returns the text of an address of which there are usually few: local ones.
func (r *records) peer(p netip.Prefix) *field {
	f, ok := r.peers[p]
	if !ok {
		if len(r.peers) >= 1<<14 {
			clear(r.peers)
		}
		f = new(field)
		f.add(value("TEXT", store.PrefixString(p)))
		r.peers[p] = f
	}
	return f
}
