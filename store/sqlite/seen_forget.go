package sqlite

import (
	"context"
	"slices"
)

// forgetSeen takes addresses out of the summaries. Longer ones are made of days again.
func (f *forgetter) forgetSeen(ctx context.Context) error {
	runs, err := readSeen(ctx, f.readers, "days > 0")
	if err != nil {
		return err
	}
	var long []int64
	for i := range runs {
		r := &runs[i]
		found, err := f.inSeen(ctx, r)
		if err != nil {
			return err
		}
		switch {
		case !found:
			continue
		case r.days > seenDay:
			long = append(long, r.id)
			continue
		}
		if f.Days++; f.try {
			continue
		}
		w := f.newSeenWriter(f.enc, seenRun{days: r.days, start: r.start, sensor: r.sensor, upto: r.upto, tier: r.tier})
		stream := &seenStream{s: f.Store, run: r, dec: f.dec}
		for row, err := stream.next(ctx); row != nil || err != nil; row, err = stream.next(ctx) {
			if err == nil && !f.within(row.addr) {
				err = w.add(ctx, row)
			}
			if err != nil {
				return err
			}
		}
		if err := w.finish(ctx); err != nil {
			return err
		}
	}
	if f.try {
		return nil
	}
	if len(long) > 0 {
		if err := f.dropSeen(ctx, long); err != nil {
			return err
		}
	}
	return f.sweepSeen(ctx)
}

// inSeen reports whether a summary has an address that is to go. One that is damaged is
// counted, and given up: what cannot be read cannot be searched.
func (f *forgetter) inSeen(ctx context.Context, r *seenRun) (bool, error) {
	for chunk := range r.chunks {
		blobs, err := loadSeen(ctx, f.readers, r.id, []int64{chunk})
		if err != nil {
			return false, err
		}
		damaged := len(blobs) == 0
		if !damaged {
			rows, err := f.dec.seenRows(&blobs[0], r.start, f.seconds())
			damaged = err != nil
			f.read(len(blobs[0].ends) + len(blobs[0].sums))
			if slices.ContainsFunc(rows, func(row seenRow) bool { return f.within(row.addr) }) {
				return true, nil
			}
		}
		if damaged {
			f.Damaged++
			if f.try {
				return false, nil
			}
			return false, f.dropSeen(ctx, []int64{r.id})
		}
	}
	return false, nil
}
