package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// questioned is a store whose answers the test decides on.
type questioned struct {
	began  chan store.Window
	answer chan error
}

func (a questioned) Coverage(_ context.Context, w store.Window) (store.Coverage, error) {
	a.began <- w
	return store.Coverage{}, <-a.answer
}

// TestAnswering: a store that fails makes serve not ready, one that never answers makes it
// dead: only the second is mended by a new start.
func TestAnswering(t *testing.T) {
	fake, now := questioned{make(chan store.Window), make(chan error)}, time.Unix(1_800_000_000, 0)
	a := newAnswering(fake)
	a.now = func() time.Time { return now }
	question := func() chan struct{} {
		done := make(chan struct{})
		go func() { defer close(done); a.look(t.Context()) }()
		if w := <-fake.began; !w.To.Equal(now) || w.To.Sub(w.From) != time.Hour {
			t.Errorf("asked for %v", w)
		}
		return done
	}
	want := func(what string, alive, ready string) {
		t.Helper()
		for _, c := range []struct {
			err  error
			want string
		}{{a.alive(), alive}, {a.ready(), ready}} {
			if (c.err == nil) != (c.want == "") || c.err != nil && !strings.Contains(c.err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", what, c.err, c.want)
			}
		}
	}
	want("before the first question", "", "")
	done := question()
	want("it was just asked", "", "")
	now = now.Add(lookHangs)
	want("it is slow", "", "")
	now = now.Add(time.Second)
	want("it hangs", "has lasted for 1m1s", "has lasted for 1m1s")
	fake.answer <- errors.New("disk I/O error")
	<-done
	want("it fails", "", "does not answer: disk I/O error")
	if text := a.text("http://x"); !strings.HasPrefix(text, "not ready: the store does not answer") || !strings.HasSuffix(text, "; dashboard http://x") {
		t.Errorf("said %q", text)
	}
	done = question()
	want("it is asked again", "", "does not answer")
	fake.answer <- nil
	<-done
	want("it answers", "", "")
	if text := a.text("http://x"); text != "dashboard http://x" {
		t.Errorf("said %q", text)
	}
}
