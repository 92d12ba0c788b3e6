package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

func receive(t *testing.T, c <-chan store.Commit) store.Commit {
	t.Helper()
	select {
	case commit, ok := <-c:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return commit
	case <-time.After(time.Minute):
		t.Fatal("no commit was announced")
	}
	panic("unreachable")
}

// writerAndReader opens a store that has a batch, and once more as another process would.
func writerAndReader(t *testing.T) (s, ro *Store) {
	t.Helper()
	dir := t.TempDir()
	s = openIn(t, dir, Options{})
	appendAll(t, s, mini("before", 0, 0, 1))
	ro, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ro.Close() })
	return s, ro
}

// TestWatch has a watcher in the writing process and one beside it.
func TestWatch(t *testing.T) {
	s, ro := writerAndReader(t)
	ctx, cancel := context.WithCancel(context.Background())
	for name, c := range map[string]<-chan store.Commit{"writer": s.Watch(ctx), "reader": ro.Watch(ctx)} {
		b := mini(name, 10, 3, 7)
		b.Books.Drops = 9
		appendAll(t, s, b)
		want := store.Commit{Sensor: name, Tick: b.Tick, Interval: s.Tick(), Seq: 3, Points: 7, Public: b.Books.Public(), Drops: 9}
		got := receive(t, c)
		for got.Sensor != name { // the other's
			got = receive(t, c)
		}
		if got != want {
			t.Errorf("%s: announced %+v, want %+v", name, got, want)
		}
	}
	other := ro.Watch(context.Background())
	mine := s.Watch(ctx)
	cancel()
	for range mine { // ends when it is closed
	}
	if err := ro.Close(); err != nil {
		t.Fatal(err)
	}
	for range other {
	}
	if _, ok := <-ro.Watch(context.Background()); ok {
		t.Error("a closed store announces")
	}
}

// TestWatchConnections: a reader sees each commit, whichever connection of its pool it
// looks with.
func TestWatchConnections(t *testing.T) {
	t.Parallel()
	s, ro := writerAndReader(t)
	ro.readers.SetMaxIdleConns(0) // a new one for each look
	commits := ro.Watch(t.Context())
	time.Sleep(2 * pollInterval) // it has looked when nothing was new
	for i := range 3 {
		appendAll(t, s, mini("gw1", 10*(i+1), i+1, 1))
		if got := receive(t, commits); got.Seq != uint32(i+1) {
			t.Errorf("commit %d announced as %d", i+1, got.Seq)
		}
	}
}

// TestWatchSlow: a watcher that never reads costs nobody anything.
func TestWatchSlow(t *testing.T) {
	s := openNew(t, Options{})
	ctx := t.Context()
	slow, quick := s.Watch(ctx), s.Watch(ctx)
	const commits = watchRoom + 20
	for i := range commits {
		appendAll(t, s, mini("a", 10*i, 0, 1))
		if got := receive(t, quick); !got.Tick.Equal(benchStart.Add(time.Duration(i) * s.Tick())) {
			t.Fatalf("commit %d announced as %s", i, got.Tick)
		}
	}
	if n := len(slow); n != watchRoom {
		t.Errorf("the slow watcher has %d waiting, want %d", n, watchRoom)
	}
}
