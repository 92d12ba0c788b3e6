package clickhouse

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// pointRows collects points column by column, as the driver takes them fastest.
type pointRows struct {
	n       int
	numbers bool // has the column row

	sensor, origin            []string
	time                      []time.Time
	interval                  []uint8
	seq, row                  []uint32
	shipment                  []uint64
	addr, peer                ends
	direction, proto, hasPort []uint8
	port                      []uint16
	latitude, longitude       []float64
	country, region, city     []string
	precision                 []uint8
	accuracy                  []uint16
	asn                       []uint32
	org                       []string
	packets, bytes, opens     []uint64
	flags                     []uint8
}

// ends are addresses or peers.
type ends struct {
	addr         []string // 16 bytes each
	bits, family []uint8
}

func newPointRows(caps Capabilities) *pointRows { return &pointRows{numbers: !caps.Tokens} }

// add takes the points of a batch.
func (r *pointRows) add(origin string, shipment uint64, b *store.Batch) {
	for i := range b.Points {
		p := &b.Points[i]
		r.sensor, r.origin = append(r.sensor, b.Sensor), append(r.origin, origin)
		r.time, r.interval = append(r.time, b.Tick.UTC()), append(r.interval, seconds(b.Interval))
		r.seq, r.row = append(r.seq, b.Seq), append(r.row, uint32(i))
		r.shipment = append(r.shipment, shipment)
		r.addr.add(p.Addr)
		r.peer.add(p.Peer)
		r.direction, r.proto = append(r.direction, uint8(p.Direction)), append(r.proto, p.Proto)
		r.port, r.hasPort = append(r.port, p.Port), append(r.hasPort, bit(p.HasPort))
		r.latitude, r.longitude = append(r.latitude, p.Place.Latitude), append(r.longitude, p.Place.Longitude)
		r.country, r.region, r.city = append(r.country, p.Place.Country), append(r.region, p.Place.Region), append(r.city, p.Place.City)
		r.precision, r.accuracy = append(r.precision, uint8(p.Place.Precision)), append(r.accuracy, p.Place.AccuracyKM)
		r.asn, r.org = append(r.asn, p.ASN), append(r.org, p.ASOrg)
		r.packets, r.bytes, r.opens = append(r.packets, p.Packets), append(r.bytes, p.Bytes), append(r.opens, p.Opens)
		r.flags = append(r.flags, uint8(p.Flags))
	}
	r.n += len(b.Points)
}

// values returns the columns in the order of pointColumns.
func (r *pointRows) values() []any {
	list := []any{r.sensor, r.origin, r.time, r.interval, r.seq, r.shipment}
	if r.numbers {
		list = append(list, r.row)
	}
	return append(list, r.addr.addr, r.addr.bits, r.addr.family, r.peer.addr, r.peer.bits, r.peer.family,
		r.direction, r.proto, r.port, r.hasPort, r.latitude, r.longitude, r.country, r.region, r.city,
		r.precision, r.accuracy, r.asn, r.org, r.packets, r.bytes, r.opens, r.flags)
}

// add takes one end. IPv4 is mapped into IPv6, and the bits with it.
func (e *ends) add(p netip.Prefix) {
	a, bits, family := encodeEnd(p)
	e.addr, e.bits, e.family = append(e.addr, string(a[:])), append(e.bits, bits), append(e.family, family)
}

// encodeEnd returns the three columns of an address or peer.
func encodeEnd(p netip.Prefix) (addr [16]byte, bits, family uint8) {
	switch {
	case !p.IsValid():
		return addr, 0, 0
	case p.Addr().Is4():
		return p.Addr().As16(), uint8(p.Bits() + 96), 4
	}
	return p.Addr().As16(), uint8(p.Bits()), 6
}

// decodeEnd is the inverse of encodeEnd.
func decodeEnd(addr [16]byte, bits, family uint8) netip.Prefix {
	a := netip.AddrFrom16(addr)
	switch family {
	case 4:
		return netip.PrefixFrom(a.Unmap(), int(bits)-96)
	case 6:
		return netip.PrefixFrom(a, int(bits))
	}
	return netip.Prefix{}
}

func seconds(d time.Duration) uint8 { return uint8(d / time.Second) }

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}

// batchColumns are the columns of batches that are inserted: the server adds received.
func batchColumns() []column {
	columns := batchesTable().columns
	return columns[:len(columns)-1]
}

// batchRow returns a row of batches in the order of batchColumns.
func batchRow(origin string, b *store.Batch, program string, now time.Time) ([]any, error) {
	on, off := b.Captured()
	row := []any{b.Sensor, origin, b.Tick.UTC(), seconds(b.Interval), b.Seq, int64(on), int64(off), uint64(len(b.Points))}
	s := sumsOf(b.Points)
	for _, c := range counters(&b.Books, &s) {
		row = append(row, *c.value)
	}
	geo, err := encodeSources(b.Geo)
	return append(row, geo, program, now.UTC()), err
}

// source is a store.GeoSource as the column geo has it.
type source struct {
	Kind        string `json:"kind"`
	Name        string `json:"name"`
	Built       int64  `json:"built"` // Unix time
	Attribution string `json:"attribution,omitempty"`
	URL         string `json:"url,omitempty"`
}

func encodeSources(list []store.GeoSource) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	sources := make([]source, len(list))
	for i, g := range list {
		sources[i] = source{g.Kind, g.Name, g.Built.Unix(), g.Attribution, g.URL}
	}
	b, err := json.Marshal(sources)
	return string(b), err
}

// decodeSources is the inverse of encodeSources.
func decodeSources(s string) ([]store.GeoSource, error) {
	if s == "" {
		return nil, nil
	}
	var sources []source
	if err := json.Unmarshal([]byte(s), &sources); err != nil {
		return nil, err
	}
	list := make([]store.GeoSource, len(sources))
	for i, g := range sources {
		list[i] = store.GeoSource{Kind: g.Kind, Name: g.Name, Built: time.Unix(g.Built, 0).UTC(), Attribution: g.Attribution, URL: g.URL}
	}
	return list, nil
}

// point returns a row as it was before add.
func (r *pointRows) point(i int) store.Point {
	return store.Point{
		Time: r.time[i].UTC(), Interval: time.Duration(r.interval[i]) * time.Second,
		Addr: r.addr.at(i), Peer: r.peer.at(i),
		Direction: store.Direction(r.direction[i]), Proto: r.proto[i], Port: r.port[i], HasPort: r.hasPort[i] != 0,
		Place: store.Place{
			Latitude: r.latitude[i], Longitude: r.longitude[i], Country: r.country[i], Region: r.region[i], City: r.city[i],
			Precision: store.Precision(r.precision[i]), AccuracyKM: r.accuracy[i],
		},
		ASN: r.asn[i], ASOrg: r.org[i],
		Packets: r.packets[i], Bytes: r.bytes[i], Opens: r.opens[i], Sensor: r.sensor[i], Flags: store.Flags(r.flags[i]),
	}
}

func (e *ends) at(i int) netip.Prefix {
	var a [16]byte
	copy(a[:], e.addr[i])
	return decodeEnd(a, e.bits[i], e.family[i])
}
