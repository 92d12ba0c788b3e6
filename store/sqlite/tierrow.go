package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
)

// interval is what a tier is about.
type interval struct {
	level, start int64
	sensor       uint32
}

func (iv interval) end() int64 { return iv.start + iv.level }

// parent is the interval of the next coarser level that iv lies in; there is none of
// a day.
func (iv interval) parent() (interval, bool) {
	at := slices.Index(levels[:], iv.level)
	if at <= 0 {
		return interval{}, false
	}
	return interval{levels[at-1], floorTo(iv.start, levels[at-1]), iv.sensor}, true
}

// finer is the next finer level, 0 of the finest.
func (iv interval) finer() int64 {
	if at := slices.Index(levels[:], iv.level); at+1 < len(levels) {
		return levels[at+1]
	}
	return 0
}

func (t *tierRow) interval() interval { return interval{t.level, t.start, t.sensor} }

// tierColumns are the columns that scan takes.
const tierColumns = "id, level, start, sensor, last, batches, points, keys, chunks, geo, books, spans"

func (t *tierRow) scan(rows *sql.Rows) error {
	return rows.Scan(&t.id, &t.level, &t.start, &t.sensor, &t.last, &t.batches, &t.points, &t.keys, &t.chunks, &t.geo, &t.books, &t.spans)
}

// readTiers reads the tiers of a level and sensor that start in [from, to), in order.
func readTiers(ctx context.Context, q queryer, level int64, sensor uint32, from, to int64) ([]tierRow, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+tierColumns+" FROM tiers WHERE level = ? AND sensor = ? AND start >= ? AND start < ? ORDER BY start",
		level, sensor, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []tierRow
	for rows.Next() {
		var t tierRow
		if err := t.scan(rows); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// readTier reads the tier of an interval, nil if there is none.
func readTier(ctx context.Context, q queryer, iv interval) (*tierRow, error) {
	list, err := readTiers(ctx, q, iv.level, iv.sensor, iv.start, iv.start+1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// readBatches reads the rows of the batches of an interval with ids above after.
func readBatches(ctx context.Context, q queryer, iv interval, after int64) ([]batchRow, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, tick, sensor, seq, on_ns, off_ns, points, geo, books FROM batches
		WHERE tick >= ? AND tick < ? AND sensor = ? AND id > ? ORDER BY tick, seq`, iv.start, iv.end(), iv.sensor, after)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []batchRow
	for rows.Next() {
		var r batchRow
		if err := rows.Scan(&r.id, &r.tick, &r.sensor, &r.seq, &r.on, &r.off, &r.points, &r.geo, &r.books); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// loadParts reads parts of a chunk of a tier: those of the numbers.
func loadParts(ctx context.Context, q queryer, tier, chunk int64, numbers ...int) (b tierBlobs, err error) {
	ids := make([]int64, len(numbers))
	for i, n := range numbers {
		ids[i] = partID(tier, chunk, n)
	}
	rows, err := q.QueryContext(ctx, "SELECT id, data FROM parts WHERE id IN ("+joinIDs(ids)+")")
	if err != nil {
		return b, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var data []byte
		if err := rows.Scan(&id, &data); err != nil {
			return b, err
		}
		b[id%chunkRoom] = data
	}
	return b, rows.Err()
}

// loadBlock reads the block of a batch; both parts are nil if there is none.
func loadBlock(ctx context.Context, q queryer, id int64) (sums, ends []byte, err error) {
	rows, err := q.QueryContext(ctx, "SELECT sums, ends FROM blocks WHERE id = ?", id)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&sums, &ends); err != nil {
			return nil, nil, err
		}
	}
	return sums, ends, rows.Err()
}

// mergeGeo joins lists of ids of GeoIP sources.
func mergeGeo(lists ...string) string {
	var ids []int
	for _, list := range lists {
		for text := range strings.SplitSeq(list, ",") {
			if id, err := strconv.Atoi(text); err == nil {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(id)
	}
	return strings.Join(texts, ",")
}
