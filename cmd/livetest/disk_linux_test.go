package livetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store/sqlite"
)

// startOnSmallDisk starts the sensor with its store on a disk of 96 MiB in memory,
// that only it sees, and returns where others find it while it runs.
func startOnSmallDisk(t *testing.T, link *capturetest.Link) (s *sensor, data string) {
	t.Helper()
	dir := workdir(t)
	script := filepath.Join(dir, "on-small-disk")
	text := fmt.Sprintf("#!/bin/sh\nmkdir data && exec unshare -m sh -ec 'mount -t tmpfs -o size=96m none data; exec \"$@\"' sh '%s' \"$@\"\n", program)
	executable(t, script, []byte(text))
	s = start(t, link, options{dir: dir, path: script})
	s.ready()
	return s, fmt.Sprintf("/proc/%d/root%s/data", s.cmd.Process.Pid, dir)
}

// fillDisk takes all that is left where the store lies.
func fillDisk(t *testing.T, data string) (empty func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(data, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Error(err)
		}
	}
}

// storing is what status says about commits.
type storing struct {
	CommitError string `json:"commit_error"`
	Queued      int    `json:"queued_ticks"`
	Merged      int    `json:"merged_ticks"`
	Books       struct {
		OnePublic struct{ Packets uint64 } `json:"one_public"`
	}
}

func (s *sensor) untilStoring(what string, wanted func(*storing) bool) (status storing) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		status = storing{}
		if err := json.Unmarshal(s.get("/api/v1/status"), &status); err != nil {
			s.t.Fatal(err)
		}
		if wanted(&status) {
			return status
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not so after %s: %s; status is %+v", patience, what, status)
		}
	}
}

// TestDiskFull fills the disk under a running sensor, and later makes room: it goes on
// capturing, says what is wrong, and in the end everything is stored. With
// PACKETHEAT_TORTURE=1 the disk stays full until ticks have to be merged.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	s, data := startOnSmallDisk(t, link)
	traffic, sender := mix(t, 400), link.Peer.Sender(t)
	want := make(sums)
	send := func() {
		t.Helper()
		transmit(t, link, sender, traffic.frames, len(traffic.frames))
		for k, v := range traffic.points {
			want.add(k, v.Packets, v.Bytes, v.Opens)
		}
	}
	send()
	s.untilStoring("a commit", func(st *storing) bool { return st.CommitError == "" && st.Books.OnePublic.Packets > 0 })
	if _, err := os.Stat(filepath.Join(data, sqlite.BallastName)); err != nil {
		t.Errorf("no ballast: %v", err)
	}
	empty := fillDisk(t, data)
	queued, merged := tortured(3, 32), tortured(0, 20)
	full := s.untilStoring("ticks wait", func(st *storing) bool {
		send()
		return st.Queued >= queued && st.Merged >= merged
	})
	if !strings.Contains(full.CommitError, "disk is full") || !strings.Contains(full.CommitError, "free some space on that disk") {
		t.Errorf("status says %q", full.CommitError)
	}
	empty()
	s.untilStoring("all is stored", func(st *storing) bool { return st.CommitError == "" && st.Queued == 0 })
	send()
	var got sums
	for deadline := time.Now().Add(patience); got.total().Packets < want.total().Packets && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got = readCSV(t, strings.NewReader(string(s.get("/api/v1/points.csv"))))
	}
	same(t, "after a full disk", want, got)
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		info, err := os.Stat(filepath.Join(data, sqlite.BallastName))
		if err == nil && info.Size() > 1<<20 {
			break
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) || time.Now().After(deadline) {
			t.Fatalf("the ballast is not there again: %v", err)
		}
	}
	s.stop()
}
