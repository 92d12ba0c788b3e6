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

// Reader is an export.Reader over others. Sums of all of them add up: no two may have
// the same ticks of a sensor. A store that cannot be read any more, because its disk or
// network has gone, is left out of answers until it can: Lost names it, and its sensors
// are off. Where none can be read, and where one fails when some of its points have been
// handed on, the question fails.
type Reader struct{ parts []*part }

// Store is one of a Reader's, with the name that users know it by.
type Store struct {
	Name string
	export.Reader
}

// part is a store and what was last known of it.
type part struct {
	Store
	mu      sync.Mutex
	sensors []string
	lost    error
}

// New returns a Reader of stores, or the error of stores that do not fit together:
// those with ticks of different length, and those of which one seems to be a copy of
// the other.
func New(ctx context.Context, stores ...Store) (*Reader, error) {
	r := &Reader{}
	var known []store.Coverage
	for _, s := range stores {
		coverage, err := s.Coverage(ctx, store.Window{})
		if err != nil {
			return nil, err
		}
		for i := range known {
			if err := fit(r.parts[i].Name, s.Name, &known[i], &coverage); err != nil {
				return nil, err
			}
		}
		known = append(known, coverage)
		r.parts = append(r.parts, &part{Store: s, sensors: coverage.Sensors})
	}
	return r, nil
}

// fit reports why two stores cannot be on one map.
func fit(one, other string, a, b *store.Coverage) error {
	if a.Tick != b.Tick {
		return fmt.Errorf("stores %q with ticks of %s and %q with ticks of %s do not fit on one map: serve each by itself", one, a.Tick, other, b.Tick)
	}
	for _, sensor := range a.Sensors {
		w, both := common(on(a, sensor), on(b, sensor))
		if both > a.Tick { // a restart within a tick may leave a part of it in each
			return fmt.Errorf("stores %q and %q both have sensor %q at %s: they would count twice; name one of them, or make one of both: packetheat db merge", one, other, sensor, w.From.UTC().Format(time.RFC3339))
		}
	}
	return nil
}

// on returns when a sensor was capturing.
func on(c *store.Coverage, sensor string) (windows []store.Window) {
	for _, s := range c.Spans {
		if s.Sensor == sensor && s.State != store.StateOff {
			windows = append(windows, s.Window)
		}
	}
	return windows
}

// common returns the first window that is in both lists, which are in order of time,
// and how long all such windows are.
func common(a, b []store.Window) (first store.Window, both time.Duration) {
	for len(a) > 0 && len(b) > 0 {
		w := store.Window{From: later(a[0].From, b[0].From), To: a[0].To}
		if b[0].To.Before(w.To) {
			w.To = b[0].To
		}
		if w.From.Before(w.To) {
			if both == 0 {
				first = w
			}
			both += w.To.Sub(w.From)
		}
		if a[0].To.Before(b[0].To) {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return first, both
}

// Lost returns the errors of the stores that could not be read the last time, by name.
func (r *Reader) Lost() map[string]error {
	lost := map[string]error{}
	for _, p := range r.parts {
		p.mu.Lock()
		if p.lost != nil {
			lost[p.Name] = p.lost
		}
		p.mu.Unlock()
	}
	return lost
}

// each asks every store. It fails where none answers.
func (r *Reader) each(ctx context.Context, ask func(*part) error) error {
	answered := false
	var errs []error
	for _, p := range r.parts {
		err := ask(p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.mu.Lock()
		p.lost = err
		p.mu.Unlock()
		if answered = answered || err == nil; err != nil {
			errs = append(errs, fmt.Errorf("store %q: %w", p.Name, err))
		}
	}
	if !answered {
		return errors.Join(errs...)
	}
	return nil
}

// chunk is how many points are handed on at once.
const chunk = 4096

// Points implements export.Reader. It holds a chunk of every store at a time.
func (r *Reader) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	f, err := r.Answered(ctx, f)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var heads []*head
	err = r.each(ctx, func(p *part) error {
		h := &head{}
		next, stop := iter.Pull2(pointsOf(ctx, p, f))
		h.next, h.stop = next, stop
		if err := h.fill(); err != nil {
			stop()
			return err
		}
		heads = append(heads, h)
		return nil
	})
	for _, h := range heads {
		defer h.stop()
	}
	if err != nil {
		return err
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
	stop   func()
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
	f, err := r.Answered(ctx, f)
	if err != nil {
		return nil, err
	}
	var all []store.Cell
	err = r.each(ctx, func(p *part) error {
		cells, err := p.Cells(ctx, f, step)
		if err == nil {
			all = append(all, cells...)
		}
		return err
	})
	if err != nil {
		return nil, err
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
	f, err := r.Answered(ctx, f)
	if err != nil {
		return nil, err
	}
	var all []store.Bin
	err = r.each(ctx, func(p *part) error {
		bins, err := p.Series(ctx, f, step)
		if err == nil {
			all = append(all, bins...)
		}
		return err
	})
	if err != nil {
		return nil, err
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
	f, err := r.Answered(ctx, f)
	if err != nil {
		return store.Top{}, err
	}
	out := store.Top{By: by}
	err = r.each(ctx, func(p *part) error {
		top, err := p.Top(ctx, f, by, 0)
		if err == nil {
			out.Total.Add(top.Total)
			out.Rows = append(out.Rows, top.Rows...)
		}
		return err
	})
	if err != nil {
		return out, err
	}
	out.Rows = summed(out.Rows, func(row *store.Row) store.RowID { return row.ID(by) }, func(row, o *store.Row) {
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
