package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"net/netip"
)

// Lengths of summaries in days. The longer ones are aligned to the Unix epoch, as tiers.
const (
	seenDay   = 1
	seenMonth = 30
	seenYear  = 360
)

// seenRun is a summary: a row of the table addresses.
type seenRun struct {
	id, days, start int64
	sensor          uint32
	upto, tier      int64
	made            []byte
	chunks          int64
	head            []byte
}

func (r *seenRun) end() int64  { return r.start + r.days*level1d }
func (r *seenRun) whole() bool { return r.upto == r.end() }

const seenColumns = "id, days, start, sensor, upto, tier, made, chunks, head"

// readSeen reads summaries, in order of sensor and time.
func readSeen(ctx context.Context, q queryer, where string, args ...any) ([]seenRun, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+seenColumns+" FROM addresses WHERE "+where+" ORDER BY sensor, start, days", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []seenRun
	for rows.Next() {
		var r seenRun
		if err := rows.Scan(&r.id, &r.days, &r.start, &r.sensor, &r.upto, &r.tier, &r.made, &r.chunks, &r.head); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// seenHash is what a longer summary remembers of its days.
func seenHash(days []*seenRun) []byte {
	sum := sha256.New()
	for _, d := range days {
		sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(d.id)))
	}
	return sum.Sum(nil)
}

// seenRoom is how many chunks a summary may have.
const seenRoom = 1 << 16

func seenChunkID(run, chunk int64) int64 { return run*seenRoom + chunk }

