package sqlite

import (
	"context"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// watchRoom is how many commits a watcher may be behind before it loses some.
const watchRoom = 64

// pollInterval is how often a store opened for reading looks for commits. The last id
// costs some microseconds; PRAGMA data_version would cost less, but means nothing from one
// connection of the pool to the next.
const pollInterval = 500 * time.Millisecond

// watchers hands commits to whoever asked for them; the zero value is ready.
type watchers struct {
	mu     sync.Mutex
	all    map[chan store.Commit]struct{}
	closed bool
	stop   context.CancelFunc // ends the polling, if there is any
	done   chan struct{}      // closed when it has ended
}

// add returns a channel that is closed when ctx is done or the store is closed.
func (w *watchers) add(ctx context.Context) chan store.Commit {
	c := make(chan store.Commit, watchRoom)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		close(c)
		return c
	}
	if w.all == nil {
		w.all = make(map[chan store.Commit]struct{})
	}
	w.all[c] = struct{}{}
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if _, ok := w.all[c]; ok {
			delete(w.all, c)
			close(c)
		}
	})
	return c
}

// announce never waits: a watcher without room loses the commit.
func (w *watchers) announce(commit store.Commit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		select {
		case c <- commit:
		default:
		}
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	w.closed = true
	for c := range w.all {
		close(c)
	}
	clear(w.all)
	stop, done := w.stop, w.done
	w.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// Watch returns a channel of commits from now on, closed when ctx is done or the
// store is closed. A receiver that is more than 64 commits behind loses the newest.
// A store opened for reading sees the commits of others within half a second.
func (s *Store) Watch(ctx context.Context) <-chan store.Commit {
	if s.readOnly {
		s.startPolling()
	}
	return s.watch.add(ctx)
}

// startPolling starts the one goroutine that looks for the commits of others.
func (s *Store) startPolling() {
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.done = stop, make(chan struct{})
	seen, err := lastID(ctx, s.readers)
	if err != nil {
		seen = -1 // poll finds out as soon as it can read
	}
	go func() {
		defer close(w.done)
		s.poll(ctx, seen)
	}()
}

// poll announces batches behind seen until ctx is done. What cannot be read now is
// tried again: the watchers' own queries tell their users why.
func (s *Store) poll(ctx context.Context, seen int64) {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		last, err := lastID(ctx, s.readers)
		switch {
		case err != nil || last == seen:
		case seen < 0 || last < seen: // the first that can be read, or another database
			seen = last
		default:
			if done, err := s.announceSince(ctx, seen); err == nil {
				seen = done
			}
		}
	}
}

// announceSince announces the batches behind seen and returns the last one's id.
func (s *Store) announceSince(ctx context.Context, seen int64) (int64, error) {
	if err := s.dicts.sensors.load(ctx, s.readers); err != nil {
		return seen, err
	}
	sensors := s.dicts.sensors.snapshot()
	rows, err := s.readers.QueryContext(ctx,
		"SELECT id, tick, sensor, seq, points, books FROM batches WHERE id > ? ORDER BY id LIMIT 1000", seen)
	if err != nil {
		return seen, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, tick int64
		var sensor uint32
		var sealed []byte
		c := store.Commit{Interval: s.tick}
		if err := rows.Scan(&id, &tick, &sensor, &c.Seq, &c.Points, &sealed); err != nil {
			return seen, err
		}
		seen = id
		var t totals
		if int(sensor) >= len(sensors) || t.decode(sealed) != nil {
			continue // Coverage counts it as damaged
		}
		c.Sensor, c.Tick = sensors[sensor], time.Unix(tick, 0).UTC()
		c.Public, c.Drops = t.books.Public(), t.books.Drops
		s.watch.announce(c)
	}
	return seen, rows.Err()
}
