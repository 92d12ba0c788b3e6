//go:build cgo

package privilege

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// roleVariable makes the test's own program play a part of the real one.
const roleVariable = "PRIVILEGE_TEST_ROLE"

// nobody is a user that has nothing.
var nobody = &Identity{UID: 65534, GID: 65534}

func TestMain(m *testing.M) {
	in, err := Inherit()
	if in != nil || err != nil {
		os.Exit(printed(inherited(in, err)))
	}
	switch role := os.Getenv(roleVariable); {
	case strings.HasPrefix(role, "become"):
		os.Exit(printed(report{}, becomeSomebody(role)))
	case strings.HasPrefix(role, "sandbox"):
		os.Exit(sandboxed())
	}
	os.Exit(m.Run())
}

// report is what a process that has given up its rights finds.
type report struct {
	State
	Sockets  int      // from the opener
	File     string   // what the file says that was handed on
	Possible []string // what should not be
	Opener   State
}

func printed(r report, err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		return 1
	}
	return 0
}

// becomeSomebody is the process with rights.
func becomeSomebody(role string) error {
	who := nobody
	if role == "become ourselves" {
		who = nil
	}
	opener, err := StartOpener(who)
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	if _, err := w.WriteString("handed on"); err != nil {
		return err
	}
	w.Close()
	return Become(who, Handover{opener, map[string]*os.File{"pipe": r}, "a note"})
}

// inherited is the process without.
func inherited(in *Handover, err error) (r report, _ error) {
	if err != nil {
		return r, err
	}
	for range 3 {
		fd, err := in.Opener.Socket(unix.SOCK_RAW)
		if err != nil {
			return r, err
		}
		defer unix.Close(fd)
		r.Sockets++
	}
	text := make([]byte, 100)
	n, err := in.Files["pipe"].Read(text)
	if err != nil {
		return r, err
	}
	r.File = string(text[:n]) + ", " + in.Note
	for name, try := range map[string]func() error{
		"socket": func() error { _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); return err },
		"shadow": func() error { _, err := os.ReadFile("/etc/shadow"); return err },
		"setuid": func() error { return syscall.Setuid(1) },
		"chown":  func() error { return os.Chown("/proc/self/comm", 1, 1) },
		"exec":   func() error { return exec.Command("/bin/true").Start() }, // the control: this is possible
	} {
		if try() == nil {
			r.Possible = append(r.Possible, name)
		}
	}
	if r.State, err = Look(os.Getpid()); err != nil {
		return r, err
	}
	if r.Opener, err = Look(in.Opener.PID()); err != nil {
		return r, err
	}
	return r, in.Opener.Close()
}

// mayCapture skips a test that needs the right to capture, or fails it where the
// environment says that it must not be skipped.
func mayCapture(t *testing.T) {
	t.Helper()
	if MayCapture() {
		return
	}
	if os.Getenv("PACKETHEAT_REQUIRE_CAPTURE") == "1" {
		t.Fatal("CAP_NET_RAW is missing")
	}
	t.Skip("needs CAP_NET_RAW (run as root)")
}

// play runs the test's program as one of its roles.
func play(t *testing.T, role string) (report, string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var r report
	if err == nil {
		err = json.Unmarshal(out, &r)
	}
	return r, said.String(), errors.Join(err)
}
