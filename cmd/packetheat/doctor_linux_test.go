package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/store/sqlite"
)

func TestKernelVersion(t *testing.T) {
	for release, want := range map[string][3]int{
		"6.18.44-fc-v445": {6, 18, 1}, "3.2.0": {3, 2, 1}, "5.10-rc1": {5, 10, 1}, "what": {0, 0, 0}, "": {0, 0, 0},
	} {
		major, minor, ok := kernelVersion(release)
		if ok != (want[2] == 1) || ok && (major != want[0] || minor != want[1]) {
			t.Errorf("%q is %d.%d, %v", release, major, minor, ok)
		}
	}
}

// examine runs one part of doctor on a configuration in dir, changed by change.
func examine(t *testing.T, dir string, change func(*config.Config), part func(*examination)) []finding {
	t.Helper()
	loaded, err := config.Load(config.Options{Files: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	loaded.Store.Path, loaded.Export.Dir = filepath.Join(dir, "data"), filepath.Join(dir, "out")
	if change != nil {
		change(&loaded.Config)
	}
	e := &examination{c: loaded}
	part(e)
	return e.findings
}

// has reports whether a finding of the level says all of the words.
func has(findings []finding, level string, words ...string) bool {
	for _, f := range findings {
		all := f.Level == level
		for _, word := range words {
			all = all && strings.Contains(f.Found+" "+f.Fix, word)
		}
		if all {
			return true
		}
	}
	return false
}

func TestFindings(t *testing.T) {
	dir := put(t, "file", nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		part   func(*examination)
		level  string
		words  []string
	}{
		{"port taken", func(c *config.Config) { c.Dashboard.Listen = taken.Addr().String() }, (*examination).port, note, []string{"next free port"}},
		{"port free", func(c *config.Config) { c.Dashboard.Listen = "127.0.0.1:0" }, (*examination).port, good, []string{"free"}},
		{"output below a file", func(c *config.Config) { c.Export.Dir = filepath.Join(dir, "file", "x") },
			func(e *examination) { e.folder("output", e.c.Export.Dir, "--out") }, failure, []string{"--out"}},
		{"no store yet", nil, (*examination).store, good, []string{"can be written to"}},
		{"disk too small", func(c *config.Config) { c.Store.Free = config.Amount{Bytes: 1 << 60} }, (*examination).store, warning, []string{"store.retention.free"}},
		{"bad database", func(c *config.Config) { c.Geo.City = filepath.Join(dir, "file") }, (*examination).geo, failure, []string{"geo.city"}},
		{"no interface", func(c *config.Config) { c.Sensor.Interfaces = []string{"none0"} },
			func(e *examination) { e.interfaces(t.Context()) }, failure, []string{"none0", "packetheat interfaces"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if f := examine(t, dir, c.change, c.part); !has(f, c.level, c.words...) {
				t.Errorf("findings are %+v", f)
			}
		})
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("doctor has left %v", left)
	}
}

// TestStoreFindings looks into stores that are good, in the future, and broken.
func TestStoreFindings(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), tickOf(0, 0, "9.9.9.9", 1)); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, dir, nil, (*examination).store); !has(f, note, "a sensor writes to it") {
		t.Errorf("a store in use: %+v", f)
	}
	ahead := int(time.Until(tuesday)/(10*time.Second)) + 100_000 // eleven days on
	if err := s.Append(t.Context(), tickOf(ahead, 0, "9.9.9.9", 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, dir, nil, (*examination).store); !has(f, warning, "points of the future") {
		t.Errorf("points of the future: %+v", f)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", sqlite.FileName), []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if f := examine(t, dir, nil, (*examination).store); !has(f, failure, "open store") {
		t.Errorf("a broken file: %+v", f)
	}
}
