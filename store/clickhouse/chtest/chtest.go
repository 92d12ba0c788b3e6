// Package chtest starts ClickHouse servers for tests, on loopback, with their own
// configuration, ports of the kernel's choice and little memory: Debian's
// clickhouse-server 18.16, which is as old as servers get, and the current engine from
// the npm package chdb behind a small HTTP server (program chtest/chdb).
//
// Where one is not installed tests skip politely, unless PACKETHEAT_REQUIRE_CLICKHOUSE=1
// says that they fail. ".ci/tools install" installs both.
package chtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startTimeout is how long a server may take to answer, on a busy machine.
const startTimeout = 2 * time.Minute

// Server is a server that a test started. It is stopped, and what it kept is removed,
// when the test ends. One goroutine may start, stop and kill it, while others ask it.
type Server struct {
	Name string // "18.16" or "chdb": names subtests
	DSN  string // where it is, also after it was started again
	Dir  string // what it keeps

	t       testing.TB
	command func() *exec.Cmd
	ready   func(*exec.Cmd) error
	mu      sync.Mutex
	cmd     *exec.Cmd
	output  bytes.Buffer
	serial  atomic.Int64
}

// Each runs f as a subtest on each of the two servers, both fresh.
func Each(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Helper()
	t.Run("18.16", func(t *testing.T) { f(t, Old(t)) })
	t.Run("chdb", func(t *testing.T) { f(t, Modern(t)) })
}

// Database returns a name that no other test on the server uses.
func (s *Server) Database() string { return fmt.Sprintf("heat_%d", s.serial.Add(1)) }

// Start starts the server and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return
	}
	cmd := s.command()
	s.output.Reset()
	cmd.Stderr = &s.output
	if err := s.ready(cmd); err != nil {
		if cmd.Process != nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
		s.t.Fatalf("start %s: %v\n%s", s.Name, err, s.output.String())
	}
	s.cmd = cmd
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() { s.end(func(p *os.Process) error { return p.Kill() }) }

// Stop asks the server to end, and waits for it.
func (s *Server) Stop() { s.end(func(p *os.Process) error { return p.Signal(os.Interrupt) }) }

func (s *Server) end(signal func(*os.Process) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	if err := signal(s.cmd.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Errorf("end %s: %v", s.Name, err)
	}
	s.cmd.Wait() // its status says how it ended, which is known
	s.cmd = nil
}

// missing skips the test, or fails it where that is asked for.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PACKETHEAT_REQUIRE_CLICKHOUSE") == "1" {
		t.Fatalf("%s is missing: run .ci/tools install", what)
	}
	t.Skipf("%s is missing: .ci/tools install installs it", what)
}

// freePorts asks the kernel for ports that nobody uses now.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // after all are chosen, so that none comes twice
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// command is one that runs in a folder.
func command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	return cmd
}

// answers waits until something listens at an address, or the process has ended.
func answers(cmd *exec.Cmd, address string) error {
	for end := time.Now().Add(startTimeout); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			return c.Close()
		}
		if cmd.ProcessState == nil && !alive(cmd.Process) {
			return errors.New("it ended")
		}
	}
	return fmt.Errorf("nothing listens at %s after %s", address, startTimeout)
}

// firstLine returns the first line that a process writes.
func firstLine(r io.Reader) (string, error) {
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(r).ReadString('\n')
		lines <- strings.TrimSpace(line)
	}()
	select {
	case line := <-lines:
		if line == "" {
			return "", errors.New("it ended")
		}
		return line, nil
	case <-time.After(startTimeout):
		return "", fmt.Errorf("it says nothing for %s", startTimeout)
	}
}

// logOf returns the end of a log file, for messages.
func logOf(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return string(b[max(0, len(b)-4000):])
}
