package instance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// hold takes the lock of a store as its writer does.
func hold(t *testing.T, dir string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, lockName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	if _, ok, err := Find(filepath.Join(dir, "none")); ok || err != nil {
		t.Fatalf("found a sensor where there is no folder: %v", err)
	}
	lock := hold(t, dir)
	if state, ok, err := Find(dir); !ok || err != nil || state.PID != 0 {
		t.Errorf("before the announcement: %+v %v %v", state, ok, err)
	}
	said := State{Version: "1", Sensor: "gw", Started: time.Unix(1e9, 0).UTC(), Interfaces: []string{"eth0"}, Dashboard: "off", Out: "out"}
	name, err := Announce(dir, said)
	if err != nil || filepath.Dir(name) != dir {
		t.Fatal(name, err)
	}
	said.PID = os.Getpid()
	for range 2 { // looking does not disturb
		state, ok, err := Find(dir)
		if diff := cmp.Diff(said, state); diff != "" || !ok || err != nil {
			t.Errorf("%v %v %s", ok, err, diff)
		}
	}
	if err := Withdraw(dir); err != nil {
		t.Error(err)
	}
	if err := Withdraw(dir); err != nil {
		t.Errorf("nothing to withdraw: %v", err)
	}
	lock.Close()
	if _, ok, err := Find(dir); ok || err != nil {
		t.Errorf("found a sensor after its end: %v", err)
	}
}

// TestStale shows that an announcement without a lock, as after kill -9, is not believed.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	lock := hold(t, dir)
	if _, err := Announce(dir, State{Dashboard: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	lock.Close() // what the kernel does
	if state, ok, err := Find(dir); ok || err != nil {
		t.Errorf("believed %+v, %v", state, err)
	}
}

func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	hold(t, dir)
	if err := os.WriteFile(filepath.Join(dir, stateName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := Find(dir); !ok || err == nil || !strings.Contains(err.Error(), "read announcement") {
		t.Errorf("damaged announcement gives %v, %v", ok, err)
	}
	if _, err := Announce(filepath.Join(dir, "none"), State{}); err == nil {
		t.Error("announced in a folder that is not there")
	}
}
