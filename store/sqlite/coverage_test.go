package sqlite

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// mini makes a batch with n points of one packet each.
func mini(sensor string, second, seq, n int) *store.Batch {
	tick := benchStart.Add(time.Duration(second) * time.Second)
	b := newRandom(uint64(second+seq)).batch(sensor, tick, defaultTick, uint32(seq), n)
	return b
}

// part narrows what a batch has captured.
func (r random) part(b *store.Batch, from, to int) *store.Batch {
	b.From, b.To = b.Tick.Add(time.Duration(from)*time.Second), b.Tick.Add(time.Duration(to)*time.Second)
	return b
}

func TestCoverageSpans(t *testing.T) {
	const off, idle, data = store.StateOff, store.StateIdle, store.StateData
	at := func(second int) time.Time { return benchStart.Add(time.Duration(second) * time.Second) }
	drops := func(b *store.Batch, n, folded uint64) *store.Batch {
		b.Books.Drops, b.Books.Folded.Packets = n, folded
		return b
	}
	var r random
	type span struct {
		sensor   string
		from, to int
		state    store.State
		drops    uint64
		folded   uint64
	}
	tests := []struct {
		name     string
		batches  []*store.Batch
		from, to int // -1: open
		want     []span
	}{
		{"neighbours merge", []*store.Batch{mini("a", 0, 0, 3), mini("a", 10, 0, 1), mini("a", 20, 0, 0), mini("a", 30, 0, 0), mini("a", 40, 0, 2)},
			-1, -1, []span{{"a", 0, 20, data, 0, 0}, {"a", 20, 40, idle, 0, 0}, {"a", 40, 50, data, 0, 0}}},
		{"a gap is off", []*store.Batch{mini("a", 0, 0, 1), mini("a", 60, 0, 1)},
			-1, -1, []span{{"a", 0, 10, data, 0, 0}, {"a", 10, 60, off, 0, 0}, {"a", 60, 70, data, 0, 0}}},
		{"drops stay apart, folding adds up", []*store.Batch{drops(mini("a", 0, 0, 1), 0, 2), drops(mini("a", 10, 0, 1), 0, 3),
			drops(mini("a", 20, 0, 1), 7, 0), mini("a", 30, 0, 1), mini("a", 40, 0, 1)},
			-1, -1, []span{{"a", 0, 20, data, 0, 5}, {"a", 20, 30, data, 7, 0}, {"a", 30, 50, data, 0, 0}}},
		{"start, stop and restart within ticks", []*store.Batch{r.part(mini("a", 0, 0, 1), 4, 10), r.part(mini("a", 10, 0, 1), 0, 3),
			r.part(mini("a", 10, 1, 0), 6, 10), r.part(mini("a", 20, 0, 1), 0, 5)},
			-1, -1, []span{{"a", 0, 4, off, 0, 0}, {"a", 4, 13, data, 0, 0}, {"a", 13, 16, off, 0, 0}, {"a", 16, 25, data, 0, 0}, {"a", 25, 30, off, 0, 0}}},
		{"late points make a tick data", []*store.Batch{mini("a", 0, 0, 0), r.part(mini("a", 0, 1, 2), 0, 0)},
			-1, -1, []span{{"a", 0, 10, data, 0, 0}}},
		{"points without a captured part stand for the tick", []*store.Batch{r.part(mini("a", 0, 0, 2), 0, 0)},
			-1, -1, []span{{"a", 0, 10, data, 0, 0}}},
		{"parts that overlap count once", []*store.Batch{r.part(mini("a", 0, 0, 1), 0, 7), r.part(mini("a", 0, 1, 1), 5, 10)},
			-1, -1, []span{{"a", 0, 10, data, 0, 0}}},
		{"two sensors", []*store.Batch{mini("b", 0, 0, 1), mini("a", 10, 0, 1)},
			-1, -1, []span{{"a", 0, 10, off, 0, 0}, {"a", 10, 20, data, 0, 0}, {"b", 0, 10, data, 0, 0}, {"b", 10, 20, off, 0, 0}}},
		{"window moves to whole ticks", []*store.Batch{mini("a", 0, 0, 1), mini("a", 10, 0, 1), mini("a", 20, 0, 1)},
			5, 15, []span{{"a", 10, 20, data, 0, 0}}},
		{"window beside the data", []*store.Batch{mini("a", 0, 0, 1)}, 100, 200, nil},
		{"window beyond the data", []*store.Batch{mini("a", 0, 0, 1)}, -1, 200, []span{{"a", 0, 10, data, 0, 0}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := openNew(t, Options{})
			appendAll(t, s, test.batches...)
			var w store.Window
			if test.from >= 0 {
				w.From = at(test.from)
			}
			if test.to >= 0 {
				w.To = at(test.to)
			}
			c, err := s.Coverage(context.Background(), w)
			if err != nil {
				t.Fatal(err)
			}
			var want []store.Span
			for _, p := range test.want {
				want = append(want, store.Span{Window: store.Window{From: at(p.from), To: at(p.to)}, Sensor: p.sensor,
					State: p.state, Drops: p.drops, Folded: p.folded})
			}
			same(t, "spans", want, c.Spans)
		})
	}
}

