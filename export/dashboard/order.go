package dashboard

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// mostSorted is how many rows are put into another order than by packets: those with the
// most of them. The answer says when there are more.
const mostSorted = 100_000

// orders are the amounts that rows may be sorted by, the biggest first.
const orders = "packets, bytes, packets_in, packets_out, bytes_in, bytes_out"

// order reads the parameter sort. Nil: by packets, as readers do themselves.
func order(r *http.Request) (func(*store.Row) uint64, error) {
	switch text := r.URL.Query().Get("sort"); text {
	case "", "packets":
		return nil, nil
	case "bytes":
		return func(r *store.Row) uint64 { return r.In.Bytes + r.Out.Bytes }, nil
	case "packets_in":
		return func(r *store.Row) uint64 { return r.In.Packets }, nil
	case "packets_out":
		return func(r *store.Row) uint64 { return r.Out.Packets }, nil
	case "bytes_in":
		return func(r *store.Row) uint64 { return r.In.Bytes }, nil
	case "bytes_out":
		return func(r *store.Row) uint64 { return r.Out.Bytes }, nil
	default:
		return nil, badRequest("sort %s is none: use one of %s", quoted(text), orders)
	}
}

// resort puts rows into another order and leaves the first n. Rows that have as much of it
// stay by packets.
func resort(top *store.Top, by func(*store.Row) uint64, n int) {
	slices.SortStableFunc(top.Rows, func(a, b store.Row) int { return cmp.Compare(by(&b), by(&a)) })
	top.Rows = slices.Clone(top.Rows[:min(n, len(top.Rows))])
}
