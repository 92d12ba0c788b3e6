package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// coverageRows is how many batch rows one cursor of Coverage reads.
const coverageRows = 4096

// batchRow is a row of the table batches.
type batchRow struct {
	id, tick, on, off int64
	sensor, seq       uint32
	points            int64
	geo               string
	books             []byte
}

// Coverage says what the window has data about. Its Window is the asked one, moved
// forward to whole ticks (those that start in it, as the answers have them) and cut
// to what there is. Every sensor of the store has spans
// from its start to its end. Each block of the window is checked once in the life of
// the Store, so that the first question about a long window reads all of it.
func (s *Store) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	c := store.Coverage{Window: w, Tick: s.tick}
	if err := w.Check(); err != nil {
		return c, err
	}
	b := coverageBuilder{store: s, coverage: &c, sensors: make(map[uint32]*sensorSpans)}
	if err := b.run(ctx); err != nil {
		if ctx.Err() != nil {
			return c, ctx.Err()
		}
		return c, fmt.Errorf("read coverage of %q: %w%s", s.path, err, hint(err))
	}
	return c, nil
}

// coverageBuilder adds up the rows of one answer.
type coverageBuilder struct {
	store    *Store
	coverage *store.Coverage
	sensors  map[uint32]*sensorSpans
	from, to int64
	geo      map[string]struct{}
	doubtful []batchRow // rows whose blocks have not been checked yet
}

func (b *coverageBuilder) run(ctx context.Context) error {
	s, c := b.store, b.coverage
	last, err := lastID(ctx, s.readers)
	if err != nil || last == 0 {
		return err
	}
	if err := s.dicts.load(ctx, s.readers); err != nil {
		return err
	}
	if err := b.bounds(ctx); err != nil {
		return err
	}
	b.geo = make(map[string]struct{})
	at := batchRow{tick: b.from}
	sensor, seq := int64(-1), int64(-1)
	for {
		rows, err := b.page(ctx, at.tick, sensor, seq, last)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			b.add(&rows[i])
		}
		at = rows[len(rows)-1]
		sensor, seq = int64(at.sensor), int64(at.seq)
	}
	if err := b.verify(ctx); err != nil {
		return err
	}
	b.finish()
	c.Damaged = s.damage.count(b.from, b.to)
	return nil
}

// bounds sets First, Last and Window.
func (b *coverageBuilder) bounds(ctx context.Context) error {
	s, c := b.store, b.coverage
	first, err := number(ctx, s.readers, "SELECT min(tick) FROM batches")
	if err != nil {
		return err
	}
	last, err := number(ctx, s.readers, "SELECT max(tick) FROM batches")
	if err != nil {
		return err
	}
	c.First, c.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC().Add(s.tick)
	b.from, b.to = tickRange(c.Window)
	seconds := int64(s.tick / time.Second)
	if b.from != math.MinInt64 {
		c.Window.From = time.Unix(-binOf(-b.from, seconds), 0).In(c.Window.From.Location())
	}
	if b.to != math.MaxInt64 {
		c.Window.To = time.Unix(-binOf(-b.to, seconds), 0).In(c.Window.To.Location())
	}
	c.Window = c.Window.Clip(store.Window{From: c.First, To: c.Last})
	return nil
}

// page reads the rows behind (tick, sensor, seq).
func (b *coverageBuilder) page(ctx context.Context, tick, sensor, seq, last int64) ([]batchRow, error) {
	rows, err := b.store.readers.QueryContext(ctx, `SELECT id, tick, sensor, seq, on_ns, off_ns, points, geo, books FROM batches
		WHERE (tick, sensor, seq) > (?, ?, ?) AND tick < ? AND id <= ?
		ORDER BY tick, sensor, seq LIMIT `+strconv.Itoa(coverageRows), tick, sensor, seq, b.to, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var page []batchRow
	for rows.Next() {
		var r batchRow
		if err := rows.Scan(&r.id, &r.tick, &r.sensor, &r.seq, &r.on, &r.off, &r.points, &r.geo, &r.books); err != nil {
			return nil, err
		}
		page = append(page, r)
	}
	return page, rows.Err()
}

func (b *coverageBuilder) add(r *batchRow) {
	c := b.coverage
	c.Points += uint64(r.points)
	b.geo[r.geo] = struct{}{}
	var t totals
	if err := t.decode(r.books); err != nil {
		b.store.damage.note(r.id, r.tick, err)
	} else {
		c.Books.Add(&t.books)
		c.Unlocated.Add(t.unlocated)
	}
	if r.points > 0 && !b.store.damage.checked(r.id) {
		b.doubtful = append(b.doubtful, batchRow{id: r.id, tick: r.tick})
	}
	sensor := b.sensors[r.sensor]
	if sensor == nil {
		sensor = &sensorSpans{interval: b.store.tick, end: c.Window.From}
		b.sensors[r.sensor] = sensor
	}
	sensor.add(r, &t.books)
}

// finish closes the spans of all sensors and names sensors and sources.
func (b *coverageBuilder) finish() {
	c := b.coverage
	names := b.store.dicts.sensors.snapshot()
	ids := make([]uint32, 0, len(names)-1)
	for id := range names[1:] {
		ids = append(ids, uint32(id+1))
	}
	slices.SortFunc(ids, func(a, b uint32) int { return cmp.Compare(names[a], names[b]) })
	for _, id := range ids {
		sensor := b.sensors[id]
		if sensor == nil {
			sensor = &sensorSpans{end: c.Window.From}
		}
		c.Sensors = append(c.Sensors, names[id])
		for _, span := range sensor.finish(c.Window.To) {
			span.Sensor = names[id]
			c.Spans = append(c.Spans, span)
		}
	}
	seen := make(map[int]struct{})
	for set := range b.geo {
		for id := range strings.SplitSeq(set, ",") {
			if n, err := strconv.Atoi(id); err == nil {
				seen[n] = struct{}{}
			}
		}
	}
	for id, source := range b.store.dicts.sources.snapshot() {
		if _, ok := seen[id]; ok {
			c.Geo = append(c.Geo, source)
		}
	}
}

// verify reads the blocks that nobody has read in full yet and notes the damaged.
func (b *coverageBuilder) verify(ctx context.Context) error {
	for rows := range slices.Chunk(b.doubtful, chunkRows/4) {
		ticks := make(map[int64]int64, len(rows))
		ids := make([]string, len(rows))
		for i, r := range rows {
			ticks[r.id] = r.tick
			ids[i] = strconv.FormatInt(r.id, 10)
		}
		if err := b.verifyBlocks(ctx, strings.Join(ids, ","), ticks); err != nil {
			return err
		}
		for id, tick := range ticks { // those that there is no block of
			b.store.damage.note(id, tick, errDamaged)
		}
	}
	return nil
}

// verifyBlocks checks blocks and takes them out of ticks.
func (b *coverageBuilder) verifyBlocks(ctx context.Context, ids string, ticks map[int64]int64) error {
	rows, err := b.store.readers.QueryContext(ctx, "SELECT id, sums, ends FROM blocks WHERE id IN ("+ids+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var sums, ends []byte
		if err := rows.Scan(&id, &sums, &ends); err != nil {
			return err
		}
		_, err := unseal(sums, partSums)
		if err == nil {
			_, err = unseal(ends, partEnds)
		}
		b.store.damage.note(id, ticks[id], err)
		delete(ticks, id)
	}
	return rows.Err()
}
