package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/sqlite"
)

// TestServeRefuses names the stores that do not fit on one map, and why.
func TestServeRefuses(t *testing.T) {
	dir := coverageStore(t)
	fast, err := sqlite.Open(filepath.Join(dir, "fast"), sqlite.Options{Tick: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	fast.Close()
	if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		other, said string
	}{
		{"copy", `stores "data" and "copy" both have sensor "east" at 2026-11-17T14:00:00Z`},
		{"fast", `stores "data" with ticks of 1m0s and "fast" with ticks of 1s do not fit`},
		{"none", `there is no store in "none"`},
	} {
		r := call{dir: dir, args: []string{"serve", "--listen", "127.0.0.1:0", "--data", "data", "--data", c.other}}.run(t)
		if r.status != exitFailed || !strings.Contains(r.err, c.said) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d\n%s", c.other, r.status, r.err)
		}
	}
}
