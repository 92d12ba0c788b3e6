package export

import (
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/packetheat/packetheat/store"
)

// column is one field of a row: every format that writes rows takes its fields,
// their order and their text from here, so that all of them agree.
type column struct {
	name string
	sql  string // type in the SQLite export; numbers are bare in JSON, TEXT is quoted
	free bool   // text from outside (a database, a configuration), not of our making

	// append adds the field's text to b; nothing for an empty field.
	append func(b []byte, c *rowCache, p *store.Point) []byte
}

// rowCache keeps what neighbouring rows share. The zero value is not ready: see
// newRowCache.
type rowCache struct {
	protos [256]string
	at     time.Time
	stamp  []byte // at, as RFC 3339
}

func newRowCache() *rowCache {
	c := new(rowCache)
	for i := range c.protos {
		c.protos[i] = store.ProtoName(uint8(i))
	}
	return c
}

// Columns returns the names of the fields of a row, in order. They are the header
// of the CSV, the keys of NDJSON, the properties of GeoJSON (which has latitude and
// longitude as geometry) and the columns of the table in SQLite:
//
//	time         start of the tick, RFC 3339 in UTC
//	latitude     degrees, empty where only the country is known, or nothing
//	longitude    degrees
//	direction    in: ip sent it; out: ip received it
//	protocol     tcp, udp, icmp, icmpv6, sctp … or the IANA number
//	ip           the public endpoint; CIDR where folded or masked
//	peer         the other endpoint
//	port         of the service; empty where there is none
//	packets, bytes (on the wire), opens (TCP SYN without ACK)
//	country      ISO 3166-1 alpha-2
//	city         in English
//	asn, as_org  the network that announces ip
//	sensor
//	interval     seconds from time on that the row sums up
//	precision    city, region, country or empty
//	accuracy_km  radius; empty: not given
//	flags        folded, late, masked, joined by ;
func Columns() []string {
	var names []string
	for _, c := range rowColumns() {
		names = append(names, c.name)
	}
	return names
}

func rowColumns() []column {
	return []column{
		{"time", "TEXT", false, appendTime},
		{"latitude", "REAL", false, func(b []byte, _ *rowCache, p *store.Point) []byte {
			return appendDegrees(b, p.Place.Latitude, p.Place)
		}},
		{"longitude", "REAL", false, func(b []byte, _ *rowCache, p *store.Point) []byte {
			return appendDegrees(b, p.Place.Longitude, p.Place)
		}},
		text("direction", func(p *store.Point) string { return p.Direction.String() }),
		{"protocol", "TEXT", false, func(b []byte, c *rowCache, p *store.Point) []byte {
			return append(b, c.protos[p.Proto]...)
		}},
		{"ip", "TEXT", false, func(b []byte, _ *rowCache, p *store.Point) []byte { return appendPrefix(b, p.Addr) }},
		{"peer", "TEXT", false, func(b []byte, _ *rowCache, p *store.Point) []byte { return appendPrefix(b, p.Peer) }},
		number("port", func(p *store.Point) (uint64, bool) { return uint64(p.Port), p.HasPort }),
		number("packets", func(p *store.Point) (uint64, bool) { return p.Packets, true }),
		number("bytes", func(p *store.Point) (uint64, bool) { return p.Bytes, true }),
		number("opens", func(p *store.Point) (uint64, bool) { return p.Opens, true }),
		freeText("country", func(p *store.Point) string { return p.Place.Country }),
		freeText("city", func(p *store.Point) string { return p.Place.City }),
		number("asn", func(p *store.Point) (uint64, bool) { return uint64(p.ASN), p.ASN != 0 }),
		freeText("as_org", func(p *store.Point) string { return p.ASOrg }),
		freeText("sensor", func(p *store.Point) string { return p.Sensor }),
		{"interval", "INTEGER", false, func(b []byte, _ *rowCache, p *store.Point) []byte {
			if p.Interval%time.Second == 0 { // always, but for a broken store
				return strconv.AppendInt(b, int64(p.Interval/time.Second), 10)
			}
			return strconv.AppendFloat(b, p.Interval.Seconds(), 'f', -1, 64)
		}},
		text("precision", func(p *store.Point) string { return p.Place.Precision.String() }),
		number("accuracy_km", func(p *store.Point) (uint64, bool) {
			return uint64(p.Place.AccuracyKM), p.Place.AccuracyKM != 0
		}),
		text("flags", func(p *store.Point) string { return p.Flags.String() }),
	}
}

func text(name string, of func(*store.Point) string) column {
	return column{name, "TEXT", false, func(b []byte, _ *rowCache, p *store.Point) []byte { return append(b, of(p)...) }}
}

func freeText(name string, of func(*store.Point) string) column {
	c := text(name, of)
	c.free = true
	return c
}

func number(name string, of func(*store.Point) (n uint64, ok bool)) column {
	return column{name, "INTEGER", false, func(b []byte, _ *rowCache, p *store.Point) []byte {
		n, ok := of(p)
		if !ok {
			return b
		}
		return strconv.AppendUint(b, n, 10)
	}}
}

// appendTime formats a time once for all rows of its tick.
func appendTime(b []byte, c *rowCache, p *store.Point) []byte {
	if c.stamp == nil || !p.Time.Equal(c.at) {
		c.at = p.Time
		c.stamp = p.Time.UTC().AppendFormat(c.stamp[:0], time.RFC3339Nano)
	}
	return append(b, c.stamp...)
}

// appendDegrees prints the shortest decimal that reads back as deg. Places keep
// four decimals, for which integers are four times as quick as strconv.
func appendDegrees(b []byte, deg float64, p store.Place) []byte {
	if !p.HasCoordinates() {
		return b
	}
	n := math.Round(deg * 1e4)
	if n/1e4 != deg || math.Abs(n) > 360e4 {
		return strconv.AppendFloat(b, deg, 'f', -1, 64)
	}
	i := int64(n)
	if i < 0 {
		b, i = append(b, '-'), -i
	}
	b = strconv.AppendInt(b, i/1e4, 10)
	frac := i % 1e4
	if frac == 0 {
		return b
	}
	b = append(b, '.', byte('0'+frac/1000), byte('0'+frac/100%10), byte('0'+frac/10%10), byte('0'+frac%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// appendPrefix prints an endpoint as store.PrefixString does, without allocating.
func appendPrefix(b []byte, p netip.Prefix) []byte {
	switch {
	case !p.IsValid():
		return b
	case p.IsSingleIP():
		return p.Addr().AppendTo(b)
	}
	return p.AppendTo(b)
}
