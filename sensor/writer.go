package sensor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

const (
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
	queue  backlog
	clock  *trusted // of a live sensor
	held   backlog  // while the clock is not believed
	closed bool
	err    error // why files are no longer read

	stopping chan struct{} // closed by close: no more sleep between tries than needed
}

func newWriter(s *Sensor, live bool) *writer {
	w := &writer{sensor: s, live: live, stopping: make(chan struct{})}
	w.wake = sync.NewCond(&w.mu)
	w.clock = newTrusted(s.cfg.Now)
	w.held.limit = maxPoints / 2
	return w
}

// enqueue takes a batch. Where the queue is full, a file waits; a live sensor merges
// batches, so that memory is bounded and totals stay exact.
func (w *writer) enqueue(b *store.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.live && w.queue.size() >= maxQueued && w.err == nil {
		w.wake.Wait()
	}
	switch {
	case w.err != nil:
	case w.live:
		w.admit(&queued{Batch: b})
	default:
		w.queue.add(&queued{Batch: b})
	}
	w.wake.Broadcast()
}

// admit queues a batch of now, or holds it as long as the clock is not believed that
// it is of. When the clock is believed again, what was held follows: where it has gone
// back, by the ticks in which it came.
func (w *writer) admit(q *queued) {
	log, doubted := w.sensor.cfg.Logger, w.clock.leapt != 0
	now := w.clock.look()
	q.came = now
	ahead := func(q *queued) bool { return q.Tick.Sub(now) > maxLeap }
	if w.clock.leapt != 0 {
		if !doubted {
			log.Error("ticks are not stored for now: "+w.clock.reason(), "clock", w.clock.wall(), "expected", now)
		}
		if ahead(q) {
			w.put(&w.held, q)
		} else {
			w.put(&w.queue, q)
		}
		return
	}
	if doubted {
		log.Warn("the clock is believed again: the ticks that waited are stored", "clock", now, "ticks", w.held.size())
	}
	for old := w.held.pop(); old != nil; old = w.held.pop() {
		w.queueAt(old, ahead(old))
	}
	w.queueAt(q, ahead(q))
}

// queueAt queues a batch, where ahead is set by the tick in which it came.
func (w *writer) queueAt(q *queued, ahead bool) {
	if ahead {
		restamp(q.Batch, q.came)
		w.sensor.note(func(st *Status) { st.RestampedTicks++ })
	}
	w.put(&w.queue, q)
}

// put adds a batch to a list, whose memory is bounded.
func (w *writer) put(list *backlog, q *queued) {
	if n := list.add(q); n > 0 {
		w.sensor.note(func(st *Status) { st.MergedTicks += uint64(n) })
	}
}

// close ends run once the queue is empty. What is held is stored as it is: there will
// be no better moment.
func (w *writer) close() {
	w.mu.Lock()
	for q := w.held.pop(); q != nil; q = w.held.pop() {
		w.put(&w.queue, q)
	}
	w.closed = true
	w.wake.Broadcast()
	w.mu.Unlock()
	close(w.stopping)
}

// next returns the oldest batch, or nil when there will be none.
func (w *writer) next() *store.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.queue.size() == 0 && !w.closed {
		w.wake.Wait()
	}
	q := w.queue.pop()
	if q == nil {
		return nil
	}
	w.wake.Broadcast()
	return q.Batch
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
	lost := 1 + w.queue.size()
	w.err, w.queue = err, backlog{}
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
	w.sensor.note(func(st *Status) { st.Committing = time.Now() })
	defer w.sensor.note(func(st *Status) { st.Committing = time.Time{} })
	if !*numbered {
		seq, err := w.sensor.cfg.Sink.NextSeq(ctx, b.Sensor, b.Tick)
		if err != nil {
			return err
		}
		b.Seq, *numbered = seq, true
	}
	return w.sensor.cfg.Sink.Append(ctx, b)
}

// queueStatus is how many batches are queued, how many are held, and why.
type queueStatus struct {
	queued, held int
	reason       string
}

func (w *writer) waiting() queueStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return queueStatus{w.queue.size(), w.held.size(), w.clock.reason()}
}
