package sqlite

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// coverer finds the units that answer a query, in one read transaction.
type coverer struct {
	ctx  context.Context
	q    queryer
	plan *plan
	kept *kept

	late  map[uint32][]lateness // by sensor, in order of tick
	base  []reach               // what is read from blocks
	units map[unitKey]*unit
}

// unitKey tells the units of a cover apart. Where ticks are not wanted in order, each
// tier is a unit of its own.
type unitKey struct {
	from, baseTo, tier int64
	apart              bool // a unit of blocks beside another with the same beginning
}

// lateness is a row of the table late.
type lateness struct{ tick, id int64 }

// cover returns units for reaches, in order of time.
func (p *plan) cover(ctx context.Context, q queryer, k *kept, reaches []reach) ([]unit, error) {
	c := &coverer{ctx: ctx, q: q, plan: p, kept: k, units: make(map[unitKey]*unit)}
	if len(reaches) == 0 {
		return nil, nil
	}
	if k.generation < 0 {
		c.base = reaches
		return c.list(), nil
	}
	from, to := reaches[0].from, reaches[0].to
	for _, r := range reaches {
		from, to = min(from, r.from), max(to, r.to)
	}
	if err := c.load(from, to); err != nil {
		return nil, err
	}
	for _, r := range reaches {
		left, err := c.coverMonths(r)
		if err != nil {
			return nil, err
		}
		for _, r := range left {
			if err := c.coverReach(r); err != nil {
				return nil, err
			}
		}
	}
	return c.list(), nil
}

// coverReach cuts r into a zone for each kind of data that is the finest there, and
// covers each.
func (c *coverer) coverReach(r reach) error {
	k := c.kept
	for i := -1; i < len(k.begin); i++ {
		zone := r
		if i >= 0 {
			zone.from = max(zone.from, k.begin[i])
		}
		if i+1 < len(k.begin) {
			zone.to = min(zone.to, k.begin[i+1])
		}
		if zone.from >= zone.to {
			continue
		}
		if err := c.coverZone(zone, i); err != nil {
			return err
		}
	}
	return nil
}

// load reads the table late between two moments.
func (c *coverer) load(from, to int64) error {
	c.late = make(map[uint32][]lateness)
	return eachRow(c.ctx, c.q, func(sensor uint32, a, b int64) {
		c.late[sensor] = append(c.late[sensor], lateness{a, b})
	}, "SELECT sensor, tick, id FROM late WHERE id <= ? AND tick >= ? AND tick < ? ORDER BY tick, id", c.plan.lastID, from, to)
}

// eachRow calls do with rows of a sensor and two numbers.
func eachRow(ctx context.Context, q queryer, do func(sensor uint32, a, b int64), query string, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sensor uint32
		var a, b int64
		if err := rows.Scan(&sensor, &a, &b); err != nil {
			return err
		}
		do(sensor, a, b)
	}
	return rows.Err()
}

// coverZone covers a part of a sensor's time in which the same kinds of data are
// kept: from the coarsest tiers that the plan can use to the finest, then the rest.
func (c *coverer) coverZone(r reach, finest int) error {
	gaps := []reach{r}
	for i, level := range levels {
		if i > finest || i != finest && !c.plan.allows(level) {
			continue
		}
		var next []reach
		for _, gap := range gaps {
			left, err := c.coverGap(gap, level, i < finest)
			if err != nil {
				return err
			}
			next = append(next, left...)
		}
		gaps = next
	}
	for _, gap := range gaps {
		if err := c.coverRest(gap, finest); err != nil {
			return err
		}
	}
	return nil
}

// coverGap takes what tiers of one level cover whole and returns what is left.
func (c *coverer) coverGap(gap reach, level int64, finer bool) (left []reach, err error) {
	lo, hi := ceilTo(gap.from, level), floorTo(gap.to, level)
	if lo >= hi || gap.to < math.MinInt64+level {
		return []reach{gap}, nil
	}
	at := gap.from
	leave := func(to int64) {
		if at < to {
			left = append(left, reach{gap.sensor, at, to})
		}
	}
	err = c.tiers(level, gap.sensor, lo, hi-level, func(t tierRef) {
		use := piece{tierRef: t, source: c.plan.source, from: t.start, to: t.start + level}
		if !c.usable(&use, finer) {
			return
		}
		leave(t.start)
		at = use.to
		c.addTier(use)
	})
	leave(gap.to)
	return left, err
}

// usable reports whether a query should read a whole tier, and from what: not where
// damage is known or the keys it needs were too many to be kept, if there is something
// finer to read instead.
func (c *coverer) usable(t *piece, finer bool) bool {
	if c.plan.coverage != nil { // rows of batches say more than one that lacks some
		return !finer || len(c.lateOf(t)) == 0
	}
	if finer && t.last > c.plan.lastID && t.to > c.plan.end {
		return false // it was written while this query runs
	}
	bad := c.plan.damage
	if t.source != sourceKeys && t.chunks > 0 && (c.plan.full || bad.of(t.id, t.source)) && !bad.of(t.id, sourceKeys) {
		t.source = sourceKeys
	}
	gone := t.source == sourceKeys && t.chunks == 0 && t.points > 0
	lost := gone || bad.of(t.id, t.source)
	c.plan.lacking = c.plan.lacking || gone || lost && !finer
	return !lost || !finer
}

