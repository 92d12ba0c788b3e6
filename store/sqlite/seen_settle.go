package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// settle writes the summaries of addresses that are due: of days whose tier has been
// written, of what points before a moment leave behind when they go, and of months and
// years of days. It is a part of a pass of upkeep.
func (s *Store) settle(ctx context.Context, before int64) error {
	if err := s.sweepSeen(ctx); err != nil {
		return err
	}
	m, err := readMarks(ctx, s.readers)
	if err != nil {
		return err
	}
	due, err := s.seenDue(ctx, m[markPoints], before)
	if err != nil {
		return err
	}
	for _, d := range due {
		if err := s.settleDay(ctx, &d, m[markPoints]); err != nil {
			return err
		}
	}
	for _, days := range []int64{seenMonth, seenYear} {
		if err := s.settleLong(ctx, days, before); err != nil {
			return err
		}
	}
	return s.sweepSeen(ctx)
}

// dueDay is a day of a sensor whose summary is to be written up to a moment.
type dueDay struct {
	sensor      uint32
	start, upto int64
	tier        int64
	old         *seenRun
}

// seenDue lists the days that have a tier and no summary of all that is in it; and, where
// addresses are kept for longer than points, those that points before a moment are of.
func (s *Store) seenDue(ctx context.Context, mark, before int64) (due []dueDay, err error) {
	known, err := s.seenDays(ctx, s.readers)
	if err != nil {
		return nil, err
	}
	err = eachRow(ctx, s.readers, func(sensor uint32, start, tier int64) {
		old := known[seenAt{sensor, start}]
		if old != nil && old.whole() && (start < mark || old.tier == tier) || old == nil && start+level1d <= mark {
			return
		}
		due = append(due, dueDay{sensor, start, start + level1d, tier, old})
	}, "SELECT sensor, start, id FROM tiers WHERE level = ? AND points > 0 AND start + level > ? ORDER BY sensor, start", level1d, max(mark, math.MinInt64+level1d))
	if err != nil || before == math.MinInt64 || before == math.MaxInt64 || !s.keep.outlives() {
		return due, err
	}
	listed := map[seenAt]bool{}
	for _, d := range due {
		listed[seenAt{d.sensor, d.start}] = true
	}
	err = eachRow(ctx, s.readers, func(sensor uint32, start, _ int64) {
		at := seenAt{sensor, floorTo(start, level1d)}
		d := dueDay{sensor, at.start, min(at.start+level1d, before), 0, known[at]}
		if !listed[at] && (d.old == nil || d.old.upto < d.upto) {
			listed[at] = true
			due = append(due, d)
		}
	}, "SELECT sensor, start, 0 FROM tiers WHERE level = ? AND points > 0 AND start >= ? AND start < ? ORDER BY sensor, start", level10m, mark, before)
	return due, err
}

type seenAt struct {
	sensor uint32
	start  int64
}

// seenDays returns the summaries of days.
func (s *Store) seenDays(ctx context.Context, q queryer) (map[seenAt]*seenRun, error) {
	list, err := readSeen(ctx, q, "days = 1")
	known := make(map[seenAt]*seenRun, len(list))
	for i := range list {
		known[seenAt{list[i].sensor, list[i].start}] = &list[i]
	}
	return known, err
}

// Bounds of one pass over the points of a day, and of all of them. A day of more
// addresses than that was a flood from forged ones: the highest are left out, and
// answers say so.
const (
	seenPassRows = 1 << 19
	seenPasses   = 32
)

