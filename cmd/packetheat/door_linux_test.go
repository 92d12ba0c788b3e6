package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/packetheat/packetheat/store/sqlite"
)

// said waits for a line with all of some words.
func (s *sensorProcess) said(t *testing.T, words ...string) string {
	t.Helper()
next:
	for {
		line := s.next(t)
		for _, w := range words {
			if !strings.Contains(line, w) {
				continue next
			}
		}
		return line
	}
}

// TestServeReloads changes the token and the address of serve by SIGHUP, and shows it a
// file that it must not take.
func TestServeReloads(t *testing.T) {
	const token = "0123456789abcdef"
	dir := t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte("log: {format: human}\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`dashboard: {listen: "127.0.0.1:0"}`)
	p := call{dir: dir, args: []string{"serve"}}.start(t)
	_, url, _ := strings.Cut(p.next(t), "dashboard=")
	reload := func(text string, words ...string) string {
		write(text)
		if err := p.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		return p.said(t, words...)
	}
	if got := status(url, ""); got != 200 {
		t.Fatalf("at first: %d at %s", got, url)
	}
	reload(`dashboard: {listen: "127.0.0.1:0", token: `+token+`}`, "configuration reloaded", "dashboard.token")
	if without, with := status(url, ""), status(url, token); without != 401 || with != 200 {
		t.Errorf("after a token was set: %d without, %d with it", without, with)
	}
	reload(`dashboard: {listen: "0.0.0.0:0"}`, "not reloaded", "everybody who reaches this address")
	reload(`dashboard: {listen: "127.0.0.1:0", token: short}`, "not reloaded", "5 characters")
	if without, with := status(url, ""), status(url, token); without != 401 || with != 200 {
		t.Errorf("after files that must not be taken: %d without, %d with it", without, with)
	}
	line := reload("dashboard: {listen: \"localhost:0\"}\nexport: {window: 2h}", "url=")
	p.said(t, "need a restart", "export.window")
	_, moved, _ := strings.Cut(line, "url=")
	moved, _, _ = strings.Cut(moved, " ")
	if was, is := status(url, ""), status(moved, ""); was != 0 || is != 200 || moved == url {
		t.Errorf("after it has moved: %d at %s, %d at %s", was, url, is, moved)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if said, code := p.end(t); code != 0 {
		t.Errorf("ended with %d\n%s", code, said)
	}
}

// TestStatusOfLocked asks a sensor that wants a token, by TLS, for its status: the
// command finds what it needs in the store's folder.
func TestStatusOfLocked(t *testing.T) {
	mayCapture(t)
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir)
	env := []string{"PACKETHEAT_DASHBOARD_TOKEN=0123456789abcdef", "PACKETHEAT_DASHBOARD_TLS_CERTIFICATE=" + certificate, "PACKETHEAT_DASHBOARD_TLS_KEY=" + key,
		"PACKETHEAT_DASHBOARD_HOSTS=map.example"}
	p := startRun(t, dir, env, "--listen", "127.0.0.1:0", "--open", "never")
	ready := p.next(t)
	if !strings.Contains(ready, "dashboard=https://map.example:") {
		t.Errorf("ready line: %s", ready)
	}
	r := call{dir: dir, args: []string{"status"}}.run(t)
	if r.status != 0 || !strings.Contains(r.out, "https://127.0.0.1:") || !strings.Contains(r.out, "TLS, certificate until ") || !strings.Contains(r.out, "a token is wanted") {
		t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
	}
	state := filepath.Join(dir, "data", "sensor.json")
	info, err := os.Stat(state)
	if err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("the key of this machine may be read by all: %v %v", info.Mode(), err)
	}
	text, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(state, []byte(strings.Replace(string(text), `"certificate_sha256": "`, `"certificate_sha256": "00`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (call{dir: dir, args: []string{"status"}}).run(t); r.status != exitFailed || !strings.Contains(r.err, "not the one that the sensor has announced") {
		t.Errorf("another certificate: status %d\n%s", r.status, r.err)
	}
	if err := p.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if said, code := p.end(t); code != 0 {
		t.Errorf("ended with %d\n%s", code, said)
	}
}
