package sqlite

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"
)

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
