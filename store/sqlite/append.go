package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// errReadOnly is the error of writing to a store that was opened for reading.
var errReadOnly = errors.New("the store is open for reading only")

// tryAppend is Append on the file that there is.
func (s *Store) tryAppend(ctx context.Context, b *store.Batch) error {
	if err := s.checkBatch(b); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	switch {
	case s.readOnly:
		return fmt.Errorf("append to %q: %w", s.path, errReadOnly)
	case s.noFile:
		return fmt.Errorf("append to %q: %w", s.path, errNoFile)
	case s.w == nil:
		return fmt.Errorf("append to %q: the store is closed", s.path)
	}
	ctx = context.WithoutCancel(ctx)
	added, err := s.commit(ctx, b)
	if err != nil {
		return fmt.Errorf("append tick %s of %q to %q: %w%s", b.Tick.UTC().Format(time.RFC3339), b.Sensor, s.path, err, hint(err))
	}
	s.ballast.keep()
	s.logWatch.look(s)
	if added {
		s.watch.announce(store.Commit{
			Sensor: b.Sensor, Tick: b.Tick.UTC(), Interval: b.Interval, Seq: b.Seq,
			Points: len(b.Points), Public: b.Books.Public(), Drops: b.Books.Drops,
		})
	}
	return nil
}

func (s *Store) checkBatch(b *store.Batch) error {
	if err := b.Check(); err != nil {
		return err
	}
	if b.Interval != s.tick {
		return fmt.Errorf("batch has a tick of %s, the store of %s", b.Interval, s.tick)
	}
	for i := range b.Points {
		if p := b.Points[i].Place; p.Latitude != p.Latitude || p.Longitude != p.Longitude {
			return fmt.Errorf("point of %s has coordinates that are no numbers", b.Points[i].Addr)
		}
	}
	return nil
}

// commit writes b unless it is there; it reports whether it was added.
func (s *Store) commit(ctx context.Context, b *store.Batch) (added bool, err error) {
	known, err := number(ctx, s.w, "SELECT 1 FROM batches WHERE tick = ? AND sensor = ? AND seq = ?",
		b.Tick.Unix(), s.dicts.sensors.id(b.Sensor), b.Seq)
	if err != nil || known != 0 {
		s.dicts.forget()
		return false, err
	}
	return true, s.commitNew(ctx, []*store.Batch{b}, func(int) totals { return totalsOf(b) })
}

// commitNew writes batches that are not there, all of them or none, with the counters
// that books has of each. s.mu is held.
func (s *Store) commitNew(ctx context.Context, list []*store.Batch, books func(i int) totals) (err error) {
	defer func() {
		if err != nil {
			s.dicts.forget()
			s.enc.located.forget()
		}
	}()
	sealed := make([]sealedBatch, len(list))
	for i, b := range list {
		if sealed[i], err = s.seal(b, books(i)); err != nil {
			return err
		}
	}
	id := s.nextID
	err = inTx(ctx, s.w, func(tx *sql.Tx) error {
		if err := s.dicts.write(ctx, tx); err != nil {
			return err
		}
		for i := range sealed {
			if err := sealed[i].write(ctx, tx, id+int64(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.dicts.publish()
	s.nextID += int64(len(list))
	for i := range sealed {
		s.maint.notice(sealed[i].sensor, sealed[i].tick)
	}
	s.logKeeper.notice()
	return nil
}

// sealedBatch is a batch as its rows have it, with ids that dicts may have to write yet.
type sealedBatch struct {
	tick       int64
	sensor     uint32
	seq        uint32
	on, off    time.Duration
	points     int
	geo        string
	books      totals
	sums, ends []byte
}

// seal encodes b.
func (s *Store) seal(b *store.Batch, books totals) (r sealedBatch, err error) {
	r = sealedBatch{tick: b.Tick.Unix(), sensor: s.dicts.sensors.id(b.Sensor), seq: b.Seq, points: len(b.Points), books: books}
	if len(b.Points) > 0 {
		if r.sums, r.ends, err = s.enc.encode(b.Points, s.dicts.places.id, s.dicts.asns.id); err != nil {
			return r, err
		}
	}
	r.geo = s.sourceIDs(b.Geo)
	r.on, r.off = b.Captured()
	return r, nil
}

func (r *sealedBatch) write(ctx context.Context, tx *sql.Tx, id int64) error {
	err := insertBatch(ctx, tx, r.sums, r.ends, id, r.tick, r.sensor, r.seq, int64(r.on), int64(r.off), r.points, r.geo, r.books.encode())
	if err != nil {
		return err
	}
	return enlist(ctx, tx, id, r.tick, r.sensor)
}

// enlist notes for the upkeep that the tiers over a new batch have to be written: for
// the first time or, where there are some already, again.
func enlist(ctx context.Context, tx *sql.Tx, id, tick int64, sensor uint32) error {
	start := floorTo(tick, level10m)
	_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO open (start, sensor) SELECT ?1, ?2
		WHERE NOT EXISTS (SELECT 1 FROM tiers WHERE level = 600 AND sensor = ?2 AND start = ?1)`, start, sensor)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO late (id, tick, sensor) SELECT ?1, ?2, ?3
		WHERE EXISTS (SELECT 1 FROM tiers WHERE level = 600 AND sensor = ?3 AND start = ?4)
		OR EXISTS (SELECT 1 FROM tiers WHERE level = 3600 AND sensor = ?3 AND start = ?5)
		OR EXISTS (SELECT 1 FROM tiers WHERE level = 86400 AND sensor = ?3 AND start = ?6)`,
		id, tick, sensor, start, floorTo(tick, level1h), floorTo(tick, level1d))
	return err
}

// insertBatch writes the row of a batch, whose columns row gives from the id on, and
// its block, if there is one.
func insertBatch(ctx context.Context, tx *sql.Tx, sums, ends []byte, row ...any) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO batches (id, tick, sensor, seq, on_ns, off_ns, points, geo, books)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, row...)
	if err != nil || sums == nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO blocks (id, sums, ends) VALUES (?, ?, ?)", row[0], sums, ends)
	return err
}

// sourceIDs returns the ids of the batch's GeoIP sources, joined by commas.
func (s *Store) sourceIDs(sources []store.GeoSource) string {
	ids := make([]string, len(sources))
	for i, g := range sources {
		g.Built = time.Unix(g.Built.Unix(), 0).UTC() // as it is read back, so that it compares
		ids[i] = strconv.FormatUint(uint64(s.dicts.sources.id(g)), 10)
	}
	return strings.Join(ids, ",")
}

// NextSeq returns the first free Seq of a sensor's tick, so that a sensor that was
// restarted within a tick adds to what it had and never repeats it.
func (s *Store) NextSeq(ctx context.Context, sensor string, tick time.Time) (uint32, error) {
	n, err := number(ctx, s.readers, `SELECT max(seq) + 1 FROM batches
		WHERE tick = ? AND sensor = (SELECT id FROM sensors WHERE name = ?)`, tick.Unix(), sensor)
	if err != nil {
		return 0, fmt.Errorf("read next seq of tick %s in %q: %w", tick.UTC().Format(time.RFC3339), s.path, err)
	}
	return uint32(n), nil
}
