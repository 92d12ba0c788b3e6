package livetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/cmd/internal/privilege"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// somebody is a user that is neither root nor ours.
const somebody = 65534

// starters are the ways in which a sensor gets the right to capture.
var starters = []struct {
	name   string
	uid    uint32 // that starts it; 0: root
	caps   bool   // the program's file has the capability
	owner  int    // of the folder it works in
	wanted int    // that it becomes
}{
	{"root", 0, false, 0, 0},
	{"root in somebody's folder", 0, false, somebody, somebody},
	{"somebody by the file's capability", somebody, true, somebody, somebody},
}

// TestRights starts the sensor as root and as an ordinary user, looks at what all of its
// threads may do, and wants all that a long life brings to work without rights: an
// interface that goes and comes back, a reload, files that are replaced.
func TestRights(t *testing.T) {
	t.Parallel()
	for _, who := range starters {
		t.Run(who.name, func(t *testing.T) {
			t.Parallel()
			link := capturetest.Veth(t)
			if os.Geteuid() != 0 {
				t.Skip("only root starts a sensor as somebody else")
			}
			o := options{uid: who.uid, dir: workdir(t)}
			if who.caps {
				o.path = granted(t)
			}
			if err := os.Chown(o.dir, who.owner, who.owner); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(o.dir, "config.yaml"), []byte("log: {level: info}\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			s := start(t, link, o)
			s.ready()
			opener := childOf(t, s.cmd.Process.Pid)
			s.without(who.wanted, opener)
			s.lives(link)
			s.without(who.wanted, opener)
			s.stop()
			gone(t, opener)
			balanced(t, s.dir+"/data")
			owned(t, who.wanted, s.dir+"/data", s.dir+"/out")
		})
	}
}

// without wants a sensor without any right, and an opener with one.
func (s *sensor) without(uid, opener int) {
	s.t.Helper()
	for pid, want := range map[int][]string{s.cmd.Process.Pid: {}, opener: {"CAP_NET_RAW"}} {
		state, err := privilege.Look(pid)
		if err != nil {
			s.t.Fatal(err)
		}
		if state.UID != uid || !slices.Equal(state.Capabilities, want) || !state.NoNewPrivs || !state.Seccomp {
			s.t.Errorf("process %d is %+v, want user %d with %q", pid, state, uid, want)
		}
	}
}

// lives takes the sensor through what happens in years.
func (s *sensor) lives(link *capturetest.Link) {
	s.t.Helper()
	traffic := mix(s.t, 50)
	n := uint64(len(traffic.frames))
	transmit(s.t, link, link.Peer.Sender(s.t), traffic.frames, int(n))
	s.until("all is captured", func(st *liveStatus) bool { return st.Books.Captured.Packets >= n })
	link.Sensor.Delete(s.t)
	s.until("the interface is gone", func(st *liveStatus) bool {
		return len(st.Interfaces) == 1 && !strings.HasPrefix(st.Interfaces[0].State, "capturing")
	})
	link.Connect(s.t)
	s.until("the interface is back", func(st *liveStatus) bool { return strings.HasPrefix(st.Interfaces[0].State, "capturing") })
	transmit(s.t, link, link.Peer.Sender(s.t), traffic.frames, int(n))
	s.until("all is captured once more", func(st *liveStatus) bool { return st.Books.Captured.Packets >= 2*n })
	if s.restricted() {
		elsewhere := workdir(s.t) + "/city.mmdb"
		replace(s.t, elsewhere, "text that everybody may read")
		replace(s.t, s.dir+"/config.yaml", "geo: {city: '"+elsewhere+"'}\n")
		s.signal(syscall.SIGHUP)
		s.says("permission denied", "restart it")
	}
	replace(s.t, s.dir+"/config.yaml", "log: {level: debug}\n")
	s.signal(syscall.SIGHUP)
	s.says("configuration reloaded", "log.level")
	s.says("GeoIP databases reloaded")
	if got := s.get("/api/v1/export.sqlite"); !strings.HasPrefix(string(got), "SQLite format 3") {
		s.t.Errorf("a store to take away begins with %q", got[:min(len(got), 16)])
	}
}

// restricted asks the sensor whether Landlock is in force, and wants it to know its rights.
func (s *sensor) restricted() bool {
	s.t.Helper()
	var status struct {
		Rights struct {
			Capabilities []string
			NoNewPrivs   bool `json:"no_new_privileges"`
			Landlock     int
			Opener       struct {
				PID          int
				Capabilities []string
			}
		}
	}
	if err := json.Unmarshal(s.get("/api/v1/status"), &status); err != nil {
		s.t.Fatal(err)
	}
	r := status.Rights
	if len(r.Capabilities) > 0 || !r.NoNewPrivs || !slices.Equal(r.Opener.Capabilities, []string{"CAP_NET_RAW"}) || r.Opener.PID != childOf(s.t, s.cmd.Process.Pid) {
		s.t.Errorf("the status has %+v", r)
	}
	return r.Landlock > 0
}

// replace replaces a file as editors do: by another of the same name.
func replace(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// says waits for a line with all of some words.
func (s *sensor) says(words ...string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !oneLine(s.said(), words); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("want a line with all of %q, got:\n%s", words, s.said())
		}
	}
}

