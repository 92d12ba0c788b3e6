package sqlite

import (
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestLocated encodes ticks that share addresses with the one before, some of which
// have moved to other places or belong to others: the ids are always those of the
// dictionary, which is asked only for what is new.
func TestLocated(t *testing.T) {
	e, d := newCoders(t)
	dicts := newDicts()
	dicts.index()
	r := newRandom(81)
	points := make([]store.Point, 400)
	for i := range points {
		points[i] = r.point()
	}
	asked := 0
	placeID := func(p store.Place) uint32 { asked++; return dicts.places.id(p) }
	for tick := range 20 {
		for range r.IntN(40) {
			points[r.IntN(len(points))] = r.point()
		}
		if tick%3 == 0 { // the same address elsewhere
			points[r.IntN(len(points))].Place = r.point().Place
			points[r.IntN(len(points))].ASOrg += "x"
		}
		asked = 0
		sums, ends, err := e.encode(points, placeID, dicts.asns.id)
		if err != nil {
			t.Fatal(err)
		}
		if groups := e.cols.groups; tick > 0 && asked > groups/2 {
			t.Errorf("tick %d: %d of %d places looked up", tick, asked, groups)
		}
		got, err := decoded(t, d, &dicts, sums, ends)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "points", inOrder(anyTime(points)), inOrder(anyTime(got)))
	}
}

// TestLocatedTakenBack fails to commit a tick with a new place, whose id another place
// then gets.
func TestLocatedTakenBack(t *testing.T) {
	s := openNew(t, Options{NoMaintenance: true})
	r := newRandom(82)
	tick := benchStart
	appendAll(t, s, r.batch("gw1", tick, s.Tick(), 0, 3))
	place := store.Place{Latitude: 1, Longitude: 2, Country: "FR", Precision: store.City}
	other := store.Place{Latitude: 3, Longitude: 4, Country: "DE", Precision: store.City}
	failing := r.batch("gw1", tick.Add(s.Tick()), s.Tick(), 0, 1)
	failing.Points[0].Place = place
	execOn(t, s.path, "CREATE TRIGGER full BEFORE INSERT ON batches BEGIN SELECT RAISE(ABORT, 'no room'); END")
	if err := s.Append(t.Context(), failing); err == nil {
		t.Fatal("the batch was taken")
	}
	execOn(t, s.path, "DROP TRIGGER full")
	second := r.batch("gw1", tick.Add(2*s.Tick()), s.Tick(), 0, 1)
	second.Points[0].Place = other
	appendAll(t, s, second, failing)
	for _, want := range []*store.Batch{failing, second} {
		got := pointsOf(t, s, store.Filter{Window: store.Window{From: want.Tick, To: want.Tick.Add(time.Second)}})
		if len(got) != 1 || got[0].Place != want.Points[0].Place {
			t.Errorf("%v, want one at %v", got, want.Points[0].Place)
		}
	}
}
