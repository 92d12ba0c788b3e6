package access

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Wrong tokens that an address may send at once, and how many addresses are told apart.
const (
	tries    = 5
	mostSeen = 4096
)

// throttle counts wrong tokens by address: five at once, then one in ten seconds. Where
// more addresses guess than it tells apart, the rest share one count.
type throttle struct {
	mu     *sync.Mutex
	seen   map[netip.Prefix]*rate.Limiter
	others *rate.Limiter
}

func newThrottle() throttle {
	return throttle{mu: new(sync.Mutex), seen: map[netip.Prefix]*rate.Limiter{}, others: newLimiter()}
}

func newLimiter() *rate.Limiter { return rate.NewLimiter(rate.Every(Wait), tries) }

// neighbourhood is what counts as one address: an IPv6 host has 2^64 of them.
func neighbourhood(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero prefix for an address that is not known
	return p
}

// guess asks right whether a token is right, unless its address must wait. Guesses are
// looked at one after the other: many at once are still only so many.
func (t *throttle) guess(a netip.Addr, now time.Time, right func() bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := neighbourhood(a)
	l := t.seen[n]
	if l == nil && len(t.seen) >= mostSeen {
		t.forget(now)
	}
	if l == nil && len(t.seen) >= mostSeen {
		l = t.others
	}
	switch {
	case l != nil && l.TokensAt(now) < 1:
		return ErrWait
	case right():
		return nil
	case l == nil:
		l = newLimiter()
		t.seen[n] = l
	}
	l.AllowN(now, 1)
	return ErrToken
}

// forget drops those who have waited long enough to be as new.
func (t *throttle) forget(now time.Time) {
	for n, l := range t.seen {
		if l.TokensAt(now) >= tries {
			delete(t.seen, n)
		}
	}
}
