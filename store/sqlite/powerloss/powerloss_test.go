package powerloss

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	a, b   = "/d/a", "/d/b"
	folder = 9 // the open of it
)

func open(file uint64, path string) record { return record{op: opOpen, file: file, path: path} }
func write(file, at uint64, s string) record {
	return record{op: opWrite, file: file, at: at, data: []byte(s)}
}
func sync(file uint64) []record {
	return []record{{op: opSync, file: file, at: 1}, {op: opSynced, file: file, at: 1}}
}

// history joins records and rows of them.
func history(parts ...any) *Log {
	l := &Log{records: []record{{op: opFolder, file: folder, path: "/d"}}}
	for _, p := range parts {
		switch p := p.(type) {
		case record:
			l.records = append(l.records, p)
		case []record:
			l.records = append(l.records, p...)
		}
	}
	return l
}

// image makes an image and reads it back.
func image(t *testing.T, l *Log, c Cut) map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := l.Image(dir, c); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name()] = string(content)
	}
	return got
}

// TestImageLosesAll lets everything go that may.
func TestImageLosesAll(t *testing.T) {
	cut := func(file, size uint64) record { return record{op: opCut, file: file, at: size} }
	rename := record{op: opRename, path: a, data: []byte(b)}
	remove := record{op: opRemove, path: a}
	made := history(open(1, a), write(1, 0, "one"), sync(1), sync(folder)).records[1:]
	for _, test := range []struct {
		name string
		log  *Log
		lies bool
		want map[string]string
	}{
		{"nothing synced", history(open(1, a), write(1, 0, "one")), false, map[string]string{}},
		{"file synced, folder not", history(open(1, a), write(1, 0, "one"), sync(1)), false, map[string]string{}},
		{"folder synced, file not", history(open(1, a), write(1, 0, "one"), sync(folder)), false, map[string]string{"a": ""}},
		{"both synced", history(made), false, map[string]string{"a": "one"}},
		{"a disk that lies", history(made), true, map[string]string{}},
		{"a sync that has not ended", history(made, write(1, 0, "two"), sync(1)[:1]), false, map[string]string{"a": "one"}},
		{"written during a sync", history(made, sync(1)[:1], write(1, 0, "two"), sync(1)[1:]), false, map[string]string{"a": "one"}},
		{"overwritten in part", history(made, write(1, 2, "ly two"), sync(1)), false, map[string]string{"a": "only two"}},
		{"a hole", history(made, write(1, 5, "x"), sync(1)), false, map[string]string{"a": "one\x00\x00x"}},
		{"cut and written again", history(made, cut(1, 1), write(1, 2, "x"), sync(1)), false, map[string]string{"a": "o\x00x"}},
		{"cut, not synced", history(made, cut(1, 0)), false, map[string]string{"a": "one"}},
		{"lengthened", history(made, cut(1, 4), sync(1)), false, map[string]string{"a": "one\x00"}},
		{"emptied when opened", history(made, record{op: opOpen, file: 2, path: a, at: 0o1000}, sync(2)), false, map[string]string{"a": ""}},
		{"two opens of a file", history(made, open(2, a), write(2, 0, "t"), sync(1)), false, map[string]string{"a": "tne"}},
		{"renamed, not synced", history(made, rename), false, map[string]string{"a": "one"}},
		{"renamed", history(made, rename, sync(folder)), false, map[string]string{"b": "one"}},
		{"removed, not synced", history(made, remove), false, map[string]string{"a": "one"}},
		{"removed", history(made, remove, sync(folder)), false, map[string]string{}},
		{"removed and made anew", history(made, remove, open(2, a), write(2, 0, "x"), sync(2), sync(folder)), false, map[string]string{"a": "x"}},
		{"memory of SQLite", history(open(1, "/d/x.db-shm"), write(1, 0, "x"), sync(1), sync(folder)), false, map[string]string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, image(t, test.log, Cut{At: len(test.log.records), Lies: test.lies})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestImageDraws looks for every outcome that there can be among many seeds, and for
// none that there cannot.
func TestImageDraws(t *testing.T) {
	old, young := strings.Repeat("o", 3*sector), strings.Repeat("y", 2*sector)
	l := history(open(1, a), write(1, 0, old), sync(1), sync(folder), write(1, sector/2, young), record{op: opRename, path: a, data: []byte(b)})
	seen := map[string]int{}
	for seed := range uint64(400) {
		for name, content := range image(t, l, Cut{At: len(l.records), Seed: seed}) {
			var parts []string
			for _, part := range []string{content[:sector/2], content[sector/2 : sector], content[sector : 2*sector], content[2*sector : 5*sector/2], content[5*sector/2:]} {
				if strings.Trim(part, part[:1]) != "" {
					t.Fatalf("a sector is torn in itself: %q", part)
				}
				parts = append(parts, part[:1])
			}
			seen[name+" "+strings.Join(parts, "")]++
		}
	}
	for _, name := range []string{"a", "b"} {
		for _, parts := range []string{"ooooo", "oyooo", "ooyoo", "oooyo", "oyyoo", "oyoyo", "ooyyo", "oyyyo"} {
			if seen[name+" "+parts] == 0 {
				t.Errorf("%s %s never came up: %v", name, parts, seen)
			}
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d outcomes, want 16: %v", len(seen), seen)
	}
	again := Cut{At: len(l.records), Seed: 12345}
	if diff := cmp.Diff(image(t, l, again), image(t, l, again)); diff != "" {
		t.Errorf("a seed makes two images: %s", diff)
	}
}

func TestCuts(t *testing.T) {
	l := history(open(1, a), write(1, 0, "x"), record{op: opMark, data: []byte("1")}, write(1, 0, "y"), record{op: opMark, data: []byte("2")}, write(1, 0, "z"))
	early, atMark, allLost := 0, 0, 0
	for _, c := range l.Cuts(60, 1) {
		if c.At < 0 || c.At > l.Len() {
			t.Errorf("cut at %d of %d records", c.At, l.Len())
		}
		var want []string
		if c.At >= 4 {
			want = append(want, "1")
		} else {
			early++
		}
		if c.At >= 6 {
			want = append(want, "2")
		}
		if diff := cmp.Diff(want, l.Marks(c.At)); diff != "" {
			t.Error(diff)
		}
		if c.At == 4 || c.At == 6 {
			atMark++
		}
		if c.Seed == 0 {
			allLost++
		}
	}
	if early != 10 || atMark < 20 || allLost != 10 {
		t.Errorf("of 60 cuts %d are before the first mark, %d behind a mark, %d lose all", early, atMark, allLost)
	}
	if cuts := history(open(1, a)).Cuts(5, 1); cuts != nil {
		t.Errorf("cuts of a log without marks: %v", cuts)
	}
}

func TestReadRefuses(t *testing.T) {
	whole := write(1, 0, "some data").encode()
	for name, content := range map[string][]byte{
		"garbage": []byte("this is no log at all, but long enough"), "short head": whole[:20], "short data": whole[:len(whole)-1],
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%s: read", name)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("read a log that is not there")
	}
	if err := history(write(7, 0, "x")).Image(t.TempDir(), Cut{At: 2}); err == nil {
		t.Error("made an image of a write to no file")
	}
	if err := history().Image(t.TempDir(), Cut{At: 2}); err == nil {
		t.Error("made an image of what has not happened")
	}
}

// caller does, through the C library, what the test knows.
const caller = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int n, char **v)
{
	int dir = open(v[1], O_RDONLY), f, g;
	if (chdir(v[1])) return 1;
	char a[4096], b[4096];
	snprintf(a, sizeof a, "%s/a", v[1]);
	snprintf(b, sizeof b, "%s/b", v[1]);
	f = open(a, O_RDWR | O_CREAT, 0600);
	if (write(f, "first", 5) != 5 || pwrite(f, "F", 1, 0) != 1) return 2;
	fdatasync(f); fsync(dir);
	if (ftruncate(f, 3) || write(f, "!", 1) != 1) return 3;
	fsync(f);
	g = open("/dev/null", O_WRONLY);
	if (write(g, "elsewhere", 9) != 9) return 4;
	close(g);
	rename(a, b); fsync(dir);
	close(f);
	unlink(b);
	return 0;
}`

// TestShim logs a real program and ends it at every step.
func TestShim(t *testing.T) {
	shim := Build(t)
	top := t.TempDir()
	dir, log, c, program := filepath.Join(top, "data"), filepath.Join(top, "log"), filepath.Join(top, "c.c"), filepath.Join(top, "c")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c, []byte(caller), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("gcc", "-o", program, c).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env, err := Environ(shim, dir, log)
	if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, real)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := Mark(log, "the end"); err != nil {
		t.Fatal(err)
	}
	l, err := Read(log)
	if err != nil {
		t.Fatal(err)
	}
	var ops bytes.Buffer
	for _, r := range l.records {
		ops.WriteByte(r.op)
	}
	if got, want := ops.String(), "dowwsSsStwsSrsSum"; got != want {
		t.Fatalf("logged %s, want %s", got, want)
	}
	if n, syncs := l.Count(); n != 7 || syncs != 4 {
		t.Errorf("%d bytes written, %d syncs", n, syncs)
	}
	for at, want := range map[int]map[string]string{
		4: {}, 8: {"a": "First"}, 10: {"a": "First"}, 12: {"a": "Fir\x00\x00!"}, 13: {"a": "Fir\x00\x00!"}, 15: {"b": "Fir\x00\x00!"}, 17: {"b": "Fir\x00\x00!"},
	} {
		if diff := cmp.Diff(want, image(t, l, Cut{At: at})); diff != "" {
			t.Errorf("after %d steps: %s", at, diff)
		}
	}
}
