package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
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
// given up know no addresses and stay, and so do the counters of batches, which are books:
// they say how much was captured, in how many points, and how much of it had no place.
// With try, nothing is changed. What was done stays done if it ends early; the same call
// goes on where it was. One Forget at a time may run. Sensors may ship meanwhile, but ship
// again what they have not shipped yet: forget at them first.
//
// On a cluster every shard has to answer. Where all of a shard's replicas but some do, it
// fails, after as long as the servers wait for each other, though the others have done it:
// those that are away do it when they are back, which the same call then finds done.
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

// errNodeAway is that of a statement for all nodes that not all have executed in the time
// that servers give each other: distributed_ddl_task_timeout.
var errNodeAway = errors.New("a node of the cluster does not answer; it will do this when it is back: then run the same command again, for the rest")

// mostReplicas is how many replicas of a shard are asked at most.
const mostReplicas = 100

// onReplicas returns what to read of a system's table to have that of all replicas that
// answer, and the context to do it in. An old server, which has no name for it, asks several
// replicas of a shard where it may; rows of a system's table come from each of them then.
func (f *forgetter) onReplicas(ctx context.Context, table string) (context.Context, string) {
	if f.caps.Tokens {
		return ctx, "clusterAllReplicas(" + quoteText(f.o.Cluster) + ", " + table + ")"
	}
	asking := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_parallel_replicas": mostReplicas, "prefer_localhost_replica": 0}))
	return asking, "cluster(" + quoteText(f.o.Cluster) + ", " + table + ")"
}

// mutationPoll is how often it is asked whether rows are deleted.
const mutationPoll = 200 * time.Millisecond

// delete deletes rows of a table on all nodes, and returns when they are gone from all
// that answer.
func (f *forgetter) delete(ctx context.Context, table, where string) error {
	local := f.o.local(table)
	if err := f.conn.Exec(ctx, "ALTER TABLE "+f.o.table(local)+f.o.onCluster()+" DELETE WHERE "+where); err != nil {
		if f.o.Cluster != "" && codeOf(err) == codeTimeout {
			return fmt.Errorf("%w: %w", errNodeAway, brief(err))
		}
		return err
	}
	from, reason := "system.mutations", "''"
	if f.caps.Tokens {
		reason = "max(latest_fail_reason)"
	}
	if f.o.Cluster != "" {
		ctx, from = f.onReplicas(ctx, "system.mutations")
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
