package term

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lines is a writer whose lines can be looked at while others write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns what was written since it was last called.
func (l *lines) take() (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSuffix(l.b.String(), "\n")
	l.b.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		limiter := NewLimiter(slog.NewJSONHandler(&out, nil))
		log := slog.New(limiter)
		for i := range 100 { // two loggers, the same words
			log.With("interface", "eth0").Warn("waiting", "try", i)
			log.With("interface", "wg0").Warn("waiting", "try", i)
		}
		log.Info("waiting") // of another level
		log.Warn("something else")
		if got := out.take(); len(got) != LimitSame+2 {
			t.Fatalf("%d lines at once:\n%s", len(got), strings.Join(got, "\n"))
		}
		time.Sleep(limitFor + time.Second)
		synctest.Wait()
		got := out.take()
		if len(got) != 1 {
			t.Fatalf("%d lines when the minute is over:\n%s", len(got), strings.Join(got, "\n"))
		}
		var line struct {
			Level, Msg, Interface string
			Try, Suppressed       int
		}
		if err := json.Unmarshal([]byte(got[0]), &line); err != nil || line.Level != "WARN" || line.Msg != "waiting" || line.Interface != "wg0" || line.Try != 99 || line.Suppressed != 189 {
			t.Errorf("%s: %+v, %v", got[0], line, err)
		}
		if c := limiter.Counts(); c.Levels["warn"] != 201 || c.Levels["info"] != 1 || c.Levels["error"] != 0 || c.Suppressed != 189 {
			t.Errorf("counts are %+v", c)
		}
		// The line that told of it was the first of the next minute.
		for range LimitSame {
			log.Warn("waiting")
		}
		if got := out.take(); len(got) != LimitSame-1 {
			t.Errorf("%d lines in the next minute", len(got))
		}
		time.Sleep(limitFor + time.Second)
		synctest.Wait()
		if got := out.take(); len(got) != 1 || strings.Contains(got[0], "suppressed") { // it came late, and was the only one
			t.Errorf("one line held back is told as %q", got)
		}
		time.Sleep(2 * limitFor)
		log.Warn("waiting")
		if got := out.take(); len(got) != 1 {
			t.Errorf("after a quiet time: %q", got)
		}
	})
}

// TestLimiterFlush: what is held back when the program ends is told before.
func TestLimiterFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		limiter := NewLimiter(slog.NewTextHandler(&out, nil))
		log := slog.New(limiter)
		for range LimitSame + 5 {
			log.Error("no room")
		}
		out.take()
		limiter.Flush()
		if got := out.take(); len(got) != 1 || !strings.Contains(got[0], "suppressed=4") {
			t.Errorf("flush tells %q", got)
		}
		limiter.Flush()
		time.Sleep(2 * limitFor)
		synctest.Wait()
		if got := out.take(); len(got) != 0 {
			t.Errorf("told twice: %q", got)
		}
	})
}

// TestLimiterBounded: messages that are never the same do not fill the memory, and are all logged.
func TestLimiterBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		limiter := NewLimiter(slog.NewTextHandler(&out, nil))
		log := slog.New(limiter)
		const n = 5 * limitKeys
		for i := range n {
			log.Info(fmt.Sprint("message ", i))
		}
		if got := len(out.take()); got != n {
			t.Errorf("%d of %d messages", got, n)
		}
		if len(limiter.seen) > limitKeys {
			t.Errorf("%d messages are remembered", len(limiter.seen))
		}
		for i := range n { // each is held back: none of them may be forgotten
			for range LimitSame + 1 {
				log.Info(fmt.Sprint("again ", i))
			}
		}
		if len(limiter.seen) > limitKeys {
			t.Errorf("%d messages are remembered", len(limiter.seen))
		}
		limiter.Flush()
		if c := limiter.Counts(); c.Suppressed != 0 || len(out.take()) != n*(LimitSame+1) {
			t.Errorf("counts are %+v", c)
		}
	})
}

// TestLimiterMany: goroutines that log at once neither lose a count nor race.
func TestLimiterMany(t *testing.T) {
	var out lines
	limiter := NewLimiter(slog.NewTextHandler(&out, nil))
	log := slog.New(limiter)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				log.Warn("flood")
			}
		})
	}
	all.Wait()
	limiter.Flush()
	got := out.take()
	if c := limiter.Counts(); len(got) != LimitSame+1 || c.Levels["warn"] != 8000 || c.Suppressed != 8000-LimitSame-1 {
		t.Errorf("%d lines, %+v", len(got), c)
	}
}
