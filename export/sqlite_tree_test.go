package export

import (
	"bytes"
	"context"
	"database/sql"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// grown is a database with the table t, whose rows are written as pages; lock is the
// page to leave out, 0: SQLite's own.
func grown(t *testing.T, lock uint32, columns string, rows func(add func(values ...any))) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.sqlite")
	if err := execSQLite(t.Context(), path, "CREATE TABLE t ("+columns+")", "CREATE TABLE other (x)", "INSERT INTO other VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tree, err := newTree(f, 2)
	if err != nil {
		t.Fatal(err)
	}
	if lock != 0 {
		tree.lock = lock
	}
	rows(func(values ...any) {
		var all field
		for _, v := range values {
			all.add(v)
		}
		if err := tree.add(append(append(appendVarint(nil, uint64(1+len(all.types))), all.types...), all.body...)); err != nil {
			t.Fatal(err)
		}
	})
	if err := tree.close(); err != nil {
		t.Fatal(err)
	}
	db, err := openSQLiteFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// ask returns the first value of each row of an answer.
func ask(t *testing.T, db *sql.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// TestTree has SQLite check and read tables of every size around those at which a
// level is added, with short records and with those that need pages of their own.
func TestTree(t *testing.T) {
	for _, c := range []struct {
		name string
		rows int
		size func(i int) int
	}{
		{"none", 0, nil},
		{"one", 1, func(int) int { return 10 }},
		{"one leaf", 4, func(int) int { return 990 }},
		{"two leaves", 5, func(int) int { return 990 }},
		{"a leaf each", 500, func(i int) int { return 3500 + i }},
		{"a level full", 455 * 2, func(int) int { return 1990 }},
		{"a level and one", 455*2 + 1, func(int) int { return 1990 }},
		{"two levels", 5000, func(int) int { return 1990 }},
		{"around the longest in a leaf", 400, func(i int) int { return maxLocal - 200 + i }},
		{"chains", 300, func(i int) int { return 4000 + 97*i }},
		{"tiny", 3000, func(i int) int { return i % 3 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := grown(t, 0, "n INTEGER, s TEXT", func(add func(...any)) {
				for i := range c.rows {
					add(int64(i), strings.Repeat(string(rune('a'+i%26)), c.size(i)))
				}
			})
			if got := ask(t, db, "PRAGMA integrity_check"); got[0] != "ok" {
				t.Fatalf("integrity_check: %q", got)
			}
			wrong := ask(t, db, "SELECT n FROM t WHERE rowid <> n + 1 OR s <> replace(hex(zeroblob(length(s))), '00', char(97 + n % 26))")
			if n := ask(t, db, "SELECT count(*) FROM t"); len(wrong) > 0 || n[0] != ask(t, db, "SELECT ?", c.rows)[0] {
				t.Errorf("%s rows; wrong are %v", n, wrong)
			}
			for i := 0; i < c.rows; i += 1 + c.rows/50 { // by key, through all levels
				if got := ask(t, db, "SELECT length(s) FROM t WHERE rowid = ?", i+1); len(got) != 1 || got[0] != ask(t, db, "SELECT ?", c.size(i))[0] {
					t.Fatalf("row %d: %v, want %d", i, got, c.size(i))
				}
			}
			if _, err := db.Exec("INSERT INTO t VALUES (-1, 'more'); CREATE INDEX i ON t (s)"); err != nil {
				t.Error(err)
			}
			if got := ask(t, db, "PRAGMA integrity_check"); got[0] != "ok" {
				t.Errorf("integrity_check after more: %q", got)
			}
		})
	}
}

// TestTreeValues writes numbers at the borders of each size, and reads them back.
func TestTreeValues(t *testing.T) {
	var want []any
	for shift := range 63 {
		for _, d := range []int64{-2, -1, 0, 1, 2} {
			want = append(want, int64(1)<<shift+d, -(int64(1)<<shift)+d)
		}
	}
	want = append(want, int64(math.MaxInt64), int64(math.MinInt64), nil, 0.5, math.Copysign(0, -1), math.Inf(1), 1e300, "", "x", "é\x00\xff", strings.Repeat("y", 70))
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		want = append(want, int64(random.Uint64())>>random.IntN(64))
	}
	db := grown(t, 0, "v", func(add func(...any)) {
		for _, v := range want {
			add(v)
		}
		add(math.NaN())
	})
	rows, err := db.Query("SELECT v FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []any
	for rows.Next() {
		var v any
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		got = append(got, v)
	}
	if diff := gocmp.Diff(append(want, nil), got); diff != "" {
		t.Errorf("values differ (-want +got):\n%s", diff)
	}
}

// TestTreeVarint compares with what the format's description says of lengths.
func TestTreeVarint(t *testing.T) {
	for n, want := range map[uint64][]byte{
		0: {0}, 0x7f: {0x7f}, 0x80: {0x81, 0}, 0x3fff: {0xff, 0x7f}, 0x4000: {0x81, 0x80, 0},
		1<<56 - 1:      bytes.Repeat([]byte{0xff}, 8)[:7:7],
		math.MaxUint64: bytes.Repeat([]byte{0xff}, 9),
		1 << 56:        {0x80, 0xc0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0},
	} {
		if n == 1<<56-1 {
			want = append(want, 0x7f)
		}
		if got := appendVarint(nil, n); !bytes.Equal(got, want) {
			t.Errorf("%#x: % x, want % x", n, got, want)
		}
	}
}

// TestTreeLeavesOut leaves out a page as that of SQLite's locks is, wherever it falls:
// SQLite finds nothing wrong but that page, which it does not know to be special.
func TestTreeLeavesOut(t *testing.T) {
	for lock := uint32(5); lock < 16; lock++ {
		db := grown(t, lock, "s TEXT", func(add func(...any)) {
			for i := range 12 {
				add(strings.Repeat("z", 1000+i%3*5000))
			}
		})
		got := ask(t, db, "PRAGMA integrity_check")
		if len(got) != 1 || !strings.Contains(got[0], "never used") {
			t.Errorf("page %d: %q", lock, got)
		}
		if n := ask(t, db, "SELECT sum(length(s)) FROM t"); n[0] != "72000" {
			t.Errorf("page %d: %s characters", lock, n[0])
		}
	}
}

// TestTreeBeyondLocks writes more than 1 GiB.
func TestTreeBeyondLocks(t *testing.T) {
	if os.Getenv("PACKETHEAT_TORTURE") != "1" {
		t.Skip("writes 1.1 GB: PACKETHEAT_TORTURE=1 runs it")
	}
	long := strings.Repeat("z", 40_000)
	db := grown(t, 0, "s TEXT", func(add func(...any)) {
		for range 28_000 {
			add(long)
		}
	})
	if got := ask(t, db, "PRAGMA integrity_check"); got[0] != "ok" {
		t.Errorf("integrity_check: %q", got)
	}
	if n := ask(t, db, "SELECT sum(length(s)) FROM t"); n[0] != "1120000000" {
		t.Errorf("%s characters", n[0])
	}
}
