package fleet

import (
	"context"
	"time"

	"github.com/packetheat/packetheat/store/sqlite"
)

// Status is how far a store has been shipped, and how that goes.
type Status struct {
	Where string
	Progress
	Outbox sqlite.OutboxStatus
	Known  bool // the store has answered: Outbox is right

	Lag  time.Duration // how long ago the oldest tick that waits has begun; 0: nothing waits
	Rate float64       // points a second, over the last minute

	Err   error // why nothing is shipped now; nil: it is
	Since time.Time
	Retry time.Time
}

// State is "shipping", "behind" or "away", in one word.
func (st *Status) State() string {
	switch {
	case st.Err != nil:
		return "away"
	case st.Lag > behind:
		return "behind"
	}
	return "shipping"
}

// behind is how old what waits is where that is no longer what comes and goes.
const behind = 2 * time.Minute

// Status asks the store how much waits; ctx bounds that.
func (s *Shipper) Status(ctx context.Context) Status {
	s.mu.Lock()
	now := time.Now()
	st := Status{Where: s.cfg.Where, Progress: s.done, Rate: s.rate.of(now), Err: s.failed.err, Since: s.failed.since, Retry: s.failed.retry}
	outbox := s.outbox
	s.mu.Unlock()
	if outbox == nil {
		return st
	}
	box, err := outbox.Status(ctx)
	if err != nil {
		return st
	}
	st.Outbox, st.Known = box, true
	if !box.Oldest.IsZero() {
		st.Lag = max(0, now.Sub(box.Oldest))
	}
	return st
}

// rate is how many points were shipped in each of the last seconds. The zero value is
// ready.
type rate struct {
	seconds [rateSeconds]struct {
		at     int64
		points int
	}
}

const rateSeconds = 60

func (r *rate) add(now time.Time, points int) {
	s := &r.seconds[now.Unix()%rateSeconds]
	if s.at != now.Unix() {
		s.at, s.points = now.Unix(), 0
	}
	s.points += points
}

func (r *rate) of(now time.Time) float64 {
	sum := 0
	for _, s := range r.seconds {
		if s.at > now.Unix()-rateSeconds {
			sum += s.points
		}
	}
	return float64(sum) / rateSeconds
}
