package sensor

import (
	"sync"
	"time"
)

const (
	keptGaps  = 256           // gaps that are remembered
	gapMemory = 2 * time.Hour // and how long: no tick is that late
	maxPieces = 4             // of a tick that was captured in parts
)

// span is a stretch of time, half-open.
type span struct{ from, to time.Time }

// gaps remembers when no interface was captured, so that silence because of it is
// not taken for an idle network. It is told what goes on and off; where it was told
// nothing, something was captured. The zero value is ready for use, by any goroutine.
type gaps struct {
	mu   sync.Mutex
	on   map[string]bool // by interface
	off  time.Time       // since when nothing is captured; zero: something is
	past []span          // oldest first
}

// begin says that nothing is captured yet.
func (g *gaps) begin(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on, g.off = map[string]bool{}, now
}

// set says that an interface is captured from now on, or is not: its rings are
// closed, or it is down.
func (g *gaps) set(name string, on bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.on == nil {
		g.on = map[string]bool{}
	}
	if on {
		g.on[name] = true
	} else {
		delete(g.on, name)
	}
	switch {
	case len(g.on) == 0 && g.off.IsZero():
		g.off = now
	case len(g.on) > 0 && !g.off.IsZero():
		if g.off.Before(now) {
			g.past = append(g.past, span{g.off, now})
		}
		g.off = time.Time{}
	}
	for len(g.past) > 0 && (len(g.past) > keptGaps || now.Sub(g.past[0].to) > gapMemory) {
		g.past = g.past[1:]
	}
}

// since returns since when something is captured without a gap: zero where nothing is,
// start where there was no gap that is remembered.
func (g *gaps) since(start time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch n := len(g.past); {
	case !g.off.IsZero():
		return time.Time{}
	case n > 0:
		return g.past[n-1].to
	}
	return start
}

// captured reports whether an interface is; so are all where nothing was told.
func (g *gaps) captured(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.on == nil || g.on[name]
}

// pieces returns the parts of a stretch of time that something was captured in, in
// order; of more than maxPieces the last is all that remains, gaps included. Gaps that
// lie ahead of the clock, which was set back, are forgotten.
func (g *gaps) pieces(from, to, now time.Time) (list []span) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n := len(g.past); n > 0 && g.past[n-1].to.After(now); n = len(g.past) {
		g.past = g.past[:n-1]
	}
	if g.off.After(now) {
		g.off = now
	}
	cut := func(until, next time.Time) { // a gap from until to next
		if until.After(to) {
			until = to
		}
		if from.Before(until) {
			list = append(list, span{from, until})
		}
		if next.After(from) {
			from = next
		}
	}
	for _, gap := range g.past {
		if gap.to.After(from) && gap.from.Before(to) && len(list) < maxPieces-1 {
			cut(gap.from, gap.to)
		}
	}
	if !g.off.IsZero() && g.off.Before(to) {
		cut(g.off, to)
	}
	cut(to, to)
	return list
}
