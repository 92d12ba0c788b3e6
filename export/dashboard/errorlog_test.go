package dashboard

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// messages is a log that keeps how often each message came.
type messages struct {
	mu  sync.Mutex
	all map[string]int
}

func (m *messages) Enabled(context.Context, slog.Level) bool { return true }
func (m *messages) WithAttrs([]slog.Attr) slog.Handler       { return m }
func (m *messages) WithGroup(string) slog.Handler            { return m }
func (m *messages) Handle(_ context.Context, r slog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Value.String() == "" {
			text += ", without " + a.Key
		}
		return true
	})
	m.all[text]++
	return nil
}

func (m *messages) count(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[text]
}

// TestStrangersFillNoLog: what clients do wrong by the dozen is the same message each time,
// so that the log can hold it back.
func TestStrangersFillNoLog(t *testing.T) {
	m := &messages{all: map[string]int{}}
	pair := httptest.NewTLSServer(http.NotFoundHandler())
	defer pair.Close()
	cfg := Config{Reader: &fakeReader{points: somePoints()}, Logger: slog.New(m), TLS: func() *tls.Config { return pair.TLS.Clone() }}
	url, stop := listen(t, cfg)
	const strangers = 30
	for range strangers {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
	eventually(t, "all failures are logged", func() bool { return m.count("INFO dashboard: a TLS handshake has failed") == strangers })
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(m.all) != 1 {
		t.Errorf("logged %v", m.all)
	}
}

func TestErrorLog(t *testing.T) {
	var out bytes.Buffer
	l := newErrorLog(slog.New(slog.NewTextHandler(&out, nil)))
	for line, want := range map[string]string{
		"http: panic serving 192.0.2.1:5: oh\ngoroutine 1":  `level=ERROR msg="dashboard: a request has failed by a mistake in packetheat" error="http: panic serving 192.0.2.1:5: oh\ngoroutine 1"`,
		"http: Accept error: too many open files; retrying": `level=WARN msg="dashboard: a connection has failed" error="http: Accept error: too many open files; retrying"`,
	} {
		out.Reset()
		l.Print(line)
		if got := out.String(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", fmt.Sprintf("%.20q", line), got)
		}
	}
}
