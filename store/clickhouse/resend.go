package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// resend sends a shipment once more whose points are there, under the token that it had.
// part are batches of it that are at hand; the others, which now travel at another time,
// are read back. Where some of those are gone at the server, by age or because they were
// to be forgotten, what is left has arrived, and that has to do.
func (s *Store) resend(ctx context.Context, origin string, shipment uint64, part []*store.Batch) error {
	if shipmentOf(tokenOf(origin, part)) == shipment {
		return s.sendPoints(ctx, origin, part)
	}
	rows, batches, err := s.readShipment(ctx, origin, shipment, day(part[0]))
	if err != nil {
		return fmt.Errorf("read back what had arrived: %w", err)
	}
	token := tokenOf(origin, batches)
	if shipmentOf(token) != shipment {
		s.logger.Warn("ClickHouse has taken out points of a shipment before it was acknowledged: sums may be without what is left of it",
			"tick", part[0].Tick.UTC(), "batches", len(batches))
		return nil
	}
	return s.insertPoints(ctx, token, rows)
}

// readShipment returns all points of a shipment, and which batches they are of, in the
// order in which those travelled.
func (s *Store) readShipment(ctx context.Context, origin string, shipment uint64, day int64) (*pointRows, []*store.Batch, error) {
	columns := pointColumns(s.caps)
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE time >= toDateTime(%d) AND time < toDateTime(%d) AND origin = %s AND shipment = %d",
		names(columns), s.o.table("points"), day*86400, (day+1)*86400, quoteText(origin), shipment))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	all, seen, batches := newPointRows(s.caps), map[key]bool{}, []*store.Batch(nil)
	for rows.Next() {
		if err := rows.Scan(all.next()...); err != nil {
			return nil, nil, err
		}
		b := &store.Batch{Sensor: last(all.sensor), Tick: last(all.time), Interval: time.Duration(last(all.interval)) * time.Second, Seq: last(all.seq)}
		b.Points = make([]store.Point, 1) // none would not be in the token
		if !seen[keyOf(b)] {
			seen[keyOf(b)] = true
			batches = append(batches, b)
		}
	}
	slices.SortFunc(batches, compareBatches)
	return all, batches, rows.Err()
}

func last[T any](list []T) T { return list[len(list)-1] }

// next adds a row of zero values and returns where its values go, in the order of values.
func (r *pointRows) next() []any {
	r.n++
	list := []any{grow(&r.sensor), grow(&r.origin), grow(&r.time), grow(&r.interval), grow(&r.seq), grow(&r.shipment)}
	if r.numbers {
		list = append(list, grow(&r.row))
	}
	return append(list, grow(&r.addr.addr), grow(&r.addr.bits), grow(&r.addr.family), grow(&r.peer.addr), grow(&r.peer.bits), grow(&r.peer.family),
		grow(&r.direction), grow(&r.proto), grow(&r.port), grow(&r.hasPort), grow(&r.latitude), grow(&r.longitude),
		grow(&r.country), grow(&r.region), grow(&r.city), grow(&r.precision), grow(&r.accuracy), grow(&r.asn), grow(&r.org),
		grow(&r.packets), grow(&r.bytes), grow(&r.opens), grow(&r.flags))
}

func grow[T any](list *[]T) *T {
	var zero T
	*list = append(*list, zero)
	return &(*list)[len(*list)-1]
}
