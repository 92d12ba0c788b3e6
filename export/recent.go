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
// 2,000 points a tick is 720,000 points in the store and some 150,000 rows of a
// minute, 5 MB, here. Rows that are too many are made coarser in memory. One
// goroutine uses it.
type recent struct {
	Reader
	filter store.Filter // its terms are kept to; its window is not looked at
	level  level
	long   time.Duration               // of a bin from levelTenMinutes on
	most   int                         // rows of files; with more than that, the level goes up
	pace   func(context.Context) error // is called while points are read, and may take its time; nil: no hurry is too much

	bins    []*recentBin // in order of time, none empty
	open    *recentBin   // the one that at is about
	at      []int32      // flow to 1 + index of its row in open
	tables  *tables
	rows    int
	from    time.Time // ticks from here on
	through time.Time // and before this one have been read
	cov     store.Coverage
	window  store.Window
	full    int // times that all of the window was read

	subjects *subjects // of the flows in tables; nil: not asked yet
	slots    [][subjectsOfFlow]uint32
	tagged   time.Time // when labels were asked for last
	pieces   *pieces   // of the values in tables; nil: not asked yet
	pageRows int       // about so many rows will the next page have
}

// recentBin has the rows of one time bin.
type recentBin struct {
	start  time.Time
	rows   []slim
	points uint64 // in the store
	kept   keptRange
}

func newRecent(r Reader, f store.Filter, most int, window time.Duration) *recent {
	return &recent{Reader: r, filter: f, most: most, long: longBin(window), tables: newTables()}
}

// step is the length of a bin. Levels beyond ten minutes, which have fewer keys or
// one row for all bins, keep bins too, or the window could not slide.
func (c *recent) step() time.Duration {
	if c.level == levelTick {
		return max(c.cov.Tick, time.Second)
	}
	return min(c.level, levelTenMinutes).step(store.Window{}, c.long)
}

// limit is how many rows are kept. From levelWindow on, files have one row for all
// bins: so much more of bins may be kept, up to 20 MB.
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
	c.bins, c.rows, c.from, c.through = nil, 0, time.Time{}, time.Time{}
	c.renumber()
}

// renumber begins new tables. Numbers of the old ones must not be used any more.
func (c *recent) renumber() {
	tags := c.tables.tags
	c.tables, c.subjects, c.slots, c.pieces = newTables(), nil, nil, nil
	c.tables.tags = tags
	c.open, c.at = nil, nil
}

// regroup makes the rows as coarse as the level says, at least as coarse as they
// are, and forgets flows that no row is of. The first bin may then begin before what
// has been read: catchUp completes it.
func (c *recent) regroup(l level) {
	old, bins, same := c.tables, c.bins, c.sameFlows(l)
	c.level, c.bins, c.rows = l, nil, 0
	if same {
		c.open = nil
		clear(c.at)
	} else {
		c.renumber()
	}
	numbers := make([]uint32, old.flows.len()) // 1 + the new number
	m := newMover(old, c.tables)
	for i, b := range bins {
		bins[i] = nil // so that its rows can go
		c.use(c.bin(b.start))
		c.open.points += b.points
		for k := range b.rows {
			r := &b.rows[k]
			if same {
				c.sum(r.flow, r.flags, r.Sum)
				continue
			}
			key := &old.flows.list[r.flow]
			if numbers[r.flow] == 0 {
				numbers[r.flow] = 1 + c.tables.flows.number(m.key(key.coarse(l)))
			}
			flags := r.flags
			if l >= levelWindow {
				flags |= key.flags
			}
			c.sum(numbers[r.flow]-1, flags, r.Sum)
		}
	}
}

// sameFlows reports whether rows of a coarser level are of the same flows, as where
// only the bins get longer: hundreds of thousands need not be numbered again.
func (c *recent) sameFlows(l level) bool {
	return l > c.level && (l < levelWindow || l == levelWindow &&
		!slices.ContainsFunc(c.tables.flows.list, func(k slimKey) bool { return k.flags != 0 }))
}

