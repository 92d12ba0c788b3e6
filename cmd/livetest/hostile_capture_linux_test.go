package livetest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCaptureBesideHostileClients sends the same frames with nobody at the dashboard and
// with 200 clients who ask for all they can get, or read nothing of it: not one frame is
// dropped. What it costs is said, not held against a limit: the machine does other things.
func TestCaptureBesideHostileClients(t *testing.T) {
	const clients = 200
	frames, rate := 20_000, 10_000
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		frames, rate = 2_000_000, 100_000
	}
	h := newHostile(t)
	h.flow(50) // so that there is something to ask for
	measure := func(what string) {
		cpu, began := cpuOf(t, h.s.cmd.Process.Pid), time.Now()
		n, err := h.sender.Send(h.flows.frames, frames, rate, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.sent += uint64(n)
		took := time.Since(began)
		h.eventually("all frames are captured, or dropped", func() bool { return h.books().Captured.Packets+h.books().Drops >= h.sent })
		cpu = cpuOf(t, h.s.cmd.Process.Pid) - cpu
		t.Logf("%s: %d frames in %s, kernel drops %d, CPU of the sensor %s (%.0f %% of a core)", what, n, took.Round(time.Millisecond), h.books().Drops, cpu.Round(time.Millisecond), 100*cpu.Seconds()/took.Seconds())
	}
	measure("nobody asks")
	stop := make(chan struct{})
	var all sync.WaitGroup
	var asked, refused atomic.Int64
	for i := range clients {
		all.Go(func() { h.greedy(i, stop, &asked, &refused) })
	}
	measure(fmt.Sprintf("%d hostile clients", clients))
	close(stop)
	all.Wait()
	t.Logf("%d questions were answered, %d refused or cut off", asked.Load(), refused.Load())
	if drops := h.books().Drops; drops != 0 {
		t.Errorf("%d frames were dropped", drops)
	}
	h.s.stop()
	balanced(t, filepath.Join(h.dir, "data"))
	if got := readCSV(t, strings.NewReader(ask(t, h.dir, "export", "csv", "-o", "-", "--data", "data"))).total().Packets; got != h.sent {
		t.Errorf("%d packets are stored, %d were sent", got, h.sent)
	}
}

// liveBooks are the counters of a sensor that say what became of frames.
type liveBooks struct {
	Drops    uint64
	Captured struct{ Packets uint64 }
}

// books asks from an address of its own, as those do who are kept out by nobody.
func (h *hostile) books() liveBooks {
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		d := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 9)}}
		h.s.link.Sensor.Do(h.t, func() { conn, err = d.DialContext(ctx, network, address) })
		return conn, err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience}
	r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:8080/api/v1/status", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Cookie", h.cookie)
	answer, err := client.Do(r)
	if err != nil {
		h.t.Fatalf("somebody at another address: %v", err)
	}
	defer answer.Body.Close()
	var s struct{ Books liveBooks }
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil && answer.StatusCode != http.StatusTooManyRequests {
		h.t.Errorf("somebody at another address: %s, %v", answer.Status, err)
	}
	return s.Books
}

// greedy is one hostile client: of four kinds.
func (h *hostile) greedy(kind int, stop <-chan struct{}, asked, refused *atomic.Int64) {
	paths := []string{"/api/v1/cells?step=1", "/api/v1/export.html?detail=full", "/api/v1/points.csv", "/api/v1/top?by=ip&n=10000"}
	client := h.s.client()
	client.Timeout = 10 * time.Second
	for {
		select {
		case <-stop:
			return
		default:
		}
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+paths[kind%len(paths)], nil)
		if err != nil {
			return
		}
		r.Header.Set("Cookie", h.cookie)
		answer, err := client.Do(r)
		if err != nil {
			refused.Add(1)
			continue
		}
		if answer.StatusCode == http.StatusOK {
			asked.Add(1)
		} else {
			refused.Add(1)
		}
		if kind%3 != 0 { // the others read nothing, and go
			_, _ = io.Copy(io.Discard, answer.Body)
		}
		answer.Body.Close()
	}
}
