package export

import (
	"database/sql/driver"
	"math"
	"net/netip"
	"strconv"

	"github.com/packetheat/packetheat/store"
)

// What a row shares with many others is bound once, and kept in temporary tables that
// the rows are joined with: most of what a row costs the driver is the way of each of
// its values from Go to C. These are the columns of the two tables.
var (
	whereColumns = []string{"latitude", "longitude", "country", "city", "asn", "as_org", "precision", "accuracy_km"}
	kindColumns  = []string{"direction", "protocol", "flags"}
	stampColumns = []string{"time", "sensor", "interval"} // of all rows of a statement
	ownColumns   = []string{"ip", "peer", "port", "packets", "bytes", "opens"}
)

// whereKey and kindKey tell the rows of the temporary tables apart.
type (
	whereKey struct {
		place store.Place
		asn   uint32
		org   string
	}
	kindKey struct {
		direction store.Direction
		proto     uint8
		flags     store.Flags
	}
)

// maxShared bounds what is kept of places and peers.
const maxShared = 1 << 16

// values turns the fields of points into values of SQL, by the columns that all
// formats share.
type values struct {
	cols  map[string]column
	cache *rowCache
	peers map[netip.Prefix]any
	addr  netip.Prefix
	text  any // of addr
}

func newValues() *values {
	v := &values{cols: map[string]column{}, cache: newRowCache(), peers: map[netip.Prefix]any{}}
	for _, c := range rowColumns() {
		v.cols[c.name] = c
	}
	return v
}

// of returns the values of p's columns of these names.
func (v *values) of(p *store.Point, names []string) []any {
	out := make([]any, len(names))
	for i, name := range names {
		c := v.cols[name]
		out[i] = value(c.sql, string(c.append(nil, v.cache, p)))
	}
	return out
}

// own fills args with the values of ownColumns.
func (v *values) own(args []driver.NamedValue, p *store.Point) {
	if v.text == nil || p.Addr != v.addr {
		v.addr, v.text = p.Addr, value("TEXT", store.PrefixString(p.Addr))
	}
	args[0].Value, args[1].Value = v.text, v.peer(p.Peer)
	args[2].Value = nil
	if p.HasPort {
		args[2].Value = int64(p.Port)
	}
	args[3].Value, args[4].Value, args[5].Value = integer(p.Packets), integer(p.Bytes), integer(p.Opens)
}

// peer returns the text of an address of which there are usually few: local ones.
func (v *values) peer(p netip.Prefix) any {
	text, ok := v.peers[p]
	if !ok {
		if len(v.peers) >= maxShared {
			clear(v.peers)
		}
		text = value("TEXT", store.PrefixString(p))
		v.peers[p] = text
	}
	return text
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

// integer is n as SQLite's largest kind of number takes it.
func integer(n uint64) any {
	if n > math.MaxInt64 {
		return float64(n)
	}
	return int64(n)
}
