package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// breakFile has every page of the file but the first be garbage, where nothing of it is
// in the log.
func breakFile(t *testing.T, s *Store) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.w.ExecContext(context.Background(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path)
	if err != nil {
		t.Fatal(err)
	}
	scribble(t, s.path, 4096, info.Size()-4096)
}

// shrink has SQLite read from the file again what it has in memory.
func shrink(s *Store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.w.ExecContext(context.Background(), "PRAGMA shrink_memory")
}

// TestFileBreaksWhileOpen breaks the file under a store that is in use: the next
// batches go into a new one, readers follow, and what there was is kept aside.
func TestFileBreaksWhileOpen(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := appendStory(s, 40); err != nil {
		t.Fatal(err)
	}
	// Readers of every kind are under way.
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default: // errors are for those who ask
					_ = s.Points(context.Background(), store.Filter{}, func([]store.Point) error { return nil })
					_, _ = s.Coverage(context.Background(), store.Window{})
				}
			}
		})
	}
	breakFile(t, s)
	// SQLite may have what it needs in memory for some time.
	first := 0
	for i := 40; s.Recovered() == "" && i < 2000; i++ {
		first = i
		if err := s.Append(context.Background(), storyBatch(i)); err != nil {
			t.Fatal(err)
		}
		shrink(s)
	}
	if !strings.HasPrefix(s.Recovered(), s.path+".corrupt-") {
		t.Fatalf("recovered is %q", s.Recovered())
	}
	if _, err := os.Stat(s.Recovered()); err != nil {
		t.Error(err)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, s.Recovered()) {
		t.Errorf("log says %q", text)
	}
	close(stop)
	readers.Wait()
	s.damage.reset() // as it is a minute later
	var want history
	for i := first; i < first+5; i++ {
		appendAll(t, s, storyBatch(i)) // the first one again, which changes nothing
		want = append(want, storyBatch(i).Points...)
	}
	same(t, "points of the new file", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	if err := s.Maintain(context.Background(), true); err != nil {
		t.Error(err)
	}
	same(t, "points of its tiers", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	if err := integrity(s.readers); err != nil {
		t.Error(err)
	}
	if c, err := s.Coverage(context.Background(), store.Window{}); err != nil || c.Damaged != 0 {
		t.Errorf("coverage: %d damaged, %v", c.Damaged, err)
	}
}

// TestSetAsideBrokenOff opens a store whose last opening was killed between the
// renames of the broken file and of its companions.
func TestSetAsideBrokenOff(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	runAndKill(t, dir, 30, 0) // leaves a log
	path := filepath.Join(dir, FileName)
	aside := asideName(path, time.Now().Add(-time.Minute))
	for _, suffix := range []string{"-shm", "-wal"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	scribble(t, path, 100, max(info.Size()-100, 4000))
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Recovered() == "" || s.Recovered() == aside {
		t.Errorf("recovered %q", s.Recovered())
	}
	if _, err := appendStory(s, 5); err != nil {
		t.Fatal(err)
	}
	if err := holdsStory(s, 5); err != nil {
		t.Error(err)
	}
}

// TestUnfinishedTier opens a store whose writer ended in the middle of a tier that is
// written in several transactions: what there is of it goes, and the tier is written.
func TestUnfinishedTier(t *testing.T) {
	for _, name := range []string{buildingName, droppingName} {
		dir := filepath.Join(t.TempDir(), "data")
		s, err := Open(dir, Options{NoMaintenance: true})
		if err != nil {
			t.Fatal(err)
		}
		n, err := appendStory(s, 30)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		err = s.transaction(ctx, func(tx *sql.Tx) error {
			for i := range 2000 {
				if _, err := tx.Exec("INSERT INTO parts (id, data) VALUES (?, zeroblob(5000))", partID(77, int64(i), partKeysEnds)); err != nil {
					return err
				}
			}
			_, err := tx.Exec("INSERT OR REPLACE INTO kept (what, start) VALUES (?, 77)", name)
			return err
		})
		if err := errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		if s, err = Open(dir, Options{NoMaintenance: true}); err != nil {
			t.Fatal(err)
		}
		if err := s.Maintain(ctx, true); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		left, err := number(ctx, s.readers, "SELECT (SELECT count(*) FROM parts WHERE id >= ? AND id < ?) + (SELECT count(*) FROM kept WHERE what = ?)",
			partID(77, 0, 0), partID(78, 0, 0), name)
		if err != nil || left != 0 {
			t.Errorf("%s: %d rows are left, %v", name, left, err)
		}
		if tiers, err := number(ctx, s.readers, "SELECT count(*) FROM tiers"); err != nil || tiers == 0 {
			t.Errorf("%s: %d tiers, %v", name, tiers, err)
		}
		if err := holdsStory(s, n); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSecondProcess opens a store that another process writes to: for writing that is
// refused by its id, reading works.
func TestSecondProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := appendStory(s, 10)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := child.Output()
	if want := fmt.Sprintf("in use by another writer: process %d (stop it, or use another --data)", os.Getpid()); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("a second writer says %q, %v; want %q", out, err, want)
	}
	_, end := foreignReader(t, dir)
	end()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := checkStory(dir, n); err != nil {
		t.Error(err)
	}
}
