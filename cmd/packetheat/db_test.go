package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store/sqlite"
)

// TestDBBackup backs a store up while it is locked by a writer, and asks the copy.
func TestDBBackup(t *testing.T) {
	dir := coverageStore(t)
	writer, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	want := packetheat(t, dir, "export", "csv", "-o", "-").out
	if err := os.Mkdir(filepath.Join(dir, "backup"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := packetheat(t, dir, "db", "backup", "backup/"+sqlite.FileName)
	if !strings.Contains(r.err, "packetheat serve --data backup") {
		t.Errorf("says\n%s", r.err)
	}
	if diff := cmp.Diff(want, packetheat(t, dir, "export", "csv", "-o", "-", "--data", "backup").out); diff != "" {
		t.Errorf("the backup differs:\n%s", diff)
	}
	for _, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"db backup", exitUsage, "name the file to write"},
		{"db backup a b", exitUsage, `"b" is one more`},
		{"db backup backup", exitFailed, "it is a folder: name a file in it"},
		{"db backup backup/" + sqlite.FileName, exitFailed, "the file is there already (name another, or add --force)"},
		{"db backup none/x", exitFailed, "no such file or directory"},
		{"db backup x --data none", exitFailed, `there is no store in "none"`},
		{"db backup --force backup/" + sqlite.FileName, exitDone, ""},
	} {
		r := call{dir: dir, args: strings.Fields(c.args)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || c.status != exitDone && strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d\n%s", c.args, r.status, r.err)
		}
	}
}
