package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// How often a served store is asked whether it still answers, how long it may take, and
// after how long a question that has not ended, although it was to, never will.
const (
	lookEvery = 5 * time.Second
	lookTime  = 20 * time.Second
	lookHangs = time.Minute
)

// covering is what of a Reader tells that it answers.
type covering interface {
	Coverage(ctx context.Context, w store.Window) (store.Coverage, error)
}

// answering knows whether what is served still answers: it asks by itself, so that it knows
// also while nobody else does. Its methods may be called by several goroutines.
type answering struct {
	reader covering
	now    func() time.Time

	mu    sync.Mutex
	begun time.Time // of the question under way; zero: there is none
	err   error     // of the last one that has ended
}

func newAnswering(reader covering) *answering { return &answering{reader: reader, now: time.Now} }

// run asks until ctx is done.
func (a *answering) run(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for a.look(ctx); ctx.Err() == nil; a.look(ctx) {
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// look asks once, for the last hour: it reads the store, and little of it.
func (a *answering) look(ctx context.Context) {
	now := a.now()
	a.mu.Lock()
	a.begun = now
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	_, err := a.reader.Coverage(ctx, store.Window{From: now.Add(-time.Hour), To: now})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun, a.err = time.Time{}, err
}

// alive answers /healthz and the watchdog: an error is one that only a new start mends.
func (a *answering) alive() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if took := a.now().Sub(a.begun); !a.begun.IsZero() && took > lookHangs {
		return fmt.Errorf("a question to the store was to end after %s, and has lasted for %s: start packetheat anew", lookTime, took.Round(time.Second))
	}
	return nil
}

// ready answers /readyz: questions are answered.
func (a *answering) ready() error {
	if err := a.alive(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return fmt.Errorf("the store does not answer: %w", a.err)
	}
	return nil
}

// text says it in a line, for the service manager.
func (a *answering) text(dashboard string) string {
	if err := a.ready(); err != nil {
		return "not ready: " + err.Error() + "; dashboard " + dashboard
	}
	return "dashboard " + dashboard
}
