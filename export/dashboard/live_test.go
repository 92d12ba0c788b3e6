package dashboard

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// listen serves cfg on a loopback port until the test ends.
func listen(t *testing.T, cfg Config) (url string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- New(cfg).Serve(ctx, l) }()
	t.Cleanup(cancel)
	return "http://" + l.Addr().String(), func() error { cancel(); return <-done }
}

// ask is http.Get without a shared client's idle connections.
func ask(t *testing.T, url string) *http.Response {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Minute}
	r, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Body.Close() })
	return r
}

// next reads one event or comment of a stream.
func next(t *testing.T, b *bufio.Reader) (event, data string) {
	t.Helper()
	for {
		line, err := b.ReadString('\n')
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "event":
			event = value
		case "data":
			data = value
		case "":
			if event != "" {
				return event, data
			}
		}
	}
}

func TestLive(t *testing.T) {
	r := &fakeReader{points: somePoints()}
	url, stop := listen(t, Config{Reader: r, Heartbeat: 50 * time.Millisecond, Status: func() any { return map[string]string{"state": "capturing"} }})
	resp := ask(t, url+"/api/v1/live")
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" || resp.Header.Get("Content-Encoding") != "" {
		t.Fatalf("content type %q", ct)
	}
	b := bufio.NewReader(resp.Body)
	if event, data := next(t, b); event != "status" || !strings.Contains(data, "capturing") {
		t.Fatalf("first event %q: %s", event, data)
	}
	c := store.Commit{Sensor: "gw1", Tick: noon, Interval: tick, Seq: 2, Points: 7, Public: store.Count{Packets: 9, Bytes: 900}, Drops: 1}
	if n := r.announce(c); n != 1 {
		t.Fatalf("%d watchers", n)
	}
	beats := 0
	for {
		event, data := next(t, b)
		if event == "beat" {
			beats++
			continue
		}
		if want := `{"sensor":"gw1","tick":"2026-11-21T12:00:00Z","interval":10,"seq":2,"packets":9,"bytes":900,"points":7,"drops":1}`; event != "tick" || data != want {
			t.Errorf("event %q: %s", event, data)
		}
		break
	}
	for beats == 0 {
		if event, data := next(t, b); event == "beat" {
			var v struct{ Time time.Time }
			if err := json.Unmarshal([]byte(data), &v); err != nil || v.Time.IsZero() {
				t.Errorf("a beat tells %q (%v)", data, err)
			}
			beats++
		}
	}
	began := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the stream held the stop up for %s", took)
	}
	if _, err := io.Copy(io.Discard, b); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the stream ended with %v", err)
	}
	eventually(t, "no watcher is left", func() bool { return r.announce(store.Commit{}) == 0 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func TestLiveStreamsAreBounded(t *testing.T) {
	url, _ := listen(t, Config{Reader: &fakeReader{points: somePoints()}, Streams: 1})
	first := ask(t, url+"/api/v1/live")
	next(t, bufio.NewReader(first.Body))
	second := ask(t, url+"/api/v1/live")
	if second.StatusCode != http.StatusTooManyRequests || second.Header.Get("Retry-After") == "" {
		t.Errorf("second stream: %d", second.StatusCode)
	}
	_ = first.Body.Close()
	eventually(t, "the place is free again", func() bool { return ask(t, url+"/api/v1/live").StatusCode == http.StatusOK })
}

// stuck is a client of a stream that does not read: writes fail by deadline.
type stuck struct {
	http.ResponseWriter
	deadline time.Time
}

func (s *stuck) Write([]byte) (int, error)          { return 0, context.DeadlineExceeded }
func (s *stuck) SetWriteDeadline(t time.Time) error { s.deadline = t; return nil }
func (s *stuck) Header() http.Header                { return http.Header{} }

func TestSlowClientIsDisconnected(t *testing.T) {
	s := New(Config{Reader: &fakeReader{points: somePoints()}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &stuck{}
	done, begun := make(chan struct{}), time.Now()
	go func() { s.serveLive(w, r); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("the stream goes on without its reader")
	}
	if w.deadline.Before(begun.Add(slow)) || w.deadline.After(time.Now().Add(slow)) {
		t.Errorf("the deadline of a write is %s after the request", w.deadline.Sub(begun))
	}
}

func TestQueriesAreBounded(t *testing.T) {
	s := New(Config{Reader: &fakeReader{points: somePoints()}, Queries: 2, Downloads: 1})
	s.queries.wait = 10 * time.Millisecond
	status := func(path string) (int, string) {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code, w.Header().Get("Retry-After")
	}
	var leave []func()
	for i, g := range []gate{s.queries, s.queries, s.downloads} { // all places are taken
		l, err := g.enter(asking(fmt.Sprintf("198.51.100.%d", i)))
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	paths := []string{"/api/v1/cells", "/api/v1/top", "/api/v1/series", "/api/v1/status", "/api/v1/points.csv", "/api/v1/export.html"}
	for _, path := range paths {
		if code, again := status(path); code != http.StatusTooManyRequests || again == "" {
			t.Errorf("%s: %d, Retry-After %q", path, code, again)
		}
	}
	if code, _ := status("/healthz"); code != 200 {
		t.Errorf("healthz waits for questions: %d", code)
	}
	leave[0]()
	leave[2]()
	for _, path := range append(paths, paths...) { // each gives its place back
		if code, _ := status(path); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestQueryTimeout(t *testing.T) {
	r := &fakeReader{points: somePoints(), hold: make(chan struct{})}
	resp := get(t, Config{Reader: r, QueryTimeout: 20 * time.Millisecond}, "/api/v1/cells")
	if text := body(t, resp); resp.StatusCode != 503 || !strings.Contains(text, "shorter window") {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

// TestBrokenDownloadIsCut: who downloads must not take a part for the whole.
func TestBrokenDownloadIsCut(t *testing.T) {
	url, _ := listen(t, Config{Reader: &breaking{fakeReader{points: somePoints()}}})
	resp := ask(t, url+"/api/v1/points.csv")
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("half a file looks whole")
	}
	early := ask(t, mustListen(t, Config{Reader: &fakeReader{err: errors.New("disk on fire")}})+"/api/v1/points.csv")
	var p problem
	if err := json.NewDecoder(early.Body).Decode(&p); err != nil || early.StatusCode != 500 || !strings.Contains(p.Detail, "disk on fire") {
		t.Errorf("%d %+v, %v", early.StatusCode, p, err)
	}
}

func mustListen(t *testing.T, cfg Config) string {
	url, _ := listen(t, cfg)
	return url
}

// breaking fails after so many points that some of them are on their way.
type breaking struct{ fakeReader }

func (b *breaking) Points(_ context.Context, _ store.Filter, yield func([]store.Point) error) error {
	for range 500 {
		if err := yield(b.points); err != nil {
			return err
		}
	}
	return errors.New("a block is damaged")
}
