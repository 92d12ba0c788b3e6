package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// mostCounted is up to how many points in the window a top is summed from them, and
// distinct addresses are counted. Rollups, which have no addresses, answer beyond.
const mostCounted = 20_000_000

// Top sums the matching points by one dimension and returns the n biggest rows (n ≤ 0:
// all) with the total and number of all. Distinct addresses are counted exactly in windows
// of up to some twenty million points; in longer ones, where sums by place, AS, port,
// protocol and direction answer, all counts are 0, which means not counted.
func (s *Store) Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error) {
	if by > store.BySensor {
		return store.Top{}, fmt.Errorf("cannot sum by %s", by)
	}
	p, err := s.plan(ctx, &f, topProps(by))
	if err != nil {
		return store.Top{}, err
	}
	if len(p.filter.rest) > 0 {
		rows, err := p.topOfPoints(ctx, by)
		if err != nil {
			return store.Top{}, err
		}
		return makeTop(by, rows, n), nil
	}
	return p.top(ctx, by, n)
}

// topProps returns what must be known of traffic to sum it by a dimension, and to word the
// rows.
func topProps(by store.Dimension) props {
	switch by {
	case store.ByPlace, store.ByCity:
		return propPlace | propCountry
	case store.ByASN:
		return propASN | propCountry
	case store.ByPort:
		return propPort | propCountry
	case store.ByIP, store.ByPeer:
		return propPoint
	}
	return propCountry
}

func (p *plan) top(ctx context.Context, by store.Dimension, n int) (top store.Top, err error) {
	many := false
	if p.kind != "" {
		if many, err = p.many(ctx); err != nil {
			return top, err
		}
	}
	q := topQueryOf(by)
	parts := p.parts(0, !many)
	if len(parts) == 0 {
		return makeTop(by, nil, n), ctx.Err()
	}
	sql := q.sql(p, parts)
	for limit := max(n, 1000); ; limit *= 8 {
		rows, err := p.topRows(ctx, q, sql, limit, n > 0)
		if err != nil {
			return top, err
		}
		if n <= 0 || len(rows) <= limit {
			return makeTop(by, rows, n), nil
		}
		last := rows[len(rows)-1].total()
		top = makeTop(by, rows, n)
		if worst := top.Rows[n-1].Total(); worst.Packets == last.Packets && worst.Bytes == last.Bytes {
			continue // who is among them goes by their keys
		}
		top.Count, top.Total, err = p.topTotal(ctx, q, sql)
		return top, err
	}
}

// many reports whether there are more points in the window than are summed one by one.
func (p *plan) many(ctx context.Context) (bool, error) {
	if p.kept.points <= p.store.counted {
		return false, nil
	}
	tier := len(tiers) - 1
	if p.to-p.from > 2*tiers[0].seconds {
		tier = 0
	}
	sql := "SELECT toUInt64(sum(points)) FROM " + p.store.relationOf(&part{tier: tier}, "asn").sql
	if in := between("start", floorTo(p.from, tiers[tier].seconds), p.to); in != "" {
		sql += " WHERE " + in
	}
	var points uint64
	err := p.store.each(ctx, sql, false, func(rows driver.Rows) error { return rows.Scan(&points) })
	return points > p.store.counted, err
}

// topQuery is what is asked for a dimension.
type topQuery struct {
	by    store.Dimension
	keys  []string // expressions that tell rows apart
	words []string // columns that the row says of its latest tick
}

func topQueryOf(by store.Dimension) topQuery {
	q := topQuery{by: by}
	switch by {
	case store.ByPlace:
		spot := fmt.Sprintf("precision >= %d", store.Region)
		q.keys = []string{"toUInt8(" + spot + ")", "if(" + spot + ", latitude, 0.)", "if(" + spot + ", longitude, 0.)", "toString(if(" + spot + ", '', country))"}
		q.words = placeSQL[:]
	case store.ByCountry:
		q.keys = []string{"country"}
	case store.ByCity:
		q.keys, q.words = []string{"city"}, placeSQL[:]
	case store.ByASN:
		q.keys, q.words = []string{"asn"}, []string{"as_org"}
	case store.ByIP:
		q.keys = []string{"addr", "addr_bits", "addr_family"}
		q.words = append(append([]string{}, placeSQL[:]...), "asn", "as_org")
	case store.ByPeer:
		q.keys = []string{"peer", "peer_bits", "peer_family"}
	case store.ByPort:
		q.keys = []string{"proto", "port", "has_port"}
	case store.ByProto:
		q.keys = []string{"proto"}
	case store.ByDirection:
		q.keys = []string{"direction"}
	default:
		q.keys = []string{"sensor"}
	}
	return q
}

// sql is the query, without an order. From points alone it is one sum, which also counts
// addresses; else each part is summed by all that is asked first, and all of them then.
func (q *topQuery) sql(p *plan, parts []part) string {
	if len(parts) == 1 && parts[0].tier == withPoints {
		from := p.store.relationOf(&parts[0], p.kind)
		addresses := "toUInt64(1)"
		if q.by != store.ByIP {
			addresses = "toUInt64(uniqExact(addr, addr_bits, addr_family))"
		}
		return q.outer(numbered(q.keys), from.first, from.last, "direction", "packets", "bytes", "opens", "country", q.words, addresses) +
			" FROM " + from.sql + " WHERE " + p.filter.where(between(from.time, parts[0].from, parts[0].to)) + " GROUP BY " + numbers(len(q.keys))
	}
	var all, words []string
	for i := range parts {
		from := p.store.relationOf(&parts[i], p.kind)
		by := append(append([]string{}, q.keys...), q.words...)
		by = append(by, "country", "direction")
		all = append(all, fmt.Sprintf("SELECT %s, sum(packets) AS p, sum(bytes) AS b, sum(opens) AS o, toUInt64(min(%s)) AS f, toUInt64(max(%s)) AS l FROM %s WHERE %s GROUP BY %s",
			numbered(by), from.first, from.last, from.sql, p.filter.where(between(from.time, parts[i].from, parts[i].to)), numbers(len(by))))
	}
	n := len(q.keys)
	for i := range q.words {
		words = append(words, fmt.Sprintf("k%d", n+i))
	}
	country, direction := fmt.Sprintf("k%d", n+len(words)), fmt.Sprintf("k%d", n+len(words)+1)
	return q.outer(numbers(n), "f", "l", direction, "p", "b", "o", country, words, "toUInt64(0)") +
		" FROM (" + strings.Join(all, " UNION ALL ") + ") GROUP BY " + numbers(n)
}

