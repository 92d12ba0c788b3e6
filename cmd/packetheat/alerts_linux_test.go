package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/alert"
)

// TestAlertOfLabel captures a packet to an address that a list names: the webhook, the
// API and the file beside the store have one alert, however many packets follow.
func TestAlertOfLabel(t *testing.T) {
	mayCapture(t)
	posts := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		posts <- r.Header.Get("X-Packetheat-Signature") + " " + "sha256=" + alert.Sign("key", r.Header.Get("X-Packetheat-Timestamp"), body) + " " + string(body)
	}))
	defer hook.Close()
	dir := t.TempDir()
	text := fmt.Sprintf(`sensor: {tick: 1s}
geo:
  networks: [{network: 127.77.0.0/16, name: lab, latitude: 52.5, longitude: 13.4, country: DE, map: true}]
alerts: {labels: [lab], webhook: {url: "%s", secret: key}}
`, hook.URL)
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startRun(t, dir, nil, "--listen", "127.0.0.1:0")
	match := readyLine.FindStringSubmatch(s.next(t))
	if match == nil {
		t.Fatal("the first line is not the ready line")
	}
	conn, err := net.Dial("udp", "127.77.0.9:9")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var post string
	for end := time.Now().Add(patience); post == ""; {
		_, _ = conn.Write([]byte("x"))
		select {
		case post = <-posts:
		case <-time.After(100 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatal("no alert comes")
		}
	}
	parts := strings.SplitN(post, " ", 3)
	if parts[0] != parts[1] || !strings.Contains(parts[2], `"kind":"label"`) || !strings.Contains(parts[2], `"ip":"127.77.0.9/32"`) {
		t.Errorf("posted %s", post)
	}
	answer, err := http.Get(match[1] + "/api/v1/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var list alert.List
	if err := json.NewDecoder(answer.Body).Decode(&list); err != nil || len(list.Alerts) != 1 || list.Alerts[0].Label != "lab" || list.Learning.IsZero() {
		t.Errorf("%v %+v", err, list)
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	said, status := s.end(t)
	if status != exitDone || strings.Count(said, "is on the list") != 1 {
		t.Errorf("status %d\n%s", status, said)
	}
	if left, err := alert.Read(filepath.Join(dir, "data")); err != nil || len(left.Alerts) != 1 {
		t.Errorf("%+v, %v", left, err)
	}
	if len(posts) > 0 {
		t.Errorf("posted again: %s", <-posts)
	}
}

// TestAlertsReload: a sensor that made no alerts makes them after SIGHUP and posts them, goes
// on where it was when the webhook moves, and makes none when nobody wants any more.
func TestAlertsReload(t *testing.T) {
	mayCapture(t)
	posts := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { posts <- r.URL.Path }))
	defer hook.Close()
	dir := t.TempDir()
	configure := func(alerts string) {
		text := "sensor: {tick: 1s}\nlog: {level: info}\ngeo: {networks: [{network: 127.77.0.0/16, name: lab, latitude: 52.5, longitude: 13.4, country: DE, map: true}]}\nalerts: " + alerts + "\n"
		if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	configure("{enabled: false, labels: [lab]}")
	s := startRun(t, dir, nil, "--listen", "127.0.0.1:0")
	match := readyLine.FindStringSubmatch(s.next(t))
	if match == nil {
		t.Fatal("the first line is not the ready line")
	}
	reload := func(alerts string) {
		configure(alerts)
		if err := s.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for line := s.next(t); !strings.Contains(line, "configuration reloaded"); line = s.next(t) {
			if strings.Contains(line, "restart") || strings.Contains(line, "not reloaded") {
				t.Fatal(line)
			}
		}
	}
	listed := func() int {
		answer, err := http.Get(match[1] + "/api/v1/alerts")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var list alert.List
		if err := json.NewDecoder(answer.Body).Decode(&list); err != nil {
			t.Fatal(err)
		}
		return len(list.Alerts)
	}
	for n, path := range []string{"/first", "/second"} {
		reload(fmt.Sprintf(`{labels: [lab], trouble: false, webhook: {url: "%s%s", secret: key}}`, hook.URL, path))
		conn, err := net.Dial("udp", fmt.Sprintf("127.77.0.%d:9", 10+n))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for end := time.Now().Add(patience); len(posts) == 0; time.Sleep(100 * time.Millisecond) {
			_, _ = conn.Write([]byte("x"))
			if time.Now().After(end) {
				t.Fatalf("no alert comes to %s", path)
			}
		}
		if got := <-posts; got != path {
			t.Errorf("posted to %s, want %s", got, path)
		}
		if got := listed(); got != n+1 {
			t.Errorf("%d alerts are listed, want %d", got, n+1)
		}
	}
	reload("{enabled: false, labels: [lab]}")
	if got := listed(); got != 0 || len(posts) > 0 {
		t.Errorf("switched off: %d listed, %d posted", got, len(posts))
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if said, status := s.end(t); status != exitDone {
		t.Errorf("status %d\n%s", status, said)
	}
}
