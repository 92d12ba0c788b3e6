package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// execOn runs statements on a database file through a connection of its own.
func execOn(t testing.TB, path, statements string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite3", uri(path, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements, args...); err != nil {
		t.Fatal(err)
	}
}

// oneTick makes a closed store in dir with one batch, which it returns.
func oneTick(t testing.TB, dir string) *store.Batch {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := newRandom(3).batch("gw1", benchStart, s.Tick(), 0, 50)
	appendAll(t, s, b)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenRefuses(t *testing.T) {
	type open func(string, Options) (*Store, error)
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		open    open
		options Options
		want    string // part of the error
	}{
		{"impossible tick", nil, Open, Options{Tick: 7 * time.Second}, "tick 7s is not possible"},
		{"other tick", func(t *testing.T, dir string) { oneTick(t, dir) }, Open, Options{Tick: 5 * time.Second},
			"its tick is 10s, fixed when it was made, not 5s (set sensor.tick to 10s"},
		{"other tick, reading", func(t *testing.T, dir string) { oneTick(t, dir) }, OpenReadOnly, Options{Tick: time.Minute}, "its tick is 10s"},
		{"another program's", func(t *testing.T, dir string) {
			execOn(t, filepath.Join(dir, FileName), "CREATE TABLE invoices (id)")
		}, Open, Options{}, "another program"},
		{"another program's, reading", func(t *testing.T, dir string) {
			execOn(t, filepath.Join(dir, FileName), "CREATE TABLE invoices (id)")
		}, OpenReadOnly, Options{}, "not a packetheat store"},
		{"newer", func(t *testing.T, dir string) {
			oneTick(t, dir)
			execOn(t, filepath.Join(dir, FileName), "PRAGMA user_version = 99")
		}, Open, Options{}, fmt.Sprintf("format 99 and this packetheat knows formats up to %d", newestFormat(t))},
		{"newer, reading", func(t *testing.T, dir string) {
			oneTick(t, dir)
			execOn(t, filepath.Join(dir, FileName), "PRAGMA user_version = 99")
		}, OpenReadOnly, Options{}, "newer packetheat"},
		{"missing, reading", nil, OpenReadOnly, Options{}, "there is no packetheat.db (the sensor makes it: packetheat run"},
		{"empty, reading", func(t *testing.T, dir string) { writeFile(t, filepath.Join(dir, FileName), nil) },
			OpenReadOnly, Options{}, "not a packetheat store"},
		{"garbage, reading", func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, FileName), bytes.Repeat([]byte("garbage "), 1000))
		}, OpenReadOnly, Options{}, "file is not a database"},
		{"folder is a file", func(t *testing.T, dir string) {
			if err := os.Remove(dir); err != nil {
				t.Fatal(err)
			}
			writeFile(t, dir, []byte("x"))
		}, Open, Options{}, "not a directory"},
		{"file is a folder", func(t *testing.T, dir string) {
			if err := os.Mkdir(filepath.Join(dir, FileName), 0o755); err != nil {
				t.Fatal(err)
			}
		}, Open, Options{}, "is a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.Mkdir(dir, 0o750); err != nil {
				t.Fatal(err)
			}
			if test.prepare != nil {
				test.prepare(t, dir)
			}
			before, _ := os.ReadFile(filepath.Join(dir, FileName))
			s, err := test.open(dir, test.options)
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "open store") {
				t.Errorf("error %q does not say %q", err, test.want)
			}
			if after, _ := os.ReadFile(filepath.Join(dir, FileName)); test.want != "tick 7s is not possible" && !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

// newestFormat is how many migrations there are.
func newestFormat(t testing.TB) int64 {
	t.Helper()
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	return int64(len(scripts))
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o640); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSecondWriter(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	if want := fmt.Sprintf("in use by another writer: process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("second writer: %v, want %q", err, want)
	}
	reader, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Errorf("reader beside the writer: %v", err)
	} else {
		reader.Close()
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	second.Close()
}

