package export

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

const (
	defaultMaxRows = 250_000
	maxBins        = 100_000 // no timeline shows more
	cellsAtOnce    = 32_000  // cells asked for in one call, about
	tries          = 3       // how often a page is built again because a late batch came in between
)

// Build collects what a page shows: the sums of places by time, protocol and
// direction, and the details that o.Detail asks for. Rows are kept under o.MaxRows
// by coarser time first, then by taking the smallest places together by country;
// sums stay exact, and Meta.Coarsened says what was done. The result is at most
// some 50 MiB, whatever the window. Rows are in order of place, protocol class,
// direction and time.
func Build(ctx context.Context, r Reader, o Options) (*page.Data, Report, error) {
	if err := o.check(HTML); err != nil {
		return nil, Report{}, err
	}
	from, o, err := masked(ctx, r, o)
	if err != nil {
		return nil, Report{}, err
	}
	return buildFrom(ctx, from, o)
}

// buildFrom is Build after masking.
func buildFrom(ctx context.Context, r source, o Options) (*page.Data, Report, error) {
	before, window, err := coverage(ctx, r, o.Filter.Window)
	if err != nil {
		return nil, Report{}, err
	}
	for try := 1; ; try++ {
		// Later ticks than the coverage knows are left out, or the books would not
		// balance: the queries below are not one transaction.
		f := o.Filter
		f.Window = window.Clip(store.Window{To: before.Last})
		if a, ok := r.(answering); ok && f.Window.Check() == nil {
			if f, err = a.Answered(ctx, f); err != nil {
				return nil, Report{}, err
			}
		}
		b := &builder{r: r, o: &o, f: f, cov: before, window: window, t: newTables(), begun: time.Now()}
		if c, ok := r.(*recent); ok {
			c.retag(o.Labels)
			b.t = c.tables
		} else {
			b.t.tags = newTags(o.Labels)
		}
		if err := b.collect(ctx); err != nil {
			return nil, Report{}, err
		}
		after := before
		if f.Window.Check() == nil { // else it begins where the data ends
			if after, _, err = coverage(ctx, r, store.Window{From: window.From, To: f.Window.To}); err != nil {
				return nil, Report{}, err
			}
		}
		if same(&before, &after, window) || try == tries {
			data, rep := b.finish()
			return data, rep, nil
		}
		if before, _, err = coverage(ctx, r, window); err != nil {
			return nil, Report{}, err
		}
	}
}

// answering is a Reader that finds out for a whole window what opened:unanswered asks,
// before parts of it are read: see store/sqlite's method of this name.
type answering interface {
	Answered(ctx context.Context, f store.Filter) (store.Filter, error)
}

// same reports whether two coverages are about the same points: no late batch has
// come in between.
func same(before, after *store.Coverage, w store.Window) bool {
	return before.Points == after.Points && before.Books == after.Books || w.From.Equal(w.To)
}

// builder collects one page.
type builder struct {
	r      source
	o      *Options
	f      store.Filter // the window cut to what is committed
	cov    store.Coverage
	window store.Window // as asked

	step    time.Duration
	whole   bool // one bin: step is the window
	start   time.Time
	last    uint32  // the place before
	t       *tables // of it, places: by their numbers rows and details name them
	rows    []page.Row
	details []page.Detail
	points  uint64
	notes   string
	clouds  bool // rows tell big clouds apart

	begun time.Time // when the building, or the last part of it that was shown, was
}

func (b *builder) collect(ctx context.Context) error {
	if !b.f.Window.From.Before(b.f.Window.To) {
		b.start, b.step = b.window.From, b.tick()
		return nil // nothing is committed in the window
	}
	if err := b.collectRows(ctx); err != nil {
		return fmt.Errorf("read cells: %w", err)
	}
	if b.o.applied != nil {
		b.notes = strings.TrimPrefix(b.notes+"; "+b.o.applied.sentence(), "; ")
	}
	if b.o.pace != "" {
		b.notes = strings.TrimPrefix(b.notes+"; "+b.o.pace, "; ")
	}
	return b.collectDetails(ctx)
}

func (b *builder) tick() time.Duration { return cmp.Or(b.cov.Tick, 10*time.Second) }

// steps are the lengths of time bins to try, the finest first; 0 is the window.
func (b *builder) steps() []time.Duration {
	finest := max(b.tick(), b.o.Step)
	if b.o.coarse > levelTick {
		finest = max(finest, min(b.o.coarse, levelTenMinutes).step(b.window, b.o.long))
	}
	length := b.window.To.Sub(b.window.From)
	steps := []time.Duration{finest}
	for _, s := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour} {
		if s > finest {
			steps = append(steps, s)
		}
	}
	steps = slices.DeleteFunc(steps, func(s time.Duration) bool {
		return s >= length && s != b.o.Step || length/s > maxBins // who names a step wants its bins
	})
	return append(steps, 0)
}

// collectRows tries the steps until the rows stay under the cap. A step that is too
// fine costs no more than the cap: it is given up as soon as it is exceeded.
func (b *builder) collectRows(ctx context.Context) error {
	most := cmp.Or(b.o.MaxRows, defaultMaxRows)
	for i, step := range b.steps() {
		b.rows = b.rows[:0]
		b.step, b.start, b.whole = step, b.window.From.Truncate(max(step, 1)), step == 0
		if b.whole {
			b.step, b.start = max(time.Second, b.window.To.Sub(b.window.From)), b.window.From
			if c, ok := b.r.(*recent); ok {
				b.addRecent(c, math.MaxInt)
			} else if err := b.addWhole(ctx); err != nil {
				return err
			}
			b.foldPlaces(most)
		} else if c, isRecent := b.r.(*recent); isRecent {
			if !b.addRecent(c, most) {
				continue
			}
		} else if ok, err := b.tryStep(ctx, step, most); err != nil {
			return err
		} else if !ok {
			continue
		}
		if i > 0 || b.o.coarse > levelTick {
			b.notes = fmt.Sprintf("time is summed in steps of %s; sums are exact%s", stepName(b.step, b.whole), b.notes)
		}
		return nil
	}
	return nil
}

