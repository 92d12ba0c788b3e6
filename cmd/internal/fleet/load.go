package fleet

import (
	"context"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// Load ships what a store has, from its first batch on. What the server has already is
// left out by it, so that a Load may be broken off and begun again.
type Load struct {
	Store  *sqlite.Store
	Server interface {
		Append(ctx context.Context, origin string, batches []*store.Batch) error
	}
	Progress func(done, total int64) // by batches' ids; nil: nobody is told
	Points   int                     // of one shipment, at most; 0: 65,536
}

// Loaded is what Load has done.
type Loaded struct {
	Batches, Points int64 // at the server now
	Refused         int64 // batches that it does not take for what is in them
	Cause           error // why it did not take the first of these
	Damaged         int64 // of Batches: without their points, which cannot be read
	Merged          int64 // of Batches: their points are with others of their tick
	Left            int64 // batches that a sensor ships itself
}

// Run ships. alone says that nobody else ships from this store, as long as it runs: then
// all of it goes, else only what its outbox was begun behind.
func (l *Load) Run(ctx context.Context, alone bool) (r Loaded, err error) {
	origin, err := l.Store.ID(ctx)
	if err != nil {
		return r, err
	}
	last, err := l.Store.LastBatch(ctx)
	if err != nil {
		return r, err
	}
	end := last
	if !alone {
		box, err := l.Store.OutboxStatus(ctx)
		if err != nil {
			return r, err
		}
		if box != (sqlite.OutboxStatus{}) {
			end, r.Left = min(last, box.Since), max(0, last-box.Since)
		}
	}
	points := l.Points
	if points == 0 {
		points = parcelPoints
	}
	for at := int64(0); at < end; {
		p, err := l.Store.BatchesAfter(ctx, at, points)
		if err != nil {
			return r, err
		}
		if len(p.Batches) == 0 && p.Last <= at {
			break
		}
		cut := p.Until(end)
		if err := l.ship(ctx, origin, &cut, &r); err != nil {
			return r, err
		}
		at = p.Last
		if l.Progress != nil {
			l.Progress(min(at, end), end)
		}
	}
	return r, nil
}

func (l *Load) ship(ctx context.Context, origin string, p *sqlite.Parcel, r *Loaded) error {
	fit, refused := fitting(p.Batches)
	d := delivery{taken: r.Points > 0, send: func(some []*store.Batch) error {
		sending, cancel := context.WithTimeout(ctx, sendTimeout)
		defer cancel()
		return l.Server.Append(sending, origin, some)
	}}
	if err := d.all(fit); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	refused = append(refused, d.refused...)
	for i := range refused {
		r.Points -= int64(len(refused[i].batch.Points))
	}
	if len(refused) > 0 && r.Cause == nil {
		r.Cause = refused[0].cause
	}
	r.Refused += int64(len(refused))
	r.Batches += int64(len(p.Batches) - len(refused))
	r.Points += int64(p.Points())
	r.Damaged += int64(p.Damaged)
	r.Merged += int64(p.Merged)
	return nil
}
