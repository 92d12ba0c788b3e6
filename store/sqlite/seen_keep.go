package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"net/netip"
	"slices"
	"time"
)

// addressesByAge gives up summaries of days that are too old. Where addresses are not to
// outlive the points, those are all that begin before the points that are kept.
func (p *pruning) addressesByAge(ctx context.Context) error {
	end := p.marks[markPoints]
	if p.retention.outlives() {
		if p.retention.Addresses < 0 {
			return nil
		}
		end = floorTo(p.newest-int64(p.retention.Addresses/time.Second), level1d)
		if p.marks[markPoints] == never || end > p.marks[markPoints] { // as long as the points, whatever the age
			end = p.marks[markPoints]
		}
	}
	if end == never {
		return nil
	}
	oldest, any, err := optional(ctx, p.readers, "SELECT start FROM addresses WHERE days = 1 AND start < ? ORDER BY start LIMIT 1", end)
	if err != nil || !any {
		return err
	}
	if p.retention.outlives() && !p.forced { // a clock gone mad costs a day an hour, as it does of points
		if p.keep.allowance < float64(level1h) {
			return nil
		}
		end = min(end, oldest+level1d)
		p.keep.allowance -= float64(level1d)
		if err := p.transaction(ctx, func(tx *sql.Tx) error { return p.keep.save(ctx, tx) }); err != nil {
			return err
		}
	}
	return p.giveSeen(ctx, end)
}

// giveSeen deletes the summaries of days that start before end, and longer ones of them.
func (p *pruning) giveSeen(ctx context.Context, end int64) error {
	before, err := p.used(ctx)
	if err != nil {
		return err
	}
	err = p.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE addresses SET days = 0 WHERE days > 0 AND start < ?", end)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.sweepSeen(ctx); err != nil {
		return err
	}
	after, err := p.used(ctx)
	p.bytes += max(0, before-after)
	return err
}

// addressesBySize gives up the oldest summaries until so many bytes are won.
func (p *pruning) addressesBySize(ctx context.Context, need int64) (freed int64, err error) {
	rows, err := p.readers.QueryContext(ctx, `SELECT a.start, sum(length(c.ends) + length(c.sums)) FROM addresses a
		JOIN address_chunks c ON c.id >= a.id * 65536 AND c.id < (a.id + 1) * 65536
		WHERE a.days = 1 AND a.start < ? GROUP BY a.start ORDER BY a.start`, p.marks[markPoints])
	if err != nil {
		return 0, err
	}
	end := int64(math.MinInt64)
	for freed < need && rows.Next() {
		var bytes int64
		if err = rows.Scan(&end, &bytes); err != nil {
			break
		}
		end, freed = end+level1d, freed+bytes
	}
	if e := rows.Close(); err == nil {
		err = e
	}
	if err != nil || freed == 0 {
		return 0, err
	}
	return freed, p.giveSeen(ctx, end)
}