// settleDay writes the summary of a day: from its points, as far as they are there, and
// from what an older summary has of the time before them.
func (s *Store) settleDay(ctx context.Context, d *dueDay, mark int64) error {
	l := s.maint.sealer
	w := s.newSeenWriter(l.enc, seenRun{days: seenDay, start: d.start, sensor: d.sensor, upto: d.upto, tier: d.tier})
	from := d.start
	var before func(context.Context) (*seenRow, error)
	if mark > d.start {
		from = mark
		if d.old != nil {
			from = d.old.upto
			before = (&seenStream{s: s, run: d.old, dec: l.dec}).next
		}
	}
	fresh := &seenPass{limit: s.maint.seenRows, sensor: d.sensor}
	next := func(ctx context.Context) (*seenRow, error) { return fresh.next(ctx, s, from, d.upto) }
	streams := []func(context.Context) (*seenRow, error){next}
	if before != nil {
		streams = append(streams, before)
	}
	err := mergeSeen(ctx, streams, func(r *seenRow) error { return w.add(ctx, r) })
	if errors.Is(err, errDamaged) { // of the older summary: what it had is lost
		s.log.Error("what was known of the addresses of a day cannot be read and is given up", "start", time.Unix(d.start, 0).UTC(), "sensor", d.sensor, "store", s.path)
		return s.dropSeen(ctx, []int64{d.old.id})
	}
	if err != nil {
		return err
	}
	w.head.cut = fresh.cut
	return w.finish(ctx)
}

// dropSeen gives summaries up; sweepSeen deletes them.
func (s *Store) dropSeen(ctx context.Context, ids []int64) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE addresses SET days = 0 WHERE id IN ("+joinIDs(ids)+")")
		return err
	})
}

// seenPass sums points by address, in order of address, in as many passes over them as
// it takes for only so many addresses to be in memory at a time.
type seenPass struct {
	limit  int          // of addresses in memory; 0: seenPassRows
	low    netip.Prefix // addresses before it have been handed on
	high   netip.Prefix // those from it on are for the next pass
	rows   []*seenRow
	sums   map[netip.Prefix]*seenRow
	passes int
	cut    bool
	asked  asked  // nil: all
	sensor uint32 // points of others, which the filter takes for it, do not count
}

// next returns the next row, nil at the end.
func (p *seenPass) next(ctx context.Context, s *Store, from, to int64) (*seenRow, error) {
	for len(p.rows) == 0 {
		if p.passes > 0 && !p.high.IsValid() {
			return nil, nil
		}
		if p.passes == seenPasses {
			p.cut = true
			return nil, nil
		}
		p.passes++
		p.low, p.high = p.high, netip.Prefix{}
		_, err := steadily(func() (struct{}, error) {
			p.sums, p.high = make(map[netip.Prefix]*seenRow), netip.Prefix{}
			return struct{}{}, s.scanSeen(ctx, p.sensor, from, to, p)
		})
		if err != nil {
			return nil, err
		}
		p.rows = sortedSeen(p.sums)
		p.sums = nil
	}
	row := p.rows[0]
	p.rows = p.rows[1:]
	return row, nil
}

func sortedSeen(sums map[netip.Prefix]*seenRow) []*seenRow {
	rows := make([]*seenRow, 0, len(sums))
	for _, r := range sums {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *seenRow) int { return compareEndpoints(a.addr, b.addr) })
	return rows
}

// scanSeen shows the points of a sensor in [from, to) to visitors.
func (s *Store) scanSeen(ctx context.Context, sensor uint32, from, to int64, visitors ...visitor) error {
	names := s.dicts.sensors.snapshot()
	if int(sensor) >= len(names) {
		if err := s.dicts.load(ctx, s.readers); err != nil {
			return err
		}
		names = s.dicts.sensors.snapshot()
	}
	f := store.Filter{Terms: []store.Term{{Key: store.KeySensor, Words: []string{strings.ToLower(names[sensor])}}}}
	if from != math.MinInt64 {
		f.Window.From = time.Unix(from, 0)
	}
	if to != math.MaxInt64 {
		f.Window.To = time.Unix(to, 0)
	}
	if from >= to {
		return nil
	}
	_, c, err := s.plan(ctx, &f, question{need: needTimes | needAddr, views: propKey})
	if err != nil {
		return err
	}
	return s.scan(ctx, c, visitors...)
}

