package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// childVariable makes the test binary a process that appends until it is killed.
const childVariable = "PACKETHEAT_TEST_APPEND_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		appendForever(dir)
	}
	os.Exit(m.Run())
}

// childBatch is what the child appends as tick i.
func childBatch(i int) *store.Batch {
	r := newRandom(uint64(i))
	return r.batch("gw1", benchStart.Add(time.Duration(i)*defaultTick), defaultTick, 0, 200+r.IntN(200))
}

// appendForever goes on behind what the store has and prints every tick that it has
// been told is committed.
func appendForever(dir string) {
	s, err := Open(dir, Options{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	c, err := s.Coverage(context.Background(), store.Window{})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	i := 0
	if !c.Last.IsZero() {
		i = int(c.Last.Sub(benchStart) / defaultTick)
	}
	for ; ; i++ {
		if err := s.Append(context.Background(), childBatch(i)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println("committed", i)
	}
}

// TestKill kills a writer with SIGKILL again and again. All that it said it had
// committed is there, at most one batch more, and the next writer goes on.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	last := -1
	for round := range 3 {
		said := runAndKill(t, dir, 5+3*round)
		if said <= last {
			t.Fatalf("round %d ended at tick %d, the one before at %d", round, said, last)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s.Recovered() != "" {
			t.Fatalf("the file was set aside: %s", s.Recovered())
		}
		c, err := s.Coverage(context.Background(), store.Window{})
		if err != nil {
			t.Fatal(err)
		}
		last = int(c.Last.Sub(benchStart)/defaultTick) - 1
		if last < said || last > said+1 || c.Damaged != 0 {
			t.Fatalf("child committed tick %d, the store has %d, %d damaged", said, last, c.Damaged)
		}
		var want history
		for i := range last + 1 {
			want = append(want, childBatch(i).Points...)
		}
		same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// runAndKill lets a child append until it has acknowledged n ticks, kills it and
// returns the last tick acknowledged.
func runAndKill(t *testing.T, dir string, n int) int {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	lines := bufio.NewScanner(out)
	for seen := 0; lines.Scan(); seen++ {
		if _, err := fmt.Sscanf(lines.Text(), "committed %d", &last); err != nil {
			t.Errorf("child says %q", lines.Text())
		}
		if seen == n { // and read on what it says until it is dead
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	child.Wait()
	return last
}
