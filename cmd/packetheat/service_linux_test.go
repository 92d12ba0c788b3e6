package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/sqlite"
)

// manager is a service manager that hears what services say.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
	env  []string
}

func newManager(t *testing.T, watchdog string) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "") // the name of a socket may have 108 octets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &manager{t, conn, []string{"NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=" + watchdog}}
}

// until reads until a message has the line, and returns the message.
func (m *manager) until(line string) string {
	m.t.Helper()
	buffer := make([]byte, 4096)
	for deadline := time.Now().Add(patience); ; {
		if err := m.conn.SetReadDeadline(deadline); err != nil {
			m.t.Fatal(err)
		}
		n, err := m.conn.Read(buffer)
		if err != nil {
			m.t.Fatalf("%q was not said: %v", line, err)
		}
		if text := string(buffer[:n]); strings.Contains("\n"+text+"\n", "\n"+line+"\n") {
			return text
		}
	}
}

// TestService takes a sensor through its life as systemd does.
func TestService(t *testing.T) {
	mayCapture(t)
	m := newManager(t, "400000")
	s := startRun(t, "", m.env, "--listen", "off")
	if text := m.until("READY=1"); !strings.Contains(text, "STATUS=capturing on lo: ") {
		t.Errorf("ready with %q", text)
	}
	m.until("WATCHDOG=1")
	if err := s.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if text := m.until("RELOADING=1"); !strings.Contains(text, "\nMONOTONIC_USEC=") {
		t.Errorf("reloading with %q", text)
	}
	m.until("READY=1")
	m.until("WATCHDOG=1")
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.until("STOPPING=1")
	if said, code := s.end(t); code != exitDone {
		t.Errorf("status %d\n%s", code, said)
	}
}

// TestWatchdogStarves: who is not alive gives no sign of life, and says why.
func TestWatchdogStarves(t *testing.T) {
	m := newManager(t, "40000")
	for _, v := range m.env {
		name, value, _ := strings.Cut(v, "=")
		t.Setenv(name, value)
	}
	var warned atomic.Int32
	s := newService(func(string, ...any) { warned.Add(1) })
	if s.watchdog != 40*time.Millisecond {
		t.Fatalf("watchdog is %s", s.watchdog)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	var dead atomic.Bool
	go func() {
		defer close(done)
		s.watch(ctx, func() error {
			if dead.Load() {
				return errors.New("a ring was\nlast read an hour ago")
			}
			return nil
		}, func() string { return "fine" })
	}()
	if text := m.until("WATCHDOG=1"); text != "WATCHDOG=1\nSTATUS=fine" {
		t.Errorf("alive with %q", text)
	}
	dead.Store(true)
	for range 3 {
		if text := m.until("STATUS=stands still: a ring was last read an hour ago"); strings.Contains(text, "WATCHDOG") {
			t.Errorf("dead with %q", text)
		}
	}
	cancel()
	<-done
	if warned.Load() < 3 {
		t.Errorf("warned %d times", warned.Load())
	}
}

// TestNoManager: without a service manager nothing is sent, and nothing fails; one that
// went away is named in the log.
func TestNoManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "soon")
	var said []string
	s := newService(func(message string, _ ...any) { said = append(said, message) })
	s.ready("x")
	if len(said) != 1 || !strings.Contains(said[0], "watchdog") || s.watchdog != 0 {
		t.Errorf("%q, %s", said, s.watchdog)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	s.stopping("x")
	if len(said) != 2 || !strings.Contains(said[1], "not told") {
		t.Errorf("%q", said)
	}
}

// TestServedService: serve tells the service manager and probes how its store is: one whose
// file is cut off under it makes it not ready. It stays alive: a new start would not mend it.
func TestServedService(t *testing.T) {
	m := newManager(t, "400000")
	dir := coverageStore(t)
	s := call{dir: dir, env: m.env, args: []string{"serve", "--listen", "127.0.0.1:0"}}.start(t)
	_, url, ok := strings.Cut(s.next(t), "ready dashboard=")
	if !ok {
		t.Fatal("the first line is not the ready line")
	}
	if text := m.until("READY=1"); text != "READY=1\nSTATUS=dashboard "+url {
		t.Errorf("ready with %q", text)
	}
	m.until("WATCHDOG=1")
	probe := func(path string) int {
		r, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		return r.StatusCode
	}
	if health, ready := probe("/healthz"), probe("/readyz"); health != 200 || ready != 200 {
		t.Errorf("healthz %d, readyz %d", health, ready)
	}
	if err := os.Truncate(filepath.Join(dir, "data", sqlite.FileName), 5000); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		text := m.until("WATCHDOG=1") // all the time
		if strings.Contains(text, "STATUS=not ready: the store does not answer: ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a store without its data: %q", text)
		}
	}
	if health, ready := probe("/healthz"), probe("/readyz"); health != 200 || ready != 503 {
		t.Errorf("after it: healthz %d, readyz %d", health, ready)
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.end(t)
}
