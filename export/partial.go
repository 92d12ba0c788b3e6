package export

import (
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// partialEvery is how often what has been summed so far is shown to somebody who
// waits for a long answer.
const partialEvery = 200 * time.Millisecond

// gradual is a Reader that tells, while it answers, what it has come to so far: see
// store/sqlite's method of this name.
type gradual interface {
	CellsProgress(ctx context.Context, f store.Filter, step, every time.Duration,
		partial func(cells []store.Cell, done float64)) ([]store.Cell, error)
}

// addWhole adds the cells of the window in one bin.
func (b *builder) addWhole(ctx context.Context) error {
	g, ok := b.r.(gradual)
	if !ok || b.o.Partial == nil {
		return b.addCells(ctx, b.f, 0)
	}
	cells, err := g.CellsProgress(ctx, b.f, 0, partialEvery, func(cells []store.Cell, done float64) {
		b.addRows(cells)
		b.show(done)
		b.rows = b.rows[:0]
	})
	if err != nil {
		return err
	}
	b.addRows(cells)
	return nil
}

// show hands on what there is, if somebody waits and has not seen any for a while.
func (b *builder) show(done float64) {
	if b.o.Partial == nil || len(b.rows) == 0 || time.Since(b.begun) < partialEvery {
		return
	}
	some := *b
	some.rows = slices.Clone(b.rows)
	data, _ := some.finish()
	b.o.Partial(data, done)
	b.begun = time.Now()
}
