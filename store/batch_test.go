package store

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// balanced are books whose equations hold with 7 packets of points.
func balanced() Books {
	return Books{
		Ring: 22, Drops: 2, Freezes: 1, Frames: 20,
		Captured: Count{20, 2000}, Filtered: Count{1, 100}, NonIP: Count{2, 200}, Undecodable: Count{3, 300}, Decoded: Count{14, 1400},
		LocalOnly: Count{9, 900}, OnePublic: Count{3, 300}, TwoPublic: Count{2, 200},
	}
}

func TestBooksCheck(t *testing.T) {
	tests := []struct {
		name    string
		spoil   func(*Books)
		points  Count
		drained bool
		want    string
	}{
		{"balanced", func(*Books) {}, Count{7, 700}, true, ""},
		{"nothing", func(b *Books) { *b = Books{} }, Count{}, true, ""},
		{"not drained yet", func(b *Books) { b.Ring++ }, Count{7, 700}, false, ""},
		{"not drained", func(b *Books) { b.Ring++ }, Count{7, 700}, true, "ring 23 = frames 20 + drops 2"},
		{"a packet more captured", func(b *Books) { b.Captured.Packets++ }, Count{7, 700}, true, "captured = filtered + non_ip + undecodable + decoded: 21 packets"},
		{"a byte less filtered", func(b *Books) { b.Filtered.Bytes-- }, Count{7, 700}, true, "captured = "},
		{"a packet less local", func(b *Books) { b.LocalOnly.Packets-- }, Count{7, 700}, true, "decoded = local_only + one_public + two_public"},
		{"a point's byte missing", func(*Books) {}, Count{7, 699}, true, "points = one_public + 2 × two_public: 7 packets 699 bytes against 7 packets 700 bytes"},
	}
	for _, test := range tests {
		b := balanced()
		test.spoil(&b)
		err := b.Check(test.points, test.drained)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	b := balanced()
	b.Captured.Packets, b.Ring = 0, 0
	if err := b.Check(Count{}, true); strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not every equation is reported: %v", err)
	}
}

// TestBooksAddTakesEveryCounter fills all fields by reflection, so that a counter
// added later cannot be forgotten.
func TestBooksAddTakesEveryCounter(t *testing.T) {
	var fill func(v reflect.Value, factor uint64)
	next := uint64(0)
	fill = func(v reflect.Value, factor uint64) {
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Struct {
				fill(f, factor)
			} else {
				next++
				f.SetUint(next * factor)
			}
		}
	}
	var one, two, three Books
	fill(reflect.ValueOf(&one).Elem(), 1)
	next = 0
	fill(reflect.ValueOf(&two).Elem(), 2)
	next = 0
	fill(reflect.ValueOf(&three).Elem(), 3)
	one.Add(&two)
	if d := cmp.Diff(three, one); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if b := balanced(); b.Public() != (Count{5, 500}) || b.OnePublic != (Count{3, 300}) {
		t.Errorf("public is %v, and left %v", b.Public(), b.OnePublic)
	}
}

func TestBatchCheck(t *testing.T) {
	good := func() *Batch {
		p := matching()
		p.Sensor = "gw1"
		return &Batch{Sensor: "gw1", Tick: noon, Interval: 10 * time.Second, Points: []Point{p, p}}
	}
	tests := []struct {
		name  string
		spoil func(*Batch)
		want  string
	}{
		{"good", func(*Batch) {}, ""},
		{"without points", func(b *Batch) { b.Points = nil }, ""},
		{"before 1970", func(b *Batch) { b.Tick, b.Points = time.Unix(-20, 0), nil }, ""},
		{"before 1678, where nanoseconds end", func(b *Batch) { b.Tick, b.Points = time.Date(2, 1, 1, 0, 0, 10, 0, time.UTC), nil }, ""},
		{"in 9999", func(b *Batch) { b.Tick, b.Points = time.Date(9999, 1, 1, 0, 0, 10, 0, time.UTC), nil }, ""},
		{"in another zone", func(b *Batch) { b.Tick = b.Tick.In(time.FixedZone("x", 3600)) }, ""},
		{"no sensor", func(b *Batch) { b.Sensor = "" }, "no sensor name"},
		{"no interval", func(b *Batch) { b.Interval = 0 }, "tick 0s is not possible"},
		{"interval of 3 s", func(b *Batch) { b.Interval = 3 * time.Second }, "tick 3s is not possible: use 1s, 2s, 5s"},
		{"between ticks", func(b *Batch) { b.Tick = b.Tick.Add(time.Second) }, "not a multiple of 10s"},
		{"a nanosecond late", func(b *Batch) { b.Tick = b.Tick.Add(1) }, "not a multiple of 10s"},
		{"before 1970, between ticks", func(b *Batch) { b.Tick = time.Unix(-5, 0) }, "not a multiple of 10s"},
		{"point of another tick", func(b *Batch) { b.Points[1].Time = noon.Add(10 * time.Second) }, "is not of sensor"},
		{"point of another sensor", func(b *Batch) { b.Points[1].Sensor = "gw2" }, "is not of sensor"},
		{"bad point", func(b *Batch) { b.Points[1].Packets = 0 }, "has no packets"},
	}
	for _, test := range tests {
		b := good()
		test.spoil(b)
		err := b.Check()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func TestCheckTick(t *testing.T) {
	for d, want := range map[time.Duration]bool{
		time.Second: true, 2 * time.Second: true, 5 * time.Second: true, 10 * time.Second: true, 15 * time.Second: true,
		30 * time.Second: true, time.Minute: true, 0: false, -time.Second: false, 3 * time.Second: false,
		20 * time.Second: false, time.Hour: false, 1500 * time.Millisecond: false,
	} {
		if err := CheckTick(d); (err == nil) != want {
			t.Errorf("tick %s: %v", d, err)
		}
	}
}
