package update

import (
	"context"
	"errors"
	"time"
)

// Times of Run: up to which it begins, and between two looks at the state at least.
const (
	firstLook = 10 * time.Second
	soonest   = time.Minute
)

// Run updates whenever it is time, until ctx ends; then it returns nil. When that is
// stands in update.json, so that restarts do not make more requests. Failures are told
// to the logger and never end it.
func (u *Updater) Run(ctx context.Context) error {
	for wait := u.jitter(firstLook); ; wait = u.next() {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		results, err := u.update(ctx, func(*attempt) bool { return false })
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrBusy) {
			continue
		}
		if err != nil {
			u.Logger.Warn("GeoIP databases not updated, those that are there stay", "error", err, "next", time.Now().Add(u.next()).UTC())
		}
		for _, r := range results {
			if r.Changed {
				u.Logger.Info("GeoIP database updated", "edition", r.Edition, "path", r.Path, "built", r.Source.Built)
			}
		}
	}
}

// next is the time to the first edition's turn.
func (u *Updater) next() time.Duration {
	wait := u.Interval
	s, err := u.load()
	if err != nil {
		return wait
	}
	now := u.now()
	for _, e := range u.editions() {
		wait = min(wait, s.attempt(e.name, u.settings()).notBefore(now).Sub(now))
	}
	return max(wait, soonest)
}
