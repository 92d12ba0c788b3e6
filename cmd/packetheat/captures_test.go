package main

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestPublicCaptures replays some of the public capture files, many of them malformed
// on purpose: each gives a map, or one line that says why not. Package sensor reads
// them all; here it is the program's behaviour that counts.
func TestPublicCaptures(t *testing.T) {
	top, err := filepath.Abs("../../../shared/captures")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	err = filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && filepath.Ext(name) != ".md" {
			files = append(files, name)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Skipf("no public captures in %s", top)
	}
	const every = 32 // all of them take a minute
	mapped := 0
	for i := 0; i < len(files); i += every {
		out := t.TempDir()
		r := call{args: []string{"replay", files[i], "--out", out}}.run(t)
		left, _ := filepath.Glob(filepath.Join(out, "*"))
		switch {
		case r.status == exitDone && len(left) == 2:
			mapped++
		case r.status == exitFailed && len(left) == 0 && strings.HasPrefix(r.err, "packetheat: open capture ") && strings.Count(r.err, "\n") == 1:
		default:
			t.Errorf("%s: status %d, files %v\n%s", files[i], r.status, left, r.err)
		}
	}
	if 2*mapped < len(files)/every {
		t.Errorf("only %d of %d could be read", mapped, len(files)/every)
	}
}
