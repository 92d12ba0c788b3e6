package term

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Format returns the format of log lines that auto stands for on w.
func Format(w io.Writer, format string) string {
	if format != "auto" {
		return format
	}
	if Is(w) {
		return "human"
	}
	return "json"
}

// NewLogger returns a logger of the level (debug, info, warn, error) that writes to w
// in the format: human, json, or auto, which is human where w is a terminal.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var least slog.Level
	_ = least.UnmarshalText([]byte(level)) // configuration lets only right ones through
	if Format(w, format) == "human" {
		return slog.New(&human{w: w, least: least, mu: new(sync.Mutex)})
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least}))
}

// human is a slog.Handler whose lines read like sentences: the time of day, the level
// if it is not info, the message, then key=value.
type human struct {
	w      io.Writer
	least  slog.Level
	mu     *sync.Mutex // of all that WithAttrs made: lines stay whole
	prefix string      // attributes given before
	group  string
}

func (h *human) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least }

func (h *human) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Time.Format(time.TimeOnly) + " ")
	if r.Level != slog.LevelInfo {
		b.WriteString(strings.ToLower(r.Level.String()) + ": ")
	}
	b.WriteString(Clean(r.Message) + h.prefix)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(h.text(a))
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, b.String()+"\n")
	return err
}

// text returns " key=value", the value quoted where it has blanks, "" where empty.
func (h *human) text(a slog.Attr) string {
	value := Clean(a.Value.Resolve().String())
	if value == "" || a.Key == "" {
		return ""
	}
	if strings.ContainsAny(value, " \"=") {
		value = fmt.Sprintf("%q", value)
	}
	return " " + h.group + a.Key + "=" + value
}

func (h *human) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := *h
	for _, a := range attrs {
		more.prefix += h.text(a)
	}
	return &more
}

func (h *human) WithGroup(name string) slog.Handler {
	more := *h
	if name != "" {
		more.group += name + "."
	}
	return &more
}
