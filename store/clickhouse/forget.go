package clickhouse

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/packetheat/packetheat/store"
)

// Forgotten is what Forget has taken out, or would.
type Forgotten struct {
	Points  uint64
	Sum     store.Sum
	Sensors []string // whose points these are
	Sums    int      // intervals of a sensor, of ten minutes, an hour or a day, whose sums were made anew
	Old     int      // of an hour or a day, of which finer sums are gone: what was taken out is still in theirs
}

// Forget takes every point out of the tables whose address or peer lies in one of the
// networks, and makes the sums anew that had it. Sums of times whose points have been
// given up know no addresses and stay, and so do the books: they say how much was
// captured. With try, nothing is changed. What was done stays done if it ends early;
// the same call goes on where it was. One Forget at a time may run. Sensors may ship
// meanwhile, but ship again what they have not shipped yet: forget at them first.
func (s *Store) Forget(ctx context.Context, networks []netip.Prefix, try bool) (Forgotten, error) {
	f := forgetter{Store: s}
	if err := f.run(ctx, networks, try); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return f.gone, fmt.Errorf("forget addresses in %q at %s: %w%s", s.o.database(), s.where(), brief(err), hint(err))
	}
	return f.gone, nil
}

// forgetter is one run of Forget.
type forgetter struct {
	*Store
	gone Forgotten
}

func (f *forgetter) run(ctx context.Context, networks []netip.Prefix, try bool) error {
	if len(networks) == 0 {
		return nil
	}
	doomed := condition(&store.Term{Key: store.KeyHost, Networks: networks})
	if err := f.search(ctx, doomed); err != nil || try {
		return err
	}
	var sums intervals
	if f.caps.Tokens {
		var err error
		if sums, err = f.begun(ctx); err != nil { // of one that ended early
			return err
		}
		if err := f.affected(ctx, doomed, sums); err != nil {
			return err
		}
		if err := f.acknowledged(ctx, sums); err != nil {
			return err
		}
		if err := f.note(ctx, sums); err != nil {
			return err
		}
	}
	if f.gone.Points > 0 {
		if err := f.delete(ctx, "points", doomed); err != nil {
			return err
		}
	}
	if len(sums) == 0 {
		return nil
	}
	if err := f.makeAnew(ctx, sums); err != nil {
		return err
	}
	f.keeper.mu.Lock()
	f.keeper.kept = nil
	f.keeper.mu.Unlock()
	return f.note(ctx, nil)
}

// search counts what is to be forgotten. All shards have to answer.
func (f *forgetter) search(ctx context.Context, doomed string) error {
	return f.read(ctx, question{sql: "SELECT sensor, count(), sum(packets), sum(bytes), sum(opens) FROM " + f.table("points") + " WHERE " + doomed +
		" GROUP BY sensor ORDER BY sensor"}, func(rows driver.Rows) error {
		var sensor string
		var n uint64
		var sum store.Sum
		err := rows.Scan(&sensor, &n, &sum.Packets, &sum.Bytes, &sum.Opens)
		f.gone.Points += n
		f.gone.Sum.Add(sum)
		f.gone.Sensors = append(f.gone.Sensors, sensor)
		return err
	})
}

// mutationPoll is how often it is asked whether rows are deleted.
const mutationPoll = 200 * time.Millisecond

// delete deletes rows of a table on all nodes, and returns when they are gone from all
// that answer.
func (f *forgetter) delete(ctx context.Context, table, where string) error {
	local := f.o.local(table)
	if err := f.conn.Exec(ctx, "ALTER TABLE "+f.o.table(local)+f.o.onCluster()+" DELETE WHERE "+where); err != nil {
		return err
	}
	from, reason := "system.mutations", "''"
	if f.caps.Tokens {
		reason = "max(latest_fail_reason)"
	}
	if f.o.Cluster != "" {
		nodes := "cluster"
		if f.caps.Tokens {
			nodes = "clusterAllReplicas"
		}
		from = nodes + "(" + quoteText(f.o.Cluster) + ", system.mutations)"
	}
	sql := "SELECT count(), " + reason + " FROM " + from + " WHERE database = " + quoteText(f.o.database()) + " AND table = " + quoteText(local) + " AND is_done = 0"
	for {
		var left uint64
		var failed string
		if err := f.conn.QueryRow(ctx, sql).Scan(&left, &failed); err != nil {
			return err
		}
		switch {
		case left == 0:
			return nil
		case failed != "":
			return fmt.Errorf("delete rows of %s: %s (the server goes on trying: see system.mutations)", table, failed)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(mutationPoll):
		}
	}
}
