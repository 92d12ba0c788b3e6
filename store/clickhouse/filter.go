package clickhouse

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/packetheat/packetheat/store"
)

// props are properties of traffic that an answer depends on. Protocol, direction, sensor
// and time are known wherever there is any.
type props uint8

const (
	propCountry props = 1 << iota
	propPlace         // all of the place
	propASN
	propPort
	propPoint // what only points know: addresses, peers, opens of each
)

// filter is a query's terms: what of them SQL can say, and what is left for us.
type filter struct {
	conditions []string
	props      props
	pairs      bool // a condition looks up pairs of endpoints

	// rest are terms about functions of ours: labels, and opened:unanswered where somebody
	// has found out before. Points are fetched for them and shown one by one.
	rest []store.Term
}

// where returns the conditions with more in front, and behind each other; it is never
// empty.
func (f *filter) where(more ...string) string {
	all := append(slices.DeleteFunc(more, func(s string) bool { return s == "" }), f.conditions...)
	if len(all) == 0 {
		return "1"
	}
	return strings.Join(all, " AND ")
}

// newFilter translates terms; pairs returns what opened:unanswered asks about: the points
// of TCP that fit the terms given, for a subquery.
func newFilter(terms []store.Term, pairs func(terms []store.Term) (from, where string)) *filter {
	f := new(filter)
	for i := range terms {
		t := &terms[i]
		f.props |= propsOf(t.Key)
		if t.Key == store.KeyLabel || t.Unanswered && t.Answered != nil {
			f.rest = append(f.rest, *t)
			continue
		}
		sql := condition(t)
		if t.Key == store.KeyOpened {
			from, where := "", ""
			if t.Unanswered {
				f.pairs = true
				from, where = pairs(eitherWay(terms))
			}
			sql = openedCondition(t, from, where)
		}
		if t.Not {
			sql = "NOT " + sql
		}
		f.conditions = append(f.conditions, sql)
	}
	return f
}

// matchRest reports whether what SQL could not say holds for p.
func (f *filter) matchRest(p *store.Point) bool {
	for i := range f.rest {
		if !f.rest[i].Match(p) {
			return false
		}
	}
	return true
}

func propsOf(k store.Key) props {
	switch k {
	case store.KeyCountry:
		return propCountry
	case store.KeyRegion, store.KeyCity, store.KeyPlace:
		return propPlace
	case store.KeyASN:
		return propASN
	case store.KeyPort:
		return propPort
	case store.KeyProto, store.KeyDir, store.KeySensor:
		return 0
	}
	return propPoint
}

// condition is the term without its negation, in brackets. It means what store.Term's
// Match does, of which the tests hold it against.
func condition(t *store.Term) string {
	switch t.Key {
	case store.KeyProto:
		return ranges("proto", t.Ranges)
	case store.KeyPort:
		return "(has_port != 0 AND " + ranges("port", t.Ranges) + ")"
	case store.KeyASN:
		return "(asn != 0 AND " + ranges("asn", t.Ranges) + ")"
	case store.KeyIP:
		return networks("addr", t.Networks)
	case store.KeyPeer:
		return networks("peer", t.Networks)
	case store.KeyHost:
		return "(" + networks("addr", t.Networks) + " OR " + networks("peer", t.Networks) + ")"
	case store.KeyDir:
		return directions(t.Dirs)
	case store.KeyPlace:
		return spots(t.Spots)
	}
	return words(t.Key.String(), t.Words) // columns are named as the keys are
}

// anyOf joins conditions by or; none of none is true.
func anyOf(conditions []string) string {
	if len(conditions) == 0 {
		return "(0)"
	}
	return "(" + strings.Join(conditions, " OR ") + ")"
}

func ranges(column string, list []store.Range) string {
	var any, single []string
	for _, r := range list {
		if r.Low == r.High {
			single = append(single, strconv.FormatUint(uint64(r.Low), 10))
			continue
		}
		any = append(any, fmt.Sprintf("%s BETWEEN %d AND %d", column, r.Low, r.High))
	}
	if len(single) > 0 {
		any = append(any, column+" IN ("+strings.Join(single, ", ")+")")
	}
	return anyOf(any)
}

func directions(list []store.Direction) string {
	var any []string
	for _, d := range list {
		any = append(any, fmt.Sprintf("direction = %d", d))
	}
	return anyOf(any)
}

// spots compares as store.Term does, to the last bit.
func spots(list []store.Place) string {
	var any []string
	for _, p := range list {
		any = append(any, fmt.Sprintf("abs(%[1]s - latitude) <= %[2]s AND abs(%[3]s - longitude) <= %[2]s",
			float(p.Latitude), float(spotTolerance), float(p.Longitude)))
	}
	return fmt.Sprintf("(precision >= %d AND %s)", store.Region, anyOf(any))
}

// spotTolerance is half of the last of the 4 decimals that places keep, in degrees: see
// package store.
const spotTolerance = 0.00005

// endpointColumns tell an address and a peer, with what else tells an exchange of
// packets between them from others. Prefixes have bits beyond their length, too.
const exchangeColumns = "addr, addr_bits, addr_family, peer, peer_bits, peer_family, port, has_port"

// openedCondition is the term opened. What was unanswered is the opens to which nothing
// came the other way, among points that pairs selects; other protocols than TCP open
// nothing that could be.
func openedCondition(t *store.Term, from, where string) string {
	var any []string
	if len(t.Dirs) > 0 {
		any = append(any, directions(t.Dirs))
	}
	if t.Unanswered {
		any = append(any, fmt.Sprintf("(proto = %[1]d AND (direction, %[2]s) GLOBAL NOT IN (SELECT toUInt8(1 - direction), %[2]s FROM %[3]s WHERE %[4]s))",
			tcp, exchangeColumns, from, where))
	}
	return "(opens > 0 AND " + anyOf(any) + ")"
}

// tcp is its IP protocol number.
const tcp = 6

// eitherWay returns the terms that hold for both directions of an exchange alike: what is
// left out by them needs no looking up. Connections are TCP's.
func eitherWay(terms []store.Term) []store.Term {
	out := []store.Term{{Key: store.KeyProto, Ranges: []store.Range{{Low: tcp, High: tcp}}}}
	for _, t := range terms {
		switch t.Key {
		case store.KeyIP, store.KeyPeer, store.KeyHost, store.KeyPort:
			out = append(out, t)
		}
	}
	return out
}
