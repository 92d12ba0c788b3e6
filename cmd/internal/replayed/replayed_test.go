package replayed

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// noise is n bytes that a seed makes.
func noise(seed byte, n int) []byte {
	text := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(text) // it never fails
	return text
}

// describe is Describe of bytes.
func describe(t *testing.T, name string, content []byte) File {
	t.Helper()
	f, err := Describe(name, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// given is a list in dir that has been given one file; whole: to its end.
func given(t *testing.T, dir string, content []byte, whole bool) *List {
	t.Helper()
	l, err := Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	f := describe(t, "known.pcap", content)
	if err := l.Begin(f); err != nil {
		t.Fatal(err)
	}
	if whole {
		f.Sum, f.Packets = fmt.Sprintf("%x", sha256.Sum256(content)), 7
		if err := l.End(f); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestFind(t *testing.T) {
	small, big := noise(1, 1000), noise(2, 3<<20)
	changed := bytes.Clone(big)
	changed[len(changed)-1]++
	for _, c := range []struct {
		name         string
		known, other []byte
		whole, found bool
	}{
		{"the same", small, small, true, true},
		{"the same, big", big, big, true, true},
		{"another", small, noise(3, 1000), true, false},
		{"grown", small, append(bytes.Clone(small), 5), true, true},
		{"grown, big", big, append(bytes.Clone(big), 5), true, true},
		{"shorter", big, big[:2<<20], true, false},
		{"end differs", big, changed, true, false},
		{"end differs, of one that was begun", big, changed, false, true},
		{"begun", small, small, false, true},
		{"empty", nil, small, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			given(t, dir, c.known, c.whole)
			l, err := Open(dir, false) // what was saved
			if err != nil {
				t.Fatal(err)
			}
			found, ok, err := l.Find(describe(t, "other.pcap", c.other), bytes.NewReader(c.other))
			if err != nil || ok != c.found {
				t.Fatalf("found is %v, %v", ok, err)
			}
			if ok && (found.Name != "known.pcap" || (found.Sum != "") != c.whole || (found.Packets == 7) != c.whole) {
				t.Errorf("found %+v", found)
			}
		})
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	l := given(t, dir, noise(1, 10), true)
	info, err := os.Stat(l.Path())
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("files are %v", left)
	}
	if fresh, err := Open(dir, true); err != nil || len(fresh.files) != 0 {
		t.Errorf("the list of a store that was deleted counts: %v %v", fresh, err)
	}
	if err := os.WriteFile(l.Path(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, false); err == nil || !strings.Contains(err.Error(), "replayed.json") {
		t.Errorf("a damaged list gives %v", err)
	}
	gone := &List{name: filepath.Join(dir, "none", fileName)}
	if err := gone.Begin(File{}); err == nil {
		t.Error("a list in no folder was saved")
	}
}

func TestReader(t *testing.T) {
	content := noise(4, 100_000)
	want := fmt.Sprintf("%x", sha256.Sum256(content))
	r := NewReader(bytes.NewReader(content))
	if _, err := io.CopyN(io.Discard, r, 70_000); err != nil || r.Count() != 70_000 {
		t.Fatal(r.Count(), err)
	}
	got, err := r.Sum(100_000)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := r.Sum(200_000); err == nil {
		t.Error("a file that has shrunk has a sum")
	}
	if _, err := r.Sum(50_000); err == nil {
		t.Error("a file that has grown has a sum")
	}
}
