package livetest

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// booksOf reads the books of a whole store and checks every equation of them but the
// one that is only true of runs that drained their rings, against the points stored.
// drained checks that one, too.
func booksOf(t testing.TB, dir string, drained bool) store.Books {
	t.Helper()
	return booksAt(t, dir, drained, time.Now())
}

// booksAt is booksOf of a sensor with a clock of its own.
func booksAt(t testing.TB, dir string, drained bool, now time.Time) store.Books {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	s, err := sqlite.OpenReadOnly(dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cov, err := s.Coverage(ctx, store.Window{})
	if err != nil {
		t.Fatal(err)
	}
	var points store.Count
	err = s.Points(ctx, store.Filter{}, func(chunk []store.Point) error {
		for i := range chunk {
			points.Add(store.Count{Packets: chunk[i].Packets, Bytes: chunk[i].Bytes})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := cov.Books.Check(points, drained); err != nil {
		t.Error(err)
	}
	if cov.Damaged != 0 {
		t.Errorf("%d blocks are damaged", cov.Damaged)
	}
	if cov.Last.After(now.Add(cov.Tick + time.Second)) { // the tick that was cut short ends then
		t.Errorf("last tick ends at %s, in the future", cov.Last)
	}
	return cov.Books
}

// balanced is booksOf of runs that were all stopped in good order.
func balanced(t testing.TB, dir string) store.Books {
	t.Helper()
	return booksOf(t, dir, true)
}
