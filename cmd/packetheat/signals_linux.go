package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errSignal ends a run that somebody has ended.
var errSignal = errors.New("stopped by a signal")

// doubled is how soon a second signal is taken for the first one's echo: timeout(1)
// signals the process and then its group, which the process is in.
const doubled = 300 * time.Millisecond

// watchSignals lets SIGINT and SIGTERM end a run by cancel, and a second one end the
// process at once. The function it returns ends the watching.
func (p *program) watchSignals(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		var first time.Time
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			if first.IsZero() {
				first = time.Now()
				cancel(errSignal)
			} else if time.Since(first) > doubled {
				p.say("stopped at once: what was not yet stored is lost")
				os.Exit(exitFailed)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// catchRequests takes SIGHUP and SIGUSR1 from now on, until stop is called. It comes
// before the ready line: who has read that may send them.
func catchRequests() (requests <-chan os.Signal, stop func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1)
	return signals, func() { signal.Stop(signals) }
}

// watchRequests calls reload on SIGHUP and report on SIGUSR1 until ctx is done.
func watchRequests(ctx context.Context, requests <-chan os.Signal, reload, report func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-requests:
			if s == syscall.SIGHUP {
				reload()
			} else {
				report()
			}
		}
	}
}
