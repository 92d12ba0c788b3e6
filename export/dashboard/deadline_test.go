package dashboard

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestStalledDownload: a store that gives nothing is not waited for for ever: with a
// problem before the first byte, by cutting the answer behind it.
func TestStalledDownload(t *testing.T) {
	stalled := func(points []store.Point, timeout time.Duration) *http.Response {
		url := mustListen(t, Config{Reader: &halting{fakeReader{points: points}}, QueryTimeout: timeout})
		return ask(t, url+"/api/v1/points.csv")
	}
	problematic := func(answer *http.Response) {
		t.Helper()
		var p problem
		if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || answer.StatusCode != http.StatusServiceUnavailable ||
			answer.Header.Get("Retry-After") == "" || p.Detail == "" {
			t.Errorf("%d %+v, %v", answer.StatusCode, p, err)
		}
	}
	problematic(stalled(nil, 20*time.Millisecond))
	patiently(t, 20*time.Millisecond, func(timeout time.Duration) bool {
		answer := stalled(somePoints(), timeout)
		if answer.StatusCode != http.StatusOK { // too slow for its first byte
			problematic(answer)
			return false
		}
		if n, err := io.Copy(io.Discard, answer.Body); err == nil || n == 0 {
			t.Errorf("%d bytes of a stalled download look whole", n)
		}
		return true
	})
}

// patiently tries f with a timeout, and where this machine is too busy for it with ever
// longer ones.
func patiently(t *testing.T, timeout time.Duration, f func(timeout time.Duration) bool) {
	t.Helper()
	for !f(timeout) {
		if timeout > 30*time.Second {
			t.Fatalf("even %s are too short", timeout)
		}
		timeout *= 4
	}
}

// halting has some thousand points and then nothing, until it is told to stop.
type halting struct{ fakeReader }

func (s *halting) Points(ctx context.Context, _ store.Filter, yield func([]store.Point) error) error {
	for range 500 {
		if len(s.points) == 0 {
			break
		}
		if err := yield(s.points); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestClientsTakeTheirQuestionsWithThem: who goes away is not worked for.
func TestClientsTakeTheirQuestionsWithThem(t *testing.T) {
	for _, path := range []string{"/api/v1/cells", "/api/v1/top", "/api/v1/series", "/api/v1/points.csv", "/api/v1/export.html"} {
		r := &abandoned{asked: make(chan context.Context, 8)}
		url := mustListen(t, Config{Reader: r, QueryTimeout: time.Hour})
		ctx, cancel := context.WithCancel(context.Background())
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan error, 1)
		go func() {
			answer, err := http.DefaultClient.Do(request)
			if err == nil {
				answer.Body.Close()
			}
			gone <- err
		}()
		asked := <-r.asked
		cancel()
		select {
		case <-asked.Done():
		case <-time.After(time.Minute):
			t.Errorf("%s: the question goes on without its client", path)
		}
		<-gone
	}
}

// abandoned hands out the context of a question, which then waits for its end.
type abandoned struct {
	fakeReader
	asked chan context.Context
}

func (a *abandoned) Coverage(ctx context.Context, _ store.Window) (store.Coverage, error) {
	a.asked <- ctx
	<-ctx.Done()
	return store.Coverage{}, ctx.Err()
}

func (a *abandoned) Points(ctx context.Context, _ store.Filter, _ func([]store.Point) error) error {
	a.asked <- ctx
	<-ctx.Done()
	return ctx.Err()
}
