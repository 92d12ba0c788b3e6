//go:build !linux

package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
)

// errSignal ends a run that somebody has ended.
var errSignal = errors.New("stopped by a signal")

// watchSignals lets an interrupt end a run by cancel.
func (p *program) watchSignals(cancel context.CancelCauseFunc) (stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt)
	done := make(chan struct{})
	go func() {
		select {
		case <-done:
		case <-signals:
			cancel(errSignal)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// watchRequests knows no signals beyond the interrupt.
func watchRequests(ctx context.Context, _ <-chan os.Signal, _, _ func()) { <-ctx.Done() }

// catchRequests has none to catch.
func catchRequests() (requests <-chan os.Signal, stop func()) { return nil, func() {} }
