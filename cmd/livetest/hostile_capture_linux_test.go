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
// dropped. What it costs, all of the sensor and its capture alone, is said, not held against
// a limit: the machine does other things.
func TestCaptureBesideHostileClients(t *testing.T) {
	const clients = 200
	frames, rate := 20_000, 10_000
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		frames, rate = 2_000_000, 100_000
	}
	h := newHostile(t)
	h.flow(50) // so that there is something to ask for
	measure := func(what string) (each time.Duration) {
		cpu, began, capture := cpuOf(t, h.s.cmd.Process.Pid), time.Now(), h.captureCPU()
		n, err := h.sender.Send(h.flows.frames, frames, rate, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.sent += uint64(n)
		took := time.Since(began)
		h.eventually("all frames are captured, or dropped", func() bool { return h.books().Captured.Packets+h.books().Drops >= h.sent })
		cpu = cpuOf(t, h.s.cmd.Process.Pid) - cpu
		capture = h.captureCPU() - capture
		t.Logf("%s: %d frames in %s, kernel drops %d, CPU of the sensor %s (%.0f %% of a core)", what, n, took.Round(time.Millisecond), h.books().Drops, cpu.Round(time.Millisecond), 100*cpu.Seconds()/took.Seconds())
		t.Logf("%s: capture took %s of CPU, %s a frame", what, capture.Round(time.Microsecond), capture/time.Duration(n))
		return capture / time.Duration(n)
	}
	alone := measure("nobody asks")
	stop := make(chan struct{})
	var all sync.WaitGroup
	var asked, refused atomic.Int64
	for i := range clients {
		all.Go(func() { h.greedy(i, stop, &asked, &refused) })
	}
	beside := measure(fmt.Sprintf("%d hostile clients", clients))
	close(stop)
	all.Wait()
	t.Logf("capture's CPU a frame beside %d hostile clients is %.2f of what it is alone", clients, beside.Seconds()/alone.Seconds())
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

// captureCPU is the time on a processor that the threads of the shards have had: all from
// the ring to the tally. schedstat has it in ns (Documentation/scheduler/sched-stats.rst).
func (h *hostile) captureCPU() (spent time.Duration) {
	h.t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/comm", h.s.cmd.Process.Pid))
	if err != nil {
		h.t.Fatal(err)
	}
	found := false
	for _, file := range threads {
		name, err := os.ReadFile(file)
		if err != nil || !strings.HasPrefix(string(name), "shard-") {
			continue // it has ended, or does something else
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(file), "schedstat"))
		if os.IsNotExist(err) {
			h.t.Log("this kernel does not tell what a thread costs (CONFIG_SCHED_INFO)")
			return 0
		}
		var ns int64
		if _, scan := fmt.Sscan(string(text), &ns); err != nil || scan != nil {
			h.t.Fatalf("schedstat has %q: %v, %v", text, err, scan)
		}
		found, spent = true, spent+time.Duration(ns)
	}
	if !found {
		h.t.Fatalf("no thread of %d is a shard's", len(threads))
	}
	return spent
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