func TestCoverageSums(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	empty, err := s.Coverage(ctx, store.Window{})
	if d := diff(store.Coverage{Tick: s.Tick()}, empty); err != nil || d != "" {
		t.Errorf("empty store: %v\n%s", err, d)
	}
	r := newRandom(11)
	city := store.GeoSource{Kind: "city", Name: "DB-IP City Lite", Built: benchStart, Attribution: "IP Geolocation by DB-IP", URL: "x"}
	asn := store.GeoSource{Kind: "asn", Name: "Ä", Built: time.Time{}}
	old := store.GeoSource{Kind: "city", Name: "old"}
	first, second, third := r.batch("a", benchStart, s.Tick(), 0, 40), r.batch("b", benchStart.Add(s.Tick()), s.Tick(), 0, 40), r.batch("b", benchStart.Add(time.Hour), s.Tick(), 0, 0)
	first.Geo, second.Geo, third.Geo = []store.GeoSource{city, asn}, []store.GeoSource{asn}, []store.GeoSource{old}
	first.Books.Freezes, second.Books.Late.Bytes = 3, 1<<63
	appendAll(t, s, first, second, third)
	want := store.Coverage{
		Window: store.Window{From: benchStart, To: benchStart.Add(time.Minute)},
		First:  benchStart, Last: benchStart.Add(time.Hour + s.Tick()), Tick: s.Tick(), Sensors: []string{"a", "b"},
		Points: 80, Geo: []store.GeoSource{city, asn},
	}
	want.Effective = want.Window
	want.Books.Add(&first.Books)
	want.Books.Add(&second.Books)
	for _, p := range append(append(history{}, first.Points...), second.Points...) {
		if p.Place == (store.Place{}) {
			want.Unlocated.Add(p.Sum())
		}
	}
	got, err := s.Coverage(ctx, store.Window{From: benchStart.Add(-time.Hour), To: benchStart.Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	got.Spans = nil
	if d := diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if want.Unlocated.Packets == 0 {
		t.Error("nothing unlocated to test with")
	}
}

// TestDamage breaks blobs from outside. Whatever cannot be trusted is left out and
// counted, all else is answered.
func TestDamage(t *testing.T) {
	tests := []struct {
		name, statement string
		points, cells   bool // whether the batch's points and cells are still answered
	}{
		{"whole", "SELECT 1", true, true},
		{"bit in the amounts", "UPDATE blocks SET sums = substr(sums, 1, 20) || x'00' || substr(sums, 22) WHERE id = 2", false, false},
		{"bit in the endpoints", "UPDATE blocks SET ends = substr(ends, 1, 20) || x'00' || substr(ends, 22) WHERE id = 2", false, true},
		{"shortened", "UPDATE blocks SET sums = substr(sums, 1, 50) WHERE id = 2", false, false},
		{"empty", "UPDATE blocks SET sums = x'', ends = x'' WHERE id = 2", false, false},
		{"of another version", "UPDATE blocks SET sums = substr(sums, 1, 1) || x'ff' || substr(sums, 3) WHERE id = 2", false, false},
		{"parts exchanged", "UPDATE blocks SET sums = ends, ends = sums WHERE id = 2", false, false},
		{"gone", "DELETE FROM blocks WHERE id = 2", false, false},
		{"books", "UPDATE batches SET books = x'00' WHERE id = 2", true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			s, err := Open(dir, Options{})
			if err != nil {
				t.Fatal(err)
			}
			first, second, third := mini("a", 0, 0, 30), mini("a", 10, 0, 30), mini("a", 20, 0, 31)
			appendAll(t, s, first, second, third)
			s.Close()
			execOn(t, filepath.Join(dir, FileName), test.statement)
			if s, err = OpenReadOnly(dir, Options{}); err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			c, err := s.Coverage(context.Background(), store.Window{To: benchStart.Add(20 * time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			damaged := uint64(1)
			if test.name == "whole" {
				damaged = 0
			}
			if c.Damaged != damaged {
				t.Errorf("%d damaged before anything was read, want %d", c.Damaged, damaged)
			}
			checkDamage(t, s, test.points, test.cells, first, second, third)
		})
	}
}

func checkDamage(t *testing.T, s *Store, points, cells bool, first, second, third *store.Batch) {
	t.Helper()
	want := append(history{}, first.Points...)
	if points {
		want = append(want, second.Points...)
	}
	want = append(want, third.Points...)
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	if cells && !points {
		want = append(want, second.Points...)
	}
	got, err := s.Cells(context.Background(), store.Filter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cells", want.cells(0), got)
}

// TestDamageFoundByReading: each part is whole, but they are of different batches,
// or name a place that there is not. Nobody sees that before reading them.
func TestDamageFoundByReading(t *testing.T) {
	for _, statement := range []string{
		"UPDATE blocks SET ends = (SELECT ends FROM blocks WHERE id = 3) WHERE id = 2",
		"DELETE FROM places WHERE id = (SELECT max(id) FROM places)",
	} {
		dir := t.TempDir()
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		first, second, third := mini("a", 0, 0, 30), mini("a", 10, 0, 1), mini("a", 20, 0, 31)
		for _, b := range []*store.Batch{first, third} {
			for i := range b.Points {
				b.Points[i].Place = store.Place{}
			}
		}
		second.Points[0].Place = randomPlaces[1]
		appendAll(t, s, first, second, third)
		s.Close()
		execOn(t, filepath.Join(dir, FileName), statement)
		if s, err = OpenReadOnly(dir, Options{}); err != nil {
			t.Fatal(err)
		}
		want := append(append(history{}, first.Points...), third.Points...)
		same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
		c, err := s.Coverage(context.Background(), store.Window{})
		if err != nil || c.Damaged != 1 {
			t.Errorf("%s: %d damaged, %v", statement, c.Damaged, err)
		}
		s.Close()
	}
}
