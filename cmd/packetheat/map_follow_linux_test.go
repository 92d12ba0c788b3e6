package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal with a command on it.
type terminal struct {
	t       *testing.T
	master  *os.File
	slave   *os.File
	cmd     *exec.Cmd
	mu      sync.Mutex
	written bytes.Buffer
	done    chan struct{} // closed when the command has ended
}

// onTerminal starts packetheat on a terminal of its own.
func onTerminal(t *testing.T, columns, lines uint16, dir string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	p := &terminal{t: t, master: master, slave: slave, done: make(chan struct{})}
	p.resize(columns, lines)
	p.cmd = call{dir: dir, env: []string{"TERM=xterm-256color", "LANG=C.UTF-8", "COLORTERM=", "NO_COLOR="}, args: args}.command(t)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = slave, slave, slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go p.listen()
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
		master.Close()
		slave.Close()
	})
	return p
}

func (p *terminal) listen() {
	buffer := make([]byte, 1<<16)
	for {
		n, err := p.master.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.written.Write(buffer[:n])
		p.mu.Unlock()
	}
}

func (p *terminal) resize(columns, lines uint16) {
	p.t.Helper()
	if err := unix.IoctlSetWinsize(int(p.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: lines, Col: columns}); err != nil {
		p.t.Fatal(err)
	}
}

// press types keys, after forgetting what was written before.
func (p *terminal) press(keys string) {
	p.t.Helper()
	p.forget()
	if _, err := p.master.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

func (p *terminal) forget() {
	p.mu.Lock()
	p.written.Reset()
	p.mu.Unlock()
}

func (p *terminal) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written.String()
}

// see waits until a text has been written.
func (p *terminal) see(text string) {
	p.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(p.text(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("never writes %q:\n%s", text, p.text())
		}
	}
}

// ends waits for the end of the command and wants exit status 0, the screen given back
// and the keyboard as it was.
func (p *terminal) ends() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitDone {
		p.t.Errorf("status %d:\n%s", code, p.text())
	}
	p.see(leaveScreen)
	if !strings.HasSuffix(p.text(), leaveScreen) {
		p.t.Errorf("writes after it left:\n%q", p.text())
	}
	term, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil || term.Lflag&unix.ICANON == 0 || term.Lflag&unix.ECHO == 0 {
		p.t.Errorf("the keyboard is left raw: %+v, %v", term, err)
	}
}

// TestMapFollow follows a store: keys, a new size, new data, and an end by q.
func TestMapFollow(t *testing.T) {
	dir := copyStore(t)
	p := onTerminal(t, 100, 30, dir, "map", "--follow", "--from", "2026-11-17")
	p.see("12 packets")
	p.see(endFrame)
	first := p.text()
	if !strings.HasPrefix(first, enterScreen+beginFrame) || strings.Count(first, "\x1b[2J") != 1 {
		t.Errorf("begins with %.60q", first)
	}
	if !strings.Contains(first, "\x1b[38;5;") {
		t.Error("a terminal with 256 colours shows none")
	}

	p.press("u")
	p.see("Places by bytes")
	p.forget()
	p.resize(60, 20)
	p.see(endFrame)
	for _, line := range strings.Split(p.text(), "\r\n") {
		if n := len([]rune(strings.TrimRight(plainOf(line), "\r"))); n > 60 {
			t.Errorf("%d columns after the screen became 60 wide: %q", n, line)
		}
	}

	if err := os.WriteFile(filepath.Join(dir, "more.pcap"), pcap([][]byte{udp(us, "1.1.1.1", 40001, 53)}), 0o600); err != nil {
		t.Fatal(err)
	}
	p.forget()
	packetheat(t, dir, "replay", "more.pcap", "--data", "data")
	p.see("13 packets")
	if strings.Contains(p.text(), "\x1b[2J") {
		t.Error("a new frame clears the screen: that flickers")
	}
	p.press("q")
	p.ends()
}

// TestMapFollowStops ends by Ctrl+C and by SIGTERM, and gives the screen back while
// Ctrl+Z has stopped it.
func TestMapFollowStops(t *testing.T) {
	dir := sharedStore(t)
	p := onTerminal(t, 80, 24, dir, "map", "--follow", "--from", "2026-11-17")
	p.see("12 packets")
	p.press("\x1a")
	p.see(leaveScreen)
	p.stopped()
	p.forget()
	if err := p.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.see("12 packets")
	p.press("\x03")
	p.ends()

	p = onTerminal(t, 80, 24, dir, "map", "--follow")
	p.see("No data in this window")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends()
}

// stopped waits until the kernel says that the process is stopped.
func (p *terminal) stopped() {
	p.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		if _, after, _ := strings.Cut(string(stat), ") "); err == nil && strings.HasPrefix(after, "T") {
			return
		}
		if time.Now().After(end) {
			p.t.Fatalf("is not stopped: %s", stat)
		}
	}
}

// plainOf leaves out what moves the cursor or colours.
func plainOf(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != 0x1b {
			b.WriteByte(s[i])
			continue
		}
		for i += 2; i < len(s) && (s[i] < 0x40 || s[i] > 0x7e); i++ {
		}
	}
	return b.String()
}

// TestMapFollowPipe writes frame after frame, and with --json line after line, to who
// reads a pipe.
func TestMapFollowPipe(t *testing.T) {
	dir := copyStore(t)
	cmd := call{dir: dir, args: []string{"map", "--follow", "--json", "--from", "2026-11-17"}}.command(t)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	line := make([]byte, 1<<16)
	n, err := out.Read(line)
	if err != nil || !bytes.Contains(line[:n], []byte(`"total":{"packets":12,`)) || bytes.Count(line[:n], []byte("\n")) != 1 {
		t.Errorf("%v: %s", err, line[:n])
	}
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
