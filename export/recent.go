package export

import (
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// recent is a Reader of the standing files' window: it keeps the rows of the window
// in memory, coarsened to a level, and asks the store for new ticks only. So a
// rewrite costs what is new and what is written, not what is stored: an hour of
// 2,000 points a tick is 720,000 points in the store and 145,000 rows of a minute,
// 7 MB, here. One goroutine uses it.
type recent struct {
	Reader
	filter store.Filter // its terms are kept to; its window is not looked at
	level  level
	most   int // rows of files; more than that and update fails with errBudget

	bins    []*recentBin // in order of time, none empty
	tables  *tables
	rows    int
	through time.Time // ticks before it have been read
	cov     store.Coverage
	window  store.Window
	full    int // times that all of the window was read
}

// recentBin has the rows of one time bin.
type recentBin struct {
	start  time.Time
	rows   []slim
	index  map[slimKey]int32 // nil: the bin is over
	points uint64            // in the store
}

func newRecent(r Reader, f store.Filter, most int) *recent {
	return &recent{Reader: r, filter: f, most: most, tables: newTables()}
}

// step is the length of a bin. Levels beyond ten minutes, which have fewer keys or
// one row for all bins, keep bins too, or the window could not slide.
func (c *recent) step() time.Duration {
	if c.level == levelTick {
		return max(c.cov.Tick, time.Second)
	}
	return min(c.level, levelTenMinutes).step(store.Window{})
}

// limit is how many rows are kept. From levelWindow on, files have one row for all
// bins: so much more of bins may be kept, up to 30 MB.
func (c *recent) limit() int {
	if c.level < levelWindow {
		return c.most
	}
	return max(c.most, min(8*c.most, 600_000))
}

// setLevel changes how coarse rows are; all of them are read again.
func (c *recent) setLevel(l level) {
	c.level = l
	c.reset()
}

func (c *recent) reset() {
	c.bins, c.tables, c.rows, c.through = nil, newTables(), 0, time.Time{}
}

// update brings the rows up to what is committed. The window is widened to begin
// with a bin. again are ticks that may have changed since they were read: late
// packets, or another sensor.
func (c *recent) update(ctx context.Context, w store.Window, again []time.Time) error {
	if c.tables.ends.len() > 2*c.rows+100_000 {
		c.reset() // mostly names of rows that have left the window
	}
	for {
		cov, err := c.Reader.Coverage(ctx, w)
		if err != nil {
			return err
		}
		if c.cov.Tick != cov.Tick { // the first time
			c.cov.Tick = cov.Tick
			c.reset()
		}
		if from := w.From.Truncate(c.step()); !from.Equal(w.From) {
			w.From = from // cov is of another window: ask again
			continue
		}
		fresh := len(c.bins) == 0
		c.cov, c.window = cov, w
		if err := c.catchUp(ctx, again); err != nil {
			c.reset()
			return err
		}
		if fresh || len(c.filter.Terms) > 0 || c.points() == cov.Points {
			return nil // read whole just now, or nothing to compare with, or the same
		}
		c.reset()
		again = nil
	}
}

func (c *recent) points() (n uint64) {
	for _, b := range c.bins {
		n += b.points
	}
	return n
}

// catchUp drops bins that have left the window, reads those again that changed, and
// then the new ticks.
func (c *recent) catchUp(ctx context.Context, again []time.Time) error {
	gone := 0
	for gone < len(c.bins) && c.bins[gone].start.Before(c.window.From) {
		c.rows -= len(c.bins[gone].rows)
		gone++
	}
	c.bins = slices.Delete(c.bins, 0, gone)
	for _, start := range c.changed(again) {
		if err := c.reread(ctx, start); err != nil {
			return err
		}
	}
	to := c.window.To
	if c.cov.Last.Before(to) {
		to = c.cov.Last
	}
	from := later(c.through, c.window.From)
	if !from.Before(to) {
		return nil
	}
	if c.through.IsZero() {
		c.full++
	}
	if err := c.read(ctx, store.Window{From: from, To: to}, c.add); err != nil {
		return err
	}
	c.through = to
	return nil
}

// changed lists the starts of the bins that the ticks lie in, of those read before.
func (c *recent) changed(ticks []time.Time) (starts []time.Time) {
	for _, t := range ticks {
		start := t.Truncate(c.step()).UTC()
		if t.Before(c.through) && !start.Before(c.window.From) && !slices.ContainsFunc(starts, start.Equal) {
			starts = append(starts, start)
		}
	}
	return starts
}

// reread reads one bin again, up to where the others have been read.
func (c *recent) reread(ctx context.Context, start time.Time) error {
	i, found := c.find(start)
	b := &recentBin{start: start, index: map[slimKey]int32{}}
	if found {
		c.rows -= len(c.bins[i].rows)
		c.bins = slices.Delete(c.bins, i, i+1)
	}
	to := start.Add(c.step())
	if c.through.Before(to) {
		to = c.through
	}
	err := c.read(ctx, store.Window{From: start, To: to}, func(p *store.Point) error { return c.sum(b, p) })
	if err != nil || b.points == 0 {
		return err
	}
	if c.bins = slices.Insert(c.bins, i, b); i < len(c.bins)-1 {
		b.index = nil
	}
	return nil
}

// find returns where the bin is, or would be.
func (c *recent) find(start time.Time) (int, bool) {
	return slices.BinarySearchFunc(c.bins, start, func(b *recentBin, t time.Time) int { return b.start.Compare(t) })
}

func (c *recent) read(ctx context.Context, w store.Window, each func(*store.Point) error) error {
	f := c.filter
	f.Window = w
	return c.Reader.Points(ctx, f, func(points []store.Point) error {
		for i := range points {
			if err := each(&points[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// add takes a point that is no earlier than those before.
func (c *recent) add(p *store.Point) error {
	start := p.Time.Truncate(c.step()).UTC()
	n := len(c.bins)
	if n == 0 || !c.bins[n-1].start.Equal(start) {
		if n > 0 {
			last := c.bins[n-1]
			last.index, last.rows = nil, slices.Clip(last.rows)
		}
		c.bins = append(c.bins, &recentBin{start: start, index: map[slimKey]int32{}})
		n++
	}
	return c.sum(c.bins[n-1], p)
}

func (c *recent) sum(b *recentBin, p *store.Point) error {
	k := c.tables.key(p, c.level)
	b.points++
	i, ok := b.index[k]
	if !ok {
		if c.rows >= c.limit() && c.level < levelPlaces {
			return errBudget
		}
		c.rows++
		i = int32(len(b.rows))
		b.index[k] = i
		b.rows = append(b.rows, slim{slimKey: k})
	}
	b.rows[i].Add(p.Sum())
	return nil
}

// Coverage is that of the last update: rows and books are of the same moment.
func (c *recent) Coverage(context.Context, store.Window) (store.Coverage, error) { return c.cov, nil }

// Points yields the rows as points of a bin's length.
func (c *recent) Points(ctx context.Context, _ store.Filter, yield func([]store.Point) error) error {
	for _, b := range c.bins {
		for rows := range slices.Chunk(b.rows, 1024) {
			out := make([]store.Point, len(rows))
			for i := range rows {
				out[i] = c.tables.point(&rows[i], b.start, c.step())
			}
			if err := yield(out); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Cells sums the rows of the bins in f's window by place, class and direction. A
// step is a multiple of the bins' or none.
func (c *recent) Cells(ctx context.Context, f store.Filter, step time.Duration) ([]store.Cell, error) {
	type key struct {
		place uint32
		part  uint8
	}
	var out []store.Cell
	var at time.Time
	index := map[key]int{}
	from, _ := c.find(f.Window.From.Truncate(c.step()).UTC())
	for _, b := range c.bins[from:] {
		if !f.Window.To.IsZero() && !b.start.Before(f.Window.To) {
			break
		}
		if t := b.start.Truncate(step); step > 0 && !t.Equal(at) {
			at = t
			clear(index)
		}
		for i := range b.rows {
			r := &b.rows[i]
			k := key{r.place, uint8(store.ClassOf(r.proto))<<1 | r.bits&bitOut}
			n, ok := index[k]
			if !ok {
				n = len(out)
				index[k] = n
				out = append(out, store.Cell{Time: at, Place: c.tables.places.list[r.place], Class: store.Class(k.part >> 1),
					Direction: store.Direction(k.part & 1)})
			}
			out[n].Add(r.Sum)
		}
	}
	return out, ctx.Err()
}

// merged yields one point a key, whose time and interval reach from its first bin to
// its last: for sums over the window, where bins do not matter.
func (c *recent) merged(yield func([]store.Point) error) error {
	type row struct {
		slim
		first, last int
	}
	index := make(map[slimKey]int32, 4096)
	var rows []row
	for bin, b := range c.bins {
		for i := range b.rows {
			k := b.rows[i].slimKey
			n, ok := index[k]
			if !ok {
				n = int32(len(rows))
				index[k] = n
				rows = append(rows, row{slim{slimKey: k}, bin, bin})
			}
			rows[n].Add(b.rows[i].Sum)
			rows[n].last = bin
		}
	}
	for part := range slices.Chunk(rows, 1024) {
		out := make([]store.Point, len(part))
		for i := range part {
			first, last := c.bins[part[i].first].start, c.bins[part[i].last].start.Add(c.step())
			out[i] = c.tables.point(&part[i].slim, first, last.Sub(first))
		}
		if err := yield(out); err != nil {
			return err
		}
	}
	return nil
}
