package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// unpacker makes batches again of what a store has become: of rows, blocks and tiers.
// One goroutine uses it at a time.
type unpacker struct {
	*Store
	dec  *decoder
	note func(n int) // told how many bytes have been read; nil: nobody
}

// found is a batch that was made again. Its totals are those of its row, except what
// its points add up to.
type found struct {
	*store.Batch
	row    *batchRow
	totals totals
	bad    bool // its points cannot be read: it has none
	booked bool // its counters can be read, else they are 0
	mates  int  // it and others of its tick that cannot be told from it any more: the first has all their points
}

func (u *unpacker) read(n int) {
	if u.note != nil {
		u.note(n)
	}
}

// unpack makes the batches of an interval of ten minutes that are wanted, and all of the
// same tick that cannot be told from them. all are the rows of the interval, in order.
//
// A batch has its block until its tick is sealed. Then the tier has its points, and where
// all others of the tick still have blocks, the batch is what these leave of the tier.
func (u *unpacker) unpack(ctx context.Context, tx *sql.Tx, iv interval, all []batchRow, wanted func(*batchRow) bool) ([]found, error) {
	ticks := make(map[int64]bool) // wanted; true where one is in the tier alone
	for i := range all {
		if wanted(&all[i]) {
			ticks[all[i].tick] = false
		}
	}
	var list []found
	for i := range all {
		r := &all[i]
		if _, ok := ticks[r.tick]; !ok {
			continue
		}
		f, sealed, err := u.fromBlock(ctx, tx, r)
		if err != nil {
			return nil, err
		}
		if sealed {
			f.mates, ticks[r.tick] = 1, true
		}
		list = append(list, f)
	}
	if err := u.fromTier(ctx, tx, iv, list, ticks); err != nil {
		return nil, err
	}
	kept := list[:0]
	for i := range list {
		if list[i].mates > 1 || wanted(list[i].row) {
			kept = append(kept, list[i])
		}
	}
	return kept, nil
}

// fromBlock makes a batch of its row and its block. It reports whether it has points
// and no block.
func (u *unpacker) fromBlock(ctx context.Context, tx *sql.Tx, r *batchRow) (f found, sealed bool, err error) {
	if r.points == 0 {
		return u.batch(r, nil), false, nil
	}
	sums, ends, err := loadBlock(ctx, tx, r.id)
	if err != nil {
		return f, false, err
	}
	u.read(len(sums) + len(ends))
	if sums == nil {
		return u.batch(r, nil), true, nil
	}
	if u.dec.decode(sums, ends, needAll) != nil || !u.known(&u.dec.cols) {
		f = u.batch(r, nil)
		f.bad = true
		return f, false, nil
	}
	return u.batch(r, u.points(&u.dec.cols)), false, nil
}

// fromTier gives those of list that are without a block their points, in ticks that
// have any such.
func (u *unpacker) fromTier(ctx context.Context, tx *sql.Tx, iv interval, list []found, ticks map[int64]bool) error {
	any := false
	for _, sealed := range ticks {
		any = any || sealed
	}
	if !any {
		return nil
	}
	samples, last, err := u.samples(ctx, tx, iv, ticks)
	damaged := errors.Is(err, errDamaged)
	if err != nil && !damaged {
		return err
	}
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Tick.Equal(list[0].Tick) {
			n++
		}
		group := list[:n]
		list = list[n:]
		if tick := group[0].Tick.Unix(); ticks[tick] {
			u.share(group, samples[tick], last, damaged)
		}
	}
	return nil
}

// share gives the points of a tick of the tier, whose newest batch is last, to those
// batches of the tick that have no blocks: what the others leave of them.
func (u *unpacker) share(group []found, points []store.Point, last int64, damaged bool) {
	var sealed []*found
	left := newRemainder(points)
	for i := range group {
		switch f := &group[i]; {
		case f.mates > 0:
			sealed = append(sealed, f)
		case f.row.id > last: // late: it is not in the tier
		case f.bad || !left.subtract(f.Points):
			damaged = true
		}
	}
	want, booked := store.Sum{}, true // as far as that can be known
	for _, f := range sealed {
		f.mates = len(sealed)
		booked = booked && f.booked && f.totals.forgotten == (store.Sum{})
		want.Add(f.totals.points)
	}
	points, sum := left.points()
	if damaged || booked && sum != want {
		for _, f := range sealed {
			f.bad = true
		}
		return
	}
	u.fill(sealed[0], points)
}

// known reports whether every id of a block has a value.
func (u *unpacker) known(c *columns) bool {
	return int(maxOf(c.place)) < len(u.dicts.places.snapshot()) && int(maxOf(c.asn)) < len(u.dicts.asns.snapshot())
}

