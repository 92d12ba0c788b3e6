package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Finding is something that Check has found wrong.
type Finding struct {
	Where  string        // "file", "dictionary", "batch", "tier", "month", "addresses" or "list"
	Sensor string        // of the batch or tier; ""
	Time   time.Time     // start of the tick or tier; zero
	Length time.Duration // of the tick or tier; 0
	Text   string        // what is wrong
	Fixed  bool          // it was written anew, and is right now
}

// Checked is what Check has looked at, and found.
type Checked struct {
	Batches, Blocks, Tiers, Parts, Bytes int64

	Findings []Finding // the first thousand
	Wrong    int64     // all that are not fixed
	Fixed    int64
}

// maxFindings is how many are listed.
const maxFindings = 1000

// Check reads all that is stored and compares it: SQLite's own structure, the checksum
// and content of every blob, the ids in them with the dictionaries, tiers with the
// batches and the finer tiers that they are sums of, views with the keys, lists with
// what they are of. It may be beside a writer. With rewrite, which needs a store open
// for writing, what is sums of something that is right is written anew. progress, in
// bytes, may be nil. The error is one of reading, not of what was found.
func (s *Store) Check(ctx context.Context, rewrite bool, progress Progress) (Checked, error) {
	if rewrite && s.readOnly {
		return Checked{}, fmt.Errorf("check %q: %w", s.path, errReadOnly)
	}
	c := &checker{Store: s, rewrite: rewrite, progress: progress}
	err := c.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = fmt.Errorf("check %q: %w%s", s.path, err, hint(err))
	}
	return c.Checked, err
}

// checker is one run of Check.
type checker struct {
	*Store
	Checked
	rewrite  bool
	progress Progress
	total    int64
	told     time.Time

	marks  marks
	dec    *decoder
	places int // ids below these are known
	asns   int
	geo    int
	fixes  []func(context.Context) error // to be run when a page has been read
}

func (c *checker) run(ctx context.Context) (err error) {
	if c.dec, err = newDecoder(); err != nil {
		return err
	}
	if c.total, err = c.sizeInUse(ctx); err != nil {
		return err
	}
	if broken, err := c.structure(ctx); err != nil || broken {
		return err // what else is there cannot be relied on
	}
	if err := c.dicts.load(ctx, c.readers); err != nil {
		c.find(Finding{Where: "dictionary", Text: err.Error()})
		return nil
	}
	c.grown()
	version, err := pragma(ctx, c.readers, "user_version")
	if err != nil {
		return err
	}
	if version >= 2 {
		if c.marks, err = readMarks(ctx, c.readers); err != nil {
			return err
		}
	}
	if err := c.batches(ctx, version >= 2); err != nil {
		return err
	}
	if version < 2 {
		return c.orphans(ctx, blockOrphans[:])
	}
	if err := c.tiers(ctx); err != nil {
		return err
	}
	if version >= 3 {
		if err := c.months(ctx); err != nil {
			return err
		}
	}
	if version >= seenFormat {
		if err := c.seen(ctx); err != nil {
			return err
		}
	}
	return c.orphans(ctx, tierOrphans[:])
}

// grown notes how many ids are known now; a live store adds some.
func (c *checker) grown() {
	c.places, c.asns = len(c.dicts.places.snapshot()), len(c.dicts.asns.snapshot())
	c.geo = len(c.dicts.sources.snapshot())
}

// find lists what is wrong.
func (c *checker) find(f Finding) {
	if f.Fixed {
		c.Fixed++
	} else {
		c.Wrong++
	}
	if len(c.Findings) < maxFindings {
		c.Findings = append(c.Findings, f)
	}
}