// outer is the list of what is selected: keys, then what topRow's into has.
func (q *topQuery) outer(keys, first, last, direction, packets, octets, opens, country string, words []string, addresses string) string {
	list := []string{keys}
	for d := range 2 {
		for i, sum := range []string{packets, octets, opens} {
			list = append(list, fmt.Sprintf("sumIf(%s, %s = %d) AS s%d", sum, direction, d, 3*d+i))
		}
	}
	list = append(list, "toInt64(min("+first+"))", "toInt64(max("+last+"))",
		"toString(min("+country+"))", "toString(max("+country+"))", addresses)
	if len(words) > 0 {
		// The latest tick decides and, within one, something that is the same for all words.
		latest := fmt.Sprintf("bitOr(bitShiftLeft(toUInt64(%s), 32), bitShiftRight(cityHash64(%s), 32))", last, strings.Join(words, ", "))
		for _, w := range words {
			list = append(list, "argMax("+w+", "+latest+")")
		}
	}
	return "SELECT " + strings.Join(list, ", ")
}

// topRow is a row as the server tells it.
type topRow struct {
	key                     topKey
	in, out                 store.Sum
	first, last             int64
	lowCountry, highCountry string // of all points, by name
	addresses               uint64
	place                   store.Place // of the latest point, if that is asked
	asn                     uint32
	org                     string
}

// topKey tells rows apart, as store.Row has it.
type topKey struct {
	text  string
	proto uint8
}

func (r *topRow) total() store.Sum {
	sum := r.in
	sum.Add(r.out)
	return sum
}

// topRows asks for rows, the biggest first, and one more than limit.
func (p *plan) topRows(ctx context.Context, q topQuery, sql string, limit int, limited bool) ([]topRow, error) {
	if limited {
		sql += fmt.Sprintf(" ORDER BY s0 + s3 DESC, s1 + s4 DESC LIMIT %d", limit+1)
	}
	var all []topRow
	var r topScan
	into := r.into(&q)
	err := p.store.each(ctx, sql, p.filter.pairs, func(rows driver.Rows) error {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		all = append(all, r.row(q.by))
		return nil
	})
	return all, err
}

// topTotal returns how many rows there are in all, and what they add up to.
func (p *plan) topTotal(ctx context.Context, q topQuery, sql string) (n int, sum store.Sum, err error) {
	var count uint64
	err = p.store.each(ctx, "SELECT count(), sum(s0 + s3), sum(s1 + s4), sum(s2 + s5) FROM ("+sql+")", p.filter.pairs, func(rows driver.Rows) error {
		return rows.Scan(&count, &sum.Packets, &sum.Bytes, &sum.Opens)
	})
	return int(count), sum, err
}

// makeTop words the rows, sorts them and cuts those behind the n-th off.
func makeTop(by store.Dimension, list []topRow, n int) store.Top {
	top := store.Top{By: by, Count: len(list)}
	for i := range list {
		row := list[i].worded(by)
		top.Total.Add(row.Total())
		top.Rows = append(top.Rows, row)
	}
	store.SortRows(top.Rows)
	if n > 0 && n < len(top.Rows) {
		top.Rows = top.Rows[:n:n]
	}
	return top
}

// worded returns the row with its label, as package store/sqlite words it.
func (r *topRow) worded(by store.Dimension) store.Row {
	row := store.Row{Key: r.key.text, Proto: r.key.proto, In: r.in, Out: r.out, Addresses: r.addresses,
		First: time.Unix(r.first, 0).UTC(), Last: time.Unix(r.last, 0).UTC()}
	several := r.lowCountry != r.highCountry
	if !several {
		row.Place.Country = r.lowCountry
	}
	switch by {
	case store.ByIP:
		row.Addresses, row.Place, row.ASN, row.ASOrg = 1, r.place, r.asn, r.org
	case store.ByASN:
		if row.Key != "" {
			row.ASN, row.ASOrg, row.Label = r.asn, r.org, r.org
		}
	case store.ByPort:
		if row.Key != "" {
			row.Label = row.Key + "/" + store.ProtoName(row.Proto)
		}
	case store.ByPlace, store.ByCity:
		switch {
		case row.Key == "":
		case by == store.ByPlace && row.Key == r.lowCountry:
			row.CountryOnly(r.lowCountry)
		default:
			row.Place, row.Label = r.place, placeLabel(&r.place, several)
		}
	}
	row.Label = cmp.Or(row.Label, row.Key, "unknown")
	return row
}

// placeLabel is "City, Country", or what of it is known and true of the whole row.
func placeLabel(p *store.Place, several bool) string {
	name := cmp.Or(p.City, p.Region)
	switch {
	case several:
		return name + " (several countries)"
	case name != "" && p.Country != "":
		return name + ", " + p.Country
	}
	return cmp.Or(name, p.Country)
}
