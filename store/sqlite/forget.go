package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Forgotten is what Forget has taken out, or would.
type Forgotten struct {
	Points  int64
	Sum     store.Sum
	Blocks  int64 // ticks that were written anew
	Tiers   int64
	Days    int64 // summaries of addresses that were written anew
	Damaged int64 // blocks and tiers that cannot be read, and so not be searched
}

// Forget takes every point out of the store whose address or peer lies in one of the
// networks: out of ticks and of all tiers with full keys, whose sums are written anew.
// Sums by place, network, port and protocol whose points have been given up before
// know no addresses and stay. The books go on to say how much was captured; what was
// taken out is counted beside them. Then the file is written anew without the bytes of
// what was deleted, for which the disk must have room for it a second time, and the
// log is emptied. Summaries of addresses lose the addresses; what others have exchanged
// with them while there were points stays in their sums. With try, nothing is changed: a store opened for reading will do.
// Otherwise nobody else may be at work on the Store. What was done stays done if it
// ends early, and may be begun again.
func (s *Store) Forget(ctx context.Context, networks []netip.Prefix, try bool, progress Progress) (Forgotten, error) {
	f := &forgetter{Store: s, networks: networks, try: try, progress: progress}
	err := f.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = fmt.Errorf("forget addresses in %q: %w%s", s.path, err, hint(err))
	}
	return f.Forgotten, err
}

// forgetter is one run of Forget.
type forgetter struct {
	*Store
	Forgotten
	networks []netip.Prefix
	try      bool

	progress    Progress
	total, done int64
	told        time.Time

	enc     *encoder
	dec     *decoder
	sealer  *sealer
	changed map[interval]struct{} // ten minutes that have
}

func (f *forgetter) run(ctx context.Context) (err error) {
	if f.dec, err = newDecoder(); err != nil {
		return err
	}
	if f.total, err = f.sizeInUse(ctx); err != nil {
		return err
	}
	if err := f.dicts.load(ctx, f.readers); err != nil {
		return err
	}
	version, err := pragma(ctx, f.readers, "user_version")
	if err != nil {
		return err
	}
	f.changed = make(map[interval]struct{})
	if !f.try {
		if f.readOnly {
			return errReadOnly
		}
		f.maint.passing.Lock() // nobody else writes tiers meanwhile
		defer f.maint.passing.Unlock()
		if f.enc, err = newBlockEncoder(); err != nil {
			return err
		}
		defer f.enc.zstd.Close()
		if f.sealer, err = newSealer(f.Store); err != nil {
			return err
		}
		defer f.sealer.enc.zstd.Close()
		f.sealer.kept = make(map[keptTick]filtered)
		if err := f.exec(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
		if err := f.sweep(ctx); err != nil {
			return err
		}
	}
	sealed := "0"
	if version >= 2 {
		sealed = inTier
	}
	if err := f.blocks(ctx, sealed); err != nil {
		return err
	}
	if version >= 2 {
		if err := f.tiers(ctx); err != nil {
			return err
		}
	}
	if version >= seenFormat {
		if err := f.forgetSeen(ctx); err != nil {
			return err
		}
	}
	if f.try {
		return nil
	}
	return f.scrub(ctx)
}

// out reports whether a point with these ends is to go. A network is in another if all
// of it is.
func (f *forgetter) out(addr, peer netip.Prefix) bool { return f.within(addr) || f.within(peer) }

func (f *forgetter) within(p netip.Prefix) bool {
	if !p.IsValid() {
		return false
	}
	for _, n := range f.networks {
		if n.Bits() <= p.Bits() && n.Contains(p.Addr()) || p.Addr().Is4In6() && n.Contains(p.Addr().Unmap()) && n.Bits() <= p.Bits()-96 {
			return true
		}
	}
	return false
}

func (f *forgetter) read(n int) {
	f.done += int64(n)
	if f.progress != nil && time.Since(f.told) > progressEvery {
		f.told = time.Now()
		f.progress(min(f.done, f.total), f.total)
	}
}

// inTier says of batch b that its tier of ten minutes has its points, too.
const inTier = `EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = b.sensor AND t.last >= b.id AND t.keys > 0
	AND t.start = b.tick - (b.tick % 600 + 600) % 600)`

// blocks takes points out of the blocks of batches, of which sealed says whether their
// tier has them, too.
func (f *forgetter) blocks(ctx context.Context, sealed string) error {
	for last := int64(-1 << 62); ; {
		var page []checkedBatch
		rows, err := f.readers.QueryContext(ctx, `SELECT b.id, tick, sensor, points, books, sums, ends, `+sealed+`
			FROM blocks k JOIN batches b ON b.id = k.id WHERE k.id > ? ORDER BY k.id LIMIT 512`, last)
		if err != nil {
			return err
		}
		for size := 0; size < checkBytes && rows.Next(); {
			var b checkedBatch
			if err = rows.Scan(&b.id, &b.tick, &b.sensor, &b.points, &b.books, &b.sums, &b.ends, &b.sealed); err != nil {
				break
			}
			size += len(b.sums) + len(b.ends)
			page = append(page, b)
		}
		if e := rows.Close(); err == nil {
			err = e
		}
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			last = page[i].id
			f.read(len(page[i].sums) + len(page[i].ends))
			if err := f.block(ctx, &page[i]); err != nil {
				return err
			}
		}
	}
}

