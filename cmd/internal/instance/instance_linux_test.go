package instance

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "store")
	if _, ok, err := Find(dir); ok || err != nil {
		t.Fatalf("found a sensor where there is no folder: %v", err)
	}
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if state, ok, err := Find(dir); !ok || err != nil || state.PID != 0 {
		t.Errorf("before the announcement: %+v %v %v", state, ok, err)
	}
	said := State{Version: "1", Sensor: "gw", Started: time.Unix(1e9, 0).UTC(), Interfaces: []string{"eth0"}, Dashboard: "off", Out: "out"}
	if err := lock.Announce(said); err != nil {
		t.Fatal(err)
	}
	said.PID = os.Getpid()
	state, ok, err := Find(dir)
	if diff := cmp.Diff(said, state); diff != "" || !ok || err != nil {
		t.Errorf("%v %v %s", ok, err, diff)
	}
	_, err = Acquire(dir) // a second open file, as of another process
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "process ") || !strings.Contains(err.Error(), "--data") {
		t.Errorf("second writer gets %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := Find(dir); ok || err != nil {
		t.Errorf("found a sensor after its end: %v", err)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}

// TestStale shows that an announcement without a lock, as after kill -9, is not believed.
func TestStale(t *testing.T) {
	dir := t.TempDir()
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Announce(State{Dashboard: "http://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	if err := lock.file.Close(); err != nil { // what the kernel does
		t.Fatal(err)
	}
	if state, ok, err := Find(dir); ok || err != nil {
		t.Errorf("believed %+v, %v", state, err)
	}
}

func TestAcquireFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Acquire(filepath.Join(file, "store")); err == nil || !strings.Contains(err.Error(), "--data") {
		t.Errorf("a store below a file gives %v", err)
	}
}
