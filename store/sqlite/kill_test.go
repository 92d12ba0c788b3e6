package sqlite

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"
)

// tortured picks the long version of a test.
func tortured[T any](short, long T) T {
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		return long
	}
	return short
}

// TestKill kills a writer with SIGKILL at random moments, again and again. All that it
// said it had committed is there, at most one batch more, and the next writer goes on.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 1))
	said, have := 0, 0
	rounds := tortured(4, 60)
	for round := range rounds {
		said = max(runAndKill(t, dir, 1+rng.IntN(25), time.Duration(rng.IntN(20))*time.Millisecond), have)
		n, err := checkStory(dir, said)
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		have = n + 1 // the check has added one
	}
	t.Logf("%d kills, %d batches, none lost", rounds, have)
}

// runAndKill lets a child append until it has acknowledged so many batches and then for
// some time, kills it and returns how many there are by its word.
func runAndKill(t *testing.T, dir string, n int, more time.Duration) (said int) {
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
	defer child.Wait()
	lines := bufio.NewScanner(out)
	for seen := 1; lines.Scan(); seen++ {
		if _, err := fmt.Sscanf(lines.Text(), "committed %d", &said); err != nil {
			t.Errorf("child says %q", lines.Text())
		}
		if seen == n { // and read on what it says until it is dead
			time.AfterFunc(more, func() { _ = child.Process.Kill() })
		}
	}
	return said
}
