package dashboard

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestTraffic counts answers by class, and live streams while they last.
func TestTraffic(t *testing.T) {
	s := New(Config{Reader: &fakeReader{}})
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	for path, times := range map[string]int{"/healthz": 3, "/nothing": 2, "/api/v1/cells?bogus=1": 1} {
		for range times {
			r, err := http.Get(server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
		}
	}
	stream, err := http.Get(server.URL + "/api/v1/live")
	if err != nil {
		t.Fatal(err)
	}
	want := Traffic{Classes: [6]uint64{2: 4, 4: 3}, Streams: 1}
	if got := s.Traffic(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	stream.Body.Close()
	want.Streams = 0
	for deadline := time.Now().Add(time.Minute); s.Traffic() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a minute after the stream's end: %+v", s.Traffic())
		}
	}
}
