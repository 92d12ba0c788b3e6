package dashboard

import (
	"log"
	"log/slog"
	"strings"
)

// errorLog is where package net/http says what went wrong with a connection. Each of its
// lines has the client's address and is like no other: as messages, they could not be held
// back where thousands come. So the line becomes an attribute, of one of few messages.
type errorLog struct{ log *slog.Logger }

func newErrorLog(l *slog.Logger) *log.Logger { return log.New(errorLog{l}, "", 0) }

// Write takes one line. That handshakes fail is the network's doing: whoever looks for open
// ports makes some every minute.
func (e errorLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	switch {
	case strings.HasPrefix(text, "http: panic serving "):
		e.log.Error("dashboard: a request has failed by a mistake in packetheat", "error", text)
	case strings.HasPrefix(text, "http: TLS handshake error "):
		e.log.Info("dashboard: a TLS handshake has failed", "error", text)
	default:
		e.log.Warn("dashboard: a connection has failed", "error", text)
	}
	return len(line), nil
}
