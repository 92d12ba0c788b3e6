package main

import (
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestPassOn passes signals on, echoes among them. (TestDemo of the live tests has real ones.)
func TestPassOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, ended := make(chan os.Signal), make(chan struct{})
		var got []os.Signal
		go func() {
			defer close(ended)
			passOn(signals, func(s os.Signal) { got = append(got, s) })
		}()
		for _, step := range []struct {
			after  time.Duration
			signal os.Signal
		}{
			{0, os.Interrupt},
			{0, os.Interrupt},               // an echo
			{echo - 1, os.Interrupt},        // still one
			{1, os.Interrupt},               // meant
			{0, syscall.SIGTERM},            // another signal is never an echo
			{time.Nanosecond, os.Interrupt}, // nor is one after another
		} {
			time.Sleep(step.after)
			signals <- step.signal
		}
		close(signals)
		<-ended
		if want := []os.Signal{os.Interrupt, os.Interrupt, syscall.SIGTERM, os.Interrupt}; !slices.Equal(got, want) {
			t.Errorf("passed on %v, want %v", got, want)
		}
	})
}
