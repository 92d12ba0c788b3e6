package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"

	"github.com/packetheat/packetheat/store"
)

// levelMonth is the length of the intervals of the table months. They are no tiers:
// they hold one view, and stand for the tiers of their days only as long as exactly
// those are there.
const levelMonth = 30 * level1d

// days are the tiers of days of one sensor's month.
type days struct {
	list []tierRef // in order
	hash []byte    // of all that says what is in their views
	gap  bool      // some day between them has no tier
}

// readDays reads the days of a month. The counters of a tier change with its traffic,
// and its id when it is written again.
func readDays(ctx context.Context, q queryer, sensor uint32, start int64) (d days, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, start, last, points, keys, chunks, books FROM tiers
		WHERE level = ? AND sensor = ? AND start >= ? AND start < ? ORDER BY start`, level1d, sensor, start, start+levelMonth)
	if err != nil {
		return d, err
	}
	defer rows.Close()
	sum := sha256.New()
	for rows.Next() {
		t := tierRef{level: level1d, sensor: sensor}
		var books []byte
		if err := rows.Scan(&t.id, &t.start, &t.last, &t.points, &t.keys, &t.chunks, &books); err != nil {
			return d, err
		}
		for _, n := range []int64{t.id, t.start, t.last, t.points, int64(len(books))} {
			sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
		}
		sum.Write(books)
		d.gap = d.gap || len(d.list) > 0 && t.start != d.end()
		d.list = append(d.list, t)
	}
	d.hash = sum.Sum(nil)
	return d, rows.Err()
}

// end is where the last of them ends.
func (d *days) end() int64 { return d.list[len(d.list)-1].start + level1d }

// fit reports whether a month can be made of them: it stands for all of its time.
func (d *days) fit() bool { return len(d.list) > 0 && !d.gap }

// monthRow is a row of the table months, without its sums.
type monthRow struct {
	id, start int64
	sensor    uint32
	days      []byte
}

// readMonths reads the months of a sensor that start in [from, to), in order.
func readMonths(ctx context.Context, q queryer, sensor uint32, from, to int64) ([]monthRow, error) {
	rows, err := q.QueryContext(ctx, "SELECT id, start, days FROM months WHERE sensor = ? AND start >= ? AND start < ? ORDER BY start", sensor, from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []monthRow
	for rows.Next() {
		m := monthRow{sensor: sensor}
		if err := rows.Scan(&m.id, &m.start, &m.days); err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, rows.Err()
}

// refreshMonths writes the months that have closed and are missing, stale or damaged,
// and deletes those that are stale and cannot be written.
func (s *Store) refreshMonths(ctx context.Context, before int64) error {
	list, err := readIntervals(ctx, s.readers, `SELECT DISTINCT ?1, start - (start % ?1 + ?1) % ?1, sensor FROM tiers WHERE level = ?2
		UNION SELECT ?1, start, sensor FROM months ORDER BY 2, 3`, levelMonth, level1d)
	if err != nil {
		return err
	}
	for _, iv := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.refreshMonth(ctx, iv, before); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) refreshMonth(ctx context.Context, iv interval, before int64) error {
	old, err := readMonths(ctx, s.readers, iv.sensor, iv.start, iv.start+1)
	if err != nil {
		return err
	}
	d, err := readDays(ctx, s.readers, iv.sensor, iv.start)
	if err != nil {
		return err
	}
	if len(old) > 0 && string(old[0].days) == string(d.hash) && !s.damage.of(-old[0].id, sourcePlace) {
		return nil
	}
	var parts *tierBlobs
	if d.fit() && s.closed(iv, before) {
		if parts, err = s.buildMonth(ctx, iv, &d); err != nil {
			return err
		}
	}
	if len(old) == 0 && parts == nil {
		return nil
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM months WHERE sensor = ? AND start = ?", iv.sensor, iv.start); err != nil {
			return err
		}
		if parts != nil { // if the days have changed meanwhile, it is stale already
			_, err := tx.ExecContext(ctx, "INSERT INTO months (sensor, start, days, sums, times) VALUES (?, ?, ?, ?, ?)",
				iv.sensor, iv.start, d.hash, parts[sourcePlace.sums()], parts[sourcePlace.times()])
			if err != nil {
				return err
			}
		}
		return nextGeneration(ctx, tx)
	})
}

// buildMonth adds up the views of days. It returns nil where one of them cannot be
// read: questions then go to the days, and find something finer for that one.
func (s *Store) buildMonth(ctx context.Context, iv interval, d *days) (*tierBlobs, error) {
	l := s.maint.sealer
	if err := s.dicts.load(ctx, s.readers); err != nil {
		return nil, err
	}
	places := len(s.dicts.places.snapshot())
	var views viewSums
	var want store.Sum
	for i := range d.list {
		t := &d.list[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if t.points == 0 {
			continue
		}
		if s.damage.of(t.id, sourcePlace) {
			return nil, nil
		}
		numbers := []int{sourcePlace.sums(), sourcePlace.times()}
		parts, err := loadParts(ctx, s.readers, t.id, 0, numbers...)
		if err != nil {
			return nil, err
		}
		err = l.dec.decodeTier(&parts, sourcePlace, needTimes)
		if err != nil || int(maxOf(l.dec.cols.place)) >= places {
			return nil, s.doubtDay(ctx, t, numbers)
		}
		views.addView(0, &l.dec.cols, uint32((t.start-iv.start)/int64(s.tick.Seconds())))
		want.Add(l.dec.cols.total())
	}
	parts := new(tierBlobs)
	if err := views.encodeView(0, l.enc, l.back, parts, want); err != nil {
		return nil, err
	}
	return parts, nil
}

// doubtDay notes that a day is damaged if it is still there: else it has been replaced
// while it was read, and the next pass will do.
func (s *Store) doubtDay(ctx context.Context, t *tierRef, parts []int) error {
	n, err := number(ctx, s.readers, "SELECT count(*) FROM tiers WHERE id = ?", t.id)
	if err == nil && n > 0 {
		s.damage.noteParts(t.id, 0, parts, t.start, errDamaged)
	}
	return err
}

// readMonth reads the parts of a month.
func readMonth(ctx context.Context, q queryer, it *item) error {
	rows, err := q.QueryContext(ctx, "SELECT sums, times FROM months WHERE id = ?", -it.piece.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	it.blobs = new(tierBlobs)
	for rows.Next() {
		if err := rows.Scan(&it.blobs[sourcePlace.sums()], &it.blobs[sourcePlace.times()]); err != nil {
			return err
		}
	}
	return rows.Err()
}
