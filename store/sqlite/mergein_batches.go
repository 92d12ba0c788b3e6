package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// found is a batch of the other store that is not in ours.
type found struct {
	*store.Batch
	totals totals
}

// batches adds the other's batches, ten minutes of a sensor after the other.
func (m *merger) batches(ctx context.Context) error {
	for at := int64(math.MinInt64); ; {
		tick, any, err := optional(ctx, m.other.readers, "SELECT tick FROM batches WHERE tick >= ? ORDER BY tick LIMIT 1", at)
		if err != nil || !any {
			return err
		}
		start := floorTo(tick, level10m)
		at = start + level10m
		ids, err := rowIDs(ctx, m.other.readers, "SELECT DISTINCT sensor FROM batches WHERE tick >= ? AND tick < ?", start, at)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := m.interval(ctx, interval{level10m, start, uint32(id)}); err != nil {
				return err
			}
		}
	}
}

// interval adds the batches of ten minutes of one of the other's sensors.
func (m *merger) interval(ctx context.Context, theirs interval) error {
	id, err := m.sensor(ctx, theirs.sensor)
	if err != nil {
		return err
	}
	iv := theirs
	iv.sensor = id
	var missing []found
	var left int64
	var why string
	err = m.theirs(ctx, func(tx *sql.Tx) (err error) {
		missing, left, why, err = m.missing(ctx, tx, theirs, iv)
		return err
	})
	if err != nil {
		return err
	}
	if left > 0 {
		m.leaveOut(iv, left, why)
	}
	return m.appendAll(ctx, missing)
}