// block writes a block anew without the points that are to go.
func (f *forgetter) block(ctx context.Context, b *checkedBatch) error {
	if err := f.dec.decode(b.sums, b.ends, needAll); err != nil {
		f.Damaged++
		return nil
	}
	if !f.any(&f.dec.cols) {
		return nil
	}
	keep, gone := f.split(&f.dec.cols)
	f.Blocks++
	if !b.sealed { // else they are counted with its tier
		f.Forgotten.Points += gone.points
		f.Sum.Add(gone.sum)
	}
	if f.try {
		return nil
	}
	if b.sealed {
		at := keptTick{b.sensor, b.tick}
		sum := f.sealer.kept[at]
		sum.points += gone.points
		sum.sum.Add(gone.sum)
		sum.unlocated.Add(gone.unlocated)
		f.sealer.kept[at] = sum
	}
	var t totals
	if err := t.decode(b.books); err != nil { // the points' sum is known all the same
		t = totals{}
	} else {
		t.forget(&gone)
	}
	places, asns := f.ids()
	sums, ends, err := f.enc.encode(keep, places, asns)
	if err != nil {
		return err
	}
	f.changed[interval{level10m, floorTo(b.tick, level10m), b.sensor}] = struct{}{}
	return f.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE batches SET points = ?, books = ? WHERE id = ?", len(keep), t.encode(), b.id)
		if err == nil && len(keep) > 0 {
			_, err = tx.ExecContext(ctx, "UPDATE blocks SET sums = ?, ends = ? WHERE id = ?", sums, ends, b.id)
		} else if err == nil {
			_, err = tx.ExecContext(ctx, "DELETE FROM blocks WHERE id = ?", b.id)
		}
		if err != nil {
			return err
		}
		return nextGeneration(ctx, tx)
	})
}

// any reports whether any end of the columns is to go.
func (f *forgetter) any(c *columns) bool {
	for _, list := range [][]netip.Prefix{c.addr, c.peers} {
		for _, p := range list {
			if f.within(p) {
				return true
			}
		}
	}
	return false
}

// ids returns the functions that give places and networks their ids; all are known.
func (f *forgetter) ids() (place func(store.Place) uint32, asn func(asOrg) uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dicts.places.id, f.dicts.asns.id
}

// split makes points of columns, of those that stay, and sums the others up.
func (f *forgetter) split(c *columns) (keep []store.Point, gone filtered) {
	places, asns := f.dicts.places.snapshot(), f.dicts.asns.snapshot()
	i := 0
	for g, n := range c.count {
		p := store.Point{Addr: c.addr[g], Place: places[c.place[g]], ASN: asns[c.asn[g]].asn, ASOrg: asns[c.asn[g]].org}
		for end := i + int(n); i < end; i++ {
			k, sum := c.kinds[c.kind[i]], c.sum(i)
			p.Peer = c.peers[c.peer[i]]
			if f.out(p.Addr, p.Peer) {
				gone.add(1, sum, p.Place)
				continue
			}
			p.Proto, p.Direction, p.HasPort, p.Flags, p.Port = k.proto, k.direction, k.hasPort, k.flags, 0
			if k.hasPort {
				p.Port = c.ports[c.port[i]]
			}
			p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
			keep = append(keep, p)
		}
	}
	return keep, gone
}

// tiers takes rows out of the full keys of all tiers, the finest first.
func (f *forgetter) tiers(ctx context.Context) error {
	for i := len(levels) - 1; i >= 0; i-- {
		for sensor, start := int64(-1), int64(0); ; {
			t, err := nextTier(ctx, f.readers, levels[i], sensor, start)
			if err != nil {
				return err
			}
			if t == nil {
				break
			}
			if err := f.tier(ctx, t); err != nil {
				return err
			}
			sensor, start = int64(t.sensor), t.start
		}
	}
	return nil
}

func (f *forgetter) tier(ctx context.Context, t *tierRow) error {
	if t.chunks > 0 && t.keys == 0 { // given up, but still in the file
		if err := f.giveUp(ctx, t); err != nil {
			return err
		}
	}
	if t.keys == 0 {
		return f.viewsOnly(ctx, t)
	}
	found := false
	for chunk := int64(0); chunk < t.chunks && !found; chunk++ {
		parts, err := loadParts(ctx, f.readers, t.id, chunk, int(sourceKeys), partKeysEnds)
		if err != nil {
			return err
		}
		f.read(len(parts[sourceKeys]) + len(parts[partKeysEnds]))
		if err := f.dec.decodeTier(&parts, sourceKeys, needAddr|needPeer); err != nil {
			f.Damaged++
			return nil
		}
		found = f.any(&f.dec.cols)
	}
	if !found {
		return nil
	}
	gone, err := f.rewrite(ctx, t)
	if errors.Is(err, errDamaged) {
		f.Damaged++
		return nil
	}
	if err != nil {
		return err
	}
	f.Tiers++
	if t.level == level10m {
		f.changed[t.interval()] = struct{}{}
		f.Forgotten.Points += gone.points
		f.Sum.Add(gone.sum)
	}
	return nil
}
