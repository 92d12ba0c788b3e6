package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// checkRows and checkBytes are what is read of batches in one transaction.
const (
	checkRows  = 512
	checkBytes = 8 << 20
)

// checkedBatch is a batch with its block, and whether it may be without.
type checkedBatch struct {
	batchRow
	sums, ends []byte
	sealed     bool
}

// batches checks every batch, in order of their ids.
func (c *checker) batches(ctx context.Context, tiers bool) error {
	sealed := "0"
	if tiers { // its points are in the tier, or were given up
		sealed = `EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = b.sensor AND t.last >= b.id
			AND t.start = b.tick - (b.tick % 600 + 600) % 600 AND (t.keys > 0 OR t.start < ` + strconv.FormatInt(c.marks[markPoints], 10) + "))"
	}
	query := "SELECT b.id, tick, sensor, seq, on_ns, off_ns, points, geo, books, sums, ends, " + sealed + `
		FROM batches b LEFT JOIN blocks k ON k.id = b.id WHERE b.id > ? ORDER BY b.id LIMIT ` + strconv.Itoa(checkRows)
	for last := int64(-1 << 62); ; {
		page, err := c.page(ctx, query, last)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := c.dicts.load(ctx, c.readers); err != nil { // after it, so that every id is known
			return err
		}
		c.grown()
		for i := range page {
			c.batch(&page[i])
		}
		last = page[len(page)-1].id
		if err := c.fix(ctx); err != nil {
			return err
		}
	}
}

func (c *checker) page(ctx context.Context, query string, last int64) (page []checkedBatch, err error) {
	err = c.snapshot(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, query, last)
		if err != nil {
			return err
		}
		defer rows.Close()
		for size := 0; size < checkBytes && rows.Next(); {
			var b checkedBatch
			if err := rows.Scan(&b.id, &b.tick, &b.sensor, &b.seq, &b.on, &b.off, &b.points, &b.geo, &b.books, &b.sums, &b.ends, &b.sealed); err != nil {
				return err
			}
			size += len(b.sums) + len(b.ends)
			page = append(page, b)
		}
		return rows.Err()
	})
	return page, err
}

// batch checks a batch and its block, if it has one.
func (c *checker) batch(b *checkedBatch) {
	c.Batches++
	c.read(len(b.books) + len(b.sums) + len(b.ends) + 64)
	wrong := func(format string, args ...any) {
		c.find(Finding{Where: "batch", Sensor: c.sensorName(b.sensor), Time: time.Unix(b.tick, 0).UTC(), Length: c.tick,
			Text: fmt.Sprintf("batch %d: ", b.id) + fmt.Sprintf(format, args...)})
	}
	seconds := int64(c.tick / time.Second)
	var t totals
	booksErr := t.decode(b.books)
	switch {
	case booksErr != nil:
		wrong("its counters are damaged")
	case b.tick%seconds != 0:
		wrong("its time %d is no multiple of the tick", b.tick)
	case c.sensorName(b.sensor) == "":
		wrong("its sensor %d is unknown", b.sensor)
	case b.on < 0 || b.off < b.on || b.off > int64(c.tick):
		wrong("it was on from %d to %d ns of a tick of %s", b.on, b.off, c.tick)
	case !c.knownGeo(b.geo):
		wrong("its GeoIP sources %q are unknown", b.geo)
	}
	switch {
	case b.sums != nil:
		c.Blocks++
		c.block(b, booksErr == nil, &t, wrong)
	case b.points > 0 && !b.sealed:
		wrong("its block of %d points is missing", b.points)
	}
}

func (c *checker) block(b *checkedBatch, booked bool, t *totals, wrong func(string, ...any)) {
	if err := c.dec.decode(b.sums, b.ends, needAll); err != nil {
		wrong("its block is damaged: answers are without its %d points", b.points)
		return
	}
	d := &c.dec.cols
	switch {
	case int64(d.points) != b.points:
		wrong("its block has %d points, its row says %d", d.points, b.points)
	case int(maxOf(d.place)) >= c.places || int(maxOf(d.asn)) >= c.asns:
		wrong("its block has a place or network that is unknown")
	case booked && d.total() != t.points:
		wrong("its block adds up to %v, its counters to %v", d.total(), t.points)
	}
}

// sensorName returns "" for an id that is unknown.
func (c *checker) sensorName(id uint32) string {
	if names := c.dicts.sensors.snapshot(); int(id) < len(names) {
		return names[id]
	}
	return ""
}

func (c *checker) knownGeo(list string) bool {
	if list == "" {
		return true
	}
	for text := range strings.SplitSeq(list, ",") {
		if id, err := strconv.Atoi(text); err != nil || id < 0 || id >= c.geo {
			return false
		}
	}
	return true
}
