package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	hour = time.Hour
	day  = 24 * time.Hour
)

// pruneStart is the beginning of a day.
var pruneStart = benchStart

// prunedStore is a store whose clock stands still, with one batch of two sensors every
// half an hour for so many days, and its tiers up to the last ten minutes.
func prunedStore(t testing.TB, days int, r Retention) *Store {
	t.Helper()
	s := openNew(t, Options{Retention: r, NoMaintenance: true})
	quick(t, s)
	for i := range days * 48 {
		appendAt(t, s, pruneStart.Add(time.Duration(i)*hour/2))
	}
	end := pruneStart.Add(time.Duration(days) * day)
	s.keep.now = func() time.Time { return end }
	s.keep.seal = func(_ context.Context, end int64) error { return fakeSeal(s, end) }
	if err := s.keep.seal(context.Background(), end.Unix()); err != nil {
		t.Fatal(err)
	}
	return s
}

// quick has a store not wait for the disk: nothing here survives the test.
func quick(t testing.TB, s *Store) {
	onWriter(t, s, "PRAGMA synchronous = OFF")
}

func appendAt(t testing.TB, s *Store, tick time.Time) {
	t.Helper()
	for _, name := range []string{"gw1", "gw2"} {
		appendAll(t, s, newRandom(uint64(tick.Unix())).batch(name, tick, s.Tick(), 0, 20))
	}
}

// fakeSeal makes tiers of open intervals that end by end. Their parts are only noise:
// the pruner does not look into them.
func fakeSeal(s *Store, end int64) error {
	return s.transaction(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query(`SELECT DISTINCT b.tick - b.tick % 600, b.sensor FROM batches b WHERE b.tick - b.tick % 600 + 600 <= ?
			AND NOT EXISTS (SELECT 1 FROM tiers t WHERE t.level = 600 AND t.sensor = b.sensor AND t.start = b.tick - b.tick % 600)`, end)
		if err != nil {
			return err
		}
		defer rows.Close()
		type key struct{ start, sensor int64 }
		var open []key
		for rows.Next() {
			var k key
			if err := rows.Scan(&k.start, &k.sensor); err != nil {
				return err
			}
			open = append(open, k)
		}
		for _, k := range open {
			for _, level := range levels {
				if err := fakeTier(tx, level, floorTo(k.start, level), k.sensor); err != nil {
					return err
				}
			}
		}
		if _, err := tx.Exec("DELETE FROM blocks WHERE id IN (SELECT id FROM batches WHERE tick < ?)", end); err != nil {
			return err
		}
		_, err = tx.Exec("DELETE FROM open WHERE start + 600 <= ?", end)
		return err
	})
}

func fakeTier(tx *sql.Tx, level, start, sensor int64) error {
	if n, err := number(context.Background(), tx, "SELECT count(*) FROM tiers WHERE level = ? AND start = ? AND sensor = ?", level, start, sensor); n > 0 || err != nil {
		return err
	}
	const chunks = 2
	row, err := tx.Exec(`INSERT INTO tiers (level, start, sensor, last, batches, points, keys, chunks, geo, books, spans)
		VALUES (?, ?, ?, (SELECT max(id) FROM batches), 1, 20, 20, ?, '', x'', x'')`, level, start, sensor, chunks)
	if err != nil {
		return err
	}
	id, err := row.LastInsertId()
	if err != nil {
		return err
	}
	for chunk := range int64(chunks) {
		for part := 1; part < maxPart; part++ {
			if chunk > 0 && part > partKeysSamples {
				continue
			}
			noise := make([]byte, 100+(part*997+int(start/600)*61)%4500)
			_, _ = rand.Read(noise)
			if _, err := tx.Exec("INSERT INTO parts VALUES (?, ?)", partID(id, chunk, part), noise); err != nil {
				return err
			}
		}
	}
	return nil
}

// left is what a store holds, in words.
func left(t testing.TB, s *Store) []string {
	t.Helper()
	ask := func(query string) string {
		var text sql.NullString
		if err := s.readers.QueryRow(query).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text.String
	}
	const format = `strftime('%%m-%%d %%H:%%M', min(%s), 'unixepoch') || ' x' || count(*)`
	lines := []string{"batches " + ask("SELECT "+fmt.Sprintf(format, "tick")+" FROM batches")}
	for _, level := range levels {
		name := fmt.Sprintf("%ds ", level)
		lines = append(lines,
			name+ask("SELECT "+fmt.Sprintf(format, "start")+" FROM tiers WHERE level = "+fmt.Sprint(level)),
			name+"keys "+ask("SELECT "+fmt.Sprintf(format, "start")+" FROM tiers WHERE keys > 0 AND chunks > 0 AND level = "+fmt.Sprint(level)))
	}
	lines = append(lines, "gone "+ask("SELECT count(*) FROM gone"), "parts without tier "+ask(fmt.Sprintf("SELECT count(*) FROM parts WHERE id / %d NOT IN (SELECT id FROM tiers)", partRoom)),
		"keys without points "+ask(fmt.Sprintf("SELECT count(*) FROM parts p JOIN tiers t ON t.id = p.id / %d WHERE t.keys = 0 AND p.id %% 16 < 5", partRoom)),
		"unused "+ask("SELECT freelist_count FROM pragma_freelist_count()"))
	return lines
}

