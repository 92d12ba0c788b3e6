package livetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/cmd/internal/demo"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// demos are the ways in which the demo is started: as we are, as an ordinary user, and
// as one whose binary may capture, because "make run" came before "make demo".
var demos = []struct {
	name string
	uid  uint32
	caps bool
}{{"ourselves", 0, false}, {"ordinary user", 65534, false}, {"ordinary user with the capability", 65534, true}}

// TestDemo runs the demo until it shows the world, and stops it as Ctrl+C does. The
// dashboard is in the namespace that the demo was started in, not in the demo's.
func TestDemo(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	for _, who := range demos {
		t.Run(who.name, func(t *testing.T) {
			if who.uid != 0 {
				requireUserNamespaces(t)
			}
			path := program
			if who.caps {
				path = granted(t)
			}
			s := start(t, link, options{bare: true, path: path, args: []string{"demo", "--open", "never"}, uid: who.uid})
			s.ready()
			child := childOf(t, s.cmd.Process.Pid)
			var top struct {
				Rows []struct {
					Key     string
					Packets uint64
				}
			}
			for deadline := time.Now().Add(patience); len(top.Rows) < 30 && time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
				if err := json.Unmarshal(s.get("/api/v1/top?by=country&n=100"), &top); err != nil {
					t.Fatal(err)
				}
			}
			if len(top.Rows) < 30 {
				t.Errorf("traffic of %d countries after %s, want 30 at least", len(top.Rows), patience)
			}
			s.signal(os.Interrupt)
			_ = s.cmd.Process.Signal(os.Interrupt) // as timeout(1) does; it is one wish
			code := s.wait()
			for try := 0; try < 3 && code != 0 && strings.Contains(s.said(), "stopped at once"); try++ {
				// Where the machine stood still between the two, they were two wishes.
				s = start(t, link, options{bare: true, path: path, args: []string{"demo", "--open", "never"}, uid: who.uid})
				s.ready()
				child = childOf(t, s.cmd.Process.Pid)
				s.signal(os.Interrupt)
				_ = s.cmd.Process.Signal(os.Interrupt)
				code = s.wait()
			}
			if code != 0 || !strings.Contains(s.said(), "kernel drops") {
				t.Errorf("status %d, want 0 and a summary", code)
			}
			gone(t, child)
			balanced(t, s.dir+"/data-demo")
			if who.uid != 0 {
				if info, err := os.Stat(s.dir + "/data-demo"); err != nil {
					t.Error(err)
				} else if got := fmt.Sprint(info.Sys()); !strings.Contains(got, "65534") {
					t.Errorf("data-demo belongs to somebody else: %s", got)
				}
			}
		})
	}
}

// granted returns a copy of the program that has the capability to capture.
func granted(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(workdir(t), "packetheat")
	executable(t, path, raw)
	if out, err := exec.Command("setcap", "cap_net_raw+ep", path).CombinedOutput(); err != nil {
		t.Skipf("no file capabilities here: %v %s", err, out)
	}
	return path
}

// executable writes a program. A process of its own does it: what another test starts
// meanwhile would for a moment hold a file open for writing that we have open, and such a
// file cannot be executed (ETXTBSY).
func executable(t *testing.T, path string, text []byte) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `cat >"$0" && chmod 755 "$0"`, path)
	cmd.Stdin = bytes.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("write %s: %v %s", path, err, out)
	}
}

// TestDemoKilled: the part inside the namespaces ends with the one outside, however
// that one ends.
func TestDemoKilled(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	s := start(t, link, options{bare: true, args: []string{"demo", "--open", "never"}})
	s.ready()
	child := childOf(t, s.cmd.Process.Pid)
	s.cmd.Process.Kill()
	gone(t, child)
}

func requireUserNamespaces(t *testing.T) {
	t.Helper()
	for name, closed := range map[string]string{"kernel/unprivileged_userns_clone": "0",
		"kernel/apparmor_restrict_unprivileged_userns": "1", "user/max_user_namespaces": "0"} {
		if b, err := os.ReadFile("/proc/sys/" + name); err == nil && strings.TrimSpace(string(b)) == closed {
			t.Skipf("user namespaces are closed here: %s is %s", name, closed)
		}
	}
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil && strings.Fields(string(b))[2] == "1" {
		t.Skip("there is but one user in this user namespace")
	}
}

// childOf returns the process that another one has started.
func childOf(t testing.TB, pid int) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		for _, task := range tasks {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
			if f := strings.Fields(string(b)); len(f) == 1 {
				child, err := strconv.Atoi(f[0])
				if err != nil {
					t.Fatal(err)
				}
				return child
			}
		}
	}
	t.Fatalf("process %d has no child", pid)
	return 0
}

// gone waits until a process has ended, and with it its namespace and veth pair.
func gone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for unix.Kill(pid, 0) == nil {
		if b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); strings.Contains(string(b), ") Z ") {
			return // ended; who inherited it has not asked for its status yet
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d of the demo is still there", pid)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestDemoWorld: with the database that every packetheat has, the demo reaches
// the whole world, over IPv6 too.
func TestDemoWorld(t *testing.T) {
	t.Parallel()
	db, err := geo.Open(geo.Config{Search: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w, err := demo.NewWorld(1, func(a netip.Addr) (demo.Host, bool) {
		l := db.Locate(a)
		return demo.Host{Addr: a, Country: l.Country, Lat: l.Latitude, Lon: l.Longitude}, l.HasCoordinates
	})
	if err != nil {
		t.Fatal(err)
	}
	countries := func(hosts []demo.Host) int {
		seen := make(map[string]bool)
		for _, h := range hosts {
			seen[h.Country] = true
		}
		return len(seen)
	}
	if n := countries(w.V4); len(w.V4) < 900 || n < 150 {
		t.Errorf("%d IPv4 hosts in %d countries, want at least 900 in 150", len(w.V4), n)
	}
	if n := countries(w.V6); len(w.V6) < 500 || n < 60 {
		t.Errorf("%d IPv6 hosts in %d countries, want at least 500 in 60", len(w.V6), n)
	}
}
