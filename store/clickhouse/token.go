package clickhouse

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/packetheat/packetheat/store"
)

// compareBatches is the order in which batches travel.
func compareBatches(a, b *store.Batch) int {
	return cmp.Or(a.Tick.Compare(b.Tick), strings.Compare(a.Sensor, b.Sensor), cmp.Compare(a.Seq, b.Seq))
}

// tokenOf returns the deduplication token of batches that travel together. It depends on
// nothing but which batches with points they are, so that it can be found again from the
// points: one alone has origin/sensor/tick/seq, several have the hash of theirs.
func tokenOf(origin string, group []*store.Batch) string {
	h, n, token := sha256.New(), 0, ""
	for _, b := range group {
		if len(b.Points) > 0 {
			n++
			token = batchToken(origin, b)
			fmt.Fprintf(h, "%q\n", token)
		}
	}
	if n == 1 {
		return token
	}
	return strconv.Itoa(n) + " batches " + hex.EncodeToString(h.Sum(nil))
}

func batchToken(origin string, b *store.Batch) string {
	return fmt.Sprintf("%s/%s/%d/%d", origin, b.Sensor, b.Tick.Unix(), b.Seq)
}

// shipmentOf returns the number by which rows say what token they came under.
func shipmentOf(token string) uint64 {
	h := sha256.Sum256([]byte(token))
	return binary.BigEndian.Uint64(h[:])
}

// asking returns the context of a question about what has arrived. A shard that is down
// is left out: what belongs there will be refused when it is sent.
func (s *Store) asking(ctx context.Context) context.Context {
	if s.o.Cluster == "" {
		return ctx
	}
	set := clickhouse.Settings{"skip_unavailable_shards": 1}
	if s.caps.Tokens { // else it does not matter, and old servers get settings that are numbers only
		set["load_balancing"] = "in_order" // the replica that the last batches went to
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(set))
}

// inserting returns the context of an insert: it is done when every table has the rows,
// and those of a token that a table has already are taken as done.
func (s *Store) inserting(ctx context.Context, token string) context.Context {
	set := clickhouse.Settings{}
	if s.o.Cluster != "" {
		set["insert_distributed_sync"] = 1 // not only when they wait on a disk to be sent on
	}
	if s.caps.Tokens {
		set["async_insert"] = 0
		set["materialized_views_ignore_errors"] = 0
		set["deduplicate_blocks_in_dependent_materialized_views"] = 1
		if token != "" {
			set["insert_deduplicate"] = 1
			set["insert_deduplication_token"] = token
		}
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(set))
}
