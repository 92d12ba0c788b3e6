package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/store/sqlite"
)

// opened serves an empty store by a door that tests change.
func opened(t *testing.T) *door {
	t.Helper()
	s, err := sqlite.Open(t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := &program{err: io.Discard}
	d, err := p.openDoor(listening("127.0.0.1:0"), false, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	server := dashboard.New(dashboard.Config{Reader: s, Guard: d.guard, TLS: d.tls})
	go func() { done <- d.serve(ctx, server) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return d
}

func listening(address string) *config.Loaded {
	return &config.Loaded{Config: config.Config{Dashboard: config.Dashboard{Listen: address}}}
}

// status asks a URL, with a token where it is not "", and returns the status; 0: nobody
// answers.
func status(url, token string) int {
	r, err := http.NewRequest(http.MethodGet, url+"/api/v1/status", nil)
	if err != nil {
		return 0
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	a, err := client.Do(r)
	if err != nil {
		return 0
	}
	a.Body.Close()
	return a.StatusCode
}

// TestDoorMoves changes everything about a dashboard while it is served.
func TestDoorMoves(t *testing.T) {
	const token = "0123456789abcdef"
	d := opened(t)
	change := func(edit func(*config.Dashboard)) (before string, err error) {
		before = d.url()
		next := &config.Loaded{Config: config.Config{Dashboard: *d.inForce()}}
		edit(&next.Dashboard)
		_, err = d.change(next)
		return before, err
	}
	expect := func(what, url, token string, want int) {
		t.Helper()
		if got := status(url, token); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	expect("at first", d.url(), "", 200)
	if _, err := change(func(c *config.Dashboard) { c.Token = token }); err != nil {
		t.Fatal(err)
	}
	expect("without the token", d.url(), "", 401)
	expect("with it", d.url(), token, 200)
	expect("with this machine's key", d.url(), d.key, 200)

	// A port that is taken by somebody else changes nothing.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := change(func(c *config.Dashboard) { c.Listen = taken.Addr().String() }); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("a port that is taken: %v", err)
	}
	expect("after it could not move", d.url(), token, 200)
	if _, err := change(func(c *config.Dashboard) { c.Listen = "0.0.0.0:1" }); err == nil || !strings.Contains(err.Error(), "dashboard.tls") {
		t.Errorf("beyond loopback: %v", err)
	}

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	before, err := change(func(c *config.Dashboard) { c.Listen = free.Addr().String() })
	if err != nil || d.url() != "http://"+free.Addr().String() {
		t.Fatalf("moved to %s: %v", d.url(), err)
	}
	expect("where it moved to", d.url(), token, 200)
	expect("where it was", before, token, 0)

	certificate, key := selfSigned(t, t.TempDir())
	if _, err := change(func(c *config.Dashboard) { c.Certificate, c.Key = certificate, key }); err != nil || !strings.HasPrefix(d.url(), "https://") {
		t.Fatalf("with TLS at the same port: %s, %v", d.url(), err)
	}
	expect("by TLS", d.url(), token, 200)
	if _, err := change(func(c *config.Dashboard) { c.Key = certificate }); err == nil {
		t.Error("a certificate is taken for a key")
	}
	expect("after that", d.url(), token, 200)

	last, err := change(func(c *config.Dashboard) { c.Listen = "off" })
	if err != nil || d.url() != "off" {
		t.Errorf("off: %s, %v", d.url(), err)
	}
	expect("after it was switched off", last, token, 0)
	if _, err := change(func(c *config.Dashboard) { c.Listen = free.Addr().String() }); err != nil {
		t.Fatal(err)
	}
	expect("on again", d.url(), token, 200)
}

// TestDoorUndo takes a change back.
func TestDoorUndo(t *testing.T) {
	d := opened(t)
	before := d.url()
	next := listening("127.0.0.1:0")
	next.Dashboard.Token = "0123456789abcdef"
	next.Dashboard.Hosts = []string{"map.example"}
	next.Dashboard.Listen = "127.0.0.2:0"
	undo, err := d.change(next)
	if err != nil {
		t.Skip("this machine has no 127.0.0.2:", err)
	}
	if got := status(d.url(), ""); got != 401 || d.url() == before {
		t.Errorf("changed: %d at %s", got, d.url())
	}
	if err := undo(); err != nil {
		t.Fatal(err)
	}
	if got := status(d.url(), ""); got != 200 || len(d.inForce().Hosts) != 0 {
		t.Errorf("taken back: %d at %s", got, d.url())
	}
}
