package clickhouse

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// Answered returns f with what opened:unanswered needs to know about all of f's window,
// so that questions about parts of it judge by the whole. Other filters are returned as
// they are. Questions about the whole window need it not: the server looks it up.
func (s *Store) Answered(ctx context.Context, f store.Filter) (store.Filter, error) {
	wants := func(t store.Term) bool { return t.Unanswered && t.Answered == nil }
	if !slices.ContainsFunc(f.Terms, wants) {
		return f, nil
	}
	p, err := s.plan(ctx, &store.Filter{Window: f.Window, Terms: eitherWay(f.Terms)}, propPoint)
	if err != nil {
		return f, err
	}
	seed, heard := maphash.MakeSeed(), map[uint64]uint8{}
	sql := "SELECT " + exchangeColumns + ", toUInt8(groupBitOr(bitShiftLeft(toUInt8(1), direction))) FROM " + s.table("points") +
		" WHERE " + p.filter.where(between("time", max(p.from, p.kept.begin[withPoints]), p.to)) +
		" GROUP BY " + exchangeColumns + fmt.Sprintf(" LIMIT %d", mostExchanges+1)
	var r pointRow
	var spoke uint8
	err = s.each(ctx, sql, false, func(rows driver.Rows) error {
		if err := rows.Scan(&r.addr, &r.addrBits, &r.addrFamily, &r.peer, &r.peerBits, &r.peerFamily, &r.Port, &r.hasPort, &spoke); err != nil {
			return err
		}
		x := r.point()
		heard[maphash.Comparable(seed, exchangeOf(&x))] |= spoke
		return nil
	})
	if err != nil {
		return f, err
	}
	if len(heard) > mostExchanges {
		return f, tooManyExchanges()
	}
	f.Terms = slices.Clone(f.Terms)
	for i := range f.Terms {
		if wants(f.Terms[i]) {
			f.Terms[i].Answered = func(x *store.Point) bool {
				return x.Proto != tcp || heard[maphash.Comparable(seed, exchangeOf(x))]&^(1<<x.Direction) != 0 // other protocols open nothing
			}
		}
	}
	return f, nil
}

func tooManyExchanges() error {
	return fmt.Errorf("more than %d pairs of endpoints spoke in this window, too many to say which were unanswered: ask for a shorter window, or add terms (ip:, peer:, port:) to the filter", mostExchanges)
}

// exchange is who spoke with whom, whichever way.
type exchange struct {
	addr, peer netip.Prefix
	port       uint16
	hasPort    bool
}

func exchangeOf(x *store.Point) exchange {
	return exchange{addr: x.Addr, peer: x.Peer, port: x.Port, hasPort: x.HasPort}
}
