package sensor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

const (
	maxQueued  = 32 // batches that wait for the sink before ticks are merged
	retryFirst = 100 * time.Millisecond
	retryMost  = 5 * time.Second
	lastChance = 15 * time.Second // for the batches left at stop
	fileTries  = 3                // at a batch of a file: its reader sees the error
)

// writer hands batches to the sink, one at a time, in order, and tries again when
// the sink fails: live until the sensor has stopped and a last chance has passed.
type writer struct {
	sensor *Sensor
	live   bool

	mu     sync.Mutex
	wake   *sync.Cond // of mu: queue or closed changed
	queue  []*store.Batch
	closed bool
	err    error // why files are no longer read

	stopping chan struct{} // closed by close: no more sleep between tries than needed
}

func newWriter(s *Sensor, live bool) *writer {
	w := &writer{sensor: s, live: live, stopping: make(chan struct{})}
	w.wake = sync.NewCond(&w.mu)
	return w
}

// enqueue takes a batch. Where the queue is full, a file waits; a live sensor merges
// its two newest batches, so that memory is bounded and totals stay exact.
func (w *writer) enqueue(b *store.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.live && len(w.queue) >= maxQueued && w.err == nil {
		w.wake.Wait()
	}
	if w.err != nil {
		return
	}
	w.queue = append(w.queue, b)
	if n := len(w.queue); n > maxQueued {
		mergeBatch(w.queue[n-2], b)
		w.queue = w.queue[:n-1]
		w.sensor.note(func(st *Status) { st.MergedTicks++ })
	}
	w.wake.Broadcast()
}

// mergeBatch adds a batch to the one before it, as if its points had come late.
func mergeBatch(into, from *store.Batch) {
	moved := make([]store.Point, len(from.Points))
	for i, p := range from.Points {
		p.Time = into.Tick
		p.Flags |= store.Late
		moved[i] = p
	}
	into.Points = mergePoints([][]store.Point{into.Points, moved})
	into.Books.Add(&from.Books)
}

// close ends run once the queue is empty.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.wake.Broadcast()
	w.mu.Unlock()
	close(w.stopping)
}

// next returns the oldest batch, or nil when there will be none.
func (w *writer) next() *store.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.closed {
		w.wake.Wait()
	}
	if len(w.queue) == 0 {
		return nil
	}
	b := w.queue[0]
	w.queue = w.queue[1:]
	w.wake.Broadcast()
	return b
}

// run commits batches until close. It returns the error that made it give up.
func (w *writer) run() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	finished := make(chan struct{})
	defer close(finished)
	go func() { // the last chance starts when the sensor has stopped
		select {
		case <-w.stopping:
		case <-finished:
			return
		}
		select {
		case <-time.After(lastChance):
			cancel()
		case <-finished:
		}
	}()
	for b := w.next(); b != nil; b = w.next() {
		if err := w.commit(ctx, b); err != nil {
			return w.giveUp(b, err)
		}
	}
	return nil
}

// giveUp counts what is lost, and makes enqueue drop what still comes.
func (w *writer) giveUp(b *store.Batch, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := 1 + len(w.queue)
	w.err, w.queue = err, nil
	w.wake.Broadcast()
	return fmt.Errorf("store tick %s: %w (%d ticks are not stored)", b.Tick.Format(time.RFC3339), err, lost)
}

// commit appends one batch, trying again until it is durable or ctx ends.
func (w *writer) commit(ctx context.Context, b *store.Batch) error {
	wait := retryFirst
	numbered := false
	for try := 1; ; try++ {
		err := w.append(ctx, b, &numbered)
		if err == nil {
			w.sensor.note(func(st *Status) {
				st.LastTick, st.LastCommit, st.CommitError = b.Tick, w.sensor.cfg.Now(), ""
				st.Commits++
			})
			return nil
		}
		w.sensor.note(func(st *Status) { st.CommitError = err.Error(); st.CommitErrors++ })
		if ctx.Err() != nil || !w.live && try >= fileTries {
			return err
		}
		if try == 1 || wait == retryMost {
			w.sensor.cfg.Logger.Error("tick not stored yet; trying again", "tick", b.Tick, "error", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
		wait = min(2*wait, retryMost)
	}
}

// append numbers the batch before its first try; from then on the number stays, so
// that a try whose answer was lost is not counted twice.
func (w *writer) append(ctx context.Context, b *store.Batch, numbered *bool) error {
	if !*numbered {
		seq, err := w.sensor.cfg.Sink.NextSeq(ctx, b.Sensor, b.Tick)
		if err != nil {
			return err
		}
		b.Seq, *numbered = seq, true
	}
	return w.sensor.cfg.Sink.Append(ctx, b)
}

// waiting returns how many batches are queued.
func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}
