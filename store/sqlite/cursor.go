package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
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

// readBlocks reads blocks of a unit in order of tick, sensor and seq. more is set where
// it ended because of a limit.
func (c *cursor) readBlocks(ctx context.Context, tx *sql.Tx, u *unit, to int64, limit int) (blocks []item, more bool, err error) {
	rows, err := tx.QueryContext(ctx, c.plan.baseQuery(u.base), u.from, to, c.plan.lastID)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		var b item
		if err := rows.Scan(&b.id, &b.tick, &b.sensor, &b.sums, &b.ends); err != nil {
			return nil, false, err
		}
		blocks = append(blocks, b)
		size += len(b.sums) + len(b.ends)
		if limit != math.MaxInt32 && (size >= chunkBytes || len(blocks) >= limit) {
			return blocks, true, nil
		}
	}
	return blocks, false, rows.Err()
}

// blockColumns returns what is read of a block, of batch b and block k.
func (p *plan) blockColumns() string {
	if p.need&needAll == 0 {
		return "b.id, b.tick, b.sensor, k.sums, x''"
	}
	return "b.id, b.tick, b.sensor, k.sums, k.ends"
}

// baseQuery reads the blocks of sensors.
func (p *plan) baseQuery(sensors []uint32) string {
	q := "SELECT " + p.blockColumns() + ` FROM batches b JOIN blocks k ON k.id = b.id
		WHERE b.tick >= ? AND b.tick < ? AND b.id <= ? AND b.points > 0`
	if !p.all || len(sensors) < len(p.sensors) {
		q += " AND b.sensor IN (" + list(sensors) + ")"
	}
	return q + " ORDER BY b.tick, b.sensor, b.seq"
}

// list prints ids for a statement.
func list[T int64 | uint32](ids []T) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(int64(id), 10)
	}
	return strings.Join(texts, ",")
}

// readLate reads the blocks of batches.
func (c *cursor) readLate(ctx context.Context, tx *sql.Tx, ids []int64) (blocks []item, err error) {
	for ids := range slices.Chunk(ids, chunkRows) {
		rows, err := tx.QueryContext(ctx, "SELECT "+c.plan.blockColumns()+` FROM batches b JOIN blocks k ON k.id = b.id
			WHERE b.id IN (`+list(ids)+")")
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var b item
			if err = rows.Scan(&b.id, &b.tick, &b.sensor, &b.sums, &b.ends); err != nil {
				break
			}
			blocks = append(blocks, b)
		}
		rows.Close()
		if err := errors.Join(err, rows.Err()); err != nil {
			return nil, err
		}
	}
	return blocks, nil
}

// readWhole reads the tiers and late batches of a unit.
func (c *cursor) readWhole(ctx context.Context, tx *sql.Tx, u *unit) ([]item, error) {
	var items []item
	for i := range u.tiers {
		items = c.plan.wanted(items, &u.tiers[i], 0)
	}
	if _, err := c.readParts(ctx, tx, items, math.MaxInt); err != nil {
		return nil, err
	}
	late, err := c.readLate(ctx, tx, u.late)
	return append(items, late...), err
}

// wanted appends what a query reads of a tier from a chunk on, unread.
func (p *plan) wanted(items []item, t *piece, chunk int64) []item {
	if t.empty() {
		return items
	}
	n := int64(1)
	if t.exact || t.source == sourceKeys {
		n = t.chunks
	}
	for ; chunk < n; chunk++ {
		items = append(items, item{piece: t, chunk: chunk, tick: t.from, sensor: t.sensor})
	}
	return items
}

// parts returns the numbers of the parts that are read of a piece.
func (p *plan) parts(t *piece) []int {
	switch {
	case t.exact:
		if p.need&needAll == 0 {
			return []int{sourceKeys.sums(), partKeysTimes, partKeysSamples}
		}
		return []int{sourceKeys.sums(), partKeysEnds, partKeysTimes, partKeysSamples}
	case t.source == sourceKeys && p.need&needAll != 0 && p.need&needTimes != 0:
		return []int{sourceKeys.sums(), partKeysEnds, partKeysTimes}
	case t.source == sourceKeys && p.need&needAll != 0:
		return []int{sourceKeys.sums(), partKeysEnds}
	case p.need&needTimes != 0:
		return []int{t.source.sums(), t.source.times()}
	}
	return []int{t.source.sums()}
}

