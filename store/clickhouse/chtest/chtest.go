// Package chtest starts ClickHouse servers for tests, on loopback, with their own
// configuration, addresses and ports that nobody else uses and little memory: Debian's
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
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startTimeout is how long a server may take to answer, on a busy machine.
const startTimeout = 10 * time.Minute

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

// CPU returns how long processors have worked for the server since it was started; 0 where
// it does not run, and elsewhere than on Linux.
func (s *Server) CPU() time.Duration {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	d, err := used(s.cmd.Process)
	if err != nil {
		s.t.Error(err)
	}
	return d
}

// OwnCPU is CPU for the process of the tests itself.
func OwnCPU(t testing.TB) time.Duration {
	t.Helper()
	p, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	d, err := used(p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// missing skips the test, or fails it where that is asked for.
func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("PACKETHEAT_REQUIRE_CLICKHOUSE") == "1" {
		t.Fatalf("%s is missing: run .ci/tools install", what)
	}
	t.Skipf("%s is missing: .ci/tools install installs it", what)
}

// localhost is the host of servers that must be found by that name.
const localhost = "127.0.0.1"

// someHost returns an address of the loopback interface that hardly anybody else uses, so
// that no other process takes a port of it between two starts of a server.
func someHost() string {
	if runtime.GOOS != "linux" { // where all of 127.0.0.0/8 is loopback
		return localhost
	}
	return fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(256), 1+rand.IntN(254))
}

// freePorts chooses ports that nobody uses now, none of those that the kernel gives to
// whoever connects or asks for any (32768 and more, ip(7)).
func freePorts(t testing.TB, host string, n int) (ports []int) {
	t.Helper()
	for try := 0; len(ports) < n; try++ {
		port := 10_000 + rand.IntN(20_000)
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		switch {
		case err == nil:
			defer l.Close() // after all are chosen, so that none comes twice
			ports = append(ports, port)
		case try >= 1000:
			t.Fatal(err)
		}
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
