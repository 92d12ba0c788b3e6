package sqlite

import (
	"context"
	"errors"
	"math"
	"time"
)

// startMaintenance starts the one goroutine of upkeep.
func (s *Store) startMaintenance() {
	ctx, stop := context.WithCancel(context.Background())
	s.maint.stop, s.maint.done = stop, make(chan struct{})
	go func() {
		defer close(s.maint.done)
		s.upkeep(ctx)
	}()
}

// endMaintenance ends the goroutine and waits for it.
func (s *Store) endMaintenance() {
	if s.maint.stop != nil {
		s.maint.stop()
		<-s.maint.done
	}
}

// upkeep maintains the store until ctx is done: when something has been committed,
// and every minute.
func (s *Store) upkeep(ctx context.Context) {
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	said := ""
	for {
		err := s.maintain(ctx, math.MinInt64)
		wake := s.maint.wake
		if err != nil {
			wake = nil // until a while has passed
		}
		var tidied bool
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tidy.C:
			tidied = true
		}
		if tidied {
			err = errors.Join(err, s.prune(ctx, false), s.checkpoint(ctx), s.keepSpare(ctx))
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			said = ""
		case err.Error() != said:
			said = err.Error()
			s.log.Warn("upkeep of the store failed; it is tried again every minute", "err", err, "store", s.path)
		}
	}
}
