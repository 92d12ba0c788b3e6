package export

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// level says how much coarser than points the rows of a standing file are. Sums
// stay exact at every level. The zero value is full detail.
type level uint8

const (
	levelTick level = iota
	levelMinute
	levelTenMinutes
	levelWindow    // one row for all time, per address, peer, port, protocol, direction
	levelAddresses // the same without peer and port
	levelPlaces    // the same without address: per place, network, protocol, direction
)

// step is the length of a time bin.
func (l level) step(w store.Window) time.Duration {
	switch l {
	case levelTick:
		return 0
	case levelMinute:
		return time.Minute
	case levelTenMinutes:
		return 10 * time.Minute
	}
	return w.To.Sub(w.From)
}

// sentence says for people what the level does to a file.
func (l level) sentence(budget int64) string {
	what := [...]string{"", "a minute", "10 minutes", "the window",
		"the window, without peers and ports", "the window and place, without addresses"}[min(l, levelPlaces)]
	if what == "" {
		return ""
	}
	return fmt.Sprintf("rows are summed over %s to keep the file under %d MiB; sums are exact", what, max(1, budget>>20))
}

// rowKey is what two points of one bin must share to become one row.
type rowKey struct {
	addr, peer netip.Prefix
	place      store.Place
	asn        uint32
	org        string
	sensor     string
	port       uint16
	hasPort    bool
	proto      uint8
	direction  store.Direction
}

// coarsener sums points into one row a key for all of the window: levels from
// levelWindow on. The finer ones are those of the recent that points come from.
type coarsener struct {
	level  level
	window store.Window
	most   int // rows; beyond it: errBudget
	index  map[rowKey]int
	rows   []store.Point
}

// leastRow is the length of the shortest CSV row: by it, a byte budget bounds the
// number of rows that are worth collecting.
const leastRow = 60

// readRows calls yield with the rows of o's level.
func readRows(ctx context.Context, r Reader, o *Options, w store.Window, yield func([]store.Point) error) error {
	if o.coarse < levelWindow {
		return r.Points(ctx, o.Filter, yield)
	}
	c := &coarsener{level: o.coarse, window: w, most: int(o.budget / leastRow), index: map[rowKey]int{}}
	err := r.Points(ctx, o.Filter, func(points []store.Point) error {
		for i := range points {
			if err := c.sum(&points[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return yield(c.rows)
}

func (c *coarsener) sum(p *store.Point) error {
	k := rowKey{p.Addr, p.Peer, p.Place, p.ASN, p.ASOrg, p.Sensor, p.Port, p.HasPort, p.Proto, p.Direction}
	if c.level >= levelAddresses {
		k.peer, k.port, k.hasPort = netip.Prefix{}, 0, false
	}
	if c.level >= levelPlaces {
		k.addr = netip.Prefix{}
	}
	i, ok := c.index[k]
	if !ok {
		if len(c.rows) >= c.most && c.level < levelPlaces {
			return errBudget
		}
		i = len(c.rows)
		c.index[k] = i
		c.rows = append(c.rows, store.Point{Time: c.window.From, Interval: c.level.step(c.window),
			Addr: k.addr, Peer: k.peer, Direction: k.direction, Proto: k.proto, Port: k.port, HasPort: k.hasPort,
			Place: k.place, ASN: k.asn, ASOrg: k.org, Sensor: k.sensor})
	}
	row := &c.rows[i]
	row.Packets += p.Packets
	row.Bytes += p.Bytes
	row.Opens += p.Opens
	row.Flags |= p.Flags
	return nil
}
