package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// What one cursor reads at most before it is closed and its rows are decoded: a few
// milliseconds of reading.
const (
	chunkRows  = 256
	chunkBytes = 4 << 20
)

// maxWorkers bounds the goroutines of one query that decode.
const maxWorkers = 4

// plan says which batches a query reads, and which of their columns.
type plan struct {
	from, to int64 // ticks, half-open, Unix seconds
	lastID   int64 // the newest batch that belongs to the answer
	sensors  []uint32
	all      bool // all sensors; else those above
	need     need
	filter   *filter
}

// plan prepares a query: window to ticks, sensors to ids, terms to what they need.
func (s *Store) plan(ctx context.Context, f *store.Filter, n need) (*plan, error) {
	if err := f.Window.Check(); err != nil {
		return nil, err
	}
	p := &plan{all: true}
	p.from, p.to = tickRange(f.Window)
	var err error
	if p.lastID, err = lastID(ctx, s.readers); err == nil {
		err = s.dicts.load(ctx, s.readers) // after it, so that every id of the answer is known
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w%s", s.path, err, hint(err))
	}
	p.filter = newFilter(f.Terms)
	p.need = n | p.filter.need
	if len(p.filter.sensor) > 0 {
		p.all = false
		for id, name := range s.dicts.sensors.snapshot() {
			if id > 0 && p.filter.matchSensor(name) {
				p.sensors = append(p.sensors, uint32(id))
			}
		}
	}
	return p, nil
}

// tickRange returns the first tick in w and the first behind it; a tick is in w if
// its start is.
func tickRange(w store.Window) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !w.From.IsZero() {
		from = ceilSecond(w.From)
	}
	if !w.To.IsZero() {
		to = ceilSecond(w.To)
	}
	return from, to
}

func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// block is the block of one batch as it was read.
type block struct {
	id, tick   int64
	sensor     uint32
	seq        uint32
	sums, ends []byte

	alone bool // no other block of the plan has the same tick
}

// cursor reads the blocks of a plan in order of tick, sensor id and seq, a chunk of
// them with each call of next.
type cursor struct {
	db    *sql.DB
	query string
	plan  *plan

	tick        int64
	sensor, seq int64
}

func (s *Store) cursor(p *plan) *cursor {
	columns := "k.sums, x''"
	if p.need != 0 {
		columns = "k.sums, k.ends"
	}
	q := "SELECT b.id, b.tick, b.sensor, b.seq, " + columns + `
		FROM batches b JOIN blocks k ON k.id = b.id
		WHERE (b.tick, b.sensor, b.seq) > (?, ?, ?) AND b.tick < ? AND b.id <= ? AND b.points > 0`
	if !p.all {
		ids := make([]string, len(p.sensors))
		for i, id := range p.sensors {
			ids[i] = strconv.FormatUint(uint64(id), 10)
		}
		q += " AND b.sensor IN (" + strings.Join(ids, ",") + ")"
	}
	q += " ORDER BY b.tick, b.sensor, b.seq LIMIT " + strconv.Itoa(chunkRows)
	return &cursor{db: s.readers, query: q, plan: p, tick: p.from, sensor: -1, seq: -1}
}

// next returns the next blocks, none at the end.
func (c *cursor) next(ctx context.Context) ([]block, error) {
	rows, err := c.db.QueryContext(ctx, c.query, c.tick, c.sensor, c.seq, c.plan.to, c.plan.lastID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var blocks []block
	size := 0
	for size < chunkBytes && rows.Next() {
		var b block
		if err := rows.Scan(&b.id, &b.tick, &b.sensor, &b.seq, &b.sums, &b.ends); err != nil {
			return nil, err
		}
		size += len(b.sums) + len(b.ends)
		blocks = append(blocks, b)
		c.tick, c.sensor, c.seq = b.tick, int64(b.sensor), int64(b.seq)
	}
	if size >= chunkBytes {
		return blocks, nil // what rows.Err would say, the next chunk says
	}
	return blocks, rows.Err()
}

// visitor takes the decoded blocks of a query. Each has one goroutine.
type visitor interface {
	visit(v *view) error
}

// scan reads a plan's blocks in one goroutine and has them decoded and visited in
// one goroutine a visitor, the first of which is the caller's. Blocks reach each
// visitor in order of tick, sensor id and seq; which visitor gets which is open, so
// that a single visitor gets all of them in order. It returns ctx's error as it is.
func (s *Store) scan(ctx context.Context, p *plan, visitors ...visitor) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	chunks := make(chan []block, len(visitors))
	var group sync.WaitGroup
	start := func(f func() error) {
		group.Go(func() {
			if err := f(); err != nil {
				cancel(err)
			}
		})
	}
	start(func() error {
		defer close(chunks)
		return s.read(inner, p, chunks)
	})
	for _, v := range visitors[1:] {
		start(func() error { return s.work(inner, p, chunks, v) })
	}
	if err := s.work(inner, p, chunks, visitors[0]); err != nil {
		cancel(err)
	}
	group.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(inner)
}

func (s *Store) read(ctx context.Context, p *plan, chunks chan<- []block) error {
	c := s.cursor(p)
	var held []block // the last one read: the next shows whether it is alone
	var before int64 // tick of the one before it
	started := false
	for {
		blocks, err := c.next(ctx)
		if err != nil {
			return fmt.Errorf("read %q: %w%s", s.path, err, hint(err))
		}
		end := len(blocks) == 0
		blocks = append(held, blocks...)
		for i := range blocks {
			blocks[i].alone = !(started && before == blocks[i].tick) && (i+1 == len(blocks) || blocks[i+1].tick != blocks[i].tick)
			if i+1 < len(blocks) || end {
				before, started = blocks[i].tick, true
			}
		}
		ready := len(blocks)
		if !end {
			ready--
		}
		held = blocks[ready:]
		for part := range slices.Chunk(blocks[:ready], chunkRows/8) { // so that every worker has something to do
			select {
			case chunks <- part:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if end {
			return nil
		}
	}
}

// work decodes chunks and shows them to v until there are no more.
func (s *Store) work(ctx context.Context, p *plan, chunks <-chan []block, v visitor) error {
	w, err := s.newView(p)
	if err != nil {
		return err
	}
	defer w.close()
	for blocks := range chunks {
		for i := range blocks {
			if err := ctx.Err(); err != nil {
				return err
			}
			if !w.open(&blocks[i]) {
				continue
			}
			if err := v.visit(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// workers returns how many visitors a query should have.
func workers() int { return min(runtime.GOMAXPROCS(0), maxWorkers) }
