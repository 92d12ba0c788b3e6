package fleet

import (
	"errors"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
)

// refusal is a batch that the server does not take.
type refusal struct {
	batch *store.Batch
	cause error
}

// mostDoubts is how many batches are refused, and none taken, before it is the server
// that takes nothing.
const mostDoubts = 8

// fitting returns the batches that a server can keep at all, and the others: those break
// the rules of a batch, or are of times that ClickHouse does not know.
func fitting(batches []*store.Batch) (fit []*store.Batch, others []refusal) {
	for _, b := range batches {
		cause := b.Check()
		if t := b.Tick.Unix(); cause == nil && (t < 0 || t >= 1<<32) {
			cause = clickhouse.ErrTime
		}
		if cause != nil {
			others = append(others, refusal{b, cause})
			continue
		}
		fit = append(fit, b)
	}
	return fit, others
}

// delivery sends batches so that one that is refused for what is in it holds up no
// others: they are sent in halves until it is alone. It is given up only where the server
// had taken another one, with points, before it refused it: else the server may be what is
// wrong.
type delivery struct {
	send    func([]*store.Batch) error
	taken   bool      // it took points
	doubted []refusal // before it took points
	refused []refusal // and since
}

// all sends batches. The error is that of the server.
func (d *delivery) all(batches []*store.Batch) error {
	if err := d.part(batches); err != nil {
		return err
	}
	if len(d.doubted) > 0 && !d.taken {
		return d.doubted[0].cause
	}
	// What was refused before it took any may have met a server that was being mended.
	var again []*store.Batch
	for i := range d.doubted {
		again = append(again, d.doubted[i].batch)
	}
	return d.part(again)
}

func (d *delivery) part(batches []*store.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	err := d.send(batches)
	switch {
	case err == nil:
		d.taken = d.taken || hasPoints(batches)
		return nil
	case !errors.Is(err, clickhouse.ErrContent):
		return err
	case len(batches) == 1:
		if d.taken {
			d.refused = append(d.refused, refusal{batches[0], err})
			return nil
		}
		if d.doubted = append(d.doubted, refusal{batches[0], err}); len(d.doubted) >= mostDoubts {
			return err
		}
		return nil
	}
	half := len(batches) / 2
	if err := d.part(batches[:half]); err != nil {
		return err
	}
	return d.part(batches[half:])
}

func hasPoints(batches []*store.Batch) bool {
	for _, b := range batches {
		if len(b.Points) > 0 {
			return true
		}
	}
	return false
}
