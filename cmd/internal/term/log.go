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

// Level returns the level of a name: debug, info, warn or error; info for any other,
// which configuration does not let through.
func Level(name string) (level slog.Level) {
	_ = level.UnmarshalText([]byte(name))
	return level
}

// NewLogger returns a logger that writes what is of the least level, or above, to w in
// the format: human, json, or auto, which is human where w is a terminal. least may
// change at any time if it is a slog.LevelVar.
func NewLogger(w io.Writer, least slog.Leveler, format string) *slog.Logger {
	if Format(w, format) == "human" {
		return slog.New(&human{w: w, least: least, mu: new(sync.Mutex)})
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least}))
}

// human is a slog.Handler whose lines read like sentences: the time of day, the level
// if it is not info, the message, then key=value.
type human struct {
	w      io.Writer
	least  slog.Leveler
	mu     *sync.Mutex // of all that WithAttrs made: lines stay whole
	prefix string      // attributes given before
	group  string
}

func (h *human) Enabled(_ context.Context, l slog.Level) bool { return l >= h.least.Level() }

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
