package livetest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// program is the path of the binary under test.
var program string

// TestMain builds the program once, in a folder that every user may read, because
// some tests run it as somebody else.
func TestMain(m *testing.M) {
	code, err := func() (int, error) {
		if program = os.Getenv("PACKETHEAT_PROGRAM"); program != "" {
			return m.Run(), nil
		}
		dir, err := os.MkdirTemp("", "packetheat-livetest-")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			return 1, err
		}
		program = filepath.Join(dir, "packetheat")
		if err := build(program); err != nil {
			return 1, err
		}
		return m.Run(), nil
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// build builds the program at path.
func build(path string, flags ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", path, "../packetheat")
	if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// environment is ours without what only tests know: the program refuses variables it
// does not know. Nor has it our TMPDIR, which a confined sensor may write to: the tests'
// own folders are in it. More is added at the end.
func environment(more ...string) (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PACKETHEAT_") && !strings.HasPrefix(v, "SSH_") && !strings.HasPrefix(v, "SUDO_") && !strings.HasPrefix(v, "TMPDIR=") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

// patience is how long anything may take that happens "at once", on a machine that
// does other things, too.
const patience = 5 * time.Minute

// sensor is a running packetheat.
type sensor struct {
	t    testing.TB
	link *capturetest.Link
	dir  string // working directory; data and out are in it unless flags say otherwise
	cmd  *exec.Cmd

	exited chan struct{} // closed after err is set
	err    error

	mu     sync.Mutex
	stderr bytes.Buffer
	readyc chan string // the ready line, once
}

// options of start; the zero value is packetheat run on the sensor's end of the wire
// with a tick of a second.
type options struct {
	dir  string   // "": a new one
	args []string // after the usual ones
	env  []string
	uid  uint32 // 0: ours
	bare bool   // args are all there are
	path string // of the program; "": program
}

// start starts packetheat in the sensor's namespace. It is killed when the test ends.
func start(t testing.TB, link *capturetest.Link, o options) *sensor {
	t.Helper()
	if o.dir == "" {
		o.dir = workdir(t)
	}
	s := &sensor{t: t, link: link, dir: o.dir, exited: make(chan struct{}), readyc: make(chan string, 1)}
	// Should the test be killed, the sensor ends by itself.
	args := []string{"run", "--interface", capturetest.SensorInterface, "--open", "never", "--duration", "10m"}
	if o.bare {
		args = nil
	}
	if o.path == "" {
		o.path = program
	}
	s.cmd = exec.Command(o.path, append(args, o.args...)...)
	s.cmd.Dir = o.dir
	s.cmd.Env = environment(append([]string{"PACKETHEAT_SENSOR_TICK=1s", "PACKETHEAT_SENSOR_NAME=live"}, o.env...)...)
	if o.uid != 0 {
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: o.uid, Gid: o.uid}}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr, s.cmd.Stdout = w, w
	link.Sensor.Do(t, func() { err = s.cmd.Start() })
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	go s.read(r)
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.exited
		if t.Failed() {
			t.Logf("packetheat %s said:\n%s", strings.Join(o.args, " "), s.said())
		}
	})
	return s
}

// workdir is a folder that any user may write to and that is removed in the end.
func workdir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (s *sensor) read(r *os.File) {
	defer close(s.exited)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		s.mu.Lock()
		fmt.Fprintln(&s.stderr, lines.Text())
		s.mu.Unlock()
		if strings.HasPrefix(lines.Text(), "ready ") {
			select {
			case s.readyc <- lines.Text():
			default:
			}
		}
	}
	r.Close()
	s.err = s.cmd.Wait()
}

// said returns what the program has printed so far.
func (s *sensor) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

