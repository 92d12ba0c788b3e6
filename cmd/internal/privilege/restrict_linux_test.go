//go:build cgo

package privilege

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sandboxed is the test's program as a sensor that Restrict has been called in. It works
// in three folders below the working one: write, read and none. It prints what of the
// attempts was possible, from several threads.
func sandboxed() int {
	release := make(chan struct{})
	var threads, all sync.WaitGroup
	var mu sync.Mutex
	possible := map[string]bool{}
	for range 8 { // threads that are there before
		threads.Add(1)
		all.Go(func() {
			_ = onThread(func() error {
				threads.Done()
				<-release
				all := attempts()
				if os.Getenv(roleVariable) == "sandbox with calls" {
					maps.Copy(all, forbidden())
				}
				for name, try := range all {
					err := try()
					mu.Lock()
					possible[name] = possible[name] || err == nil
					if err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS) {
						fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
					}
					mu.Unlock()
				}
				return nil
			})
		})
	}
	threads.Wait()
	version, err := Restrict(Paths{Write: []string{"write", "missing"}, Read: append(System(), "read", "single/file"), List: []string{"list"}})
	if os.Getenv(roleVariable) != "sandbox" {
		err = errors.Join(err, LimitCalls())
	}
	close(release)
	all.Wait()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	possible["landlock"] = version > 0
	if err := json.NewEncoder(os.Stdout).Encode(possible); err != nil {
		return 1
	}
	return 0
}

// attempts are what threads of a sandboxed process try.
func attempts() map[string]func() error {
	reading := func(name string) func() error {
		return func() error { _, err := os.ReadFile(name); return err }
	}
	return map[string]func() error{
		"+read":         reading("read/file"),
		"+read one":     reading("single/file"),
		"+read written": reading("write/file"),
		"+list":         func() error { _, err := os.ReadDir("list"); return err },
		"+process":      reading("/proc/self/status"),
		"+counters":     reading("/proc/net/dev"),
		"+threads":      func() error { _, err := os.ReadDir("/proc/self/task"); return err },
		"+write": func() error {
			f, err := os.CreateTemp("write", "x")
			if err != nil {
				return err
			}
			_, err = f.WriteString("x")
			return errors.Join(err, f.Truncate(0), f.Close(), os.Rename(f.Name(), f.Name()+"-new"), os.Remove(f.Name()+"-new"))
		},
		"+make folder": func() error {
			dir, err := os.MkdirTemp("write", "d")
			return errors.Join(err, os.Remove(dir))
		},
		"+own thread": func() error { return unix.Tgkill(os.Getpid(), unix.Gettid(), 0) },
		"+connect": func() error {
			l, err := net.Listen("tcp4", "127.0.0.1:0")
			if err != nil {
				return err
			}
			c, err := net.Dial("tcp4", l.Addr().String())
			if err != nil {
				return err
			}
			return errors.Join(c.Close(), l.Close())
		},
		"shadow":          reading("/etc/shadow"),
		"read beside":     reading("single/beside"),
		"read listed":     reading("list/file"),
		"read none":       reading("none/file"),
		"list none":       func() error { _, err := os.ReadDir("none"); return err },
		"change":          func() error { return os.WriteFile("read/file", []byte("x"), 0o600) },
		"write none":      func() error { return os.WriteFile("none/new", []byte("x"), 0o600) },
		"write missing":   func() error { return os.MkdirAll("missing", 0o700) },
		"remove":          func() error { return os.Remove("read/file") },
		"link":            func() error { return os.Symlink("/etc/shadow", "write/link") },
		"escape":          func() error { return os.Rename("write/file", "none/file") },
		"device":          func() error { return unix.Mknod("write/dev", unix.S_IFCHR|0o600, 1<<8|3) },
		"execute":         func() error { return exec.Command("/bin/true").Run() },
		"parent's signal": func() error { return syscall.Kill(os.Getppid(), 0) },
		"parent's memory": func() error { _, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid())); return err },
	}
}

// forbidden are system calls that nothing but the list of them forbids, and some that it
// must not.
func forbidden() map[string]func() error {
	closed := func(fd int, err error) error {
		if err == nil {
			err = unix.Close(fd)
		}
		return err
	}
	return map[string]func() error{
		"+thread":   func() error { return onThread(func() error { return nil }) },
		"+netlink":  func() error { return closed(unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)) },
		"+unix":     func() error { return closed(unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)) },
		"+clock":    func() error { _, err := unix.Adjtimex(new(unix.Timex)); return err },
		"bluetooth": func() error { return closed(unix.Socket(unix.AF_BLUETOOTH, unix.SOCK_RAW, 0)) },
		"vsock":     func() error { return closed(unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)) },
		"user namespace": func() error {
			return (&exec.Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}}).Start()
		},
		"unshare":    func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
		"tracing":    func() error { return unix.PtraceSeize(os.Getppid()) },
		"keys":       func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); return err },
		"perf":       func() error { return closed(unix.PerfEventOpen(&unix.PerfEventAttr{}, 0, -1, -1, 0)) },
		"niceness":   func() error { return unix.Setpriority(unix.PRIO_PROCESS, 0, 5) },
		"executable": func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
		"become": func() error {
			_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(os.Getuid()), uintptr(os.Getuid()), uintptr(os.Getuid()))
			if errno != 0 {
				return errno
			}
			return nil
		},
	}
}

// TestRestrict runs a process that tries all that it should not be able to do.
func TestRestrict(t *testing.T) { testSandbox(t, "sandbox", 20) }

// TestLimitCalls runs the same with a list of system calls, and more that these forbid.
func TestLimitCalls(t *testing.T) { testSandbox(t, "sandbox with calls", 35) }

func testSandbox(t *testing.T, role string, least int) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"write/file", "read/file", "none/file", "list/file", "single/file", "single/beside"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("text"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Dir, cmd.Env = dir, append(os.Environ(), roleVariable+"="+role)
	var said strings.Builder
	cmd.Stderr = &said
	var out []byte
	err := Try(nil, func() (err error) { // without capabilities, as the sensor: CAP_PERFMON may read memory
		out, err = cmd.Output()
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	possible := map[string]bool{}
	if err := json.Unmarshal(out, &possible); err != nil {
		t.Fatal(err)
	}
	if !possible["landlock"] {
		t.Skip("this kernel has no Landlock")
	}
	delete(possible, "landlock")
	for name, was := range possible {
		if wanted := strings.HasPrefix(name, "+"); was != wanted {
			t.Errorf("%s: possible %v, want %v", name, was, wanted)
		}
	}
	if len(possible) < least || said.Len() > 0 {
		t.Errorf("%d attempts\n%s", len(possible), said.String())
	}
}

// TestPolicy: the list is good on both machines that there are packages for, and has no
// misspelt name: each exists on one of them.
func TestPolicy(t *testing.T) {
	known := map[string]bool{}
	for _, machine := range []string{"amd64", "arm64"} {
		policy, err := policyFor(machine)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(policy.Syscalls[0].Names); n < 180 {
			t.Errorf("%s has %d of the calls", machine, n)
		}
		for _, name := range policy.Syscalls[0].Names {
			known[name] = true
		}
	}
	for _, name := range strings.Fields(calls) {
		if !known[name] {
			t.Errorf("no machine has the system call %q", name)
		}
	}
}
