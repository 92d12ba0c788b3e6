package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// Points are fetched a stretch of time after the other, each of about slicePoints and at
// least a tick, and handed on by chunkPoints: what takes its time holds up no query. Up to
// fewPoints are fetched at once, without asking first how many there are when: most
// questions are about one address or place.
const (
	slicePoints = 1 << 16
	chunkPoints = 4096
	fewPoints   = 2 * chunkPoints
)

// Points calls yield with the matching points in order of time, sensor and address, some
// thousand at a time. Points of one tick that differ in their amounts alone are one. Times
// whose points are gone have a row for each place, protocol and direction of each of the
// finest rollups kept: without addresses and ports, with the interval's start as Time and
// its length as Interval. The chunk is reused when yield returns. An error of yield ends
// the reading and is returned.
func (s *Store) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	p, err := s.plan(ctx, &f, propPlace|propCountry)
	if err != nil {
		return err
	}
	return p.points(ctx, yield)
}

func (p *plan) points(ctx context.Context, yield func([]store.Point) error) error {
	for _, whole := range p.parts(0, true) {
		if err := p.pointsOf(ctx, whole, yield); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pointsOf hands on the points of a part.
func (p *plan) pointsOf(ctx context.Context, whole part, yield func([]store.Point) error) error {
	// A server that takes repetitions out as it reads would read every column of all of the
	// window to find a few rows: there it is counted first.
	if p.store.caps.Tokens && whole.tier == withPoints {
		points, all, err := p.fetch(ctx, &whole, fewPoints)
		if err != nil {
			return err
		}
		if all {
			return hand(points, yield)
		}
	}
	stretches, err := p.stretches(ctx, whole)
	if err != nil {
		return err
	}
	for _, stretch := range stretches {
		points, _, err := p.fetch(ctx, &stretch, 0)
		if err != nil {
			return err
		}
		if err := hand(points, yield); err != nil {
			return err
		}
	}
	return nil
}

// hand calls yield with points in order, some at a time.
func hand(points []store.Point, yield func([]store.Point) error) error {
	slices.SortFunc(points, comparePoints)
	for chunk := range slices.Chunk(points[:store.JoinEqual(points)], chunkPoints) {
		if err := yield(chunk); err != nil {
			return err
		}
	}
	return nil
}

// stretches cuts a part into stretches of about slicePoints; those with nothing are left
// out.
func (p *plan) stretches(ctx context.Context, whole part) ([]part, error) {
	const fine, coarse = 1, 600 // seconds: ticks divide the second
	step := int64(coarse)
	if whole.tier != withPoints {
		step = max(coarse, tiers[whole.tier].seconds)
	}
	all, err := p.pack(ctx, whole, step)
	if err != nil || whole.tier != withPoints {
		return all, err
	}
	var out []part
	for _, c := range all {
		if c.points <= slicePoints {
			out = append(out, c)
			continue
		}
		ticks, err := p.pack(ctx, c, fine)
		if err != nil {
			return nil, err
		}
		out = append(out, ticks...)
	}
	return out, nil
}

// pack counts points by steps, and puts as many steps into one part as slicePoints allow.
func (p *plan) pack(ctx context.Context, whole part, step int64) (parts []part, err error) {
	from := p.store.relationOf(&whole, p.kind)
	count := "count()"
	if whole.tier == withPoints && p.onlySensors { // batches know, and they are few
		from, count = relation{sql: p.store.o.table("batches"), time: "tick"}, "sum(points)"
	}
	sql := fmt.Sprintf("SELECT %s AS k0, toUInt64(%s) AS n FROM %s WHERE %s GROUP BY k0 HAVING n > 0 ORDER BY k0",
		from.binOf(step), count, from.sql, p.filter.where(between(from.time, whole.from, whole.to)))
	err = p.store.each(ctx, sql, p.filter.pairs, func(rows driver.Rows) error {
		var at int64
		var n uint64
		if err := rows.Scan(&at, &n); err != nil {
			return err
		}
		if last := len(parts) - 1; last >= 0 && parts[last].points+n <= slicePoints {
			parts[last].to, parts[last].points = min(at+step, whole.to), parts[last].points+n
			return nil
		}
		parts = append(parts, part{from: max(at, whole.from), to: min(at+step, whole.to), tier: whole.tier, points: n})
		return nil
	})
	return parts, err
}

// fetch returns the points of a stretch in no order: all of them or, where most is not 0 and
// there are more than that, some.
func (p *plan) fetch(ctx context.Context, t *part, most int) (points []store.Point, all bool, err error) {
	if t.tier != withPoints {
		points, err = p.fetchSums(ctx, t)
		return points, true, err
	}
	points = make([]store.Point, 0, min(t.points, 2*slicePoints))
	var r pointRow
	into, rows := r.into(), 0
	sql := "SELECT " + strings.Join(pointSQL[:], ", ") + " FROM " + p.store.table("points") + " WHERE " + p.filter.where(between("time", t.from, t.to))
	if most != 0 {
		sql += fmt.Sprintf(" LIMIT %d", most+1)
	}
	err = p.store.each(ctx, sql, p.filter.pairs, func(row driver.Rows) error {
		if err := row.Scan(into...); err != nil {
			return err
		}
		rows++
		if x := r.point(); p.filter.matchRest(&x) {
			points = append(points, x)
		}
		return nil
	})
	return points, most == 0 || rows <= most, err
}

// fetchSums returns what rollups have of a time whose points are gone, as points without
// addresses.
func (p *plan) fetchSums(ctx context.Context, t *part) (points []store.Point, err error) {
	sql := p.sums([]part{*t}, func(from *relation) []string {
		return append([]string{"sensor", "toUInt32(start)"}, append(placeSQL[:], "direction", "proto")...)
	})
	err = p.store.each(ctx, sql, false, func(rows driver.Rows) error {
		x := store.Point{Interval: time.Duration(tiers[t.tier].seconds) * time.Second}
		var at uint32
		var place placeRow
		var direction uint8
		err := rows.Scan(append(append([]any{&x.Sensor, &at}, place.into()...), &direction, &x.Proto, &x.Packets, &x.Bytes, &x.Opens)...)
		x.Time, x.Place, x.Direction = time.Unix(int64(at), 0).UTC(), place.place(), store.Direction(direction)
		points = append(points, x)
		return err
	})
	return points, err
}

// pointSQL are the columns of a point, in the order in which pointRow has them.
var pointSQL = [...]string{"sensor", "toUInt32(time)", "seconds", "addr", "addr_bits", "addr_family", "peer", "peer_bits", "peer_family",
	"direction", "proto", "port", "has_port", "latitude", "longitude", "country", "region", "city", "precision", "accuracy_km",
	"asn", "as_org", "packets", "bytes", "opens", "flags"}

// pointRow is a row of points as the server tells it.
type pointRow struct {
	store.Point
	at                           uint32
	interval                     uint8
	addr, peer                   string
	addrBits, addrFamily         uint8
	peerBits, peerFamily         uint8
	direction, hasPort, flagBits uint8
	where                        placeRow
}

func (r *pointRow) into() []any {
	list := []any{&r.Sensor, &r.at, &r.interval, &r.addr, &r.addrBits, &r.addrFamily, &r.peer, &r.peerBits, &r.peerFamily,
		&r.direction, &r.Proto, &r.Port, &r.hasPort}
	return append(append(list, r.where.into()...), &r.ASN, &r.ASOrg, &r.Packets, &r.Bytes, &r.Opens, &r.flagBits)
}

// keys returns where the columns of flowKeys are scanned to.
func (r *pointRow) keys() []any {
	list := []any{&r.Sensor, &r.addr, &r.addrBits, &r.addrFamily, &r.peer, &r.peerBits, &r.peerFamily,
		&r.direction, &r.Proto, &r.Port, &r.hasPort}
	return append(append(list, r.where.into()...), &r.ASN, &r.ASOrg, &r.flagBits)
}

// point returns the row as a point.
func (r *pointRow) point() store.Point {
	x := r.Point
	x.Time, x.Interval = time.Unix(int64(r.at), 0).UTC(), time.Duration(r.interval)*time.Second
	x.Addr, x.Peer = endOf(r.addr, r.addrBits, r.addrFamily), endOf(r.peer, r.peerBits, r.peerFamily)
	x.Direction, x.HasPort, x.Flags = store.Direction(r.direction), r.hasPort != 0, store.Flags(r.flagBits)
	x.Place = r.where.place()
	return x
}

// endOf reads an endpoint, the zero Prefix where the text is not of 16 bytes.
func endOf(text string, bits, family uint8) netip.Prefix {
	var b [16]byte
	if copy(b[:], text) != len(b) {
		return netip.Prefix{}
	}
	return decodeEnd(b, bits, family)
}

// comparePoints orders by time, sensor and address, and then by all else but amounts.
func comparePoints(a, b store.Point) int {
	if c := cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), compareEnds(a.Addr, b.Addr), comparePlaces(&a.Place, &b.Place),
		cmp.Compare(a.ASN, b.ASN), cmp.Compare(a.ASOrg, b.ASOrg), cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Port, b.Port)); c != 0 {
		return c
	}
	if a.HasPort != b.HasPort { // port 0 is a port
		if b.HasPort {
			return -1
		}
		return 1
	}
	return cmp.Or(compareEnds(a.Peer, b.Peer), cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Flags, b.Flags))
}

// compareEnds orders endpoints: none, IPv4, IPv6, each by address and length.
func compareEnds(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}