// loadSeen reads chunks of a summary. Those that are missing are left out.
func loadSeen(ctx context.Context, q queryer, run int64, chunks []int64) (list []seenBlob, err error) {
	ids := make([]int64, len(chunks))
	for i, c := range chunks {
		ids[i] = seenChunkID(run, c)
	}
	rows, err := q.QueryContext(ctx, "SELECT id, ends, sums FROM address_chunks WHERE id IN ("+joinIDs(ids)+") ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b seenBlob
		if err := rows.Scan(&b.id, &b.ends, &b.sums); err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, rows.Err()
}

// seenStream reads the rows of a summary in order, a chunk at a time.
type seenStream struct {
	s     *Store
	run   *seenRun
	dec   *decoder
	chunk int64
	rows  []seenRow
}

// next returns the next row, nil at the end. It is valid until the next but one.
func (t *seenStream) next(ctx context.Context) (*seenRow, error) {
	for len(t.rows) == 0 {
		if t.chunk == t.run.chunks {
			return nil, nil
		}
		blobs, err := loadSeen(ctx, t.s.readers, t.run.id, []int64{t.chunk})
		if err != nil {
			return nil, err
		}
		if len(blobs) == 0 {
			return nil, errDamaged
		}
		if t.rows, err = t.dec.seenRows(&blobs[0], t.run.start, t.s.seconds()); err != nil {
			return nil, err
		}
		t.chunk++
	}
	row := &t.rows[0]
	t.rows = t.rows[1:]
	return row, nil
}

// seconds is the length of the store's ticks.
func (s *Store) seconds() int64 { return int64(s.tick.Seconds()) }

// mergeSeen hands on the rows of streams in order, equal addresses as one.
func mergeSeen(ctx context.Context, streams []func(context.Context) (*seenRow, error), add func(*seenRow) error) error {
	heads := make([]*seenRow, len(streams))
	for i, next := range streams {
		var err error
		if heads[i], err = next(ctx); err != nil {
			return err
		}
	}
	for {
		var least *netip.Prefix
		for _, h := range heads {
			if h != nil && (least == nil || compareEndpoints(h.addr, *least) < 0) {
				least = &h.addr
			}
		}
		if least == nil {
			return nil
		}
		var sum seenRow
		addr := *least
		for i, h := range heads {
			if h == nil || h.addr != addr {
				continue
			}
			if !sum.addr.IsValid() {
				sum = *h
			} else {
				sum.add(h)
			}
			var err error
			if heads[i], err = streams[i](ctx); err != nil {
				return err
			}
		}
		if err := add(&sum); err != nil {
			return err
		}
	}
}

// seenWriter writes a summary: its chunks a few at a time, so that no commit waits for
// long, and its row last.
type seenWriter struct {
	s     *Store
	enc   *encoder
	run   seenRun
	head  seenHead
	rows  []seenRow
	blobs []seenBlob
	size  int
}

func (s *Store) newSeenWriter(enc *encoder, run seenRun) *seenWriter {
	return &seenWriter{s: s, enc: enc, run: run}
}

func (w *seenWriter) add(ctx context.Context, r *seenRow) error {
	w.rows = append(w.rows, *r)
	w.head.rows++
	w.head.sum.Add(r.Sum)
	w.head.networks = w.head.networks || !r.addr.IsSingleIP()
	if len(w.rows) < seenChunk {
		return nil
	}
	return w.flush(ctx)
}

func (w *seenWriter) flush(ctx context.Context) error {
	if len(w.rows) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.run.chunks == seenRoom {
		return errFlood
	}
	ends, sums := w.enc.seenChunk(w.rows, w.run.start, w.s.seconds())
	w.head.lows = append(w.head.lows, w.rows[0].addr)
	w.blobs = append(w.blobs, seenBlob{w.run.chunks, ends, sums})
	w.size += len(ends) + len(sums)
	w.run.chunks++
	w.rows = w.rows[:0]
	if w.size < stageBytes {
		return nil
	}
	return w.s.transaction(ctx, func(tx *sql.Tx) error { return w.stage(ctx, tx) })
}

// stage writes the chunks that wait, under a row that does not count yet.
func (w *seenWriter) stage(ctx context.Context, tx *sql.Tx) error {
	if w.run.id == 0 {
		r, err := tx.ExecContext(ctx, "INSERT INTO addresses (days, start, sensor, upto, tier, made, chunks, head) VALUES (0, ?, ?, 0, 0, x'', 0, x'')", w.run.start, w.run.sensor)
		if err != nil {
			return err
		}
		if w.run.id, err = r.LastInsertId(); err != nil {
			return err
		}
	}
	for _, b := range w.blobs {
		if _, err := tx.ExecContext(ctx, "INSERT INTO address_chunks (id, ends, sums) VALUES (?, ?, ?)", seenChunkID(w.run.id, b.id), b.ends, b.sums); err != nil {
			return err
		}
	}
	w.blobs, w.size = w.blobs[:0], 0
	return nil
}

// finish makes the summary count, in the place of one of the same time. Longer ones over
// a day that is written are given up with it.
func (w *seenWriter) finish(ctx context.Context) error {
	if err := w.flush(ctx); err != nil {
		return err
	}
	r := &w.run
	r.head = w.enc.seenHead(&w.head)
	if r.made == nil {
		r.made = []byte{}
	}
	return w.s.transaction(ctx, func(tx *sql.Tx) error {
		if err := w.stage(ctx, tx); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE addresses SET days = 0 WHERE days = ?1 AND sensor = ?2 AND start = ?3
			OR ?1 = 1 AND days > 1 AND sensor = ?2 AND start <= ?3 AND start + days * 86400 > ?3`, r.days, r.sensor, r.start)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE addresses SET days = ?, upto = ?, tier = ?, made = ?, chunks = ?, head = ? WHERE id = ?",
			r.days, r.upto, r.tier, r.made, r.chunks, r.head, r.id)
		return err
	})
}

// sweepSeen deletes what does not count: what was given up, and what a process before
// this one has not finished.
func (s *Store) sweepSeen(ctx context.Context) error {
	for {
		runs, err := rowIDs(ctx, s.readers, "SELECT id FROM addresses WHERE days = 0 ORDER BY id LIMIT 1")
		if err != nil || len(runs) == 0 {
			return err
		}
		ids, err := sliceOf(ctx, s.readers, "SELECT id, length(ends) + length(sums) FROM address_chunks WHERE id >= ? AND id < ? ORDER BY id",
			seenChunkID(runs[0], 0), seenChunkID(runs[0]+1, 0))
		if err != nil {
			return err
		}
		if err := s.transaction(ctx, func(tx *sql.Tx) error {
			if len(ids) > 0 {
				return deleteIDs(ctx, tx, "address_chunks", ids)
			}
			return deleteIDs(ctx, tx, "addresses", runs)
		}); err != nil {
			return err
		}
	}
}
