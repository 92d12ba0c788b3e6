package chtest

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Pool is the servers that the tests of a package share: a server takes longer to start
// than most tests take, and some hundred megabytes. Each is started when it is first asked
// for, and runs until Main is over. Whoever kills, stops or cuts off a server takes one of its
// own: Each, Old, Modern. The zero value is ready; several goroutines may use it at once.
type Pool struct {
	old, modern shared
}

// Each runs f as a subtest on each of the two servers. Others use them at the same time,
// in databases of their own: see Server.Database.
func (p *Pool) Each(t *testing.T, f func(t *testing.T, s *Server)) {
	t.Helper()
	t.Run("18.16", func(t *testing.T) { f(t, p.Old(t)) })
	t.Run("chdb", func(t *testing.T) { f(t, p.Modern(t)) })
}

// Old returns the pool's server of Debian.
func (p *Pool) Old(t testing.TB) *Server {
	t.Helper()
	serverProgram(t) // each test skips, or fails, by itself
	return p.old.get(t, Old)
}

// Modern returns the pool's server of the current engine.
func (p *Pool) Modern(t testing.TB) *Server {
	t.Helper()
	chdbLibrary(t)
	return p.modern.get(t, Modern)
}

// Main is what TestMain of a package with a pool does: it runs the tests, stops the
// servers and removes what they kept. It does not return.
func (p *Pool) Main(m *testing.M) {
	code := m.Run()
	if err := errors.Join(p.old.close(), p.modern.close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// shared is one server of a pool.
type shared struct {
	mu     sync.Mutex
	owner  *owner
	server *Server
}

func (s *shared) get(t testing.TB, start func(testing.TB) *Server) *Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil {
		if s.owner != nil {
			t.Fatal("the shared server did not start: another test says why")
		}
		s.owner = &owner{TB: t}
		s.server = start(s.owner)
	}
	return s.server
}

func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner == nil {
		return nil
	}
	return s.owner.close()
}

// owner stands in for the test that started a shared server: folders and clean-ups are
// those of the pool, and outlive it.
type owner struct {
	testing.TB
	cleanups []func()
	errs     []error
}

func (o *owner) Helper() {}

func (o *owner) TempDir() string {
	o.TB.Helper()
	dir, err := os.MkdirTemp("", "packetheat-clickhouse-")
	if err != nil {
		o.TB.Fatal(err)
	}
	o.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			o.errs = append(o.errs, err)
		}
	})
	return dir
}

func (o *owner) Cleanup(f func()) { o.cleanups = append(o.cleanups, f) }

func (o *owner) Errorf(format string, args ...any) {
	o.errs = append(o.errs, fmt.Errorf(format, args...))
}

// Failed is false: what a server says is told by the test that found it wrong.
func (o *owner) Failed() bool { return false }

// close runs the clean-ups, the last first.
func (o *owner) close() error {
	for i := len(o.cleanups) - 1; i >= 0; i-- {
		o.cleanups[i]()
	}
	o.cleanups = nil
	return errors.Join(o.errs...)
}
