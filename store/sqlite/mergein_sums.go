package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/packetheat/packetheat/store"
)

// sums adds tiers whose points the other has given up: the finest of each time that
// are complete. Coarser ones are then made of them again.
func (m *merger) sums(ctx context.Context) error {
	for _, level := range levels {
		for sensor, start := int64(-1), int64(0); ; {
			t, err := nextTier(ctx, m.other.readers, level, sensor, start)
			if err != nil {
				return err
			}
			if t == nil {
				break
			}
			sensor, start = int64(t.sensor), t.start
			if err := m.tier(ctx, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// tier adds a tier, if it is one to be added.
func (m *merger) tier(ctx context.Context, t *tierRow) error {
	id, err := m.sensor(ctx, t.sensor)
	if err != nil {
		return err
	}
	iv := t.interval()
	iv.sensor = id
	var copied *copiedTier
	err = m.theirs(ctx, func(tx *sql.Tx) error {
		if whole, err := m.whole(ctx, tx, t); err != nil || whole {
			return err // its batches or finer tiers are added instead
		}
		if covered, err := m.covered(ctx, tx, t); err != nil || covered {
			return err
		}
		same, err := m.alike(ctx, tx, iv, t.sensor)
		if err != nil || same {
			m.Known += t.batches
			return err
		}
		taken, err := m.occupied(ctx, iv)
		if err != nil {
			return err
		}
		if taken {
			m.leaveOut(iv, t.batches, "the other store has given up its points of that time, and this one has something then")
			return nil
		}
		fits, err := m.raise(ctx, iv)
		if err != nil {
			return err
		}
		if !fits {
			m.leaveOut(iv, t.batches, "the other store has given up its points of that time and this one has not: give them up here, too (packetheat db prune), or merge this store into the other")
			return nil
		}
		copied, err = m.copyTier(ctx, tx, t)
		if errors.Is(err, errDamaged) {
			m.Damaged += t.batches
			return nil
		}
		return err
	})
	if err != nil || copied == nil {
		return err
	}
	if err := m.write(ctx, iv, copied); err != nil {
		return err
	}
	m.Tiers++
	m.touched[iv] = struct{}{}
	return nil
}

// raise makes the store say that it has given up what is finer than a tier of iv, up
// to its end, because of the tier that is to be added nothing finer is known. It
// reports false where the store has finer things of that time, of whatever sensor:
// answers are as fine for all of them.
func (m *merger) raise(ctx context.Context, iv interval) (bool, error) {
	finer := []string{"SELECT EXISTS (SELECT 1 FROM batches WHERE tick < ?1) OR EXISTS (SELECT 1 FROM tiers WHERE chunks > 0 AND start < ?1)",
		"SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 600 AND start < ?1)",
		"SELECT EXISTS (SELECT 1 FROM tiers WHERE level = 3600 AND start < ?1)"}
	next := m.marks
	for i := range len(levels) - slices.Index(levels[:], iv.level) {
		if m.marks[i] >= iv.end() {
			continue
		}
		n, err := number(ctx, m.readers, finer[i], iv.end())
		if err != nil || n != 0 {
			return false, err
		}
		next[i] = iv.end()
	}
	if next == m.marks {
		return true, nil
	}
	m.marks = next
	return true, m.transaction(ctx, func(tx *sql.Tx) error { return next.write(ctx, tx) })
}

// whole reports whether all that a tier is the sum of is there: its batches, or finer
// tiers.
func (m *merger) whole(ctx context.Context, tx *sql.Tx, t *tierRow) (bool, error) {
	if t.level == level10m {
		n, err := number(ctx, tx, "SELECT count(*) FROM batches WHERE tick >= ? AND tick < ? AND sensor = ? AND id <= ?", t.start, t.start+t.level, t.sensor, t.last)
		return n >= t.batches, err
	}
	finer, err := readTiers(ctx, tx, t.interval().finer(), t.sensor, t.start, t.start+t.level)
	batches := int64(0)
	for i := range finer {
		batches += finer[i].batches
	}
	return batches >= t.batches, err
}

// covered reports whether a coarser tier, of which not all finer ones are there, has
// been looked at in this one's place.
func (m *merger) covered(ctx context.Context, tx *sql.Tx, t *tierRow) (bool, error) {
	for iv, more := t.interval().parent(); more; iv, more = iv.parent() {
		coarse, err := readTier(ctx, tx, iv)
		if err != nil {
			return false, err
		}
		if coarse == nil {
			continue
		}
		if whole, err := m.whole(ctx, tx, coarse); err != nil || !whole {
			return !whole, err
		}
	}
	return false, nil
}

// copiedTier is a tier of the other's in values.
type copiedTier struct {
	row    tierRow
	totals totals
	runs   []run
	geo    []store.GeoSource
	views  [len(viewSources)][]copiedRow
	sum    store.Sum
}

// copiedRow is a row of a view with what its id stands for.
type copiedRow struct {
	place store.Place
	as    asOrg
	id    uint32 // of ports and protocols
	kind  kind
	sum   tierSum
}

func (m *merger) copyTier(ctx context.Context, tx *sql.Tx, t *tierRow) (*copiedTier, error) {
	if err := m.other.dicts.load(ctx, tx); err != nil {
		return nil, err
	}
	c := &copiedTier{row: *t}
	var err error
	if err = c.totals.decode(t.books); err != nil {
		return nil, err
	}
	if c.runs, err = decodeRuns(t.spans, t.level); err != nil {
		return nil, err
	}
	sources := m.other.dicts.sources.snapshot()
	for text := range strings.SplitSeq(t.geo, ",") {
		if id, err := strconv.Atoi(text); err == nil && id > 0 && id < len(sources) {
			c.geo = append(c.geo, sources[id])
		}
	}
	if t.points == 0 {
		return c, nil
	}
	var numbers []int
	for _, from := range viewSources {
		numbers = append(numbers, from.sums(), from.times())
	}
	parts, err := loadParts(ctx, tx, t.id, 0, numbers...)
	if err != nil {
		return nil, err
	}
	for n, from := range viewSources {
		m.read(len(parts[from.sums()]) + len(parts[from.times()]))
		if err := m.from.dec.decodeTier(&parts, from, needTimes); err != nil {
			return nil, err
		}
		if c.views[n], err = m.copyView(from); err != nil {
			return nil, err
		}
		c.sum = m.from.dec.cols.total()
	}
	return c, nil
}

// copyView takes a decoded view, whose ids become what they stand for.
func (m *merger) copyView(from source) (rows []copiedRow, err error) {
	places, asns := m.other.dicts.places.snapshot(), m.other.dicts.asns.snapshot()
	c := &m.from.dec.cols
	i := 0
	for g, n := range c.count {
		r := copiedRow{id: c.place[g]}
		switch {
		case from == sourcePlace && int(r.id) < len(places):
			r.place = places[r.id]
		case from == sourceASN && int(r.id) < len(asns):
			r.as = asns[r.id]
		case from == sourcePlace || from == sourceASN:
			return nil, errDamaged
		}
		for end := i + int(n); i < end; i++ {
			r.kind, r.sum = c.kinds[c.kind[i]], tierSum{c.sum(i), c.first[i], c.last[i]}
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// write writes a tier with our ids.
func (m *merger) write(ctx context.Context, iv interval, c *copiedTier) error {
	var views viewSums
	var geo []string
	err := m.intern(ctx, func() {
		for n, from := range viewSources {
			for i := range c.views[n] {
				r := &c.views[n][i]
				switch from {
				case sourcePlace:
					r.id = m.dicts.places.id(r.place)
				case sourceASN:
					r.id = m.dicts.asns.id(r.as)
				}
				views.tables[n].add(r.id, r.kind, &r.sum)
			}
		}
		for _, source := range c.geo {
			geo = append(geo, strconv.FormatUint(uint64(m.dicts.sources.id(source)), 10))
		}
	})
	if err != nil {
		return err
	}
	b, err := m.sealer.begin(ctx, iv)
	if err != nil {
		return err
	}
	if b.row.last, err = lastID(ctx, m.readers); err != nil {
		return err
	}
	b.row.batches, b.row.points, b.row.geo = c.row.batches, c.row.points, mergeGeo(strings.Join(geo, ","))
	b.totals, b.runs, b.views, b.want = c.totals, c.runs, views, c.sum
	return b.finish(ctx, nil, nil)
}

// coarsen writes the hours and days over tiers that were added, where nothing in them
// waits to be sealed.
func (m *merger) coarsen(ctx context.Context) error {
	for _, level := range []int64{level1h, level1d} {
		due := make(map[interval]struct{})
		for iv := range m.touched {
			if iv.level < level {
				due[interval{level, floorTo(iv.start, level), iv.sensor}] = struct{}{}
			}
		}
		list := make([]interval, 0, len(due))
		for iv := range due {
			list = append(list, iv)
		}
		slices.SortFunc(list, func(a, b interval) int { return cmp.Or(cmp.Compare(a.sensor, b.sensor), cmp.Compare(a.start, b.start)) })
		for _, iv := range list {
			waiting, err := number(ctx, m.readers, `SELECT EXISTS (SELECT 1 FROM open WHERE start >= ?1 AND start < ?2 AND sensor = ?3)
				OR EXISTS (SELECT 1 FROM tiers t WHERE level = ?4 AND sensor = ?3 AND start >= ?1 AND start < ?2)
				OR EXISTS (SELECT 1 FROM tiers t WHERE level = 600 AND ?4 = 86400 AND sensor = ?3 AND start >= ?1 AND start < ?2
					AND NOT EXISTS (SELECT 1 FROM tiers h WHERE h.level = 3600 AND h.sensor = ?3 AND h.start = t.start - (t.start % 3600 + 3600) % 3600))`,
				iv.start, iv.end(), iv.sensor, level)
			if err != nil {
				return err
			}
			if waiting != 0 {
				continue
			}
			if err := m.sealer.coarse(ctx, iv); err != nil && !errors.Is(err, errNotYet) {
				return err
			}
			m.touched[iv] = struct{}{}
		}
	}
	return nil
}
