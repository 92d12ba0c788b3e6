// Package export writes what a store holds about a window: as CSV, page, GeoJSON,
// NDJSON and plain SQLite rows, once on request or as standing files that it keeps
// fresh. It reads through Reader and knows no database of ours.
package export

import (
	"context"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Reader answers questions about committed points. Package store/sqlite provides
// one; several goroutines may use it at once. Every method returns promptly with
// ctx's error once ctx is done. A window open to a side reaches as far as the data.
type Reader interface {
	// Points calls yield with the matching points in order of time, then of
	// sensor and address, a chunk at a time. The chunk is the callee's until yield
	// returns. An error of yield ends the reading and is returned.
	Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error

	// Cells sums by place, protocol layer and direction and, where step is not 0,
	// by bins of that length (a multiple of the tick, aligned to the Unix epoch).
	// Unlocated traffic is the cell of the zero Place. In order of time, then place.
	Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error)

	// Series sums by bins of length step (as Cells), protocol layer and direction.
	Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error)

	// Top sums by one dimension and returns the n biggest rows (n ≤ 0: all).
	Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error)

	// Coverage says what the window has data about, whatever the filter.
	Coverage(ctx context.Context, w store.Window) (store.Coverage, error)

	// Watch returns a channel of commits from now on, closed when ctx is done. A
	// receiver that is slow loses announcements, never the others their time.
	Watch(ctx context.Context) <-chan store.Commit
}

// source is the part of a Reader that files are made from.
type source interface {
	Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error
	Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error)
	Coverage(ctx context.Context, w store.Window) (store.Coverage, error)
}
