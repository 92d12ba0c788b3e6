package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDiskFull fills the disk under a store. Appends are refused, nothing that was
// acknowledged is lost, and as soon as there is room all goes on.
func TestDiskFull(t *testing.T) {
	withMounts(t, func(t *testing.T) { eachDisk(t, 96, testDiskFull) })
}

func testDiskFull(t *testing.T, disk string) {
	dir := filepath.Join(disk, "data")
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !hasBallast(dir) {
		t.Error("there is no ballast")
	}
	n, err := appendStory(s, 30)
	if err != nil {
		t.Fatal(err)
	}
	empty := fillDisk(t, disk)
	for range 3 {
		if n, err = appendStory(s, 3000); !isDiskFull(err) {
			t.Fatalf("append to a full disk: %d batches, then %v", n, err)
		}
		if err := holdsStory(s, n); err != nil {
			t.Error(err)
		}
	}
	if !hasBallast(dir) {
		t.Error("appends have taken the ballast")
	}
	empty()
	if n, err = appendStory(s, n+30); err != nil {
		t.Fatalf("append when there is room again: %v", err)
	}
	if err := holdsStory(s, n); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := checkStory(dir, n); err != nil {
		t.Error(err)
	}
}

// TestDiskFullOpen opens a store on a full disk, after an end in order and after a
// kill: it can be read, and written to once there is room.
func TestDiskFullOpen(t *testing.T) {
	withMounts(t, func(t *testing.T) { eachDisk(t, 96, testDiskFullOpen) })
}

func testDiskFullOpen(t *testing.T, disk string) {
	dir := filepath.Join(disk, "data")
	said := runAndKill(t, dir, 20, 0)
	empty := fillDisk(t, disk)
	n := said
	for _, before := range []string{"after a kill", "after an end in order"} {
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("%s: %v", before, err)
		}
		if n, err = appendStory(s, 5000); !isDiskFull(err) || n < said {
			t.Errorf("%s: %d batches of %d, %v", before, n, said, err)
		}
		if err := holdsStory(s, n); err != nil {
			t.Errorf("%s: %v", before, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", before, err)
		}
		said = n
		fillDisk(t, disk) // again, with what was given back
	}
	empty()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if n, err = appendStory(s, n+5); err != nil {
		t.Errorf("when there is room: %v", err)
	}
	if err := holdsStory(s, n); err != nil {
		t.Error(err)
	}
}

// TestDiskFullPrune deletes on a full disk: it cannot be done without the ballast, and
// can with it, which is there again afterwards.
func TestDiskFullPrune(t *testing.T) {
	withMounts(t, func(t *testing.T) { eachDisk(t, 96, testDiskFullPrune) })
}

func testDiskFullPrune(t *testing.T, disk string) {
	ctx := context.Background()
	dir := filepath.Join(disk, "data")
	s, err := Open(dir, Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.ballast.none = false
	s.ballast.keep()
	r := newRandom(1)
	big := func(i int) error {
		return s.Append(ctx, r.batch("gw1", benchStart.Add(time.Duration(i)*time.Hour), defaultTick, 0, 200))
	}
	for i := range 12 {
		if err := big(i); err != nil {
			t.Fatal(err)
		}
	}
	empty := fillDisk(t, disk)
	i := 12
	for err = nil; err == nil; i++ {
		err = big(i)
	}
	if !isDiskFull(err) {
		t.Fatal(err)
	}
	aside := filepath.Join(disk, "aside")
	if err := os.Rename(filepath.Join(dir, BallastName), aside); err != nil { // takes its room, but cannot be dropped
		t.Fatal(err)
	}
	s.keep.now = func() time.Time { return benchStart.AddDate(1, 0, 0) }
	s.SetRetention(Retention{Points: 3 * time.Hour})
	if err := s.prune(ctx, true); !isDiskFull(err) {
		t.Errorf("prune without ballast: %v: this test is to see that it cannot be done", err)
	}
	if err := os.Rename(aside, filepath.Join(dir, BallastName)); err != nil {
		t.Fatal(err)
	}
	if err := s.prune(ctx, true); err != nil {
		t.Fatalf("prune with ballast: %v", err)
	}
	left, err := number(ctx, s.readers, "SELECT count(*) FROM batches")
	if err != nil || left > 6 {
		t.Errorf("%d batches are left of %d: %v", left, i, err)
	}
	if err := big(i); err != nil {
		t.Errorf("append in the room that was made: %v", err)
	}
	empty()
	s.ballast.looked = time.Time{}
	if err := big(i + 1); err != nil || !hasBallast(dir) {
		t.Errorf("%v; ballast %t, want it made again", err, hasBallast(dir))
	}
	if err := integrity(s.readers); err != nil {
		t.Error(err)
	}
}
