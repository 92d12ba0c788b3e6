package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Cell is what the map draws: the traffic of one place in one time bin, by protocol
// layer and direction.
type Cell struct {
	Time      time.Time // start of the bin, a multiple of the step asked for; zero if not binned
	Place     Place
	Class     Class
	Direction Direction
	Sum
}

// Bin is one step of a series.
type Bin struct {
	Time      time.Time // start of the bin
	Class     Class
	Direction Direction
	Sum
}

// Dimension is a property by which traffic is summed.
type Dimension uint8

// The dimensions of tops.
const (
	ByPlace Dimension = iota
	ByCountry
	ByCity
	ByASN
	ByIP
	ByPeer
	ByPort
	ByProto
	ByDirection
	BySensor
)

var dimensionNames = []string{"place", "country", "city", "asn", "ip", "peer", "port", "proto", "dir", "sensor"}

// String returns the name used in commands and the API.
func (d Dimension) String() string {
	if int(d) < len(dimensionNames) {
		return dimensionNames[d]
	}
	return fmt.Sprintf("dimension %d", d)
}

// Dimensions returns the names of all dimensions.
func Dimensions() []string { return slices.Clone(dimensionNames) }

// ParseDimension is the inverse of String.
func ParseDimension(s string) (Dimension, error) {
	i := slices.Index(dimensionNames, strings.ToLower(s))
	if i < 0 {
		return 0, fmt.Errorf("cannot sum by %q: use one of %s", s, strings.Join(dimensionNames, ", "))
	}
	return Dimension(i), nil
}

// Row is one line of a top: the traffic of one key of a dimension.
type Row struct {
	// Key identifies the row and can be put behind the dimension's name in a
	// filter: an address or CIDR, an ISO country code, an AS number, a port, a
	// protocol, "LAT,LON" for a place. Empty: the field is missing (unlocated …); by
	// place, Place.Country then tells the rows of what is known to its country only.
	Key   string
	Label string // for people: AS organisation, "City, Country" …; may equal Key
	Proto uint8  // ByPort: the protocol of the port; else 0

	Place     Place  // ByPlace, ByCity, ByIP: where; else only its Country, if one
	ASN       uint32 // ByIP: the AS of the address
	ASOrg     string
	In, Out   Sum
	Addresses uint64    // distinct public addresses behind the row; 0: not counted
	First     time.Time // start of the first tick with traffic of the row
	Last      time.Time // end of the last one
}

// Total returns In and Out together.
func (r *Row) Total() Sum {
	s := r.In
	s.Add(r.Out)
	return s
}

// CountryOnly makes r the row, by place, of all that is known to a country only, which
// an ISO code names.
func (r *Row) CountryOnly(country string) {
	r.Key, r.Place, r.Label = "", Place{Country: country}, country+" (country only)"
}

// RowID tells the rows of a top apart. It can be compared, and be a map's key.
type RowID struct {
	key, country string
	proto        uint8
}

// ID returns what the row has alone in its top and shares with the same row of another.
func (r *Row) ID(by Dimension) RowID {
	id := RowID{key: r.Key, proto: r.Proto}
	if by == ByPlace && r.Key == "" {
		id.country = r.Place.Country
	}
	return id
}

// Top is the answer to "who most": the biggest rows, and what all rows add up to.
type Top struct {
	By    Dimension
	Rows  []Row // by packets, then bytes, then key
	Total Sum   // of all rows, also of those cut off
	Count int   // how many rows there are in all
}

// SortRows puts rows into the order of a Top: most packets first, ties by bytes,
// then by key, country and protocol, so that the order is always the same.
func SortRows(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		ta, tb := a.Total(), b.Total()
		switch {
		case ta.Packets != tb.Packets:
			return cmpDesc(ta.Packets, tb.Packets)
		case ta.Bytes != tb.Bytes:
			return cmpDesc(ta.Bytes, tb.Bytes)
		case a.Key != b.Key:
			return strings.Compare(a.Key, b.Key)
		case a.Place.Country != b.Place.Country:
			return strings.Compare(a.Place.Country, b.Place.Country)
		}
		return int(a.Proto) - int(b.Proto)
	})
}

func cmpDesc(a, b uint64) int {
	if a > b {
		return -1
	}
	return 1
}