// ready waits for the first line that contract.md promises and returns its fields.
func (s *sensor) ready() map[string]string {
	s.t.Helper()
	select {
	case line := <-s.readyc:
		fields := make(map[string]string)
		for _, f := range strings.Fields(line)[1:] {
			name, value, _ := strings.Cut(f, "=")
			fields[name] = value
		}
		return fields
	case <-s.exited:
		s.t.Fatalf("packetheat ended before it was ready: %v\n%s", s.err, s.said())
	case <-time.After(patience):
		s.t.Fatalf("packetheat is not ready after %s:\n%s", patience, s.said())
	}
	return nil
}

// signal sends a signal.
func (s *sensor) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// wait waits for the end and returns the exit status.
func (s *sensor) wait() int {
	s.t.Helper()
	select {
	case <-s.exited:
	case <-time.After(patience):
		s.t.Fatalf("packetheat still runs after %s:\n%s", patience, s.said())
	}
	return s.cmd.ProcessState.ExitCode()
}

// stop asks for the end as Ctrl+C does and wants exit status 0.
func (s *sensor) stop() {
	s.t.Helper()
	s.signal(os.Interrupt)
	if code := s.wait(); code != 0 {
		s.t.Fatalf("packetheat ended with status %d:\n%s", code, s.said())
	}
}

// client speaks HTTP inside the sensor's namespace.
func (s *sensor) client() *http.Client {
	dial := func(ctx context.Context, network, address string) (conn net.Conn, err error) {
		s.link.Sensor.Do(s.t, func() { conn, err = (&net.Dialer{Timeout: patience}).DialContext(ctx, network, address) })
		return conn, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: patience}
}

// get fetches a path of the dashboard and wants status 200.
func (s *sensor) get(path string) []byte {
	s.t.Helper()
	resp, err := s.client().Get("http://127.0.0.1:8080" + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %s, %v\n%.500s", path, resp.Status, err, body)
	}
	return body
}

// liveStatus is a part of what a running sensor says about itself.
type liveStatus struct {
	LastTick   time.Time `json:"last_tick"`
	Interfaces []struct{ Name, State string }
	Books      struct {
		Captured struct{ Packets uint64 }
	}
}

// until waits for a status that is as wanted.
func (s *sensor) until(what string, wanted func(*liveStatus) bool) {
	s.t.Helper()
	untilStatus(s, what, wanted)
}

// untilStatus is the same with as much of the status as S takes.
func untilStatus[S any](s *sensor, what string, wanted func(*S) bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		var status S
		if err := json.Unmarshal(s.get("/api/v1/status"), &status); err != nil {
			s.t.Fatal(err)
		}
		if wanted(&status) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not so after %s: %s; status is %+v", patience, what, status)
		}
	}
}

// ask runs a subcommand and returns its standard output; it wants exit status 0.
func ask(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, errs, code := tell(t, dir, args...)
	if code != 0 {
		t.Fatalf("packetheat %s: status %d\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// tell runs a subcommand and returns all it says.
func tell(t testing.TB, dir string, args ...string) (out, errs string, code int) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = dir, environment()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// transmit sends n frames, taking them in turn, and loses none: the kernel's queue
// between the two ends holds 1000 frames (net.core.netdev_max_backlog), and where it
// overflows on a busy machine no sensor could know. So it waits for every part of them
// to be received before it sends the next.
func transmit(t testing.TB, link *capturetest.Link, sender *capturetest.Sender, frames [][]byte, n int) {
	t.Helper()
	const part = 400
	begin, _ := link.Sensor.Received(t)
	for sent := 0; sent < n; {
		at := sent % len(frames)
		count := min(part, n-sent, len(frames)-at)
		if _, err := sender.Send(frames[at:at+count], count, 0, nil); err != nil {
			t.Fatal(err)
		}
		sent += count
		deadline := time.Now().Add(patience)
		for received, _ := link.Sensor.Received(t); received-begin < uint64(sent); received, _ = link.Sensor.Received(t) {
			if time.Now().After(deadline) {
				t.Fatalf("sent %d frames, the interface received %d", sent, received-begin)
			}
			time.Sleep(200 * time.Microsecond)
		}
	}
}