// fillTiers reads tiers, unit by unit where ticks are wanted in order, else chunk by
// chunk.
func (c *cursor) fillTiers(ctx context.Context, tx *sql.Tx) error {
	if c.plan.ordered {
		items, err := c.readWhole(ctx, tx, &c.rest[0])
		if err != nil {
			return err
		}
		c.add(items)
		c.rest = c.rest[1:]
		return nil
	}
	var items []item
	ends := make([]int, 0, 64) // of the items of each unit
	var late []int64
	for i := range c.rest {
		u := &c.rest[i]
		if len(u.base) > 0 || len(items) >= chunkRows || len(late) >= chunkRows {
			break
		}
		for j := range u.tiers {
			from := int64(0)
			if u.tiers[j].id == c.begun {
				from = c.chunks
			}
			items = c.plan.wanted(items, &u.tiers[j], from)
		}
		ends = append(ends, len(items))
		late = append(late, u.late...)
	}
	n, err := c.readParts(ctx, tx, items, chunkBytes)
	if err != nil {
		return err
	}
	return c.advance(ctx, tx, items, n, ends)
}

// advance hands on the n items that have been read of units, the ends of whose items
// are given.
func (c *cursor) advance(ctx context.Context, tx *sql.Tx, items []item, n int, ends []int) error {
	units := 0
	var late []int64
	for units < len(ends) && ends[units] <= n {
		late = append(late, c.rest[units].late...)
		units++
	}
	blocks, err := c.readLate(ctx, tx, late)
	if err != nil {
		return err
	}
	for i := range n {
		c.add(items[i : i+1 : i+1])
	}
	for i := range blocks {
		c.add(blocks[i : i+1 : i+1])
	}
	c.rest = c.rest[units:]
	c.begun, c.chunks = 0, 0
	if units < len(ends) {
		from := 0
		if units > 0 {
			from = ends[units-1]
		}
		if n > from { // a part of the unit, which is a single tier, has been read
			last := &items[n-1]
			c.begun, c.chunks = last.piece.id, last.chunk+1
		}
	}
	return nil
}

// readParts fills in the blobs of items until there are so many bytes, and returns how
// many items have all of theirs.
func (c *cursor) readParts(ctx context.Context, tx *sql.Tx, items []item, bytes int) (int, error) {
	done, size := 0, 0
	for done < len(items) && size < bytes {
		group := items[done:min(done+64, len(items))]
		var ids []int64
		for i := range group {
			it := &group[i]
			it.blobs = new(tierBlobs)
			for _, part := range c.plan.parts(it.piece) {
				ids = append(ids, partID(it.piece.id, it.chunk, part))
			}
		}
		n, err := readGroup(ctx, tx, group, ids, bytes-size)
		if err != nil {
			return 0, err
		}
		for i := range group[:n] {
			for _, blob := range group[i].blobs {
				size += len(blob)
			}
		}
		done += n
		if n < len(group) {
			break
		}
	}
	return done, nil
}

// readGroup reads parts by id into the items that they belong to. Where it ends early
// it returns how many items, from the first on, are complete: at least one.
func readGroup(ctx context.Context, tx *sql.Tx, group []item, ids []int64, bytes int) (int, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, data FROM parts WHERE id IN ("+list(ids)+")")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	at := make(map[int64]*tierBlobs, len(group))
	for i := range group {
		at[partID(group[i].piece.id, group[i].chunk, 0)] = group[i].blobs
	}
	size, last := 0, int64(math.MinInt64)
	for rows.Next() {
		var data []byte
		if err := rows.Scan(&last, &data); err != nil {
			return 0, err
		}
		at[last-last%chunkRoom][last%chunkRoom] = data
		if size += len(data); size >= bytes && rising(ids) {
			n := 0
			for n < len(group) && partID(group[n].piece.id, group[n].chunk, chunkRoom-1) <= last {
				n++
			}
			if n > 0 {
				return n, nil
			}
		}
	}
	return len(group), rows.Err()
}

// rising reports whether ids are in the order that SQLite reads them in.
func rising(ids []int64) bool { return slices.IsSorted(ids) }