func stepName(d time.Duration, whole bool) string {
	switch {
	case whole:
		return "the whole window"
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// tryStep reads the cells of a step, a part of the window at a time, so that no
// answer is much larger than cellsAtOnce. It is false where the rows exceed most, or
// where a part of them, by its share of the window, says that they would by far.
func (b *builder) tryStep(ctx context.Context, step time.Duration, most int) (bool, error) {
	bins := time.Duration(16)
	length := b.f.Window.To.Sub(b.start)
	for from := b.start; from.Before(b.f.Window.To); {
		f := b.f
		to := from.Add(bins * step)
		f.Window = store.Window{From: later(from, b.f.Window.From), To: to}.Clip(store.Window{To: b.f.Window.To})
		had := len(b.rows)
		if err := b.addCells(ctx, f, step); err != nil {
			return false, err
		}
		share := float64(min(to.Sub(b.start), length)) / float64(length)
		if n := float64(len(b.rows)); n > float64(most) || n > float64(most)/8 && n/share > 2*float64(most) {
			return false, nil
		}
		if to.Before(b.f.Window.To) { // else it is as good as done
			b.show(share)
		}
		got := time.Duration(len(b.rows) - had)
		bins = max(1, min(4096, bins*4, bins*cellsAtOnce/max(got, 1)))
		from = to
	}
	return true, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

func (b *builder) addCells(ctx context.Context, f store.Filter, step time.Duration) error {
	cells, err := b.r.Cells(ctx, f, step)
	if err != nil {
		return err
	}
	b.addRows(cells)
	return nil
}

func (b *builder) addRows(cells []store.Cell) {
	b.rows = slices.Grow(b.rows, len(cells))
	for i := range cells {
		c := &cells[i]
		row := page.Row{Place: b.place(c.Place), Proto: uint8(c.Class), Out: c.Direction == store.Out,
			Packets: c.Packets, Bytes: c.Bytes, Opens: c.Opens}
		if !b.whole {
			row.Bin = b.bin(c.Time)
		}
		b.rows = append(b.rows, row)
	}
}

// bin is the number of the time bin that t lies in.
func (b *builder) bin(t time.Time) uint32 {
	if b.whole || t.Before(b.start) {
		return 0
	}
	return uint32(t.Sub(b.start) / b.step)
}

// bins returns the numbers of the first and the last bin of an interval, the last
// one of the window at most.
func (b *builder) bins(t time.Time, interval time.Duration) (first, last uint32) {
	first = b.bin(t)
	return first, max(first, min(b.bin(t.Add(interval-1)), b.bin(b.window.To.Add(-1))))
}

// place returns the place's number in the page. Cells of a place follow each other.
func (b *builder) place(p store.Place) uint32 {
	if b.t.places.list[b.last] != p {
		b.last = b.t.places.number(p)
	}
	return b.last
}

// foldPlaces takes the rows beyond the cap, those with the fewest packets, together
// by country, as places that are known no better than that.
func (b *builder) foldPlaces(most int) {
	if len(b.rows) <= most {
		return
	}
	slices.SortFunc(b.rows, func(x, y page.Row) int { return cmp.Compare(y.Packets, x.Packets) })
	type key struct {
		place uint32
		proto uint8
		out   bool
	}
	sums := map[key]*page.Row{}
	for _, row := range b.rows[most:] {
		country := store.Place{Country: b.t.places.list[row.Place].Country}
		if country.Country != "" {
			country.Precision = store.Country
		}
		row.Place = b.place(country)
		k := key{row.Place, row.Proto, row.Out}
		if s := sums[k]; s == nil {
			sums[k] = &row
		} else {
			s.Packets, s.Bytes, s.Opens = s.Packets+row.Packets, s.Bytes+row.Bytes, s.Opens+row.Opens
		}
	}
	b.rows = b.rows[:most]
	for _, row := range sums {
		b.rows = append(b.rows, *row)
	}
	b.notes = "; the smallest places are taken together by country"
}

// addRecent sums the rows of a recent by place, protocol class and direction, bin by
// bin. It is false where that gives more than most rows.
func (b *builder) addRecent(c *recent, most int) bool {
	sums := make([]store.Sum, c.tables.places.len()*partsOfSubject)
	b.rows = make([]page.Row, 0, c.pageRows)
	var used []uint32 // of them, in this bin
	at := uint32(0)
	flush := func() {
		for _, i := range used {
			s := &sums[i]
			b.rows = append(b.rows, rowOf(at, i, s))
			*s = store.Sum{}
		}
		used = used[:0]
	}
	for _, bin := range c.bins {
		if n := b.bin(bin.start); n != at {
			flush()
			at = n
		}
		for i := range bin.rows {
			r := &bin.rows[i]
			cell := c.tables.flows.list[r.flow].place*partsOfSubject + uint32(c.tables.part(r.flow))
			if sums[cell].Packets == 0 {
				used = append(used, cell)
			}
			sums[cell].Add(r.Sum)
		}
		if len(b.rows)+len(used) > most {
			return false
		}
	}
	flush()
	b.clouds = c.tables.tags != nil
	c.pageRows = len(b.rows) + len(b.rows)/16
	return true
}
