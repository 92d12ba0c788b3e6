package sqlite

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite/powerloss"
)

// record has a child append batches of the story, with the shim watching, and returns
// the log. The log of SQLite is written back often, so that a short story has many
// checkpoints in it.
func record(t *testing.T, batches int, pragmas, keep string) *powerloss.Log {
	t.Helper()
	top := t.TempDir()
	dir, log := filepath.Join(top, "data"), filepath.Join(top, "log")
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	env, err := powerloss.Environ(powerloss.Build(t), dir, log)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(append(os.Environ(), env...), childVariable+"="+dir, markVariable+"="+log,
		untilVariable+"="+strconv.Itoa(batches), setVariable+"=wal_autocheckpoint = 40"+pragmas, keepVariable+"="+keep)
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := powerloss.Read(log)
	if err != nil {
		t.Fatal(err)
	}
	if marks := len(l.Marks(l.Len())); marks != batches {
		t.Fatalf("%d batches were acknowledged, want %d", marks, batches)
	}
	return l
}

// storyOn makes the image of a cut and checks it.
func storyOn(t *testing.T, l *powerloss.Log, c powerloss.Cut) error {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "image-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := l.Image(dir, c); err != nil {
		t.Fatal(err)
	}
	_, err = checkStory(dir, len(l.Marks(c.At)))
	return err
}

// onImages checks cuts, two at a time, and counts those that have lost something and
// those that are wrong in another way.
func onImages(t *testing.T, l *powerloss.Log, cuts []powerloss.Cut, report bool) (lost, wrong int64) {
	t.Helper()
	var group sync.WaitGroup
	next, losses, faults := atomic.Int64{}, atomic.Int64{}, atomic.Int64{}
	for range 2 {
		group.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(cuts); i = next.Add(1) - 1 {
				err := storyOn(t, l, cuts[i])
				switch {
				case errors.Is(err, errLost):
					losses.Add(1)
				case err != nil:
					faults.Add(1)
				}
				if err != nil && report {
					t.Errorf("%+v: %v", cuts[i], err)
				}
			}
		})
	}
	group.Wait()
	return losses.Load(), faults.Load()
}

// TestPowerLoss lets the power fail at many moments of a store's life: of appending,
// of writing tiers, and of giving points up. Whatever the disk then holds, the store
// opens, is whole, and has every batch that was acknowledged.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, keep string }{{"points are kept", ""}, {"points are given up", "1h"}} {
		t.Run(test.name, func(t *testing.T) {
			l := record(t, tortured(90, 1500), "", test.keep)
			sawAll(t, l, test.keep != "")
			cuts := l.Cuts(tortured(6, 75), 1)
			lost, wrong := onImages(t, l, cuts, true)
			bytes, syncs := l.Count()
			t.Logf("%d images of %d steps (%d bytes written, %d syncs): %d lost batches, %d wrong", len(cuts), l.Len(), bytes, syncs, lost, wrong)
		})
	}
}

// sawAll makes sure that the story has what it is told for: tiers of every level, and
// points that are gone.
func sawAll(t *testing.T, l *powerloss.Log, pruned bool) {
	t.Helper()
	dir := t.TempDir()
	if err := l.Image(dir, powerloss.Cut{At: l.Len()}); err != nil {
		t.Fatal(err)
	}
	s, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	levels, err := number(ctx, s.readers, "SELECT count(DISTINCT level) FROM tiers")
	if err != nil || levels != 3 {
		t.Errorf("tiers of %d levels, %v", levels, err)
	}
	c, err := s.Coverage(ctx, store.Window{})
	if err != nil || c.PointsFrom.IsZero() == pruned {
		t.Errorf("points from %s, %v", c.PointsFrom, err)
	}
}

// TestPowerLossSees shows that the harness finds what is lost where a store does not
// wait for the disk, or the disk lies.
func TestPowerLossSees(t *testing.T) {
	t.Parallel()
	t.Run("synchronous=NORMAL", func(t *testing.T) {
		l := record(t, 30, "; synchronous = NORMAL", "")
		lost, wrong := onImages(t, l, l.Cuts(9, 2), false)
		if lost == 0 || wrong > 0 { // it loses commits, but keeps the file whole
			t.Errorf("%d of 9 images have lost batches, %d are wrong; want some and none", lost, wrong)
		}
	})
	t.Run("a disk that lies", func(t *testing.T) {
		l := record(t, 30, "", "")
		cuts := l.Cuts(9, 3)
		for i := range cuts {
			cuts[i].Lies = true
		}
		lost, wrong := onImages(t, l, cuts, false)
		if lost == 0 {
			t.Errorf("%d of 9 images have lost batches, %d are wrong; want some", lost, wrong)
		}
	})
}
