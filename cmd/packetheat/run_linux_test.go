package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/cmd/internal/health"
	"github.com/packetheat/packetheat/cmd/internal/instance"
)

// mayCapture skips a test that needs the right to capture, or fails it where the
// environment says that it must not be skipped.
func mayCapture(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err == nil {
		unix.Close(fd)
		return
	}
	if os.Getenv("PACKETHEAT_REQUIRE_CAPTURE") == "1" {
		t.Fatalf("packet socket: %v", err)
	}
	t.Skipf("packet socket: %v (run as root)", err)
}

// sensorProcess is a running packetheat run.
type sensorProcess struct {
	*exec.Cmd
	dir   string
	lines chan string // of standard error, closed at its end
}

// startRun starts a sensor on the loopback interface, whose traffic is all local.
func startRun(t *testing.T, dir string, env []string, args ...string) *sensorProcess {
	t.Helper()
	return call{dir: dir, env: env, args: append([]string{"run", "--interface", "lo"}, args...)}.start(t)
}

// start starts a sensor.
func (c call) start(t *testing.T) *sensorProcess {
	t.Helper()
	cmd := c.command(t)
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &sensorProcess{cmd, cmd.Dir, make(chan string, 1000)}
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(errs); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return s
}

// next returns the next line that the sensor says, within reason.
func (s *sensorProcess) next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-s.lines:
		if !ok {
			t.Fatal("the sensor has ended")
		}
		return line
	case <-time.After(patience):
		t.Fatal("the sensor says nothing")
	}
	return ""
}

// end waits for the end and returns what was still said, and the status.
func (s *sensorProcess) end(t *testing.T) (string, int) {
	t.Helper()
	timer := time.AfterFunc(patience, func() { _ = s.Process.Kill() })
	defer timer.Stop()
	var said []string
	for line := range s.lines {
		said = append(said, line)
	}
	_ = s.Wait()
	return strings.Join(said, "\n"), s.ProcessState.ExitCode()
}

var readyLine = regexp.MustCompile(`^ready interface=lo dashboard=(http://127\.0\.0\.1:\d+) out=out$`)