// appendAll adds batches that we do not have in one transaction, with the counters that
// the other has of what was forgotten. (Not by Append, which may replace the file: its
// tiers are locked. Nor one by one: a commit waits for the disk, a year has three
// million batches.)
func (m *merger) appendAll(ctx context.Context, missing []found) error {
	if len(missing) == 0 {
		return nil
	}
	list := make([]*store.Batch, len(missing))
	points := 0
	for i, f := range missing {
		if err := m.checkBatch(f.Batch); err != nil {
			return err
		}
		list[i] = f.Batch
		points += len(f.Batch.Points)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.w == nil {
		return errClosed
	}
	err := m.commitNew(context.WithoutCancel(ctx), list, func(i int) totals {
		if missing[i].totals.forgotten != (store.Sum{}) {
			return missing[i].totals
		}
		return totalsOf(list[i])
	})
	if err != nil {
		return err
	}
	m.Batches += int64(len(list))
	m.Merged.Points += int64(points)
	return nil
}

// missing returns the batches of an interval that we do not have, and how many must
// stay out.
func (m *merger) missing(ctx context.Context, tx *sql.Tx, theirs, iv interval) (list []found, left int64, why string, err error) {
	if err := m.other.dicts.load(ctx, tx); err != nil {
		return nil, 0, "", err
	}
	rows, err := readBatches(ctx, tx, theirs, -1)
	if err != nil {
		return nil, 0, "", err
	}
	ours, err := readBatches(ctx, m.readers, iv, -1)
	if err != nil {
		return nil, 0, "", err
	}
	type identity struct {
		tick int64
		seq  uint32
	}
	have := make(map[identity]bool, len(ours))
	for i := range ours {
		have[identity{ours[i].tick, ours[i].seq}] = true
	}
	isNew := func(r *batchRow) bool { return !have[identity{r.tick, r.seq}] }
	fresh := 0
	for i := range rows {
		m.read(len(rows[i].books) + 64)
		if isNew(&rows[i]) {
			fresh++
		}
	}
	m.Known += int64(len(rows) - fresh)
	if fresh == 0 {
		return nil, 0, "", nil
	}
	if unsure, err := m.unsure(ctx, iv, int64(len(ours))); err != nil {
		return nil, 0, "", err
	} else if unsure {
		same, err := m.alike(ctx, tx, iv, theirs.sensor)
		if same {
			m.Known += int64(fresh)
			return nil, 0, "", err
		}
		return nil, int64(fresh), "this store has given up its points of that time", err
	}
	return m.unsealed(ctx, tx, theirs, rows, isNew)
}

// unsure reports whether we have had batches in an interval that we do not know by
// name any more.
func (m *merger) unsure(ctx context.Context, iv interval, rows int64) (bool, error) {
	for at, more := iv, true; more; at, more = at.parent() {
		t, err := readTier(ctx, m.readers, at)
		if err != nil {
			return false, err
		}
		switch {
		case t == nil:
			continue
		case t.level == level10m && t.batches <= rows:
			return false, nil // all of them are there
		case t.level == level10m:
			return true, nil
		}
		// A tier over it, and none of its own: what is in that tier of these ten minutes
		// was given up, unless all of that tier is known to be of other times.
		n, err := number(ctx, m.readers, "SELECT count(*) FROM batches WHERE tick >= ? AND tick < ? AND sensor = ? AND id <= ?", t.start, t.start+t.level, t.sensor, t.last)
		if err != nil {
			return false, err
		}
		return n < t.batches && iv.start < m.marks[markPoints], nil
	}
	return false, nil
}

// unsealed makes batches of the rows that are new to us: their points are in blocks,
// or in the samples of the tier.
func (m *merger) unsealed(ctx context.Context, tx *sql.Tx, theirs interval, rows []batchRow, isNew func(*batchRow) bool) (list []found, left int64, why string, err error) {
	var sealed []*batchRow
	for i := range rows {
		r := &rows[i]
		var points []store.Point
		if r.points > 0 {
			sums, ends, err := loadBlock(ctx, tx, r.id)
			if err != nil {
				return nil, 0, "", err
			}
			m.read(len(sums) + len(ends))
			if sums == nil {
				sealed = append(sealed, r)
				continue
			}
			if m.dec.decode(sums, ends, needAll) != nil || !m.known(&m.dec.cols) {
				if isNew(r) {
					m.Damaged++
				}
				continue
			}
			points = m.points(&m.dec.cols)
		}
		if isNew(r) {
			list = append(list, m.batch(r, points))
		}
	}
	if len(sealed) == 0 {
		return list, 0, "", nil
	}
	ticks, err := m.samples(ctx, tx, theirs)
	if errors.Is(err, errDamaged) {
		for _, r := range sealed {
			if isNew(r) {
				m.Damaged++
			}
		}
		return list, 0, "", nil
	}
	if err != nil {
		return nil, 0, "", err
	}
	// The points of a tick that several batches had are one whole now: they go to the
	// first, if all are new.
	for len(sealed) > 0 {
		n := 1
		for n < len(sealed) && sealed[n].tick == sealed[0].tick {
			n++
		}
		group := sealed[:n]
		sealed = sealed[n:]
		fresh := 0
		for _, r := range group {
			if isNew(r) {
				fresh++
			}
		}
		if fresh > 0 && fresh < n {
			left += int64(fresh)
			why = "both stores have a part of its ticks"
			continue
		}
		for i, r := range group {
			if fresh == 0 {
				break
			}
			var points []store.Point
			if i == 0 {
				points = ticks[r.tick]
			}
			list = append(list, m.batch(r, points))
		}
	}
	slices.SortFunc(list, func(a, b found) int { return cmp.Or(a.Tick.Compare(b.Tick), cmp.Compare(a.Seq, b.Seq)) })
	return list, left, why, nil
}

// known reports whether every id of a block of the other's has a value.
func (m *merger) known(c *columns) bool {
	return int(maxOf(c.place)) < len(m.other.dicts.places.snapshot()) && int(maxOf(c.asn)) < len(m.other.dicts.asns.snapshot())
}

// batch makes a batch of a row and points, which get its time and sensor.
func (m *merger) batch(r *batchRow, points []store.Point) found {
	f := found{Batch: &store.Batch{Sensor: m.other.dicts.sensors.snapshot()[r.sensor], Tick: time.Unix(r.tick, 0).UTC(), Interval: m.tick, Seq: r.seq, Points: points}}
	if r.off > r.on {
		f.From, f.To = f.Tick.Add(time.Duration(r.on)), f.Tick.Add(time.Duration(r.off))
	}
	if err := f.totals.decode(r.books); err != nil {
		m.Damaged++
		f.totals = totals{}
	}
	f.Books = f.totals.books
	sources := m.other.dicts.sources.snapshot()
	for text := range strings.SplitSeq(r.geo, ",") {
		if id, err := strconv.Atoi(text); err == nil && id > 0 && id < len(sources) {
			f.Geo = append(f.Geo, sources[id])
		}
	}
	for i := range points {
		points[i].Time, points[i].Interval, points[i].Sensor = f.Tick, m.tick, f.Sensor
	}
	t := totalsOf(f.Batch)
	f.totals.points, f.totals.unlocated = t.points, t.unlocated
	return f
}

// points makes points of a block.
func (m *merger) points(c *columns) []store.Point {
	points := make([]store.Point, 0, c.points)
	m.each(c, func(p *store.Point, i int) {
		sum := c.sum(i)
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		points = append(points, *p)
	})
	return points
}

// each calls f with every point of decoded columns, its time and amounts left out.
func (m *merger) each(c *columns, f func(p *store.Point, i int)) {
	places, asns := m.other.dicts.places.snapshot(), m.other.dicts.asns.snapshot()
	i := 0
	for g, n := range c.count {
		as := asns[c.asn[g]]
		p := store.Point{Addr: c.addr[g], Place: places[c.place[g]], ASN: as.asn, ASOrg: as.org}
		for end := i + int(n); i < end; i++ {
			k := c.kinds[c.kind[i]]
			p.Peer, p.Proto, p.Direction, p.HasPort, p.Flags, p.Port = c.peers[c.peer[i]], k.proto, k.direction, k.hasPort, k.flags, 0
			if k.hasPort {
				p.Port = c.ports[c.port[i]]
			}
			f(&p, i)
		}
	}
}

// samples takes the full keys of ten minutes apart into the points of each tick.
func (m *merger) samples(ctx context.Context, tx *sql.Tx, theirs interval) (map[int64][]store.Point, error) {
	t, err := readTier(ctx, tx, theirs)
	if err != nil {
		return nil, err
	}
	if t == nil || t.keys == 0 {
		return nil, errDamaged // there should be blocks
	}
	seconds := int64(m.tick / time.Second)
	ticks := make(map[int64][]store.Point)
	for chunk := range t.chunks {
		parts, err := loadParts(ctx, tx, t.id, chunk, int(sourceKeys), partKeysEnds, partKeysTimes, partKeysSamples)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			m.read(len(p))
		}
		if err := m.dec.decodeTier(&parts, sourceKeys, needAll|needTimes|needSamples); err != nil {
			return nil, err
		}
		c := &m.dec.cols
		if !m.known(c) {
			return nil, errDamaged
		}
		m.each(c, func(p *store.Point, i int) {
			for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
				p.Packets, p.Bytes, p.Opens = c.sampleAmount[packets][s], c.sampleAmount[octets][s], c.sampleAmount[opens][s]
				at := t.start + int64(c.sampleTick[s])*seconds
				ticks[at] = append(ticks[at], *p)
			}
		})
	}
	return ticks, nil
}