// update brings the rows up to what is committed. The window is widened to begin
// with a bin. again are ticks that may have changed since they were read: late
// packets, or another sensor.
func (c *recent) update(ctx context.Context, w store.Window, again []time.Time) error {
	if c.tables.flows.len() > 2*c.rows+100_000 {
		c.regroup(c.level) // mostly flows that have left the window
	}
	for {
		cov, err := c.Reader.Coverage(ctx, w)
		if err != nil {
			return err
		}
		// Of a time whose points are gone there may be no more than sums of days, which
		// must not be read a part at a time.
		gone := !cov.PointsFrom.IsZero() && w.From.Before(cov.PointsFrom)
		if gone && c.long < day {
			c.long = day
			c.reset()
		}
		if c.cov.Tick != cov.Tick { // the first time
			c.cov.Tick = cov.Tick
			c.reset()
			if c.level == levelTick && len(c.filter.Terms) == 0 && cov.Points > uint64(c.most+c.most/8) {
				c.level = levelMinute // without finding out row by row
				if cov.Points > uint64(c.limit())*manyTimes {
					c.level = levelTenMinutes
				}
			}
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
		if !w.From.Truncate(c.step()).Equal(w.From) {
			continue // the rows became too many, and the bins longer
		}
		if fresh || gone || len(c.filter.Terms) > 0 || c.points() == cov.Points {
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
	if !c.through.IsZero() && c.window.From.Before(c.from) { // a longer bin begins earlier
		again = append(slices.Clone(again), c.window.From)
	}
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
	c.from = c.window.From
	if !from.Before(to) {
		return nil
	}
	if c.through.IsZero() {
		c.full++
	}
	if err := c.read(ctx, store.Window{From: from, To: to}); err != nil {
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
	to := start.Add(c.step())
	if i, found := c.find(start); found {
		c.rows -= len(c.bins[i].rows)
		c.bins = slices.Delete(c.bins, i, i+1)
	}
	if c.through.Before(to) {
		to = c.through
	}
	return c.read(ctx, store.Window{From: start, To: to})
}

// find returns where the bin is, or would be.
func (c *recent) find(start time.Time) (int, bool) {
	return slices.BinarySearchFunc(c.bins, start, func(b *recentBin, t time.Time) int { return b.start.Compare(t) })
}

// bin returns the bin that t lies in, a new one if there is none.
func (c *recent) bin(t time.Time) *recentBin {
	start := t.Truncate(c.step()).UTC()
	i, found := c.find(start)
	if !found {
		if i > 0 && i == len(c.bins) { // it is over, but for late packets
			c.bins[i-1].rows = slices.Clip(c.bins[i-1].rows)
		}
		c.bins = slices.Insert(c.bins, i, &recentBin{start: start})
	}
	return c.bins[i]
}

// use makes b the bin that sum adds to.
func (c *recent) use(b *recentBin) {
	if c.open == b {
		return
	}
	if c.open != nil {
		for i := range c.open.rows {
			c.at[c.open.rows[i].flow] = 0
		}
	}
	c.open = b
	for i := range b.rows {
		c.at[b.rows[i].flow] = int32(i + 1)
	}
}

// sum adds to a flow's row in the open bin.
func (c *recent) sum(flow uint32, flags store.Flags, s store.Sum) {
	if int(flow) >= len(c.at) {
		c.at = append(c.at, make([]int32, max(1024, int(flow)+1-len(c.at), len(c.at)/2))...)
	}
	b := c.open
	b.kept.number = 0
	i := c.at[flow]
	if i == 0 {
		c.rows++
		b.rows = append(b.rows, slim{flow: flow})
		i = int32(len(b.rows))
		c.at[flow] = i
	}
	b.rows[i-1].Add(s)
	b.rows[i-1].flags |= flags
}

// Coverage is that of the last update: rows and books are of the same moment.
func (c *recent) Coverage(context.Context, store.Window) (store.Coverage, error) { return c.cov, nil }

// Points yields the rows as points of a bin's length, or of the window's where the
// level says so.
func (c *recent) Points(ctx context.Context, _ store.Filter, yield func([]store.Point) error) error {
	return c.each(ctx, func(at time.Time, interval time.Duration, rows []slim) error {
		for part := range slices.Chunk(rows, 1024) {
			out := make([]store.Point, len(part))
			for i := range part {
				out[i] = c.tables.point(&part[i], at, interval)
			}
			if err := yield(out); err != nil {
				return err
			}
		}
		return nil
	})
}

// each calls yield with the rows of files, bin by bin: from levelWindow on, with one
// row a flow for all of the window.
func (c *recent) each(ctx context.Context, yield func(at time.Time, interval time.Duration, rows []slim) error) error {
	if c.level >= levelWindow {
		if rows := c.merged(); len(rows) > 0 {
			return yield(c.window.From, c.level.step(c.window, c.long), rows)
		}
		return ctx.Err()
	}
	for _, b := range c.bins {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(b.start, c.step(), b.rows); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// merged adds the rows of all bins up by flow, in order of the flows.
func (c *recent) merged() []slim {
	all := make([]slim, c.tables.flows.len())
	for _, b := range c.bins {
		for i := range b.rows {
			r := &b.rows[i]
			s := &all[r.flow]
			s.flow = r.flow
			s.flags |= r.flags
			s.Add(r.Sum)
		}
	}
	return slices.DeleteFunc(all, func(s slim) bool { return s.Sum == store.Sum{} })
}
