package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// errTruth is the error of a tier that nothing is left to write anew from.
var errTruth = errors.New("what it is the sum of is gone")

// tiers checks every tier, the finest first, so that coarser ones can be written anew
// from finer ones that are right.
func (c *checker) tiers(ctx context.Context) error {
	if err := c.dicts.load(ctx, c.readers); err != nil {
		return err
	}
	for _, level := range slices.Backward(levels[:]) {
		for sensor, start := int64(-1), int64(0); ; {
			var t *tierRow
			err := c.snapshot(ctx, func(tx *sql.Tx) (err error) {
				if t, err = nextTier(ctx, tx, level, sensor, start); err == nil && t != nil {
					err = c.tier(ctx, tx, t)
				}
				return err
			})
			if err != nil {
				return err
			}
			if t == nil {
				break
			}
			sensor, start = int64(t.sensor), t.start
			if err := c.fix(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// nextTier reads the tier of a level behind (sensor, start), nil at the end.
func nextTier(ctx context.Context, q queryer, level, sensor, start int64) (*tierRow, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+tierColumns+" FROM tiers WHERE level = ? AND (sensor, start) > (?, ?) ORDER BY sensor, start LIMIT 1", level, sensor, start)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var t *tierRow
	for rows.Next() {
		t = new(tierRow)
		if err := t.scan(rows); err != nil {
			return nil, err
		}
	}
	return t, rows.Err()
}

// checkedTier is a tier being checked.
type checkedTier struct {
	*tierRow
	c     *checker
	tx    *sql.Tx
	books totals
	wrong []string // what cannot be right
	views bool     // only views are wrong: the keys are the truth
}

func (t *checkedTier) say(format string, args ...any) {
	t.wrong = append(t.wrong, fmt.Sprintf(format, args...))
}

// tier checks one tier on one state of the store.
func (c *checker) tier(ctx context.Context, tx *sql.Tx, row *tierRow) error {
	c.Tiers++
	t := &checkedTier{tierRow: row, c: c, tx: tx}
	t.row()
	bad := len(t.wrong)
	sums, err := t.keysContent(ctx)
	if err != nil {
		return err
	}
	keysRight := len(t.wrong) == bad
	if err := t.viewsContent(ctx, sums); err != nil {
		return err
	}
	t.views = keysRight && bad == 0 && len(t.wrong) > 0 && sums != nil
	complete, err := t.sources(ctx)
	if err != nil {
		return err
	}
	if len(t.wrong) == 0 {
		return nil
	}
	f := Finding{Where: "tier", Sensor: c.sensorName(t.sensor), Time: time.Unix(t.start, 0).UTC(), Length: time.Duration(t.level) * time.Second, Text: t.wrong[0]}
	if n := len(t.wrong) - 1; n > 0 {
		f.Text += fmt.Sprintf(" (and %d more)", n)
	}
	c.repair(f, func(ctx context.Context) error {
		switch {
		case t.level == level10m && t.views:
			return c.rewriteViews(ctx, row)
		case t.level > level10m && complete:
			return c.rebuildCoarse(ctx, row)
		}
		return errTruth
	})
	return nil
}

// row checks what is in the tier's row.
func (t *checkedTier) row() {
	c := t.c
	c.read(len(t.tierRow.books) + len(t.spans) + 128)
	if err := t.books.decode(t.tierRow.books); err != nil {
		t.say("its counters are damaged")
	}
	if _, err := decodeRuns(t.spans, t.level); err != nil {
		t.say("its coverage is damaged")
	}
	if c.sensorName(t.sensor) == "" {
		t.say("its sensor %d is unknown", t.sensor)
	}
	if n := t.books.damaged; n > 0 {
		t.say("%d of its batches could not be read when it was written: answers are without them", n)
	}
	if floorTo(t.start, t.level) != t.start {
		t.say("it begins at %d, no multiple of its length", t.start)
	}
	if !c.knownGeo(t.geo) {
		t.say("its GeoIP sources %q are unknown", t.geo)
	}
}

// sumsRight compares what a part adds up to with the tier's counters.
func (t *checkedTier) sumsRight(what string, sum store.Sum) {
	if t.books.damaged == 0 && sum != t.books.points {
		t.say("%s adds up to %v, its counters to %v", what, sum, t.books.points)
	}
}

// keysContent checks the full keys and returns the views that they add up to; nil
// where there are none, or not all can be read.
func (t *checkedTier) keysContent(ctx context.Context) (*viewSums, error) {
	if t.keys == 0 {
		return nil, nil
	}
	var sum store.Sum
	var sums viewSums
	keys, good := int64(0), true
	for chunk := range t.chunks {
		numbers := []int{int(sourceKeys), partKeysEnds, partKeysTimes}
		n := needAll | needTimes
		if t.level == level10m {
			numbers, n = append(numbers, partKeysSamples), n|needSamples
		}
		parts, err := t.load(ctx, chunk, numbers)
		if err != nil {
			return nil, err
		}
		if err := t.c.dec.decodeTier(&parts, sourceKeys, n); err != nil {
			t.say("chunk %d of its keys is damaged", chunk)
			good = false
			continue
		}
		d := &t.c.dec.cols
		if int(maxOf(d.place)) >= t.c.places || int(maxOf(d.asn)) >= t.c.asns {
			t.say("chunk %d of its keys has a place or network that is unknown", chunk)
			good = false
		}
		if n := len(d.last); n > 0 && int64(slices.Max(d.last)) >= t.ticks() {
			t.say("chunk %d of its keys has a tick that is not in it", chunk)
		}
		keys += int64(d.points)
		sum.Add(d.total())
		if good {
			addKeys(&sums, d)
		}
	}
	if !good {
		return nil, nil
	}
	if keys != t.keys {
		t.say("it has %d keys, its row says %d", keys, t.keys)
	}
	t.sumsRight("the sum of its keys", sum)
	return &sums, nil
}

// addKeys adds a chunk of full keys to views.
func addKeys(sums *viewSums, d *columns) {
	i := 0
	for g, n := range d.count {
		for end := i + int(n); i < end; i++ {
			k, port := d.kinds[d.kind[i]], uint16(0)
			if k.hasPort {
				port = d.ports[d.port[i]]
			}
			sums.add(d.place[g], d.asn[g], k, port, &tierSum{d.sum(i), d.first[i], d.last[i]})
		}
	}
}

func (t *checkedTier) ticks() int64 { return t.level / int64(t.c.tick/time.Second) }

func (t *checkedTier) load(ctx context.Context, chunk int64, numbers []int) (tierBlobs, error) {
	parts, err := loadParts(ctx, t.tx, t.id, chunk, numbers...)
	for _, p := range parts {
		if p != nil {
			t.c.Parts++
			t.c.read(len(p))
		}
	}
	return parts, err
}

// viewsContent checks the views, also against the keys where want is not nil.
func (t *checkedTier) viewsContent(ctx context.Context, want *viewSums) error {
	var numbers []int
	for _, from := range viewSources {
		numbers = append(numbers, from.sums(), from.times())
	}
	parts, err := t.load(ctx, 0, numbers)
	if err != nil {
		return err
	}
	for n, from := range viewSources {
		name := [...]string{"places", "networks", "ports", "protocols"}[n]
		if parts[from.sums()] == nil && t.points == 0 {
			continue
		}
		if err := t.c.dec.decodeTier(&parts, from, needTimes); err != nil {
			t.say("its view of %s is damaged", name)
			continue
		}
		d := &t.c.dec.cols
		if most := maxOf(d.place); from == sourcePlace && int(most) >= t.c.places || from == sourceASN && int(most) >= t.c.asns || from == sourcePort && most > 1<<16 {
			t.say("its view of %s has an id that is unknown", name)
			continue
		}
		t.sumsRight("the view of "+name, d.total())
		if want == nil {
			continue
		}
		var got viewSums
		got.addView(n, d, 0)
		if !sameView(&got.tables[n], &want.tables[n]) {
			t.say("its view of %s is not what its keys add up to", name)
		}
	}
	return nil
}

// sameView compares rows by what they are about.
func sameView(a, b *viewTable) bool {
	if len(a.sums) != len(b.sums) {
		return false
	}
	for i, key := range a.keys.list {
		if n := int(b.keys.of(key, mix(key))); n >= len(b.sums) || b.sums[n] != a.sums[i] { // a new one is beyond
			return false
		}
	}
	return true
}

// sources compares the tier with what it is the sum of: batches, or finer tiers. It
// reports whether all of these are there.
func (t *checkedTier) sources(ctx context.Context) (complete bool, err error) {
	var sum totals
	var batches, points int64
	readable := true
	count := func(n, p int64, sealed []byte) {
		var books totals
		if books.decode(sealed) != nil {
			readable = false
		}
		books.damaged = 0 // a block's damage is known to the tier alone
		sum.add(&books)
		batches, points = batches+n, points+p
	}
	what := "batches"
	if t.level == level10m {
		rows, err := readBatches(ctx, t.tx, t.interval(), -1)
		if err != nil {
			return false, err
		}
		for i := range rows {
			if rows[i].id <= t.last {
				count(1, rows[i].points, rows[i].books)
			}
		}
	} else {
		what = "finer tiers"
		finer, err := readTiers(ctx, t.tx, t.interval().finer(), t.sensor, t.start, t.start+t.level)
		if err != nil {
			return false, err
		}
		for i := range finer {
			if finer[i].last > t.last { // it has been sealed again, and this one will be
				return false, nil
			}
			count(finer[i].batches, finer[i].points, finer[i].books)
		}
	}
	switch {
	case batches > t.batches:
		t.say("its %s have %d batches, it has %d", what, batches, t.batches)
		return true, nil
	case batches < t.batches: // some have been given up
		if t.level == level10m && t.keys > 0 && t.start >= t.c.marks[markPoints] {
			t.say("%d of its %d batches are missing, and none were given up then", t.batches-batches, t.batches)
		}
		return false, nil
	case !readable:
		return true, nil // said of the batch or finer tier
	}
	own := t.books
	own.damaged = 0
	if points != t.points {
		t.say("its %s have %d points, it has %d", what, points, t.points)
	} else if sum != own {
		t.say("its counters are not the sum of those of its %s", what)
	}
	return true, nil
}

// rewriteViews writes a tier of ten minutes anew from its keys.
func (c *checker) rewriteViews(ctx context.Context, t *tierRow) error {
	c.maint.passing.Lock()
	defer c.maint.passing.Unlock()
	l, err := newSealer(c.Store)
	if err != nil {
		return err
	}
	_, err = l.filter(ctx, t, nil)
	return err
}

// rebuildCoarse writes a tier of an hour or a day anew from the finer ones; those may
// have to be brought up to date before.
func (c *checker) rebuildCoarse(ctx context.Context, t *tierRow) error {
	err := c.fromFiner(ctx, t, true)
	if errors.Is(err, errNotYet) {
		if err = c.Maintain(ctx, true); err == nil {
			err = c.fromFiner(ctx, t, false)
		}
	}
	return err
}

func (c *checker) fromFiner(ctx context.Context, t *tierRow, drop bool) error {
	c.maint.passing.Lock()
	defer c.maint.passing.Unlock()
	l, err := newSealer(c.Store)
	if err != nil {
		return err
	}
	if drop {
		if err := l.drop(ctx, t); err != nil {
			return err
		}
	}
	return l.coarse(ctx, t.interval())
}
