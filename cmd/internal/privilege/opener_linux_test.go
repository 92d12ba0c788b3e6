//go:build cgo

package privilege

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// start starts an opener as nobody, where we may become that, and ends it.
func start(t *testing.T) *Opener {
	t.Helper()
	mayCapture(t)
	var who *Identity
	if os.Geteuid() == 0 {
		who = nobody
	}
	o, err := StartOpener(who)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(o.Close(), o.Close()); err != nil {
			t.Error(err)
		}
	})
	return o
}

// TestOpener asks for sockets of both types, several at once.
func TestOpener(t *testing.T) {
	o := start(t)
	failed := make(chan error)
	const askers = 8
	for i := range askers {
		go func() {
			want := []int{unix.SOCK_RAW, unix.SOCK_DGRAM}[i%2]
			fd, err := o.Socket(want)
			if err == nil {
				err = examine(fd, want)
			}
			failed <- err
		}()
	}
	for range askers {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	s, err := Look(o.PID())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Capabilities, []string{"CAP_NET_RAW"}) || !s.NoNewPrivs || !s.Seccomp || s.Threads != 1 || os.Geteuid() == 0 && s.UID != nobody.UID {
		t.Errorf("the opener is %+v", s)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); name == "RssAnon" || name == "CapBnd" || name == "CapInh" {
			t.Log(name, strings.TrimSpace(value))
		}
	}
}

// examine wants a packet socket as a ring needs it.
func examine(fd, sockType int) error {
	defer unix.Close(fd)
	for option, want := range map[int]int{unix.SO_DOMAIN: unix.AF_PACKET, unix.SO_TYPE: sockType, unix.SO_PROTOCOL: 0} {
		if got, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, option); err != nil || got != want {
			return fmt.Errorf("socket option %d is %d, %v; want %d", option, got, err, want)
		}
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	status, err2 := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil || err2 != nil || flags&unix.FD_CLOEXEC == 0 || status&unix.O_NONBLOCK == 0 {
		return fmt.Errorf("flags %x and %x, %v %v", flags, status, err, err2)
	}
	return nil
}

// TestOpenerStays: what ends a whole group or service does not end the opener.
func TestOpenerStays(t *testing.T) {
	o := start(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := o.process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	fd, err := o.Socket(unix.SOCK_RAW)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

// TestOpenerGone kills it: from then on that is what is said.
func TestOpenerGone(t *testing.T) {
	o := start(t)
	if err := o.Err(); err != nil {
		t.Errorf("before: %v", err)
	}
	if err := o.process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Socket(unix.SOCK_RAW); !errors.Is(err, ErrOpenerGone) { // whether or not it is known yet
		t.Errorf("a socket of a dead opener: %v", err)
	}
	<-o.Ended()
	if err := o.Err(); !errors.Is(err, ErrOpenerGone) || !strings.Contains(err.Error(), "killed") {
		t.Errorf("afterwards: %v", err)
	}
}

// TestOpenerByHand: nobody gets an opener whose right comes from its file.
func TestOpenerByHand(t *testing.T) {
	if s, err := Look(os.Getpid()); err != nil || s.NoNewPrivs {
		t.Skip("with no-new-privileges the file's capability is not given anyway")
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{openerVariable}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "packetheat run") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestOpenerWithoutRight answers what the kernel says.
func TestOpenerWithoutRight(t *testing.T) {
	var o *Opener
	err := onThread(func() (err error) {
		if err = setCapabilities(0); err != nil {
			return err
		}
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		theirs := os.NewFile(uintptr(pair[1]), "theirs")
		defer theirs.Close()
		if err := (*Identity)(nil).assume(0); err != nil {
			return err
		}
		cmd := exec.Command(self)
		cmd.Env, cmd.ExtraFiles = []string{openerVariable}, []*os.File{theirs}
		if err := cmd.Start(); err != nil {
			return err
		}
		o, err = newOpener(os.NewFile(uintptr(pair[0]), "ours"), cmd.Process)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Socket(unix.SOCK_RAW); !errors.Is(err, unix.EPERM) {
		t.Errorf("a socket without the right to open one: %v", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