func TestPruneByAge(t *testing.T) {
	t.Parallel()
	s := prunedStore(t, 6, Retention{Points: 2 * day, Views10m: 3 * day, Views1h: 4 * day, Views1d: 5 * day})
	generation := func() int64 {
		n, err := number(context.Background(), s.readers, "SELECT start FROM kept WHERE what = 'generation'")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := generation()
	if err := s.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The newest tick is that of 11-26 23:30.
	want := []string{
		"batches 11-24 23:30 x194", // 97 half hours of two sensors
		"86400s 11-21 00:00 x12",   // nothing is older than the day five days before
		"86400s keys 11-25 00:00 x4",
		"3600s 11-22 00:00 x240", // the day that has the mark stays
		"3600s keys 11-25 00:00 x96",
		"600s 11-23 23:00 x292",
		"600s keys 11-24 23:30 x194",
		"gone 0", "parts without tier 0", "keys without points 0", "unused 0",
	}
	if diff := cmp.Diff(want, left(t, s)); diff != "" {
		t.Error(diff)
	}
	if generation() == before {
		t.Error("queries that are under way are not told")
	}
	kept, err := s.Kept(context.Background())
	if err != nil || !kept.Points.Equal(time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC)) || !kept.Views1d.IsZero() ||
		kept.PrunedPoints != 20*(2*48*6-194) || kept.PrunedBytes == 0 || kept.Message != "" {
		t.Errorf("%+v, %v", kept, err)
	}
	after := generation()
	if err := s.Prune(context.Background()); err != nil || generation() != after {
		t.Errorf("a second time there is something to do: %v", err)
	}
}

// TestPruneForever: without an age nothing goes, and no view before what is finer.
func TestPruneForever(t *testing.T) {
	t.Parallel()
	for _, r := range []Retention{{}, {Points: 30 * day}, {Views10m: hour, Views1h: hour, Views1d: hour}} {
		s := prunedStore(t, 1, r)
		want := left(t, s)
		if err := s.Prune(context.Background()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[:10], left(t, s)[:10]); diff != "" { // unused pages may go
			t.Errorf("%+v: %s", r, diff)
		}
	}
	r := Retention{Points: 2 * day, Views10m: day, Views1h: 3 * day}
	if diff := cmp.Diff([4]time.Duration{2 * day, 2 * day, 3 * day, 0}, r.ages()); diff != "" {
		t.Error(diff)
	}
}

