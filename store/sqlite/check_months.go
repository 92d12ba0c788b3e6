package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"time"
)

// months checks the sums of thirty days that answers read in place of those of days.
// One whose days have changed since is read by nobody and left to the upkeep.
func (c *checker) months(ctx context.Context) error {
	for last := int64(-1); ; {
		var m *monthRow
		err := c.snapshot(ctx, func(tx *sql.Tx) (err error) {
			if m, err = nextMonth(ctx, tx, last); err == nil && m != nil {
				err = c.month(ctx, tx, m)
			}
			return err
		})
		if err != nil || m == nil {
			return err
		}
		last = m.id
		if err := c.fix(ctx); err != nil {
			return err
		}
	}
}

// nextMonth reads the month behind an id, nil at the end.
func nextMonth(ctx context.Context, q queryer, id int64) (m *monthRow, err error) {
	rows, err := q.QueryContext(ctx, "SELECT id, sensor, start, days FROM months WHERE id > ? ORDER BY id LIMIT 1", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		m = new(monthRow)
		if err := rows.Scan(&m.id, &m.sensor, &m.start, &m.days); err != nil {
			return nil, err
		}
	}
	return m, rows.Err()
}

// month checks one on one state of the store. A wrong one is deleted: the days say the
// same, and the upkeep writes it again.
func (c *checker) month(ctx context.Context, tx *sql.Tx, m *monthRow) error {
	text, err := c.monthContent(ctx, tx, m)
	if err != nil || text == "" {
		return err
	}
	f := Finding{Where: "month", Sensor: c.sensorName(m.sensor), Time: time.Unix(m.start, 0).UTC(), Length: time.Duration(levelMonth) * time.Second, Text: text}
	c.repair(f, func(ctx context.Context) error {
		return c.transaction(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, "DELETE FROM months WHERE id = ?", m.id); err != nil {
				return err
			}
			return nextGeneration(ctx, tx)
		})
	})
	return nil
}

// monthContent says what is wrong with a month, nothing where nothing is, or where that
// cannot be told because a day is wrong.
func (c *checker) monthContent(ctx context.Context, tx *sql.Tx, m *monthRow) (string, error) {
	it := item{piece: &piece{tierRef: tierRef{id: -m.id}}}
	if err := readMonth(ctx, tx, &it); err != nil {
		return "", err
	}
	for _, part := range it.blobs {
		if part != nil {
			c.Parts++
			c.read(len(part))
		}
	}
	if c.dec.decodeTier(it.blobs, sourcePlace, needTimes) != nil {
		return "its sums are damaged", nil
	}
	if int(maxOf(c.dec.cols.place)) >= c.places {
		return "it has a place that is unknown", nil
	}
	d, err := readDays(ctx, tx, m.sensor, m.start)
	if err != nil || !d.fit() || !bytes.Equal(d.hash, m.days) {
		return "", err
	}
	var got, want viewSums
	got.addView(0, &c.dec.cols, 0)
	for i := range d.list {
		t := &d.list[i]
		if t.points == 0 {
			continue
		}
		parts, err := loadParts(ctx, tx, t.id, 0, sourcePlace.sums(), sourcePlace.times())
		if err != nil {
			return "", err
		}
		if c.dec.decodeTier(&parts, sourcePlace, needTimes) != nil {
			return "", nil // said of the day
		}
		want.addView(0, &c.dec.cols, uint32((t.start-m.start)/int64(c.tick.Seconds())))
	}
	if !sameView(&got.tables[0], &want.tables[0]) {
		return "it is not what its days add up to", nil
	}
	return "", nil
}
