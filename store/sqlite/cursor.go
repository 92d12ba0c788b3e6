package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
)

// What one read transaction reads at most, so that it is over in a few milliseconds.
const (
	chunkRows  = 256
	chunkBytes = 4 << 20
)

// errMoved says that data was moved between two transactions of a query in a way that
// it cannot follow: a tier was written anew of which it has read a part. Or that there
// is damage where finer tiers can help. It must begin again.
var errMoved = errors.New("the store was reorganised while it was read")

// item is a block or a chunk of a tier as it was read.
type item struct {
	// Of a block.
	id, tick   int64
	sensor     uint32
	sums, ends []byte

	// Of a tier, else nil.
	piece *piece
	chunk int64
	blobs *tierBlobs
}

// bundle is what is decoded together: in a query that wants ticks in order, all of
// the time from a moment to the next bundle's.
type bundle struct {
	seq   int
	items []item
	bytes int
}

// cursor reads the units of a plan in order of time. Its methods may be called by
// several goroutines.
type cursor struct {
	store *Store
	plan  *plan

	mu     sync.Mutex
	kept   kept
	rest   []unit
	begun  int64 // id of the tier of which chunks have been read, and
	chunks int64 // how many
	ready  []bundle
	seq    int
	all    float64 // weight of all units

	damaged atomic.Bool // something can be replaced, next time
}

func (s *Store) cursor(p *plan, k kept, units []unit) *cursor {
	return &cursor{store: s, plan: p, kept: k, rest: units, all: weigh(units)}
}

// weigh is about how much work units are.
func weigh(units []unit) (w float64) {
	for i := range units {
		u := &units[i]
		w += 1 + float64(len(u.late))
		for _, t := range u.tiers {
			w += 1 + float64(t.points)/1000
		}
		if len(u.base) > 0 {
			w += min(float64(u.baseTo)-float64(u.from), 1e9) / float64(level10m)
		}
	}
	return w
}

// done returns which share of the work has been handed out.
func (c *cursor) done() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == 0 {
		return 1
	}
	return max(0, 1-weigh(c.rest)/c.all)
}

// take returns the next bundles, at least one and no more than are worth at least so
// many bytes; none at the end.
func (c *cursor) take(ctx context.Context, bytes int) ([]bundle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.ready) == 0 && len(c.rest) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := c.fill(ctx); err != nil {
			return nil, err
		}
	}
	n := 0
	for size := 0; n < len(c.ready) && size < bytes; n++ {
		size += c.ready[n].bytes
	}
	taken := c.ready[:n:n]
	c.ready = c.ready[n:]
	return taken, nil
}

// fill reads on in one transaction.
func (c *cursor) fill(ctx context.Context) error {
	tx, err := c.store.readers.BeginTx(ctx, nil)
	if err != nil {
		return c.failed(ctx, err)
	}
	defer tx.Rollback()
	if err := c.follow(ctx, tx); err != nil || len(c.rest) == 0 {
		return c.failed(ctx, err)
	}
	if len(c.rest[0].base) > 0 {
		err = c.fillBase(ctx, tx)
	} else {
		err = c.fillTiers(ctx, tx)
	}
	return c.failed(ctx, err)
}

func (c *cursor) failed(ctx context.Context, err error) error {
	switch {
	case err == nil || errors.Is(err, errMoved):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("read %q: %w%s", c.store.path, err, hint(err))
}

// follow covers what is left anew if data has been moved since it was covered.
func (c *cursor) follow(ctx context.Context, tx *sql.Tx) error {
	generation, err := readGeneration(ctx, tx)
	if err != nil || generation == c.kept.generation {
		return err
	}
	before := c.kept
	if c.kept, err = readKept(ctx, tx); err != nil {
		return err
	}
	left := reaches(c.rest)
	if before.begin != c.kept.begin && len(left) > 0 && c.plan.gone(&before, &c.kept, left) {
		return errMoved
	}
	if c.rest, err = c.plan.cover(ctx, tx, &c.kept, left); err != nil || c.begun == 0 {
		return err
	}
	for i := range c.rest { // go on with the tier that has been begun, if it is still that
		if u := &c.rest[i]; len(u.tiers) > 0 && u.tiers[0].id == c.begun && u.tiers[0].chunks > c.chunks {
			c.rest[0], c.rest[i] = c.rest[i], c.rest[0]
			return nil
		}
	}
	return errMoved
}

// gone reports whether some of what is left has been deleted as too old.
func (p *plan) gone(before, after *kept, left []reach) bool {
	for _, r := range left {
		if from, to := after.widen(r.from, r.to); from != r.from || to != r.to || before.finest(r.from) != after.finest(r.from) {
			return true
		}
	}
	return false
}

// fillBase reads blocks of whole ticks from the unit at hand, beside them its tiers
// and late batches, in which case it reads all of it.
func (c *cursor) fillBase(ctx context.Context, tx *sql.Tx) error {
	u := &c.rest[0]
	mixed := len(u.tiers)+len(u.late) > 0
	limit := chunkRows
	if mixed {
		limit = math.MaxInt32
	}
	blocks, more, err := c.readBlocks(ctx, tx, u, u.baseTo, limit)
	if err != nil {
		return err
	}
	if mixed {
		items, err := c.readWhole(ctx, tx, u)
		if err != nil {
			return err
		}
		c.add(append(items, blocks...))
		c.rest = c.rest[1:]
		return nil
	}
	if !more {
		c.rest = c.rest[1:]
	} else if last := blocks[len(blocks)-1].tick; last > blocks[0].tick {
		for blocks[len(blocks)-1].tick == last { // it may not be whole
			blocks = blocks[:len(blocks)-1]
		}
		u.from = last
	} else { // a tick bigger than a chunk
		if blocks, _, err = c.readBlocks(ctx, tx, u, last+1, math.MaxInt32); err != nil {
			return err
		}
		u.from = last + 1
	}
	for len(blocks) > 0 {
		n := 1
		for n < len(blocks) && blocks[n].tick == blocks[0].tick {
			n++
		}
		c.add(blocks[:n:n])
		blocks = blocks[n:]
	}
	return nil
}

// add makes a bundle of items.
func (c *cursor) add(items []item) {
	if len(items) == 0 {
		return
	}
	b := bundle{seq: c.seq, items: items}
	c.seq++
	for i := range items {
		b.bytes += len(items[i].sums) + len(items[i].ends)
		if items[i].blobs != nil {
			for _, blob := range items[i].blobs {
				b.bytes += len(blob)
			}
		}
	}
	c.ready = append(c.ready, b)
}