// TestOpenMakes looks at a new store from outside.
func TestOpenMakes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data ?#%41 ä")
	s, err := Open(dir, Options{Tick: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Tick() != 5*time.Second || s.Recovered() != "" {
		t.Errorf("tick %s, recovered %q", s.Tick(), s.Recovered())
	}
	for path, want := range map[string]os.FileMode{dir: 0o750, filepath.Join(dir, FileName): 0o640, filepath.Join(dir, FileName+"-wal"): 0o640} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&^want != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
	}
	ctx := context.Background()
	for name, want := range map[string]int64{
		"page_size": 4096, "auto_vacuum": 2, "synchronous": 2, "wal_autocheckpoint": mostLogPages, "journal_size_limit": 64 << 20,
		"busy_timeout": 10000, "application_id": applicationID, "user_version": newestFormat(t),
	} {
		got, err := pragma(ctx, s.w, name)
		if err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", name, got, err, want)
		}
	}
	about := make(map[string]string)
	rows, err := s.readers.Query("SELECT key, value FROM about UNION SELECT 'mode', (SELECT * FROM pragma_journal_mode)")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		about[key] = value
	}
	if !strings.Contains(about["format"], "packetheat") || !strings.Contains(about["read"], "packetheat export") ||
		about["tick_seconds"] != "5" || about["mode"] != "wal" {
		t.Errorf("about: %v", about)
	}
	if _, err := s.readers.Exec("DELETE FROM about"); err == nil {
		t.Error("a reading connection can write")
	}
}

// TestOpenSetsAside opens what is no database, or a broken one, for writing.
func TestOpenSetsAside(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, path string)
	}{
		{"garbage", func(t *testing.T, path string) { writeFile(t, path, bytes.Repeat([]byte("no database\n"), 500)) }},
		{"broken schema", func(t *testing.T, path string) { scribble(t, path, 100, 3900) }},
		{"a place is missing", func(t *testing.T, path string) {
			execOn(t, path, "DELETE FROM places WHERE id = 1; PRAGMA wal_checkpoint(TRUNCATE)")
		}},
		{"broken table of places", func(t *testing.T, path string) {
			scribble(t, path, (rootPage(t, path, "places")-1)*4096, 4096)
		}},
		{"broken index of batches", func(t *testing.T, path string) {
			scribble(t, path, (rootPage(t, path, "batches_by_tick")-1)*4096, 4096)
		}},
		{"broken table of blocks", func(t *testing.T, path string) {
			scribble(t, path, (rootPage(t, path, "blocks")-1)*4096, 4096)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, FileName)
			oneTick(t, dir)
			test.damage(t, path)
			broken, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			aside := s.Recovered()
			if !strings.HasPrefix(aside, path+".corrupt-") {
				t.Fatalf("recovered %q", aside)
			}
			if kept, err := os.ReadFile(aside); err != nil || !bytes.Equal(kept, broken) {
				t.Errorf("set aside: %v, or not the file that was there", err)
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), aside) {
				t.Errorf("log says %q", log.String())
			}
			b := newRandom(4).batch("gw1", benchStart, s.Tick(), 0, 10)
			appendAll(t, s, b)
			same(t, "points of the new store", inOrder(b.Points), inOrder(pointsOf(t, s, store.Filter{})))
		})
	}
}

// rootPage returns the number of a table's first page.
func rootPage(t testing.TB, path, name string) (page int64) {
	t.Helper()
	db, err := sql.Open("sqlite3", uri(path, "mode=ro"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT rootpage FROM sqlite_schema WHERE name = ?", name).Scan(&page); err != nil {
		t.Fatal(err)
	}
	return page
}

func scribble(t testing.TB, path string, at, n int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(n)), at); err != nil {
		t.Fatal(err)
	}
}

// TestOpenEmptyFile: a crash right after the file was made leaves nothing in it.
func TestOpenEmptyFile(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, FileName), nil)
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Recovered() != "" {
		t.Errorf("an empty file was set aside as %s", s.Recovered())
	}
}

// TestOpenReadOnlyFolder reads a copied store where nothing can be written, and is
// refused writing there.
func TestOpenReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere: run this as an ordinary user")
	}
	dir := t.TempDir()
	b := oneTick(t, dir)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	s, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	same(t, "points", inOrder(b.Points), inOrder(pointsOf(t, s, store.Filter{})))
	sub := filepath.Join(dir, "sub")
	if _, err := Open(sub, Options{}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a store in a folder that cannot be made: %v", err)
	}
}