// coverRest covers what no whole tier does: where points are kept, from samples, and
// everywhere from blocks: tiers are an accelerator, batches the truth.
func (c *coverer) coverRest(gap reach, finest int) error {
	if finest == withPoints {
		at := gap.from
		var err error
		rest := func(to int64) {
			if at < to {
				c.base = append(c.base, reach{gap.sensor, at, to})
			}
		}
		err = c.tiers(level10m, gap.sensor, floorTo(gap.from, level10m), gap.to-1, func(t tierRef) {
			from, to := max(t.start, gap.from), min(t.start+level10m, gap.to)
			if t.last > c.plan.lastID {
				to = min(to, c.plan.end)
			}
			if t.chunks == 0 && t.points > 0 && c.plan.coverage == nil {
				return // its blocks are still there
			}
			rest(from)
			at = min(t.start+level10m, gap.to)
			if from >= to {
				return
			}
			c.addTier(piece{tierRef: t, source: sourceKeys, exact: true, from: from, to: to})
		})
		rest(gap.to)
		return err
	}
	c.base = append(c.base, gap)
	return nil
}

// tiers calls do with the tiers of a sensor that start in [from, last].
func (c *coverer) tiers(level int64, sensor uint32, from, last int64, do func(tierRef)) error {
	rows, err := c.q.QueryContext(c.ctx, `SELECT id, start, last, points, keys, chunks FROM tiers
		WHERE level = ? AND sensor = ? AND start >= ? AND start <= ? ORDER BY start`, level, sensor, from, last)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		t := tierRef{level: level, sensor: sensor}
		if err := rows.Scan(&t.id, &t.start, &t.last, &t.points, &t.keys, &t.chunks); err != nil {
			return err
		}
		do(t)
	}
	return rows.Err()
}

// addTier takes t and the late batches that it does not hold.
func (c *coverer) addTier(t piece) {
	ids := c.lateOf(&t)
	if t.empty() && len(ids) == 0 && c.plan.coverage == nil {
		return
	}
	key := unitKey{from: t.from}
	if !c.plan.ordered {
		key.tier = t.id
	}
	u := c.unit(key)
	u.tiers = append(u.tiers, t)
	u.late = append(u.late, ids...)
}

// lateOf returns the ids of the late batches of t's time that it does not hold.
func (c *coverer) lateOf(t *piece) (ids []int64) {
	late := c.late[t.sensor]
	first, _ := slices.BinarySearchFunc(late, t.from, func(l lateness, from int64) int { return cmp.Compare(l.tick, from) })
	for _, l := range late[first:] {
		if l.tick >= t.to {
			break
		}
		if l.id > t.last {
			ids = append(ids, l.id)
		}
	}
	return ids
}

// empty reports whether there is nothing to read of t: it has no points, or they are
// wanted by key and the keys are gone.
func (t *piece) empty() bool {
	return t.points == 0 || t.chunks == 0 && (t.exact || t.source == sourceKeys)
}

func (c *coverer) unit(key unitKey) *unit {
	u := c.units[key]
	if u == nil {
		u = &unit{from: key.from}
		c.units[key] = u
	}
	return u
}

// addBase takes all blocks of r.
func (c *coverer) addBase(r reach) {
	u := c.unit(unitKey{from: r.from})
	if len(u.base) > 0 && u.baseTo != r.to {
		u = c.unit(unitKey{from: r.from, baseTo: r.to, apart: true})
	}
	u.base = append(u.base, r.sensor)
	u.baseTo = r.to
}

// list returns the units in order. Neighbours with blocks of the same sensors alone
// are one, so that they are read together.
func (c *coverer) list() []unit {
	for _, r := range c.split() {
		c.addBase(r)
	}
	list := make([]unit, 0, len(c.units))
	for _, u := range c.units {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b unit) int {
		if c.plan.step == 0 && !c.plan.ordered && c.plan.coverage == nil { // what takes longest first, so that no worker is left with it
			if n := cmp.Compare(b.slow(), a.slow()); n != 0 {
				return n
			}
		}
		return cmp.Compare(a.from, b.from)
	})
	for i := range list { // in the order of parts in the file, too, where it does not matter
		slices.SortFunc(list[i].tiers, func(a, b piece) int { return cmp.Compare(a.id, b.id) })
	}
	n := 0
	for _, u := range list {
		if n > 0 {
			last := &list[n-1]
			if last.plain() && u.plain() && last.baseTo == u.from && slices.Equal(last.base, u.base) {
				last.baseTo = u.baseTo
				continue
			}
		}
		list[n] = u
		n++
	}
	return list[:n]
}

// slow is 1 for a unit that begins with a tier whose samples are read, which takes as
// long as a dozen views.
func (u *unit) slow() int {
	if len(u.tiers) > 0 && u.tiers[0].exact {
		return 1
	}
	return 0
}

// split returns c.base, cut wherever a unit begins or ends if ticks are wanted in
// order: then no unit reaches into another.
func (c *coverer) split() []reach {
	if !c.plan.ordered {
		return c.base
	}
	var cuts []int64
	for _, u := range c.units {
		for _, t := range u.tiers {
			cuts = append(cuts, t.from, t.to)
		}
	}
	for _, r := range c.base {
		cuts = append(cuts, r.from, r.to)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var list []reach
	for _, r := range c.base {
		i, _ := slices.BinarySearch(cuts, r.from)
		for ; cuts[i] < r.to; i++ {
			list = append(list, reach{r.sensor, cuts[i], cuts[i+1]})
		}
	}
	return list
}
