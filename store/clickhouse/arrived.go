package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// key names a batch of one origin.
type key struct {
	sensor string
	tick   int64
	seq    uint32
}

func keyOf(b *store.Batch) key { return key{b.Sensor, b.Tick.Unix(), b.Seq} }

// among returns the condition that a row may be of one of the batches; column is that of
// its tick.
func among(origin, column string, batches []*store.Batch) string {
	var sensors []string
	from, to := batches[0].Tick.Unix(), batches[0].Tick.Unix()
	for _, b := range batches {
		from, to = min(from, b.Tick.Unix()), max(to, b.Tick.Unix())
		if q := quoteText(b.Sensor); !slices.Contains(sensors, q) {
			sensors = append(sensors, q)
		}
	}
	return fmt.Sprintf("sensor IN (%s) AND %s >= toDateTime(%d) AND %[2]s <= toDateTime(%[4]d) AND origin = %s",
		strings.Join(sensors, ", "), column, from, to, quoteText(origin))
}

// missing returns those of the batches that have not been acknowledged, none twice.
func (s *Store) missing(ctx context.Context, origin string, batches []*store.Batch) ([]*store.Batch, error) {
	rows, err := s.conn.Query(s.asking(ctx), "SELECT DISTINCT sensor, tick, seq FROM "+s.o.table("batches")+" WHERE "+among(origin, "tick", batches))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	seen := map[key]bool{}
	for rows.Next() {
		var k key
		var tick time.Time
		if err := rows.Scan(&k.sensor, &tick, &k.seq); err != nil {
			return nil, err
		}
		k.tick = tick.Unix()
		seen[k] = true
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var rest []*store.Batch
	for _, b := range batches {
		if k := keyOf(b); !seen[k] {
			seen[k] = true
			rest = append(rest, b)
		}
	}
	return rest, nil
}

// complete finds batches of a group whose points have arrived though nobody acknowledged
// them. The shipments that they came with are sent again as they are, under their own
// tokens, which gives the rollups what they may have missed; the other batches are
// returned.
func (s *Store) complete(ctx context.Context, origin string, group []*store.Batch) (fresh []*store.Batch, err error) {
	rows, err := s.conn.Query(s.asking(ctx), "SELECT sensor, time, seq, shipment FROM "+s.o.table("points")+" WHERE "+among(origin, "time", group)+
		" GROUP BY sensor, time, seq, shipment")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	arrived := map[key]uint64{}
	for rows.Next() {
		var k key
		var tick time.Time
		var shipment uint64
		if err := rows.Scan(&k.sensor, &tick, &k.seq, &shipment); err != nil {
			return nil, err
		}
		k.tick = tick.Unix()
		arrived[k] = shipment
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	parts := map[uint64][]*store.Batch{}
	var order []uint64
	for _, b := range group {
		shipment, ok := arrived[keyOf(b)]
		if !ok {
			fresh = append(fresh, b)
			continue
		}
		if parts[shipment] == nil {
			order = append(order, shipment)
		}
		parts[shipment] = append(parts[shipment], b)
	}
	for _, shipment := range order {
		if err := s.resend(ctx, origin, shipment, parts[shipment]); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}
