package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Merged is what MergeFrom has done.
type Merged struct {
	Batches, Points int64 // added
	Tiers           int64 // added as sums alone: their points had been given up
	Days            int64 // summaries of addresses added: their points had been given up
	Known           int64 // batches that were there already

	// LeftOut are batches that could not be told from what is there, in order of time.
	LeftOut        []LeftOut
	LeftOutBatches int64
	Damaged        int64 // batches whose points cannot be read
}

// LeftOut is a time of a sensor of which both stores have something, at least one of
// them without what each batch of it was: nobody can say whether they are the same.
type LeftOut struct {
	Sensor  string
	Window  store.Window
	Batches int64
	Why     string
}

// MergeFrom adds everything that other has to s, which must be open for writing, with
// nobody else at work on it. Each batch counts once: one that is there already, by its
// sensor, tick and seq, is left out, so that a merge that was broken off can be begun
// again, and the same store merged twice changes nothing. Where points have been given
// up in other, sums by place, network, port and protocol are added, if s has nothing of
// that sensor then. other is only read, and may have a writer of its own. progress, in
// bytes of other, may be nil.
func (s *Store) MergeFrom(ctx context.Context, other *Store, progress Progress) (Merged, error) {
	m := &merger{Store: s, other: other, progress: progress}
	err := m.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		err = fmt.Errorf("merge %q into %q: %w%s", other.path, s.path, err, hint(err))
	}
	return m.Merged, err
}

// merger is one run of MergeFrom. The embedded Store is the one that is added to.
type merger struct {
	*Store
	Merged
	other *Store

	progress    Progress
	total, done int64
	told        time.Time

	sealer  *sealer
	from    unpacker          // of the other
	sensors map[uint32]uint32 // ids of the other's sensors to ours
	marks   marks             // ours
	tiers   bool              // the other has some
	touched map[interval]struct{}
}

func (m *merger) run(ctx context.Context) (err error) {
	if err := m.fit(); err != nil {
		return err
	}
	m.maint.passing.Lock() // nobody else writes tiers meanwhile
	defer m.maint.passing.Unlock()
	if m.sealer, err = newSealer(m.Store); err != nil {
		return err
	}
	defer m.sealer.enc.zstd.Close()
	m.from = unpacker{Store: m.other, note: m.read}
	if m.from.dec, err = newDecoder(); err != nil {
		return err
	}
	if m.total, err = m.other.sizeInUse(ctx); err != nil {
		return err
	}
	version, err := pragma(ctx, m.other.readers, "user_version")
	if err != nil {
		return err
	}
	m.tiers = version >= 2
	if m.marks, err = readMarks(ctx, m.readers); err != nil {
		return err
	}
	if err := m.other.dicts.load(ctx, m.other.readers); err != nil {
		return err
	}
	m.sensors, m.touched = make(map[uint32]uint32), make(map[interval]struct{})
	if m.tiers {
		if err := m.sums(ctx); err != nil {
			return err
		}
	}
	if err := m.batches(ctx); err != nil {
		return err
	}
	if version >= seenFormat {
		if err := m.seen(ctx); err != nil {
			return err
		}
	}
	return m.coarsen(ctx)
}

// fit reports why the stores cannot be merged.
func (m *merger) fit() error {
	if m.readOnly {
		return errReadOnly
	}
	if m.tick != m.other.tick {
		return fmt.Errorf("their ticks are %s and %s: only stores of equal ticks can be one", m.other.tick, m.tick)
	}
	a, err1 := os.Stat(m.path)
	b, err2 := os.Stat(m.other.path)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if os.SameFile(a, b) {
		return errors.New("they are the same file")
	}
	return nil
}

func (m *merger) read(n int) {
	m.done += int64(n)
	if m.progress != nil && time.Since(m.told) > progressEvery {
		m.told = time.Now()
		m.progress(min(m.done, m.total), m.total)
	}
}

