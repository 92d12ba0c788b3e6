package sqlite

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/packetheat/packetheat/store"
)

var makeFixture = flag.Bool("make-fixture", false, "write testdata/format5, a store of today's format with tiers")

// fixtureBatches are what the fixture holds. They never change: later formats must
// still find them in the file that the first one wrote.
func fixtureBatches() []*store.Batch {
	r := newRandom(1000)
	var list []*store.Batch
	for i := range 6 {
		b := r.batch(randomSensors[i%2], benchStart.Add(defaultTick*2), defaultTick, uint32(i/2), 12)
		if i > 3 {
			b.Tick = b.Tick.Add(100 * defaultTick)
			b.From, b.To = b.Tick, b.Tick.Add(defaultTick/2)
			for j := range b.Points {
				b.Points[j].Time = b.Tick
			}
		}
		b.Geo = []store.GeoSource{{Kind: "city", Name: "DB-IP City Lite", Built: benchStart, Attribution: "IP Geolocation by DB-IP", URL: "db-ip.com"}}
		list = append(list, b)
	}
	return list
}

// TestFormat1 opens a store that the first version of the format wrote, for reading
// where this version can, and for writing, which migrates it.
func TestFormat1(t *testing.T) {
	t.Parallel()
	fixture := filepath.Join("testdata", "format1")
	old, err := os.ReadFile(filepath.Join(fixture, FileName))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, FileName), bytes.Clone(old))
	var want history
	var books store.Books
	for _, b := range fixtureBatches() {
		want = append(want, b.Points...)
		books.Add(&b.Books)
	}
	for name, open := range map[string]func(string, Options) (*Store, error){"reading": OpenReadOnly, "writing": Open} {
		s, err := open(dir, Options{Tick: defaultTick})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same(t, name+": points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
		c, err := s.Coverage(context.Background(), store.Window{})
		if err != nil || c.Books != books || c.Damaged != 0 || len(c.Geo) != 1 || s.Recovered() != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if name == "writing" { // and it goes on with the old ids
			for _, b := range fixtureBatches() {
				appendAll(t, s, b)
			}
			if n := len(pointsOf(t, s, store.Filter{})); n != len(want) {
				t.Errorf("%d points after the same batches again, want %d", n, len(want))
			}
		}
		s.Close()
	}
}

// TestFormat2 opens a store that has tiers, open intervals and a late batch.
func TestFormat2(t *testing.T) { testTiersOf(t, "format2") }

// TestFormat3 opens one that has the table of months besides.
func TestFormat3(t *testing.T) { testTiersOf(t, "format3") }

// TestFormat4 opens one that has summaries of addresses besides.
func TestFormat4(t *testing.T) { testTiersOf(t, "format4") }

// TestFormat5 opens one that is shipped besides: batches of sealed ticks have blocks.
func TestFormat5(t *testing.T) {
	t.Parallel()
	if *makeFixture {
		writeFixture(t, filepath.Join("testdata", "format5"))
	}
	testTiersOf(t, "format5")
}

func testTiersOf(t *testing.T, format string) {
	fixture := filepath.Join("testdata", format)
	old, err := os.ReadFile(filepath.Join(fixture, FileName))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, FileName), bytes.Clone(old))
	var want history
	var books store.Books
	for _, b := range append(fixtureBatches(), lateFixture()) {
		want = append(want, b.Points...)
		books.Add(&b.Books)
	}
	check := func(name string, s *Store) {
		t.Helper()
		seen, err := s.Seen(context.Background(), everything, store.Window{})
		if err != nil || seen.Damaged != 0 {
			t.Errorf("%s: %v, %d damaged", name, err, seen.Damaged)
		}
		same(t, name+": seen", seenIn(want, everything, store.Window{}, s.Tick()), seen.Rows)
		compareAnswers(t, s, store.Filter{}, want, name, newRandom(1001))
		c, err := s.Coverage(context.Background(), store.Window{})
		if err != nil || c.Books != books || c.Damaged != 0 || len(c.Geo) != 1 || s.Recovered() != "" {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	s, err := OpenReadOnly(dir, Options{Tick: defaultTick})
	if err != nil {
		t.Fatal(err)
	}
	check("reading", s)
	if tiers, late := count(t, s, "SELECT count(*) FROM tiers"), count(t, s, "SELECT count(*) FROM late"); tiers != 6 || late != 3 { // those of another hour are late for the day
		t.Errorf("%d tiers, %d late", tiers, late)
	}
	s.Close()
	if s, err = Open(dir, Options{NoMaintenance: true}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Maintain(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	check("sealed", s)
	appendAll(t, s, fixtureBatches()...) // once is enough
	check("again", s)
}

// lateFixture comes when its interval has been sealed.
func lateFixture() *store.Batch {
	b := newRandom(1002).batch(randomSensors[0], benchStart.Add(defaultTick*7), defaultTick, 0, 5)
	b.Geo = fixtureBatches()[0].Geo
	return b
}

func writeFixture(t *testing.T, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir, Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	openOutbox(t, s)
	list := fixtureBatches()
	appendAll(t, s, list[:4]...)
	if err := s.Maintain(context.Background(), true); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, append(list[4:], lateFixture())...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lock", BallastName} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}