// visit implements visitor.
func (p *seenPass) visit(v *view) error {
	if v.sensor != p.sensor || !v.hasEnds() { // sums without addresses: the points are gone
		return nil
	}
	var row *seenRow
	v.each(func(g int) {
		row = nil
		if addr := v.addr[g]; p.wants(addr) {
			if row = p.sums[addr]; row == nil {
				row = &seenRow{addr: addr, first: math.MaxInt64, last: math.MinInt64}
				p.sums[addr] = row
			}
		}
	}, func(_, i int) {
		if row != nil {
			row.first, row.last = min(row.first, v.firstOf(i)), max(row.last, v.lastOf(i))
			row.Sum.Add(v.sum(i))
		}
	})
	if limit := p.limit; len(p.sums) > max(limit, 1) && (limit > 0 || len(p.sums) > seenPassRows) {
		p.halve()
	}
	return nil
}

func (p *seenPass) wants(addr netip.Prefix) bool {
	switch {
	case p.asked != nil:
		return p.asked.has(addr)
	case p.low.IsValid() && compareEndpoints(addr, p.low) < 0:
		return false
	}
	return !p.high.IsValid() || compareEndpoints(addr, p.high) < 0
}

// halve leaves the higher half of the addresses to the next pass.
func (p *seenPass) halve() {
	if p.asked != nil {
		return
	}
	rows := sortedSeen(p.sums)
	p.high = rows[(len(rows)+1)/2].addr
	for _, r := range rows[(len(rows)+1)/2:] {
		delete(p.sums, r.addr)
	}
}

// settleLong writes the summaries of months or years whose days have all been written.
func (s *Store) settleLong(ctx context.Context, days, before int64) error {
	length := days * level1d
	list, err := readIntervals(ctx, s.readers, `SELECT DISTINCT ?1, start - (start % ?1 + ?1) % ?1, sensor FROM addresses WHERE days = 1 ORDER BY 2, 3`, length)
	if err != nil {
		return err
	}
	for _, iv := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !s.closed(iv, before) {
			continue
		}
		if err := s.settleOneLong(ctx, iv, days); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) settleOneLong(ctx context.Context, iv interval, days int64) error {
	list, err := readSeen(ctx, s.readers, "days > 0 AND days <= ? AND sensor = ? AND start >= ? AND start < ?", days, iv.sensor, iv.start, iv.end())
	if err != nil {
		return err
	}
	var singles []*seenRun
	have := make(map[seenAt]*seenRun) // by days and start
	for i := range list {
		r := &list[i]
		if r.days == seenDay && !r.whole() {
			return nil
		}
		if r.days == seenDay {
			singles = append(singles, r)
		}
		have[seenAt{uint32(r.days), r.start}] = r
	}
	made := seenHash(singles)
	if old := have[seenAt{uint32(days), iv.start}]; old != nil && bytes.Equal(old.made, made) || len(singles) < 2 {
		return nil
	}
	var streams []func(context.Context) (*seenRow, error)
	use := func(r *seenRun) error {
		dec, err := newDecoder()
		streams = append(streams, (&seenStream{s: s, run: r, dec: dec}).next)
		return err
	}
	for i := 0; i < len(singles) && err == nil; {
		month := floorTo(singles[i].start, seenMonth*level1d)
		n := i
		for n < len(singles) && singles[n].start < month+seenMonth*level1d {
			n++
		}
		long := have[seenAt{seenMonth, month}]
		if days > seenMonth && long != nil && bytes.Equal(long.made, seenHash(singles[i:n])) {
			i, err = n, use(long)
			continue
		}
		err = use(singles[i])
		i++
	}
	if err != nil {
		return err
	}
	w := s.newSeenWriter(s.maint.sealer.enc, seenRun{days: days, start: iv.start, sensor: iv.sensor, upto: iv.end(), made: made})
	err = mergeSeen(ctx, streams, func(r *seenRow) error { return w.add(ctx, r) })
	if errors.Is(err, errDamaged) { // the days that are right are read one by one
		return s.sweepSeen(ctx)
	}
	if err != nil {
		return err
	}
	for _, d := range singles {
		h, err := s.maint.sealer.dec.seenHead(d.head, d.chunks)
		w.head.cut = w.head.cut || err != nil || h.cut
	}
	return w.finish(ctx)
}
