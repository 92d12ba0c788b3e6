package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
)

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
		if it := &items[done]; it.piece.level == levelMonth {
			if err := readMonth(ctx, tx, it); err != nil {
				return 0, err
			}
			size += len(it.blobs[sourcePlace.sums()])
			done++
			continue
		}
		group := items[done:min(done+64, len(items))]
		var ids []int64
		for i := range group {
			it := &group[i]
			if it.piece.level == levelMonth {
				group = group[:i]
				break
			}
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
