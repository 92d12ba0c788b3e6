package sqlite

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// storyStore has n batches of the story, in tiers.
func storyStore(t *testing.T, n int, log *slog.Logger) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "data"), Options{NoMaintenance: true, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := appendStory(s, n); err != nil {
		t.Fatal(err)
	}
	if err := s.Maintain(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	return s
}

// spareMark is until when the spare has sums.
func spareMark(t *testing.T, s *Store) int64 {
	t.Helper()
	m, err := number(context.Background(), s.readers, "SELECT max(start + level) FROM tiers WHERE level = 3600")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func cellsUntil(t *testing.T, s *Store, mark int64) []store.Cell {
	t.Helper()
	cells, err := s.Cells(context.Background(), store.Filter{Window: store.Window{From: benchStart, To: time.Unix(mark, 0)}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return cells
}

// breakNow breaks the file and appends until the store notices.
func breakNow(t *testing.T, s *Store) {
	t.Helper()
	breakFile(t, s)
	for i := 5000; s.Recovered() == "" && i < 7000; i++ {
		if err := s.Append(context.Background(), storyBatch(i)); err != nil {
			t.Fatal(err)
		}
		shrink(s)
	}
	if s.Recovered() == "" {
		t.Fatal("the store goes on with a broken file")
	}
}

// TestSpare breaks a store that has a spare: the new one has the same sums by hour for
// the time before, no addresses of it, and goes on.
func TestSpare(t *testing.T) {
	var log bytes.Buffer
	s := storyStore(t, 40, slog.New(slog.NewTextHandler(&log, nil)))
	ctx := context.Background()
	for _, until := range []int{40, 90} { // the second time only what is new, or was written again
		if _, err := appendStory(s, until); err != nil {
			t.Fatal(err)
		}
		if err := s.Maintain(ctx, true); err != nil {
			t.Fatal(err)
		}
		if err := s.writeSpare(ctx); err != nil {
			t.Fatal(err)
		}
	}
	mark := spareMark(t, s)
	want := cellsUntil(t, s, mark)
	breakNow(t, s)
	if text := log.String(); !strings.Contains(text, "with_sums_of_hours_and_days=true") {
		t.Errorf("log says %q", text)
	}
	if diff := gocmp.Diff(want, cellsUntil(t, s, mark)); diff != "" || len(want) == 0 {
		t.Errorf("sums by hour: %s", diff)
	}
	c, err := s.Coverage(ctx, store.Window{})
	if err != nil || c.PointsFrom.Unix() != mark || c.First.After(benchStart) || c.Damaged != 0 {
		t.Errorf("points from %s, first %s, %d damaged: %v", c.PointsFrom, c.First, c.Damaged, err)
	}
	old, err := number(ctx, s.readers, "SELECT count(*) FROM parts JOIN tiers t ON t.id = parts.id / 65536 WHERE t.start < ? AND parts.id % 16 < 5", mark)
	if err != nil || old != 0 {
		t.Errorf("%d parts with addresses are in the spare, %v", old, err)
	}
	if _, err := s.NextSeq(ctx, "gw1", benchStart); err != nil {
		t.Error(err)
	}
	if err := s.Append(ctx, storyBatch(400)); err != nil {
		t.Error(err)
	}
	if err := s.Maintain(ctx, true); err != nil {
		t.Error(err)
	}
	if diff := gocmp.Diff(want, cellsUntil(t, s, mark)); diff != "" {
		t.Errorf("sums by hour after maintenance: %s", diff)
	}
	if err := s.writeSpare(ctx); err != nil { // that of the store which was begun with it
		t.Error(err)
	}
	if err := integrity(s.readers); err != nil {
		t.Error(err)
	}
}

// TestSpareIsOfNoUse breaks both files, and has a spare that is of another store.
func TestSpareIsOfNoUse(t *testing.T) {
	ctx := context.Background()
	s := storyStore(t, 20, nil)
	writeFile(t, s.sparePath(), bytes.Repeat([]byte("no database\n"), 500))
	breakNow(t, s)
	if n, err := number(ctx, s.readers, "SELECT count(*) FROM tiers"); err != nil || n != 0 {
		t.Errorf("%d tiers come from a broken spare, %v", n, err)
	}
	if _, err := appendStory(s, 30); err != nil {
		t.Fatal(err)
	}
	if err := s.Maintain(ctx, true); err != nil {
		t.Fatal(err)
	}
	if err := s.writeSpare(ctx); err != nil {
		t.Errorf("write the spare over one that is broken: %v", err)
	}
	other := storyStore(t, 25, nil)
	onWriter(t, other, "UPDATE about SET value = '1999-01-01T00:00:00Z' WHERE key = 'made'")
	if err := copyFile(other.sparePath(), s.sparePath()); err != nil {
		t.Fatal(err)
	}
	if err := other.writeSpare(ctx); err != nil {
		t.Errorf("write the spare over that of another store: %v", err)
	}
	mark := spareMark(t, other)
	want := cellsUntil(t, other, mark)
	breakNow(t, other)
	if diff := gocmp.Diff(want, cellsUntil(t, other, mark)); diff != "" {
		t.Errorf("sums by hour: %s", diff)
	}
}

// TestSpareOnceADay looks at when it is written.
func TestSpareOnceADay(t *testing.T) {
	ctx := context.Background()
	s := storyStore(t, 5, nil) // an hour, by force
	written := func() time.Time {
		t.Helper()
		if err := s.keepSpare(ctx); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(s.sparePath())
		if err != nil {
			t.Fatal(err)
		}
		return info.ModTime()
	}
	first := written()
	if again := written(); !again.Equal(first) {
		t.Error("it is written all the time")
	}
	for _, age := range []time.Duration{25 * time.Hour, -25 * time.Hour} { // or the clock was wrong
		old := time.Now().Add(-age)
		if err := os.Chtimes(s.sparePath(), old, old); err != nil {
			t.Fatal(err)
		}
		if again := written(); time.Since(again).Abs() > time.Hour {
			t.Errorf("a spare of %s is not written again", old)
		}
	}
}