// forgetSeen takes addresses out of the summaries. Longer ones are made of days again.
func (f *forgetter) forgetSeen(ctx context.Context) error {
	runs, err := readSeen(ctx, f.readers, "days > 0")
	if err != nil {
		return err
	}
	var long []int64
	for i := range runs {
		r := &runs[i]
		found, err := f.inSeen(ctx, r)
		if err != nil {
			return err
		}
		switch {
		case !found:
			continue
		case r.days > seenDay:
			long = append(long, r.id)
			continue
		}
		if f.Days++; f.try {
			continue
		}
		w := f.newSeenWriter(f.enc, seenRun{days: r.days, start: r.start, sensor: r.sensor, upto: r.upto, tier: r.tier})
		stream := &seenStream{s: f.Store, run: r, dec: f.dec}
		for row, err := stream.next(ctx); row != nil || err != nil; row, err = stream.next(ctx) {
			if err == nil && !f.within(row.addr) {
				err = w.add(ctx, row)
			}
			if err != nil {
				return err
			}
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
	}
	if f.try {
		return nil
	}
	if len(long) > 0 {
		if err := f.dropSeen(ctx, long); err != nil {
			return err
		}
	}
	return f.sweepSeen(ctx)
}

// inSeen reports whether a summary has an address that is to go. One that is damaged is
// counted, and given up: what cannot be read cannot be searched.
func (f *forgetter) inSeen(ctx context.Context, r *seenRun) (bool, error) {
	for chunk := range r.chunks {
		blobs, err := loadSeen(ctx, f.readers, r.id, []int64{chunk})
		if err != nil {
			return false, err
		}
		damaged := len(blobs) == 0
		if !damaged {
			rows, err := f.dec.seenRows(&blobs[0], r.start, f.seconds())
			damaged = err != nil
			f.read(len(blobs[0].ends) + len(blobs[0].sums))
			if slices.ContainsFunc(rows, func(row seenRow) bool { return f.within(row.addr) }) {
				return true, nil
			}
		}
		if damaged {
			f.Damaged++
			if f.try {
				return false, nil
			}
			return false, f.dropSeen(ctx, []int64{r.id})
		}
	}
	return false, nil
}

// seen adds the summaries of days whose points the other store has given up, and we have
// none of that sensor then.
func (m *merger) seen(ctx context.Context) error {
	runs, err := readSeen(ctx, m.other.readers, "days = 1")
	if err != nil {
		return err
	}
	known, err := m.seenDays(ctx, m.readers)
	if err != nil {
		return err
	}
	for i := range runs {
		r := &runs[i]
		id, err := m.sensor(ctx, r.sensor)
		if err != nil {
			return err
		}
		if known[seenAt{id, r.start}] != nil || m.marks[markPoints] <= r.start {
			continue // what the points say is summed up by upkeep
		}
		w := m.newSeenWriter(m.sealer.enc, seenRun{days: seenDay, start: r.start, sensor: id, upto: r.upto})
		stream := &seenStream{s: m.other, run: r, dec: m.dec}
		row, err := stream.next(ctx)
		for ; row != nil && err == nil; row, err = stream.next(ctx) {
			err = w.add(ctx, row)
		}
		if errors.Is(err, errDamaged) {
			m.Damaged++
			continue
		}
		if err != nil {
			return err
		}
		if head, err := m.dec.seenHead(r.head, r.chunks); err == nil {
			w.head.cut = head.cut
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
		m.Days++
	}
	return m.sweepSeen(ctx)
}

// seen checks the summaries of addresses: every chunk, its order, and what the head says.
func (c *checker) seen(ctx context.Context) error {
	runs, err := readSeen(ctx, c.readers, "days > 0")
	if err != nil {
		return err
	}
	for i := range runs {
		r := &runs[i]
		text, err := c.seenRun(ctx, r)
		if err != nil {
			return err
		}
		if text == "" {
			continue
		}
		n, err := number(ctx, c.readers, "SELECT count(*) FROM addresses WHERE id = ? AND days > 0", r.id)
		if err != nil || n == 0 { // it has been replaced meanwhile
			return err
		}
		c.repair(Finding{Where: "addresses", Sensor: c.sensorName(r.sensor), Time: time.Unix(r.start, 0).UTC(),
			Length: time.Duration(r.days*level1d) * time.Second, Text: text}, c.seenFix(r))
	}
	return c.fix(ctx)
}

// seenFix returns what makes a summary right: what it is made from is there, so that it
// may go, and upkeep writes it again. Of a day without points nothing is left.
func (c *checker) seenFix(r *seenRun) func(context.Context) error {
	if r.days == seenDay && r.start < c.marks[markPoints] {
		return nil
	}
	return func(ctx context.Context) error {
		return errors.Join(c.dropSeen(ctx, []int64{r.id}), c.Maintain(ctx, true))
	}
}

// seenRun returns what is wrong with a summary, "" if nothing is.
func (c *checker) seenRun(ctx context.Context, r *seenRun) (string, error) {
	head, err := c.dec.seenHead(r.head, r.chunks)
	if err != nil {
		return "its head is damaged", nil
	}
	if r.start%(r.days*level1d) != 0 || r.upto <= r.start || r.upto > r.end() {
		return "its time is not that of days", nil
	}
	got := seenHead{cut: head.cut}
	var last netip.Prefix
	for chunk := range r.chunks {
		blobs, err := loadSeen(ctx, c.readers, r.id, []int64{chunk})
		if err != nil {
			return "", err
		}
		if len(blobs) == 0 {
			return "a part of it is missing", nil
		}
		c.read(len(blobs[0].ends) + len(blobs[0].sums))
		rows, err := c.dec.seenRows(&blobs[0], r.start, c.seconds())
		if err != nil || len(rows) == 0 {
			return "a part of it is damaged", nil
		}
		got.lows = append(got.lows, rows[0].addr)
		for i := range rows {
			row := &rows[i]
			if last.IsValid() && compareEndpoints(last, row.addr) >= 0 || row.first < r.start || row.last >= r.upto || row.Packets == 0 {
				return "a row of it is not in order, or not of its time", nil
			}
			last = row.addr
			got.rows++
			got.sum.Add(row.Sum)
			got.networks = got.networks || !row.addr.IsSingleIP()
		}
	}
	if got.rows != head.rows || got.sum != head.sum || got.networks != head.networks || !slices.Equal(got.lows, head.lows) {
		return "its rows do not add up to what its head says", nil
	}
	return "", nil
}
