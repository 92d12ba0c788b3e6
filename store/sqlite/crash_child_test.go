package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite/powerloss"
)

// These make the test binary a process that appends the story until it is killed.
const (
	childVariable = "PACKETHEAT_TEST_APPEND_TO" // folder of the store
	untilVariable = "PACKETHEAT_TEST_UNTIL"     // batches after which it ends by itself; none: never
	markVariable  = "PACKETHEAT_TEST_MARK"      // log of the shim, where it marks what is acknowledged
	setVariable   = "PACKETHEAT_TEST_PRAGMA"    // of the writing connection, instead of our own
	keepVariable  = "PACKETHEAT_TEST_KEEP"      // for how long points are kept; none: for ever
)

// readVariable makes the test binary a process that begins to read a store and does
// not end until its standard input does.
const readVariable = "PACKETHEAT_TEST_READ_FROM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		if err := tellStory(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(readVariable); dir != "" {
		if err := readForLong(dir); err != nil {
			fmt.Println("error", err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// storyBatch is the batch i of what children append: a minute further each, so that
// intervals of every tier close, of two sensors, some late.
func storyBatch(i int) *store.Batch {
	r := newRandom(uint64(i))
	sensor, seq, minute := "gw1", uint32(0), i
	switch {
	case i%17 == 16 && i > 30:
		seq, minute = 7, i-30
	case i%5 == 4:
		sensor = "gw2"
	}
	return r.batch(sensor, benchStart.Add(time.Duration(minute)*time.Minute), defaultTick, seq, 20+r.IntN(60))
}

// tellStory goes on behind what the store has, and prints and marks every batch that
// it has been told is committed.
func tellStory(dir string) error {
	until, _ := strconv.Atoi(os.Getenv(untilVariable))
	for {
		s, err := Open(dir, Options{})
		if err != nil {
			return err
		}
		end := int(s.nextID) + 59 // then it is closed and opened again
		if until > 0 {
			end = min(end, until)
		}
		if err := tellPart(s, end); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
		if end == until {
			return nil
		}
	}
}

// tellPart appends batches until there are so many.
func tellPart(s *Store, end int) error {
	ctx := context.Background()
	for set := range strings.SplitSeq(os.Getenv(setVariable), ";") {
		if set == "" {
			continue
		}
		if _, err := s.w.ExecContext(ctx, "PRAGMA "+set); err != nil {
			return err
		}
		s.logKeeper.begin(20) // less than any pragma says, so that both do it
	}
	for i := int(s.nextID) - 1; i < end; i++ {
		if err := s.Append(ctx, storyBatch(i)); err != nil {
			return err
		}
		if log := os.Getenv(markVariable); log != "" {
			if err := powerloss.Mark(log, strconv.Itoa(i+1)); err != nil {
				return err
			}
		}
		fmt.Println("committed", i+1)
		if err := tidy(ctx, s, i); err != nil {
			return err
		}
	}
	return nil
}

// tidy has the store do at certain moments what it otherwise does by itself: tiers are
// written, some again for what came late, and points given up and their room given back.
func tidy(ctx context.Context, s *Store, i int) error {
	if i%10 == 9 {
		if err := s.Maintain(ctx, i%50 == 49); err != nil {
			return err
		}
	}
	if i%50 == 49 {
		if err := s.writeSpare(ctx); err != nil {
			return err
		}
	}
	keep, _ := time.ParseDuration(os.Getenv(keepVariable))
	if keep == 0 || i%40 != 39 {
		return nil
	}
	s.keep.now = func() time.Time { return benchStart.AddDate(1, 0, 0) }
	s.SetRetention(Retention{Points: keep})
	return s.Prune(ctx)
}

func readForLong(dir string) error {
	db, err := sql.Open("sqlite3", uri(filepath.Join(dir, FileName), "mode=ro"))
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.Query("SELECT id FROM batches")
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Next()
	fmt.Println("reading")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// foreignReader starts such a process and returns its id, and what ends it.
func foreignReader(t *testing.T, dir string) (pid int, end func()) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), readVariable+"="+dir)
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() { in.Close(); child.Wait() }
	t.Cleanup(end)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "reading\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	return child.Process.Pid, end
}

