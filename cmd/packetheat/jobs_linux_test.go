package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
)

// TestRunJobs lets a sensor make the files of a day that is over, and keep those of the
// last hours, and finds both in its status.
func TestRunJobs(t *testing.T) {
	mayCapture(t)
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(sharedStore(t), "data"))); err != nil {
		t.Fatal(err)
	}
	s := startRun(t, dir, []string{"TZ=UTC", `PACKETHEAT_EXPORT_JOBS=[{name: tuesday, at: "2026-11-17", filter: "proto:tcp", formats: [csv, html]}, {name: hours, last: 3h, formats: [ndjson]}]`},
		"--data", "data", "--listen", "127.0.0.1:0")
	if readyLine.FindStringSubmatch(s.next(t)) == nil {
		t.Fatal("the first line is not the ready line")
	}
	var status statusJSON
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		status = statusJSON{}
		if err := json.Unmarshal([]byte(packetheat(t, dir, "status", "--json").out), &status); err != nil {
			t.Fatal(err)
		}
		if len(status.Jobs) == 2 && status.Jobs[0].Rewrites == 1 && status.Jobs[1].Rewrites > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no files: %+v", status.Jobs)
		}
	}
	if out := packetheat(t, dir, "status").out; !strings.Contains(out, filepath.Join("out", "tuesday.html")) || !strings.Contains(out, filepath.Join("out", "hours.ndjson")) {
		t.Errorf("status prints\n%s", out)
	}
	job, err := os.ReadFile(filepath.Join(dir, "out", "tuesday.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want, got := rowsOf(t, packetheat(t, dir, "export", "csv", "-o", "-", "--utc", "--at", "2026-11-17", "--filter", "proto:tcp").out), rowsOf(t, string(job))
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("the job's rows are not those of export (-export +job):\n%s", diff)
	}
	if page.Built() {
		html, err := os.ReadFile(filepath.Join(dir, "out", "tuesday.html"))
		if err != nil {
			t.Fatal(err)
		}
		saved, err := page.Read(html)
		if err != nil || saved.Meta.Filter != "proto:tcp" || saved.Meta.From.Hour() != 0 || saved.Meta.To.Sub(saved.Meta.From) != 24*time.Hour {
			t.Errorf("the page is about %+v, %v", saved.Meta, err)
		}
	}
	_ = s.Process.Signal(syscall.SIGTERM)
	if said, code := s.end(t); code != exitDone {
		t.Errorf("status %d\n%s", code, said)
	}
}
