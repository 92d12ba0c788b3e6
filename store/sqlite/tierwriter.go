package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// stageBytes is how much of a tier is written at a time, so that no commit waits for
// long; what is less is written with the tier's row.
const stageBytes = 1 << 20

// errStale is the error of a tier whose sources have changed while it was built.
var errStale = errors.New("what was read has changed meanwhile")

// buildingName is the row of kept that names a tier that has parts and no row yet,
// droppingName one that has had a row.
const (
	buildingName = "building"
	droppingName = "dropping"
)

// tierWriter writes the parts of a new tier, and then its row.
type tierWriter struct {
	s          *Store
	id         int64
	generation int64 // when the sources were read

	parts  []tierPart
	size   int
	staged bool
}

type tierPart struct {
	id   int64
	data []byte
}

// newTier begins a tier with an id of its own.
func (s *Store) newTier(ctx context.Context) (*tierWriter, error) {
	w := &tierWriter{s: s}
	var err error
	if w.generation, err = number(ctx, s.readers, "SELECT start FROM kept WHERE what = 'generation'"); err != nil {
		return nil, err
	}
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		id, err := number(ctx, tx, "SELECT max(ifnull((SELECT max(id) FROM tiers), 0), ifnull((SELECT max(id) FROM parts) / ?, 0))", partRoom)
		if err == nil {
			s.lastTier = max(s.lastTier, id) + 1
			w.id = s.lastTier
		}
		return err
	})
	return w, err
}

// add takes the parts of a chunk.
func (w *tierWriter) add(ctx context.Context, chunk int64, b *tierBlobs) error {
	if chunk >= partRoom/chunkRoom {
		return fmt.Errorf("a tier of %d chunks is too big", chunk)
	}
	for n, data := range b {
		if data != nil {
			w.parts = append(w.parts, tierPart{partID(w.id, chunk, n), data})
			w.size += len(data)
		}
	}
	if w.size < stageBytes {
		return nil
	}
	return w.s.transaction(ctx, func(tx *sql.Tx) error {
		if !w.staged { // so that what is written can be found again after a crash
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO kept (what, start) VALUES (?, ?)", buildingName, w.id); err != nil {
				return err
			}
			w.staged = true
		}
		return w.write(ctx, tx)
	})
}

func (w *tierWriter) write(ctx context.Context, tx *sql.Tx) error {
	for _, p := range w.parts {
		if _, err := tx.ExecContext(ctx, "INSERT INTO parts (id, data) VALUES (?, ?)", p.id, p.data); err != nil {
			return err
		}
	}
	w.parts, w.size = w.parts[:0], 0
	return nil
}

// finish writes the tier's row, in place of old if that is not nil, and runs also in
// the same transaction. The error is errStale if the sources have changed.
func (w *tierWriter) finish(ctx context.Context, t, old *tierRow, also func(tx *sql.Tx) error) error {
	t.id = w.id
	return w.s.transaction(ctx, func(tx *sql.Tx) error {
		generation, err := number(ctx, tx, "SELECT start FROM kept WHERE what = 'generation'")
		if err != nil {
			return err
		}
		if generation != w.generation {
			return errStale
		}
		if old != nil {
			if err := dropTier(ctx, tx, old); err != nil {
				return err
			}
		}
		if err := w.write(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO tiers ("+tierColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			t.id, t.level, t.start, t.sensor, t.last, t.batches, t.points, t.keys, t.chunks, t.geo, t.books, t.spans); err != nil {
			return err
		}
		if w.staged {
			if _, err := tx.ExecContext(ctx, "DELETE FROM kept WHERE what = ?", buildingName); err != nil {
				return err
			}
		}
		// Batches that came while the tier was built belong to it, too.
		if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO late (id, tick, sensor)
			SELECT id, tick, sensor FROM batches WHERE tick >= ? AND tick < ? AND sensor = ? AND id > ?`,
			t.start, t.start+t.level, t.sensor, t.last); err != nil {
			return err
		}
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return nextGeneration(ctx, tx)
	})
}

// dropTier deletes a tier's row, and its parts where they are few; else they are left
// to sweep.
func dropTier(ctx context.Context, tx *sql.Tx, t *tierRow) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM tiers WHERE id = ?", t.id); err != nil {
		return err
	}
	if t.chunks > 8 {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO kept (what, start) VALUES (?, ?)", droppingName, t.id)
		return err
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM parts WHERE id >= ? AND id < ?", partID(t.id, 0, 0), partID(t.id+1, 0, 0))
	return err
}

// sweep deletes the parts of a tier that was not finished, and of one that has been
// replaced, slice by slice.
func (s *Store) sweep(ctx context.Context) error {
	for _, name := range []string{buildingName, droppingName} {
		id, err := number(ctx, s.readers, "SELECT start FROM kept WHERE what = ?", name)
		if err != nil {
			return err
		}
		for id != 0 {
			ids, err := sliceOf(ctx, s.readers, "SELECT id, length(data) FROM parts WHERE id >= ? AND id < ?", partID(id, 0, 0), partID(id+1, 0, 0))
			if err != nil {
				return err
			}
			err = s.transaction(ctx, func(tx *sql.Tx) error {
				if len(ids) > 0 {
					return deleteIDs(ctx, tx, "parts", ids)
				}
				_, err := tx.ExecContext(ctx, "DELETE FROM kept WHERE what = ?", name)
				return err
			})
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
		}
	}
	return nil
}
