package clickhouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// How Watch looks for batches: so often, those received since so long before it looked
// last (servers of a cluster have clocks of their own), and of ticks at most so old.
const (
	watchEvery   = time.Second
	watchOverlap = 15 * time.Second
	watchAge     = 7 * 24 * time.Hour
	watchRoom    = 64
)

// Watch returns a channel of the batches that arrive from now on, closed when ctx is done.
// The server is asked once a second; while it does not answer nothing is announced, and
// what arrived meanwhile is when it does. A receiver that is more than 64 batches behind
// loses the newest.
func (s *Store) Watch(ctx context.Context) <-chan store.Commit {
	out := make(chan store.Commit, watchRoom)
	go func() {
		defer close(out)
		w := watcher{store: s, out: out, seen: map[arrival]int64{}}
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			if err := w.look(ctx); err != nil && ctx.Err() == nil {
				s.logger.Debug("look for new batches", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	}()
	return out
}

// arrival tells batches apart.
type arrival struct {
	sensor, origin string
	tick           int64
	seq            uint32
}

// watcher is one Watch.
type watcher struct {
	store *Store
	out   chan<- store.Commit
	begun bool
	since int64             // server's time up to which it has looked
	seen  map[arrival]int64 // batches of the overlap, with when they were received
}

// look announces what has arrived. The first time nothing is new.
func (w *watcher) look(ctx context.Context) error {
	now := int64(0)
	err := w.store.each(ctx, "SELECT toInt64(toUInt32(now()))", false, func(rows driver.Rows) error { return rows.Scan(&now) })
	if err != nil {
		return err
	}
	if !w.begun {
		w.since = now
	}
	overlap := int64(watchOverlap / time.Second)
	sql := fmt.Sprintf("SELECT sensor, origin, toInt64(toUInt32(tick)), seconds, seq, points, one_public_packets + two_public_packets, one_public_bytes + two_public_bytes, drops, toInt64(toUInt32(received))"+
		" FROM %s WHERE received >= toDateTime(%d) AND tick >= toDateTime(%d) ORDER BY received, tick",
		w.store.table("batches"), max(0, w.since-overlap), max(0, now-int64(watchAge/time.Second)))
	err = w.store.each(ctx, sql, false, func(rows driver.Rows) error {
		var t arrival
		var c store.Commit
		var interval uint8
		var points uint64
		var received int64
		if err := rows.Scan(&t.sensor, &t.origin, &t.tick, &interval, &t.seq, &points, &c.Public.Packets, &c.Public.Bytes, &c.Drops, &received); err != nil {
			return err
		}
		if _, ok := w.seen[t]; ok {
			return nil
		}
		w.seen[t] = received
		if !w.begun {
			return nil
		}
		c.Sensor, c.Tick, c.Interval, c.Seq, c.Points = t.sensor, time.Unix(t.tick, 0).UTC(), time.Duration(interval)*time.Second, t.seq, int(points)
		select {
		case w.out <- c:
		default: // it is slow
		}
		return nil
	})
	if err != nil {
		return err
	}
	w.begun, w.since = true, now
	for t, received := range w.seen {
		if received < now-2*overlap {
			delete(w.seen, t)
		}
	}
	return nil
}