func TestRun(t *testing.T) {
	mayCapture(t)
	s := call{path: racing(t), env: []string{"SSH_CONNECTION=192.0.2.9 5555 192.0.2.1 22", "USER=ann"},
		args: []string{"run", "--interface", "lo", "--listen", "127.0.0.1:0"}}.start(t)
	match := readyLine.FindStringSubmatch(s.next(t))
	if match == nil {
		t.Fatal("the first line is not the ready line")
	}
	url := match[1]
	for line := s.next(t); !strings.Contains(line, "ssh -L"); line = s.next(t) {
		continue // log lines; the test's end is the time limit of next
	}
	for _, path := range []string{"/", "/api/v1/status", "/healthz", "/readyz", "/metrics"} {
		answer, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK || path == "/metrics" && !strings.Contains(string(body), `packetheat_capture_open_rings{interface="lo"}`) {
			t.Errorf("%s: %s\n%.300s", path, answer.Status, body)
		}
	}
	if out := packetheat(t, s.dir, "status").out; !strings.Contains(out, "interface     lo: capturing") || !strings.Contains(out, url) {
		t.Errorf("status prints\n%s", out)
	}
	if out := packetheat(t, s.dir, "status", "--ready").out; strings.Count(out, "  ok  ") != len(health.Names()) {
		t.Errorf("status --ready prints\n%s", out)
	}
	var checks []health.Check
	if err := json.Unmarshal([]byte(packetheat(t, s.dir, "status", "--ready", "--json").out), &checks); err != nil || health.Failed(checks, health.Notice) || len(checks) == 0 {
		t.Errorf("%+v, %v", checks, err)
	}
	var status statusJSON
	if err := json.Unmarshal([]byte(packetheat(t, s.dir, "status", "--json").out), &status); err != nil || status.Interfaces[0].Name != "lo" {
		t.Errorf("%+v, %v", status, err)
	}
	// A store has one writer.
	if err := os.WriteFile(filepath.Join(s.dir, "x.pcap"), sample(), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (call{dir: s.dir, args: []string{"replay", "x.pcap", "--data", "data"}}).run(t); r.status != exitFailed || !strings.Contains(r.err, "in use by another writer") {
		t.Errorf("replay into a store in use: status %d\n%s", r.status, r.err)
	}
	for _, c := range []struct {
		signal os.Signal
		said   string
	}{{syscall.SIGUSR1, `"msg":"statistics"`}, {syscall.SIGUSR1, `"check":"rings","ok":true`}, {syscall.SIGHUP, "GeoIP databases reloaded"}, {os.Interrupt, "kernel drops 0"}} {
		if err := s.Process.Signal(c.signal); err != nil {
			t.Fatal(err)
		}
		for !strings.Contains(s.next(t), c.said) {
			continue // next fails the test where nothing more comes
		}
	}
	if said, code := s.end(t); code != exitDone || strings.Contains(said, "DATA RACE") {
		t.Errorf("status %d\n%s", code, said)
	}
	for _, name := range []string{"ip_heatmap.html", "ip_heatmap.csv"} {
		info, err := os.Stat(filepath.Join(s.dir, "out", name))
		if err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, running, err := instance.Find(filepath.Join(s.dir, "data")); running || err != nil {
		t.Errorf("still announced: %v", err)
	}
}

// TestRunDuration stops by itself, with no dashboard. The time counts from the ready
// line on: a duration far shorter than a start leaves the store and the files as well.
func TestRunDuration(t *testing.T) {
	mayCapture(t)
	s := startRun(t, t.TempDir(), nil, "--listen", "off", "--duration", "1ms", "--out", "o", "--data", "d")
	if line := s.next(t); line != "ready interface=lo dashboard=off out=o" {
		t.Errorf("first line is %q", line)
	}
	if said, code := s.end(t); code != exitDone || !strings.Contains(said, "captured ") {
		t.Errorf("status %d\n%s", code, said)
	}
	if names, _ := filepath.Glob(filepath.Join(s.dir, "d", "packetheat.db")); len(names) != 1 {
		t.Error("the store is not where --data says")
	}
	if names, _ := filepath.Glob(filepath.Join(s.dir, "o", "ip_heatmap.*")); len(names) != 2 {
		t.Errorf("the folder of --out has %q, want map and table", names)
	}
}

// TestPorts: a default port that is taken moves on, a chosen one is an error.
func TestPorts(t *testing.T) {
	p := &program{err: io.Discard}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	moved, err := p.listen(address, false)
	if err != nil {
		t.Fatal(err)
	}
	defer moved.Close()
	if from, to := taken.Addr().(*net.TCPAddr).Port, moved.Addr().(*net.TCPAddr).Port; to <= from || to > from+portsTried {
		t.Errorf("moved from port %d to %d", from, to)
	}
	if _, err := p.listen(address, true); err == nil || !strings.Contains(err.Error(), "is in use (choose another with --listen") {
		t.Errorf("a chosen port that is taken gives %v", err)
	}
}

// TestRunRefused shows what keeps a sensor from starting, in one line each.
func TestRunRefused(t *testing.T) {
	mayCapture(t) // the right to capture is asked for first
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := put(t, "file", nil)
	for _, c := range []struct {
		name string
		args []string
		said string
	}{
		{"port in use", []string{"--listen", taken.Addr().String()}, "is in use (choose another with --listen"},
		{"beyond loopback", []string{"--listen", "0.0.0.0:0"}, "--insecure"},
		{"output folder", []string{"--out", "file/out"}, "choose another with --out"},
		{"store folder", []string{"--data", "file/data", "--listen", "off"}, "choose another with --data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{dir: dir, args: append([]string{"run", "--interface", "lo", "--duration", "1s"}, c.args...)}.run(t)
			if r.status != exitFailed || !strings.Contains(r.err, c.said) || strings.Count(r.err, "packetheat: ") != 1 {
				t.Errorf("status %d\n%s", r.status, r.err)
			}
		})
	}
}

// TestNoRight runs the program as somebody who may not capture.
func TestNoRight(t *testing.T) {
	cmd := call{args: []string{"run", "--interface", "lo", "--listen", "off"}}.command(t)
	if os.Geteuid() == 0 {
		nobody := uint32(65534)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		for dir := cmd.Dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Dir(binary), 0o755); err != nil {
			t.Fatal(err)
		}
	} else if fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); err == nil {
		unix.Close(fd)
		t.Skip("this user may capture")
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Run(); err == nil || cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("ended with %v", err)
	}
	want := "packetheat: capture packets: the capability CAP_NET_RAW is missing: grant it with \"sudo setcap cap_net_raw+ep " + binary + "\", or start packetheat with sudo\n"
	if diff := cmp.Diff(want, errs.String()); diff != "" {
		t.Error(diff)
	}
	if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestServe asks the dashboard of one store, and of two as one.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	for name, peer := range map[string]string{"east": "9.9.9.9", "west": "1.1.1.1"} {
		if err := os.WriteFile(filepath.Join(dir, name+".pcap"), pcap([][]byte{udp(us, peer, 40000, 53)}), 0o600); err != nil {
			t.Fatal(err)
		}
		packetheat(t, dir, "replay", name+".pcap", "--data", name)
	}
	for _, c := range []struct {
		args, want []string
		filter     string
		not        string
	}{
		{[]string{"--data", "east"}, []string{`"FR"`}, "", `"DE"`},
		{[]string{"--data", "east", "--data", "west"}, []string{`"FR"`, `"DE"`}, "", "none"},
		{[]string{"--data", "east", "--data", "west"}, []string{`"DE"`}, "&filter=sensor:west", `"FR"`},
	} {
		cmd := call{dir: dir, args: append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)}.command(t)
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		defer cmd.Process.Kill()
		line, err := bufio.NewReader(errs).ReadString('\n')
		url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready dashboard=")
		if err != nil || !ok {
			t.Fatalf("first line is %q, %v", line, err)
		}
		answer, err := http.Get(url + "/api/v1/top?by=country" + c.filter)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if strings.Contains(string(body), c.not) {
			t.Errorf("%v%s: %s is in\n%s", c.args, c.filter, c.not, body)
		}
		for _, want := range c.want {
			if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%v: %s, %v\n%s", c.args, answer.Status, err, body)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("ended with %v", err)
		}
	}
	for _, args := range [][]string{{"--data", "east", "--data", "./east"}, {"--listen", "off"}} {
		if r := (call{dir: dir, args: append([]string{"serve"}, args...)}).run(t); r.status != exitUsage {
			t.Errorf("%v: status %d\n%s", args, r.status, r.err)
		}
	}
}

// TestRunMissing says at once that it waits for an interface that there is not.
func TestRunMissing(t *testing.T) {
	mayCapture(t)
	s := startRun(t, t.TempDir(), nil, "--interface", "none0", "--listen", "off", "--duration", "1s")
	if line := s.next(t); !strings.HasPrefix(line, "ready interface=lo,none0 ") {
		t.Errorf("first line is %q", line)
	}
	if line := s.next(t); !strings.HasPrefix(line, "waiting for none0, which does not exist yet; there are lo") {
		t.Errorf("second line is %q", line)
	}
	if said, code := s.end(t); code != exitDone {
		t.Errorf("status %d\n%s", code, said)
	}
}
