package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestRoundTrip stores random points of all kinds at all times and finds exactly
// them again, in this process and in the next.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Tick: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	r := newRandom(5)
	ticks := []time.Time{
		benchStart, time.Unix(0, 0), time.Unix(-1, 0), time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2106, 2, 7, 6, 28, 15, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	var want history
	for _, tick := range ticks {
		for seq := range uint32(3) {
			b := r.batch(pick(r, randomSensors...), tick.UTC(), s.Tick(), seq, r.IntN(400))
			for i := range b.Points {
				if r.IntN(50) == 0 {
					b.Points[i].Packets, b.Points[i].Bytes, b.Points[i].Opens = math.MaxUint64, math.MaxUint64, math.MaxUint64
				}
			}
			appendAll(t, s, b)
			want = append(want, b.Points...)
		}
	}
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same(t, "points of a copy", inOrder(want), inOrder(pointsOf(t, again, store.Filter{})))
}

// TestAppendLeavesBatchAlone: the caller may still use, and retry, what it appended.
func TestAppendLeavesBatchAlone(t *testing.T) {
	s := openNew(t, Options{})
	b := newRandom(6).batch("gw1", benchStart, s.Tick(), 0, 100)
	before := append([]store.Point(nil), b.Points...)
	appendAll(t, s, b)
	same(t, "points of the caller", before, b.Points)
}

func TestAppendIgnoresRepetition(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	commits := s.Watch(ctx)
	r := newRandom(7)
	b := r.batch("gw1", benchStart, s.Tick(), 0, 20)
	other := r.batch("gw1", benchStart, s.Tick(), 0, 30) // the same identity
	more := r.batch("gw1", benchStart, s.Tick(), 1, 5)
	appendAll(t, s, b, b, other, more, more)
	want := append(history{}, b.Points...)
	want = append(want, more.Points...)
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	c, err := s.Coverage(ctx, store.Window{})
	if err != nil {
		t.Fatal(err)
	}
	if c.Points != 25 || c.Books.Ring != b.Books.Ring+more.Books.Ring {
		t.Errorf("%d points, ring %d", c.Points, c.Books.Ring)
	}
	if n := len(commits); n != 2 {
		t.Errorf("%d commits announced, want 2", n)
	}
}

func TestNextSeq(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	r := newRandom(8)
	appendAll(t, s, r.batch("a", benchStart, s.Tick(), 0, 1), r.batch("a", benchStart, s.Tick(), 4, 1), r.batch("b", benchStart, s.Tick(), 0, 0))
	tests := []struct {
		sensor string
		tick   time.Time
		want   uint32
	}{
		{"a", benchStart, 5},
		{"b", benchStart, 1},
		{"a", benchStart.Add(s.Tick()), 0},
		{"unknown", benchStart, 0},
	}
	for _, test := range tests {
		if got, err := s.NextSeq(ctx, test.sensor, test.tick); err != nil || got != test.want {
			t.Errorf("next seq of %q at %s is %d (%v), want %d", test.sensor, test.tick, got, err, test.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	s := openNew(t, Options{})
	good := func() *store.Batch { return newRandom(9).batch("gw1", benchStart, s.Tick(), 0, 3) }
	ctx := context.Background()
	stopped, stop := context.WithCancel(ctx)
	stop()
	tests := []struct {
		name  string
		spoil func(*store.Batch)
		ctx   context.Context
		want  string
	}{
		{"no sensor", func(b *store.Batch) { b.Sensor = "" }, ctx, "no sensor"},
		{"other tick", func(b *store.Batch) { b.Interval = 5 * time.Second }, ctx, "tick of 5s, the store of 10s"},
		{"crooked tick", func(b *store.Batch) { b.Tick = b.Tick.Add(time.Second) }, ctx, "not a multiple"},
		{"point of another sensor", func(b *store.Batch) { b.Points[1].Sensor = "gw2" }, ctx, "is not of sensor"},
		{"point without packets", func(b *store.Batch) { b.Points[1].Packets = 0 }, ctx, "no packets"},
		{"no number", func(b *store.Batch) { b.Points[1].Place.Latitude = math.NaN() }, ctx, "no numbers"},
		{"stopped", func(*store.Batch) {}, stopped, "context canceled"},
	}
	for _, test := range tests {
		b := good()
		test.spoil(b)
		if err := s.Append(test.ctx, b); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	if got := pointsOf(t, s, store.Filter{}); len(got) != 0 {
		t.Errorf("%d points were stored", len(got))
	}
}

func TestAppendNeedsWriter(t *testing.T) {
	dir := t.TempDir()
	b := oneTick(t, dir)
	ro, err := OpenReadOnly(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ro.Close()
	if err := ro.Append(context.Background(), b); !errors.Is(err, errReadOnly) {
		t.Errorf("append to a store for reading: %v", err)
	}
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if err := s.Append(context.Background(), b); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("append to a closed store: %v", err)
	}
	if err := s.Points(context.Background(), store.Filter{}, func([]store.Point) error { return nil }); err == nil {
		t.Error("a closed store answers")
	}
}

// TestAppendDiskFull bounds the file, which SQLite reports as it does a full disk,
// and then gives it room again: the caller's retry succeeds, nothing is half there.
func TestAppendDiskFull(t *testing.T) {
	s := openNew(t, Options{})
	ctx := context.Background()
	r := newRandom(10)
	first := r.batch("gw1", benchStart, s.Tick(), 0, 500)
	appendAll(t, s, first)
	pages, err := pragma(ctx, s.w, "page_count")
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n int64) {
		onWriter(t, s, fmt.Sprintf("PRAGMA max_page_count = %d", n))
	}
	limit(pages + 2)
	second := r.batch("gw2", benchStart, s.Tick(), 0, 5000)
	for i := range second.Points { // places, an AS and a sensor that are new
		second.Points[i].Place = store.Place{Country: "NZ", City: fmt.Sprintf("City %d", i%9), Precision: store.City}
		second.Points[i].ASN, second.Points[i].ASOrg = uint32(i%5), "New"
	}
	for range 3 {
		err := s.Append(ctx, second)
		if err == nil || !strings.Contains(err.Error(), "disk is full (free some space") {
			t.Fatalf("append to a full disk: %v", err)
		}
		same(t, "points meanwhile", inOrder(first.Points), inOrder(pointsOf(t, s, store.Filter{})))
	}
	limit(1 << 30)
	appendAll(t, s, second)
	want := append(append(history{}, first.Points...), second.Points...)
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
}
