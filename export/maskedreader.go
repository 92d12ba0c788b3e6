package export

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Masked is a Reader that says no more than files with its mask: to serve to others.
// It answers for whole hours that are over; the present hour would tell, by how it grows,
// what happened a minute ago. Make one with NewMasked; several goroutines may use it.
type Masked struct {
	r    Reader
	mask func() Mask

	mu    sync.Mutex
	views []countedView // of the windows asked for last, the latest first
}

// countedView is a view with what it was counted from.
type countedView struct {
	gone   bool
	least  int
	window store.Window
	points uint64
	view   *maskedView
}

// mostViews is how many windows' counts are kept: those that one page asks for.
const mostViews = 4

// NewMasked returns a Masked. The mask is asked for with each question.
func NewMasked(r Reader, mask func() Mask) *Masked { return &Masked{r: r, mask: mask} }

// Mask returns the mask as it is now.
func (m *Masked) Mask() Mask { return m.mask() }

// clip returns the whole hours of a window that are over, and the coverage of them.
func (m *Masked) clip(ctx context.Context, w store.Window) (store.Window, store.Coverage, error) {
	all, err := m.r.Coverage(ctx, w)
	if err != nil {
		return w, all, err
	}
	w = wholeHours(w)
	if w.From.IsZero() {
		w.From = all.First.UTC().Truncate(maskStep)
	}
	if over := all.Last.UTC().Truncate(maskStep); w.To.IsZero() || over.Before(w.To) {
		w.To = over
	}
	if !w.From.Before(w.To) { // of which a store would say that it is empty
		w.To = w.From
		empty(&all, w)
		return w, all, nil
	}
	cov, err := m.r.Coverage(ctx, w)
	return w, cov, err
}

// view returns the window as a mask leaves it, with its addresses counted.
func (m *Masked) view(ctx context.Context, mask Mask, w store.Window) (*maskedView, error) {
	w, cov, err := m.clip(ctx, w)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock() // who asks for the same waits for it
	for i, c := range m.views {
		if c.gone == mask.Gone && c.least == mask.least() && c.window == w && c.points == cov.Points {
			m.views = slices.Insert(slices.Delete(m.views, i, i+1), 0, c)
			v := *c.view
			v.mask = &mask
			return &v, nil
		}
	}
	v, err := newMaskedView(ctx, m.r, &mask, w)
	if err != nil {
		return nil, err
	}
	m.views = slices.Insert(m.views, 0, countedView{mask.Gone, mask.least(), w, cov.Points, v})
	m.views = m.views[:min(len(m.views), mostViews)]
	return v, nil
}

// ask checks a filter and returns what answers it, with the window that it answers for.
func (m *Masked) ask(ctx context.Context, f *store.Filter) (*maskedView, error) {
	mask := m.mask()
	if err := mask.Check(*f); err != nil {
		return nil, err
	}
	v, err := m.view(ctx, mask, f.Window)
	if err == nil {
		f.Window = v.window
	}
	return v, err
}

// Points implements Reader.
func (m *Masked) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	v, err := m.ask(ctx, &f)
	if err != nil {
		return err
	}
	return v.Points(ctx, f, yield)
}

// Cells implements Reader.
func (m *Masked) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	v, err := m.ask(ctx, &f)
	if err != nil {
		return nil, err
	}
	return v.Cells(ctx, f, step)
}

// Series implements Reader.
func (m *Masked) Series(ctx context.Context, f store.Filter, step time.Duration) ([]store.Bin, error) {
	sums, err := sumsBy(ctx, m.Points, f, func(p *store.Point) store.Bin { // without amounts
		return store.Bin{Time: binOf(p.Time, step), Class: store.ClassOf(p.Proto), Direction: p.Direction}
	})
	bins := make([]store.Bin, 0, len(sums))
	for b, sum := range sums {
		b.Sum = sum
		bins = append(bins, b)
	}
	slices.SortFunc(bins, func(a, b store.Bin) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return (int(a.Class)-int(b.Class))*2 + int(a.Direction) - int(b.Direction)
	})
	return bins, err
}

// binOf is the start of the bin that t lies in, counted from the Unix epoch.
func binOf(t time.Time, step time.Duration) time.Time {
	return time.Unix(0, t.UnixNano()-t.UnixNano()%int64(step)).UTC()
}

// Coverage implements Reader: without names, in whole hours that are over.
func (m *Masked) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	w, cov, err := m.clip(ctx, w)
	if err != nil {
		return cov, err
	}
	maskCoverage(&cov)
	cov.Window = w
	if over := cov.Last.Add(-maskStep); cov.Last.After(w.To) && over.Equal(w.To) {
		cov.Last = over // it was rounded up to the hour that has begun
	}
	return cov, nil
}

// Watch implements Reader: it announces each hour that is over, and nothing of it.
func (m *Masked) Watch(ctx context.Context) <-chan store.Commit {
	hours := make(chan store.Commit, 1)
	commits := m.r.Watch(ctx)
	go func() {
		defer close(hours)
		var over time.Time
		for c := range commits {
			end := c.Tick.Add(c.Interval).UTC().Truncate(maskStep)
			if over.IsZero() {
				over = c.Tick.UTC().Truncate(maskStep)
			}
			if !end.After(over) {
				continue
			}
			hour := store.Commit{Tick: over, Interval: end.Sub(over)}
			over = end
			select {
			case hours <- hour:
			default: // a slow receiver loses announcements
			}
		}
	}()
	return hours
}
