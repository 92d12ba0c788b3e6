package merge

import (
	"context"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// answering is a store that can find out what opened:unanswered asks: see store/sqlite.
type answering interface {
	Answered(ctx context.Context, f store.Filter) (store.Filter, error)
}

// Answered returns f with what opened:unanswered needs to know: an attempt is answered
// if any sensor saw something come the other way.
func (r *Reader) Answered(ctx context.Context, f store.Filter) (store.Filter, error) {
	if !slices.ContainsFunc(f.Terms, func(t store.Term) bool { return t.Unanswered && t.Answered == nil }) {
		return f, nil
	}
	var all []store.Filter
	err := r.each(ctx, func(p *part) error {
		a, ok := p.Reader.(answering)
		if !ok {
			return nil
		}
		one, err := a.Answered(ctx, f)
		if err == nil {
			all = append(all, one)
		}
		return err
	})
	if err != nil {
		return f, err
	}
	out := f
	out.Terms = slices.Clone(f.Terms)
	for i := range out.Terms {
		if t := &out.Terms[i]; t.Unanswered && t.Answered == nil {
			t.Answered = func(p *store.Point) bool {
				return slices.ContainsFunc(all, func(one store.Filter) bool { return one.Terms[i].Answered(p) })
			}
		}
	}
	return out, nil
}
