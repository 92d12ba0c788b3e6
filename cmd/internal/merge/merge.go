// Package merge answers questions about several stores as if they were one: those of
// several sensors on one map.
package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

// Reader is an export.Reader over others. Sums of all of them add up: the same store,
// or a copy of it, must not be among them twice.
type Reader struct{ parts []export.Reader }

// New returns a Reader of parts, or the error of stores that do not fit together:
// those with ticks of different length.
func New(ctx context.Context, parts ...export.Reader) (*Reader, error) {
	var tick time.Duration
	for _, part := range parts {
		coverage, err := part.Coverage(ctx, store.Window{})
		if err != nil {
			return nil, err
		}
		if tick != 0 && coverage.Tick != tick {
			return nil, fmt.Errorf("stores with ticks of %s and %s do not fit on one map", tick, coverage.Tick)
		}
		tick = coverage.Tick
	}
	return &Reader{parts}, nil
}

// chunk is how many points are handed on at once.
const chunk = 4096

// Points implements export.Reader. It holds a chunk of every store at a time.
func (r *Reader) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var heads []*head
	for _, part := range r.parts {
		h := &head{}
		next, stop := iter.Pull2(pointsOf(ctx, part, f))
		defer stop()
		h.next = next
		if err := h.fill(); err != nil {
			return err
		}
		heads = append(heads, h)
	}
	var out []store.Point
	for {
		first := least(heads)
		if first == nil {
			break
		}
		out = append(out, first.points[0])
		first.points = first.points[1:]
		if err := first.fill(); err != nil {
			return err
		}
		if len(out) == chunk {
			if err := yield(out); err != nil {
				return err
			}
			out = nil
		}
	}
	if len(out) == 0 {
		return nil
	}
	return yield(out)
}

// head is what has been read of one store and not been handed on.
type head struct {
	points []store.Point // never empty before the end
	next   func() ([]store.Point, error, bool)
}

// fill reads on where nothing is left.
func (h *head) fill() error {
	for len(h.points) == 0 {
		points, err, ok := h.next()
		if !ok {
			return nil
		}
		if err != nil {
			return err
		}
		h.points = slices.Clone(points) // the chunk is the callee's
	}
	return nil
}

// pointsOf turns the callbacks of a store into a sequence that can be pulled.
func pointsOf(ctx context.Context, r export.Reader, f store.Filter) iter.Seq2[[]store.Point, error] {
	return func(yield func([]store.Point, error) bool) {
		err := r.Points(ctx, f, func(points []store.Point) error {
			if !yield(points, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

var errEnough = errors.New("enough")

// least returns the store whose next point comes first, nil where all have ended.
func least(heads []*head) (first *head) {
	for _, h := range heads {
		if len(h.points) > 0 && (first == nil || before(&h.points[0], &first.points[0])) {
			first = h
		}
	}
	return first
}

func before(a, b *store.Point) bool {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Sensor, b.Sensor), a.Addr.Addr().Compare(b.Addr.Addr())) < 0
}

// Cells implements export.Reader.
func (r *Reader) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	var all []store.Cell
	for _, part := range r.parts {
		cells, err := part.Cells(ctx, f, step)
		if err != nil {
			return nil, err
		}
		all = append(all, cells...)
	}
	key := func(c *store.Cell) store.Cell {
		k := *c
		k.Sum, k.Time = store.Sum{}, c.Time.UTC()
		return k
	}
	all = summed(all, key, func(c *store.Cell, o *store.Cell) { c.Add(o.Sum) })
	slices.SortStableFunc(all, func(a, b store.Cell) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Place.Country, b.Place.Country), cmp.Compare(a.Place.Region, b.Place.Region),
			cmp.Compare(a.Place.City, b.Place.City), cmp.Compare(a.Place.Latitude, b.Place.Latitude), cmp.Compare(a.Place.Longitude, b.Place.Longitude),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return all, nil
}

// Series implements export.Reader.
func (r *Reader) Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error) {
	var all []store.Bin
	for _, part := range r.parts {
		bins, err := part.Series(ctx, f, step)
		if err != nil {
			return nil, err
		}
		all = append(all, bins...)
	}
	key := func(b *store.Bin) store.Bin {
		k := *b
		k.Sum, k.Time = store.Sum{}, b.Time.UTC()
		return k
	}
	all = summed(all, key, func(b *store.Bin, o *store.Bin) { b.Add(o.Sum) })
	slices.SortStableFunc(all, func(a, b store.Bin) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return all, nil
}

// summed adds entries of the same key up, in the order of their first.
func summed[T any, K comparable](all []T, key func(*T) K, add func(*T, *T)) []T {
	at := make(map[K]int, len(all))
	var out []T
	for i := range all {
		k := key(&all[i])
		if j, ok := at[k]; ok {
			add(&out[j], &all[i])
			continue
		}
		at[k] = len(out)
		out = append(out, all[i])
	}
	return out
}

// Top implements export.Reader. How many distinct addresses are behind a row that
// more than one store has is not known, so its Addresses is 0, unless the row is one.
func (r *Reader) Top(ctx context.Context, f store.Filter, by store.Dimension, n int) (store.Top, error) {
	out := store.Top{By: by}
	for _, part := range r.parts {
		top, err := part.Top(ctx, f, by, 0)
		if err != nil {
			return out, err
		}
		out.Total.Add(top.Total)
		out.Rows = append(out.Rows, top.Rows...)
	}
	type rowKey struct {
		key   string
		proto uint8
	}
	out.Rows = summed(out.Rows, func(row *store.Row) rowKey { return rowKey{row.Key, row.Proto} }, func(row, o *store.Row) {
		row.In.Add(o.In)
		row.Out.Add(o.Out)
		if by != store.ByIP {
			row.Addresses = 0
		}
		if o.First.Before(row.First) {
			row.First = o.First
		}
		if o.Last.After(row.Last) { // where an address is now counts
			row.Last, row.Place, row.ASN, row.ASOrg = o.Last, o.Place, o.ASN, o.ASOrg
		}
	})
	store.SortRows(out.Rows)
	out.Count = len(out.Rows)
	if n > 0 {
		out.Rows = out.Rows[:min(n, len(out.Rows))]
	}
	return out, nil
}

// Watch implements export.Reader.
func (r *Reader) Watch(ctx context.Context) <-chan store.Commit {
	out := make(chan store.Commit, 64)
	var all sync.WaitGroup
	for _, part := range r.parts {
		commits := part.Watch(ctx)
		all.Go(func() {
			for c := range commits {
				select {
				case out <- c:
				default: // a slow receiver loses announcements
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(out)
	}()
	return out
}