// sensor returns our id of one of the other's sensors.
func (m *merger) sensor(ctx context.Context, theirs uint32) (uint32, error) {
	if id, ok := m.sensors[theirs]; ok {
		return id, nil
	}
	names := m.other.dicts.sensors.snapshot()
	if int(theirs) >= len(names) {
		return 0, fmt.Errorf("sensor %d is unknown: %w", theirs, errDamaged)
	}
	var id uint32
	err := m.intern(ctx, func() { id = m.dicts.sensors.id(names[theirs]) })
	m.sensors[theirs] = id
	return id, err
}

// intern runs f, which asks dictionaries for ids, and writes those that are new.
func (m *merger) intern(ctx context.Context, f func()) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.w == nil {
		return errClosed
	}
	f()
	tx, err := m.w.BeginTx(context.WithoutCancel(ctx), nil)
	if err == nil {
		defer tx.Rollback()
		if err = m.dicts.write(ctx, tx); err == nil {
			err = tx.Commit()
		}
	}
	if err != nil {
		m.dicts.forget()
		return err
	}
	m.dicts.publish()
	return nil
}

// leaveOut counts batches of an interval that stay out, joined to the time before.
func (m *merger) leaveOut(iv interval, batches int64, why string) {
	m.LeftOutBatches += batches
	names := m.dicts.sensors.snapshot()
	l := LeftOut{Sensor: names[iv.sensor], Batches: batches, Why: why,
		Window: store.Window{From: time.Unix(iv.start, 0).UTC(), To: time.Unix(iv.end(), 0).UTC()}}
	for i := range m.LeftOut {
		if o := &m.LeftOut[i]; o.Sensor == l.Sensor && o.Why == why && o.Window.To.Equal(l.Window.From) {
			o.Window.To = l.Window.To
			o.Batches += batches
			return
		}
	}
	if len(m.LeftOut) < maxFindings {
		m.LeftOut = append(m.LeftOut, l)
	}
}

// equal reports whether two tiers of one interval are of the same batches, as far as
// that can be known without these.
func equal(a, b *tierRow) bool {
	var x, y totals
	if a.batches != b.batches || x.decode(a.books) != nil || y.decode(b.books) != nil {
		return false
	}
	// What one of them has forgotten or could not read is no other batch.
	return x.books == y.books
}

// alike reports whether both stores have a tier over an interval of ours, of whatever
// length, that says the same.
func (m *merger) alike(ctx context.Context, theirs queryer, iv interval, sensor uint32) (bool, error) {
	for {
		mine, err := readTier(ctx, m.readers, iv)
		if err != nil {
			return false, err
		}
		if mine != nil {
			other := iv
			other.sensor = sensor
			t, err := readTier(ctx, theirs, other)
			return err == nil && t != nil && equal(mine, t), err
		}
		var more bool
		if iv, more = iv.parent(); !more {
			return false, nil
		}
	}
}

// occupied reports whether we have anything of a sensor in an interval: batches, or
// tiers that lie in it or over it.
func (m *merger) occupied(ctx context.Context, iv interval) (bool, error) {
	n, err := number(ctx, m.readers, `SELECT EXISTS (SELECT 1 FROM batches WHERE tick >= ?1 AND tick < ?2 AND sensor = ?3)
		OR EXISTS (SELECT 1 FROM tiers WHERE level = 600 AND sensor = ?3 AND start > ?1 - 600 AND start < ?2)
		OR EXISTS (SELECT 1 FROM tiers WHERE level = 3600 AND sensor = ?3 AND start > ?1 - 3600 AND start < ?2)
		OR EXISTS (SELECT 1 FROM tiers WHERE level = 86400 AND sensor = ?3 AND start > ?1 - 86400 AND start < ?2)`,
		iv.start, iv.end(), iv.sensor)
	return n != 0, err
}

// theirs runs do on one state of the other store.
func (m *merger) theirs(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := m.other.readers.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	err = do(tx)
	return errors.Join(err, tx.Rollback())
}
