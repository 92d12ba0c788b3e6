package sqlite

import (
	"context"
	"errors"
)

// seen adds the summaries of days whose points the other store has given up, and we have
// none of that sensor then.
func (m *merger) seen(ctx context.Context) error {
	runs, err := readSeen(ctx, m.other.readers, "days = 1")
	if err != nil {
		return err
	}
	known, err := m.seenDays(ctx, m.readers)
	if err != nil {
		return err
	}
	for i := range runs {
		r := &runs[i]
		id, err := m.sensor(ctx, r.sensor)
		if err != nil {
			return err
		}
		if known[seenAt{id, r.start}] != nil || m.marks[markPoints] <= r.start {
			continue // what the points say is summed up by upkeep
		}
		w := m.newSeenWriter(m.sealer.enc, seenRun{days: seenDay, start: r.start, sensor: id, upto: r.upto})
		err = copySeen(ctx, &seenStream{s: m.other, run: r, dec: m.from.dec}, w)
		if errors.Is(err, errDamaged) {
			m.Damaged++
			continue
		}
		if err != nil {
			return err
		}
		if head, err := m.from.dec.seenHead(r.head, r.chunks); err == nil {
			w.head.cut = head.cut
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
		m.Days++
	}
	return m.sweepSeen(ctx)
}

// copySeen writes all rows of a summary.
func copySeen(ctx context.Context, from *seenStream, to *seenWriter) error {
	for {
		row, err := from.next(ctx)
		if err != nil || row == nil {
			return err
		}
		if err := to.add(ctx, row); err != nil {
			return err
		}
	}
}