// repair lists what is wrong and has it fixed, if that is wanted and can be. The fix
// runs when the transaction that has shown it is over.
func (c *checker) repair(f Finding, fix func(context.Context) error) {
	if !c.rewrite || fix == nil {
		c.find(f)
		return
	}
	c.fixes = append(c.fixes, func(ctx context.Context) error {
		err := fix(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.Fixed = err == nil; err != nil {
			f.Text += "; writing it anew failed: " + err.Error()
		}
		c.find(f)
		return nil
	})
}

// fix runs what repair has noted.
func (c *checker) fix(ctx context.Context) error {
	for _, fix := range c.fixes {
		if err := fix(ctx); err != nil {
			return err
		}
	}
	c.fixes = c.fixes[:0]
	return nil
}

// read counts bytes that have been read.
func (c *checker) read(n int) {
	c.Bytes += int64(n)
	if c.progress != nil && time.Since(c.told) > progressEvery {
		c.told = time.Now()
		c.progress(min(c.Bytes, c.total), c.total)
	}
}

// structure has SQLite look at its own structure.
func (c *checker) structure(ctx context.Context) (broken bool, err error) {
	rows, err := c.readers.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if notDatabase(err) {
		c.find(Finding{Where: "file", Text: err.Error()})
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return false, err
		}
		if text != "ok" {
			broken = true
			c.find(Finding{Where: "file", Text: text})
		}
	}
	if err := rows.Err(); notDatabase(err) {
		c.find(Finding{Where: "file", Text: err.Error()})
		return true, nil
	} else if err != nil {
		return broken, err
	}
	return broken, nil
}

// snapshot runs do on one state of the store, for a short time.
func (c *checker) snapshot(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := c.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	err = do(tx)
	return errors.Join(err, tx.Rollback())
}

// orphan is what must not be in a table: a query that counts it, and one that deletes
// it.
type orphan struct{ what, count, remove string }

var blockOrphans = [...]orphan{
	{"blocks of points without the row of their batch", "SELECT count(*) FROM blocks WHERE id NOT IN (SELECT id FROM batches)",
		"DELETE FROM blocks WHERE id NOT IN (SELECT id FROM batches)"},
}

// Intervals that are open have batches and no tier; what is late has a batch; parts
// have a tier, or belong to one that is being written or deleted.
var tierOrphans = [...]orphan{
	blockOrphans[0],
	{"intervals with batches that no list has to be sealed", "SELECT count(*) FROM (" + unlisted + ")",
		"INSERT INTO open (start, sensor) " + unlisted},
	{"late batches that are not there", "SELECT count(*) FROM late WHERE id NOT IN (SELECT id FROM batches)",
		"DELETE FROM late WHERE id NOT IN (SELECT id FROM batches)"},
	{"late batches whose time or sensor is wrong", "SELECT count(*) FROM late l JOIN batches b USING (id) WHERE l.tick <> b.tick OR l.sensor <> b.sensor",
		"UPDATE late SET (tick, sensor) = (SELECT tick, sensor FROM batches b WHERE b.id = late.id)"},
	{"parts without their tier", "SELECT count(*) FROM parts WHERE " + homeless, "DELETE FROM parts WHERE " + homeless},
}

const (
	unlisted = `SELECT DISTINCT tick - (tick % 600 + 600) % 600 AS start, sensor FROM batches AS b
		WHERE NOT EXISTS (SELECT 1 FROM open o WHERE o.start = b.tick - (b.tick % 600 + 600) % 600 AND o.sensor = b.sensor)
		AND NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = b.sensor AND t.start = b.tick - (b.tick % 600 + 600) % 600)`
	homeless = "id / 65536 NOT IN (SELECT id FROM tiers) AND id / 65536 NOT IN (SELECT start FROM kept WHERE what IN ('" + buildingName + "', '" + droppingName + "'))"
)

// orphans looks for what belongs to nothing.
func (c *checker) orphans(ctx context.Context, list []orphan) error {
	for _, o := range list {
		n, err := number(ctx, c.readers, o.count)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		c.repair(Finding{Where: "list", Text: fmt.Sprintf("%d %s", n, o.what)}, func(ctx context.Context) error {
			return c.transaction(ctx, func(tx *sql.Tx) error {
				if _, err := tx.ExecContext(ctx, o.remove); err != nil {
					return err
				}
				return nextGeneration(ctx, tx)
			})
		})
	}
	return c.fix(ctx)
}
