package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// toldApart says of batch b that it keeps its block for good, because the store is
// shipped and an earlier batch of the same tick will be in the tier alone: see unpack.
const toldApart = `(EXISTS (SELECT 1 FROM outbox) AND EXISTS (SELECT 1 FROM batches o
	WHERE o.tick = b.tick AND o.sensor = b.sensor AND o.id < b.id))`

// outboxSave is how often, at most, it is written down how far the store has been
// shipped. What a crash forgets is shipped again, which whoever gets it must stand.
const outboxSave = time.Minute

// ID returns what the store is known by, wherever copies of it are: 32 hexadecimal
// digits. A store of an old format gets one when it is opened for writing.
func (s *Store) ID(ctx context.Context) (string, error) {
	var id string
	err := s.readers.QueryRowContext(ctx, "SELECT value FROM about WHERE key = 'id'").Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = errors.New("it is of an old format without one (stop what writes to it, and open it once for writing: packetheat db prune)")
	}
	if err != nil {
		return "", fmt.Errorf("read the id of the store %q: %w%s", s.path, err, hint(err))
	}
	return id, nil
}

// becomeAnother gives the store in a file another id and forgets how far it was shipped:
// it is begun as a copy of one whose batches it does not have.
func becomeAnother(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite3", uri(path, "mode=rw&_synchronous=FULL"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "UPDATE about SET value = lower(hex(randomblob(16))) WHERE key = 'id'")
	if err == nil {
		_, err = db.ExecContext(ctx, "DELETE FROM outbox")
	}
	if err != nil && strings.Contains(err.Error(), "no such table") {
		err = nil // of an old format: it gets its id when it is opened
	}
	return errors.Join(err, db.Close())
}

// Outbox hands out the batches of a store in order of commit, to be shipped elsewhere,
// and remembers how far that has got. Each batch comes at least once, and whenever it
// comes again it is the same: whoever knows a batch by the store's ID, its sensor, tick
// and seq counts it exactly once. One goroutine uses it; Status may be called by others.
type Outbox struct {
	s *Store

	mu     sync.Mutex
	status OutboxStatus
	saved  time.Time
	dirty  bool
}

// OutboxStatus is how far a store has been shipped.
type OutboxStatus struct {
	Since   int64 // id of the newest batch when shipping began: it and what is before are not shipped from here
	Shipped int64 // id of the newest batch that has been
	Batches int64 // shipped since then
	Points  int64

	Waiting       int64     // batches that are yet to be shipped
	WaitingPoints int64     // in them
	Oldest        time.Time // start of the oldest of their ticks; zero without any

	Lost       int64 // batches given up by retention, or on purpose, before they were shipped
	LostPoints int64
}