// batch makes a batch of a row and points.
func (u *unpacker) batch(r *batchRow, points []store.Point) found {
	f := found{row: r, booked: true, Batch: &store.Batch{Sensor: u.dicts.sensors.snapshot()[r.sensor], Tick: time.Unix(r.tick, 0).UTC(), Interval: u.tick, Seq: r.seq}}
	if r.off > r.on {
		f.From, f.To = f.Tick.Add(time.Duration(r.on)), f.Tick.Add(time.Duration(r.off))
	}
	if err := f.totals.decode(r.books); err != nil {
		f.booked, f.totals = false, totals{}
	}
	f.Books = f.totals.books
	sources := u.dicts.sources.snapshot()
	for text := range strings.SplitSeq(r.geo, ",") {
		if id, err := strconv.Atoi(text); err == nil && id > 0 && id < len(sources) {
			f.Geo = append(f.Geo, sources[id])
		}
	}
	if points != nil {
		u.fill(&f, points)
	}
	return f
}

// fill gives a batch its points, which get its time and sensor.
func (u *unpacker) fill(f *found, points []store.Point) {
	f.Points = points
	for i := range points {
		points[i].Time, points[i].Interval, points[i].Sensor = f.Tick, u.tick, f.Sensor
	}
}

// points makes points of a block.
func (u *unpacker) points(c *columns) []store.Point {
	points := make([]store.Point, 0, c.points)
	u.each(c, func(p *store.Point, i int) {
		sum := c.sum(i)
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		points = append(points, *p)
	})
	return points
}

// each calls f with every point of decoded columns, its time and amounts left out.
func (u *unpacker) each(c *columns, f func(p *store.Point, i int)) {
	places, asns := u.dicts.places.snapshot(), u.dicts.asns.snapshot()
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

// samples takes the full keys of ten minutes apart into the points of some ticks, and
// returns the id of the newest batch among them.
func (u *unpacker) samples(ctx context.Context, tx *sql.Tx, iv interval, wanted map[int64]bool) (ticks map[int64][]store.Point, last int64, err error) {
	t, err := readTier(ctx, tx, iv)
	if err != nil {
		return nil, 0, err
	}
	if t == nil || t.keys == 0 {
		return nil, 0, errDamaged // there should be blocks
	}
	seconds := int64(u.tick / time.Second)
	ticks = make(map[int64][]store.Point)
	for chunk := range t.chunks {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		parts, err := loadParts(ctx, tx, t.id, chunk, int(sourceKeys), partKeysEnds, partKeysTimes, partKeysSamples)
		if err != nil {
			return nil, 0, err
		}
		for _, p := range parts {
			u.read(len(p))
		}
		if err := u.dec.decodeTier(&parts, sourceKeys, needAll|needTimes|needSamples); err != nil {
			return nil, 0, err
		}
		c := &u.dec.cols
		if !u.known(c) {
			return nil, 0, errDamaged
		}
		u.each(c, func(p *store.Point, i int) {
			for s := c.sampleStart[i]; s < c.sampleStart[i+1]; s++ {
				at := t.start + int64(c.sampleTick[s])*seconds
				if !wanted[at] {
					continue
				}
				sum := c.sample(s)
				p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
				ticks[at] = append(ticks[at], *p)
			}
		})
	}
	return ticks, t.last, nil
}

// remainder is points from which others are taken away, key by key.
type remainder struct {
	list []store.Point
	at   map[store.Point]int // keys, their amounts left out; nil: not needed yet
}

func newRemainder(points []store.Point) *remainder { return &remainder{list: points} }

// keyOf is p without its amounts and what all points of a batch have in common.
func keyOf(p *store.Point) store.Point {
	k := *p
	k.Packets, k.Bytes, k.Opens = 0, 0, 0
	k.Time, k.Interval, k.Sensor = time.Time{}, 0, ""
	return k
}

// subtract takes points away, and reports false where they are not there.
func (r *remainder) subtract(points []store.Point) bool {
	if r.at == nil {
		r.at = make(map[store.Point]int, len(r.list))
		for i := range r.list {
			r.at[keyOf(&r.list[i])] = i
		}
	}
	for i := range points {
		p := &points[i]
		at, ok := r.at[keyOf(p)]
		if !ok {
			return false
		}
		q := &r.list[at]
		if q.Packets < p.Packets || q.Bytes < p.Bytes || q.Opens < p.Opens {
			return false
		}
		q.Packets, q.Bytes, q.Opens = q.Packets-p.Packets, q.Bytes-p.Bytes, q.Opens-p.Opens
	}
	return true
}

// points returns what is left, and what that adds up to.
func (r *remainder) points() (left []store.Point, sum store.Sum) {
	left = r.list[:0]
	for i := range r.list {
		if p := &r.list[i]; p.Packets > 0 {
			sum.Add(p.Sum())
			left = append(left, *p)
		}
	}
	return left, sum
}
