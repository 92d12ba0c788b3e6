package term

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Of the same message, so many are logged in a window of time; the rest is held back,
// and its number told when the window ends.
const (
	LimitSame = 10
	limitFor  = time.Minute
	limitKeys = 512 // messages that are remembered
)

// LogCounts is how many messages there were since the start.
type LogCounts struct {
	Levels     map[string]uint64 // by level: debug, info, warn, error; those held back, too
	Suppressed uint64            // that were held back
}

// Limiter is a slog.Handler that keeps a message which comes again and again from filling
// the disk: of the same words at the same level, whatever their attributes, LimitSame are
// handed on in a minute. When it is over, the latest of the rest follows, with the number
// of those that nobody saw as the attribute "suppressed". NewLimiter makes one; it is safe
// for concurrent use.
type Limiter struct {
	next slog.Handler
	*limits
}

// limits is what all handlers that WithAttrs made have in common.
type limits struct {
	mu     sync.Mutex
	seen   map[limitKey]*limitWindow
	counts [4]atomic.Uint64
	held   atomic.Uint64
}

type limitKey struct {
	level   slog.Level
	message string
}

// limitWindow is a minute in which a message came.
type limitWindow struct {
	ends  time.Time
	n     int
	held  int
	last  slog.Record  // of those held back
	to    slog.Handler // which would have had it
	timer *time.Timer  // tells what was held back; nil: nothing is
}

// NewLimiter returns a limiter in front of next.
func NewLimiter(next slog.Handler) *Limiter {
	return &Limiter{next, &limits{seen: map[limitKey]*limitWindow{}}}
}

// Counts returns how many messages there were.
func (l *Limiter) Counts() LogCounts {
	c := LogCounts{Levels: map[string]uint64{}, Suppressed: l.held.Load()}
	for i, name := range [...]string{"debug", "info", "warn", "error"} {
		c.Levels[name] = l.counts[i].Load()
	}
	return c
}

// Enabled is next's.
func (l *Limiter) Enabled(ctx context.Context, level slog.Level) bool {
	return l.next.Enabled(ctx, level)
}

// Handle hands a message on, or holds it back.
func (l *Limiter) Handle(ctx context.Context, r slog.Record) error {
	l.counts[min(max(int(r.Level-slog.LevelDebug)/4, 0), 3)].Add(1)
	if l.hold(r) {
		return nil
	}
	return l.next.Handle(ctx, r)
}

// hold reports whether a message is one too many, and keeps it where it is.
func (l *Limiter) hold(r slog.Record) bool {
	key := limitKey{r.Level, r.Message}
	now := time.Now() // not the record's: clocks are set, and this one is not
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.seen[key]
	if w == nil || w.timer == nil && !now.Before(w.ends) {
		if !l.makeRoom(now) {
			return false
		}
		l.seen[key] = &limitWindow{ends: now.Add(limitFor), n: 1}
		return false
	}
	if w.n < LimitSame {
		w.n++
		return false
	}
	w.held++
	w.last, w.to = r.Clone(), l.next
	if w.timer == nil {
		w.timer = time.AfterFunc(w.ends.Sub(now), func() { l.tell(key, w) })
	}
	l.held.Add(1)
	return true
}

// tell logs the latest of what a window held back; the next window begins.
func (l *limits) tell(key limitKey, w *limitWindow) {
	l.mu.Lock()
	if l.seen[key] != w || w.timer == nil {
		l.mu.Unlock()
		return // Flush was faster
	}
	next, r := w.take()
	l.seen[key] = &limitWindow{ends: time.Now().Add(limitFor), n: 1}
	l.mu.Unlock()
	l.held.Add(^uint64(0)) // it is seen after all
	_ = next.Handle(context.Background(), r)
}

// take returns what a window has to tell.
func (w *limitWindow) take() (slog.Handler, slog.Record) {
	w.timer.Stop()
	w.timer = nil
	if w.held > 1 {
		w.last.AddAttrs(slog.Int("suppressed", w.held-1))
	}
	return w.to, w.last
}

// makeRoom forgets windows that are over, or all that hold nothing back where that does
// not help, and reports whether there is room. A message may then come more often than it
// should, which is better than memory without a bound.
func (l *limits) makeRoom(now time.Time) bool {
	for _, over := range []bool{true, false} {
		if len(l.seen) < limitKeys {
			return true
		}
		for key, w := range l.seen {
			if w.timer == nil && (!over || !now.Before(w.ends)) {
				delete(l.seen, key)
			}
		}
	}
	return len(l.seen) < limitKeys
}

// Flush tells what is held back at once: the program is about to end.
func (l *Limiter) Flush() {
	l.mu.Lock()
	var due []*limitWindow
	for key, w := range l.seen {
		if w.timer != nil {
			due = append(due, w)
			delete(l.seen, key)
		}
	}
	l.mu.Unlock()
	for _, w := range due {
		next, r := w.take()
		l.held.Add(^uint64(0))
		_ = next.Handle(context.Background(), r)
	}
}

// WithAttrs limits what the handler with these attributes gets, with the same count.
func (l *Limiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Limiter{l.next.WithAttrs(attrs), l.limits}
}

// WithGroup is the same for a group.
func (l *Limiter) WithGroup(name string) slog.Handler {
	return &Limiter{l.next.WithGroup(name), l.limits}
}