// TestAllowance: ages take no more than a day of data an hour, whatever the clock says
// and however often the program is started.
func TestAllowance(t *testing.T) {
	t.Parallel()
	s := prunedStore(t, 5, Retention{Points: day})
	oldest := func(s *Store) string { return left(t, s)[0] }
	pass := func(s *Store, want string) {
		t.Helper()
		if err := s.prune(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		if got := oldest(s); got != want {
			t.Errorf("left %s, want %s", got, want)
		}
	}
	pass(s, "batches 11-22 00:00 x384")
	pass(s, "batches 11-22 00:00 x384")
	s.keep.counted = s.keep.counted.Add(-hour)
	pass(s, "batches 11-23 00:00 x288")

	dir, now := filepath.Dir(s.path), s.keep.now
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir, Options{Retention: Retention{Points: day}, NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.keep.now = now
	pass(again, "batches 11-23 00:00 x288")
}

// TestMadClock: a tick of the future does not make the others old.
func TestMadClock(t *testing.T) {
	s := prunedStore(t, 2, Retention{Points: 3 * day})
	appendAt(t, s, pruneStart.Add(20*365*day))
	want := left(t, s)
	if err := s.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want[:10], left(t, s)[:10]); diff != "" {
		t.Error(diff)
	}
}

// TestPruneGap: a time without data does not hold the marks up.
func TestPruneGap(t *testing.T) {
	s := prunedStore(t, 1, Retention{Points: day})
	later := pruneStart.Add(1000 * day)
	appendAt(t, s, later)
	appendAt(t, s, later.Add(day+hour))
	s.keep.now = func() time.Time { return later.Add(day + hour) }
	for range 2 {
		if err := s.prune(context.Background(), false); err != nil {
			t.Fatal(err)
		}
		s.keep.counted = s.keep.counted.Add(-hour)
	}
	if got := left(t, s)[0]; got != "batches "+later.Add(day+hour).Format("01-02 15:04")+" x2" {
		t.Error(got)
	}
}

// TestUnsealedStays: what has no sums yet is not deleted.
func TestUnsealedStays(t *testing.T) {
	s := prunedStore(t, 1, Retention{Points: hour})
	s.keep.seal = func(context.Context, int64) error { return nil }
	old := pruneStart.Add(-10 * day)
	appendAt(t, s, old)
	if err := s.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := left(t, s)[0]; !strings.HasPrefix(got, "batches "+old.Format("01-02 15:04")+" ") {
		t.Error(got)
	}
}

func TestPruneBySize(t *testing.T) {
	const limit = 20 << 20
	s := prunedStore(t, 3, Retention{Size: limit})
	fileSize := func() (size int64) {
		if err := s.emptyLog(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal"} {
			if info, err := os.Stat(s.path + suffix); err == nil {
				size += info.Size()
			}
		}
		return size
	}
	before := fileSize()
	if before < limit {
		t.Fatalf("only %d bytes", before)
	}
	if err := s.prune(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if after := fileSize(); after > limit {
		t.Errorf("%d bytes of %d are left", after, before)
	}
	lines := left(t, s)
	if lines[1] != "86400s 11-21 00:00 x6" || strings.HasPrefix(lines[0], "batches 11-21 ") {
		t.Errorf("%q", lines)
	}
	kept, err := s.Kept(context.Background())
	if err != nil || !strings.Contains(kept.Message, "store.retention.size (20 MiB) is reached: points are kept for ") {
		t.Errorf("%+v, %v", kept, err)
	}
	// Room that is left is not taken.
	generation := kept.Points
	if err := s.prune(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if kept, err = s.Kept(context.Background()); err != nil || !kept.Points.Equal(generation) {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestPruneByFreeDisk: where others fill the disk, views go after points, and those of
// days never.
func TestPruneByFreeDisk(t *testing.T) {
	s := prunedStore(t, 3, Retention{Free: 1 << 40})
	s.keep.free = func(string) (int64, error) { return 1 << 30, nil }
	if err := s.prune(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"batches 11-23 22:30 x6", // an hour is left
		"86400s 11-21 00:00 x6", "86400s keys ",
		"3600s 11-23 00:00 x48", "3600s keys 11-23 23:00 x2",
		"600s 11-23 22:00 x8", "600s keys 11-23 22:30 x6",
		"gone 0", "parts without tier 0", "keys without points 0", "unused 0",
	}
	if diff := cmp.Diff(want, left(t, s)); diff != "" {
		t.Error(diff)
	}
	kept, err := s.Kept(context.Background())
	if err != nil || !strings.Contains(kept.Message, "still missing") {
		t.Errorf("%+v, %v", kept, err)
	}
}

// TestNothingRemains searches the file for what has been given up. Blocks are packed,
// so it looks for pieces of the blobs themselves.
func TestNothingRemains(t *testing.T) {
	t.Parallel()
	s := prunedStore(t, 2, Retention{Points: day})
	gone := make(map[[8]byte]int)
	rows, err := s.readers.Query(fmt.Sprintf(`SELECT p.data FROM parts p JOIN tiers t ON t.id = p.id / %d
		WHERE p.id %% 16 < 5 AND t.start < ?`, partRoom), pruneStart.Add(day-hour).Unix())
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&blob); err != nil {
			t.Fatal(err)
		}
		for at := 0; at+24 <= len(blob); at += 400 {
			gone[[8]byte(blob[at:])] = len(gone)
		}
	}
	rows.Close()
	found := func() (n int) {
		seen := make(map[int]bool)
		if err := s.emptyLog(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range []string{"", "-wal"} {
			text, err := os.ReadFile(s.path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			for at := 0; at+8 <= len(text); at++ {
				if i, ok := gone[[8]byte(text[at:])]; ok && !seen[i] {
					seen[i] = true
					n++
				}
			}
		}
		return n
	}
	if n := found(); n < len(gone)/2 {
		t.Fatalf("%d pieces of %d before", n, len(gone))
	}
	if err := s.Prune(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := found(); n > 0 {
		t.Errorf("%d pieces of %d remain", n, len(gone))
	}
}