// Outbox returns the outbox of a store that is open for writing. The first time, it is
// begun: what the store has by then is not shipped from it (BatchesAfter reads that).
// From then on retention gives up by age only what has been shipped, as long as the
// Store is open.
func (s *Store) Outbox(ctx context.Context) (*Outbox, error) {
	if s.readOnly {
		return nil, fmt.Errorf("open the outbox of %q: %w", s.path, errReadOnly)
	}
	err := s.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO outbox (only, since, shipped, batches, points, lost_batches, lost_points)
			VALUES (1, ?1, ?1, 0, 0, 0, 0)`, s.nextID-1)
		return err
	})
	o := &Outbox{s: s, saved: time.Now()}
	if err == nil {
		o.status, err = s.outboxRow(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("open the outbox of %q: %w%s", s.path, err, hint(err))
	}
	s.shipped.Store(o.status.Shipped + 1)
	return o, nil
}

// outboxRow reads the row of the outbox; zero without one.
func (s *Store) outboxRow(ctx context.Context) (o OutboxStatus, err error) {
	err = s.readers.QueryRowContext(ctx, "SELECT since, shipped, batches, points, lost_batches, lost_points FROM outbox").
		Scan(&o.Since, &o.Shipped, &o.Batches, &o.Points, &o.Lost, &o.LostPoints)
	if errors.Is(err, sql.ErrNoRows) || err != nil && strings.Contains(err.Error(), "no such table") {
		err = nil
	}
	return o, err
}

// OutboxStatus returns how far the store has been shipped, as far as it has been written
// down; the zero value of one that is not shipped.
func (s *Store) OutboxStatus(ctx context.Context) (OutboxStatus, error) {
	o, err := s.outboxRow(ctx)
	if err == nil && o != (OutboxStatus{}) {
		err = s.waiting(ctx, &o)
	}
	if err != nil {
		err = fmt.Errorf("read the outbox of %q: %w%s", s.path, err, hint(err))
	}
	return o, err
}

func (s *Store) waiting(ctx context.Context, o *OutboxStatus) error {
	var oldest sql.NullInt64
	err := s.readers.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(points), 0), min(tick) FROM batches WHERE id > ?", o.Shipped).
		Scan(&o.Waiting, &o.WaitingPoints, &oldest)
	o.Oldest = time.Time{}
	if oldest.Valid {
		o.Oldest = time.Unix(oldest.Int64, 0).UTC()
	}
	return err
}

// Status returns how far the store has been shipped.
func (o *Outbox) Status(ctx context.Context) (OutboxStatus, error) {
	o.mu.Lock()
	st := o.status
	o.mu.Unlock()
	kept, err := o.s.outboxRow(ctx) // retention counts there what it gave up
	st.Lost, st.LostPoints = kept.Lost, kept.LostPoints
	if err == nil {
		err = o.s.waiting(ctx, &st)
	}
	if err != nil {
		err = fmt.Errorf("read the outbox of %q: %w%s", o.s.path, err, hint(err))
	}
	return st, err
}

// Lost returns how many points were given up before they were shipped.
func (o *Outbox) Lost(ctx context.Context) (points int64, err error) {
	kept, err := o.s.outboxRow(ctx)
	return kept.LostPoints, err
}

// Next returns the batches that are to be shipped next, of at most so many points
// together but one at least; an empty parcel if there are none.
func (o *Outbox) Next(ctx context.Context, points int) (Parcel, error) {
	if err := o.check(ctx); err != nil {
		return Parcel{}, err
	}
	o.mu.Lock()
	after := o.status.Shipped
	o.mu.Unlock()
	return o.s.BatchesAfter(ctx, after, points)
}

// ErrReplaced is the error of an outbox whose file was set aside: open the outbox again.
var ErrReplaced = errors.New("the store was damaged and begun anew: open its outbox again")

// check finds out whether the file is still the one that the outbox is of.
func (o *Outbox) check(ctx context.Context) error {
	n, err := number(ctx, o.s.readers, "SELECT count(*) FROM outbox")
	if err == nil && n == 0 {
		err = ErrReplaced
	}
	return err
}

// Shipped notes that a parcel has arrived, and with it all before it.
func (o *Outbox) Shipped(ctx context.Context, p Parcel) error {
	o.mu.Lock()
	o.status.Shipped = max(o.status.Shipped, p.Last)
	o.status.Batches += int64(len(p.Batches))
	for _, b := range p.Batches {
		o.status.Points += int64(len(b.Points))
	}
	o.dirty = true
	due := time.Since(o.saved) >= outboxSave
	o.mu.Unlock()
	o.s.shipped.Store(p.Last + 1)
	if !due {
		return nil
	}
	return o.Save(ctx)
}

// Save writes down how far the store has been shipped. Shipped does it once a minute.
func (o *Outbox) Save(ctx context.Context) error {
	o.mu.Lock()
	st, dirty := o.status, o.dirty
	o.mu.Unlock()
	if !dirty {
		return nil
	}
	err := o.s.transaction(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE outbox SET shipped = max(shipped, ?), batches = ?, points = ?", st.Shipped, st.Batches, st.Points)
		return err
	})
	if err != nil {
		return fmt.Errorf("save the outbox of %q: %w%s", o.s.path, err, hint(err))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.saved = time.Now()
	o.dirty = o.status != st
	return nil
}

// Close saves the outbox; the store stays open, and retention waits for it no longer.
func (o *Outbox) Close(ctx context.Context) error {
	err := o.Save(ctx)
	o.s.shipped.Store(0)
	return err
}

// unshipped returns the oldest tick that is to be shipped before age takes it.
func (s *Store) unshipped(ctx context.Context) (tick int64, any bool, err error) {
	next := s.shipped.Load()
	if next == 0 { // nobody ships
		return 0, false, nil
	}
	return optional(ctx, s.readers, "SELECT min(tick) FROM batches WHERE id >= ? HAVING min(tick) IS NOT NULL", next)
}

// countLost notes that batches are given up which have not been shipped, if there are
// any among them.
func countLost(ctx context.Context, tx *sql.Tx, ids []int64, shipped int64) error {
	if shipped > 0 { // else as far as is written down
		shipped--
	}
	_, err := tx.ExecContext(ctx, `UPDATE outbox SET (lost_batches, lost_points) =
		(SELECT lost_batches + count(*), lost_points + coalesce(sum(b.points), 0) FROM batches b
		WHERE b.id > max(outbox.shipped, ?) AND b.id IN (`+joinIDs(ids)+"))", shipped)
	return err
}

// Parcel is what is shipped together.
type Parcel struct {
	Batches []*store.Batch // in order of commit
	Last    int64          // id of the last one, or of what stands for it
	Damaged int            // of these, without their points, which cannot be read
	Merged  int            // of these, whose points come with an earlier batch of their tick: nobody can tell them apart

	ids []int64 // of Batches
}

// Until returns the part of the parcel whose batches have ids up to that of last, all of
// them where they have.
func (p *Parcel) Until(last int64) Parcel {
	if p.Last <= last {
		return *p
	}
	cut := Parcel{Last: min(p.Last, last)}
	for i, b := range p.Batches {
		if p.ids[i] <= last {
			cut.Batches, cut.ids = append(cut.Batches, b), append(cut.ids, p.ids[i])
		}
	}
	cut.Damaged, cut.Merged = min(p.Damaged, len(cut.Batches)), min(p.Merged, len(cut.Batches))
	return cut
}

// Points returns how many points are in the parcel.
func (p *Parcel) Points() (n int) {
	for _, b := range p.Batches {
		n += len(b.Points)
	}
	return n
}