// appendStory appends batches of the story from the one that the store lacks, to the
// end or the first error, and returns how many there are.
func appendStory(s *Store, end int) (n int, err error) {
	for n = int(s.nextID) - 1; n < end; n++ {
		if err := s.Append(context.Background(), storyBatch(n)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// errLost is the error of a store that lacks what had been acknowledged.
var errLost = errors.New("acknowledged batches are lost")

// checkStory opens a store for writing and holds it against the story: all batches up
// to the acknowledged one are there, at most one more, whole; SQLite finds nothing
// wrong with the file; and it can be written to.
//
// Where points have been given up, the sums by place and time are compared instead.
func checkStory(dir string, acknowledged int) (batches int, err error) {
	s, err := Open(dir, Options{NoMaintenance: true})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if s.Recovered() != "" {
		return 0, fmt.Errorf("the file was set aside as %s", s.Recovered())
	}
	if err := integrity(s.readers); err != nil {
		return 0, err
	}
	n := int(s.nextID) - 1
	if n < acknowledged {
		return n, fmt.Errorf("%w: %d of %d are there", errLost, n, acknowledged)
	}
	if n > acknowledged+1 {
		return n, fmt.Errorf("%d batches are there, %d were acknowledged", n, acknowledged)
	}
	if err := holdsStory(s, n); err != nil {
		return n, err
	}
	if err := s.Append(context.Background(), storyBatch(n)); err != nil {
		return n, fmt.Errorf("go on: %w", err)
	}
	if _, err := os.Stat(s.sparePath()); err == nil {
		if err := s.checkSpare(context.Background()); err != nil {
			return n, fmt.Errorf("spare: %w", err)
		}
	}
	if !tortured(false, true) {
		return n, nil
	}
	if err := s.Maintain(context.Background(), true); err != nil {
		return n, fmt.Errorf("go on: %w", err)
	}
	return n, holdsStory(s, n+1)
}

// integrity asks SQLite about the structure of the file, and the checksums of ours.
func integrity(db *sql.DB) error {
	var found string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&found); err != nil || found != "ok" {
		return fmt.Errorf("integrity_check: %s, %w", found, err)
	}
	return nil
}

// holdsStory compares what a store has with the first n batches.
func holdsStory(s *Store, n int) error {
	c, err := s.Coverage(context.Background(), store.Window{})
	switch {
	case err != nil:
		return err
	case c.Damaged > 0:
		return fmt.Errorf("%d blocks are damaged", c.Damaged)
	}
	if err := holdsSums(s, n); err != nil || !c.PointsFrom.IsZero() {
		return err
	}
	return holdsPoints(s, n)
}

// holdsSums compares what outlives points: the map of all the time.
func holdsSums(s *Store, n int) error {
	var all history
	for i := range n {
		all = append(all, storyBatch(i).Points...)
	}
	got, err := s.Cells(context.Background(), store.Filter{}, 0)
	if err == nil && !slices.Equal(all.cells(0), got) {
		err = fmt.Errorf("the map is not that of the first %d batches: %s", n, diff(all.cells(0), got))
	}
	return err
}

func holdsPoints(s *Store, n int) error {
	want := make(map[store.Point]store.Sum)
	for i := range n {
		addUp(want, storyBatch(i).Points)
	}
	got := make(map[store.Point]store.Sum)
	ctx := context.Background()
	err := s.Points(ctx, store.Filter{}, func(points []store.Point) error {
		addUp(got, points)
		return nil
	})
	if err != nil {
		return err
	}
	if !maps.Equal(want, got) {
		return fmt.Errorf("the points are not those of the first %d batches: %d keys, want %d", n, len(got), len(want))
	}
	return nil
}

// addUp sums points that differ in their amounts only.
func addUp(sums map[store.Point]store.Sum, points []store.Point) {
	for _, p := range points {
		sum := p.Sum()
		p.Packets, p.Bytes, p.Opens = 0, 0, 0
		old := sums[p]
		old.Add(sum)
		sums[p] = old
	}
}