// owned wants everything in folders to belong to a user.
func owned(t *testing.T, uid int, dirs ...string) {
	t.Helper()
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) == 0 {
			t.Errorf("%s: %d files, %v", dir, len(entries), err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Sys().(*syscall.Stat_t).Uid != uint32(uid) {
				t.Errorf("%s belongs to user %d, want %d", e.Name(), info.Sys().(*syscall.Stat_t).Uid, uid)
			}
		}
	}
}

// TestOpenerKilled: without its opener the sensor goes on, and says what it cannot do.
func TestOpenerKilled(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	s := start(t, link, options{})
	s.ready()
	opener := childOf(t, s.cmd.Process.Pid)
	if err := unix.Kill(opener, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.says("restart packetheat", "signal: killed")
	traffic := mix(t, 50)
	transmit(t, link, link.Peer.Sender(t), traffic.frames, len(traffic.frames))
	s.until("all is captured", func(st *liveStatus) bool { return st.Books.Captured.Packets >= uint64(len(traffic.frames)) })
	link.Sensor.Delete(t)
	link.Connect(t)
	if said := string(s.get("/api/v1/status")); !strings.Contains(said, `"code":"opener"`) {
		t.Errorf("the status warns of nothing: %s", said)
	}
	s.until("it says why the interface is not captured on", func(st *liveStatus) bool {
		return len(st.Interfaces) == 1 && strings.Contains(st.Interfaces[0].State, "restart packetheat")
	})
	s.stop()
	balanced(t, s.dir+"/data")
}

// TestCommandsShedRights: a command that captures nothing has no use for the capability on
// the program's file, and gives it up in every thread; what was given it for a purpose it
// keeps.
func TestCommandsShedRights(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	if os.Geteuid() != 0 {
		t.Skip("only root starts a program as somebody else")
	}
	path, dir := granted(t), workdir(t)
	run := start(t, link, options{uid: somebody, dir: dir, path: path, args: []string{"--listen", "off"}})
	run.ready()
	run.stop()
	for capability, keeps := range map[string][]string{"cap_net_raw": {}, "cap_net_raw,cap_net_bind_service": {"CAP_NET_BIND_SERVICE"}} {
		if out, err := exec.Command("setcap", capability+"+ep", path).CombinedOutput(); err != nil {
			t.Fatalf("setcap: %v %s", err, out)
		}
		s := start(t, link, options{bare: true, uid: somebody, dir: dir, path: path, args: []string{"serve", "--listen", "127.0.0.1:8080"}})
		s.ready()
		state, err := privilege.Look(s.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		if state.UID != somebody || state.Threads < 3 || !slices.Equal(state.Capabilities, keeps) {
			t.Errorf("with %s on its file serve is %+v, want it to keep %q", capability, state, keeps)
		}
		s.stop()
	}
}
