package sqlite

import (
	"context"
	"math"
	"testing"
	"time"
)

func TestForecast(t *testing.T) {
	s := openNew(t, Options{NoMaintenance: true})
	quick(t, s)
	for i := range 144 {
		appendAt(t, s, pruneStart.Add(time.Duration(i)*10*time.Minute))
	}
	if err := fakeSeal(s, pruneStart.Add(day).Unix()); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	forever, err := s.Forecast(ctx, Retention{Points: 30 * day, Views10m: 90 * day, Views1h: 730 * day})
	if err != nil {
		t.Fatal(err)
	}
	total := forever.Points + forever.Views10m + forever.Views1h + forever.Views1d
	unused, err := s.unused(ctx)
	if got := total / float64(forever.Used-s.logBytes()-unused); err != nil || got < 0.9 || got > 1.1 {
		t.Errorf("%.2f of what the day has taken: %+v, %v", got, forever, err)
	}
	want := 30*forever.Points + 90*forever.Views10m + 730*(forever.Views1h+forever.Views1d)
	if math.Abs(forever.Need/want-1) > 1e-6 || forever.Full != 0 || forever.Kept != 0 || forever.Room != 0 {
		t.Errorf("%+v, want %.0f bytes", forever, want)
	}
	if forever.Rests != day {
		t.Errorf("rests on %s", forever.Rests)
	}
}

func TestForecastOfRoom(t *testing.T) {
	const mb = 1e6
	f := Forecast{Points: 100 * mb, Views10m: 10 * mb, Views1h: 2 * mb, Views1d: 0.1 * mb, Horizon: horizon}
	ages := Retention{Points: 30 * day, Views10m: 90 * day, Views1h: 730 * day}
	need := 30*100 + 90*10 + 730*2.1
	for _, c := range []struct {
		name       string
		room       float64 // MB
		full, kept time.Duration
	}{
		{"enough", need + 1, 0, 0},
		{"the views of two years take some points", need - 1000, 0, 20 * day},
		{"room of ten days", 10 * 112.1, 10 * day, hour},
		{"no room", 1, hour, hour},
	} {
		got := f
		got.Room = int64(c.room * mb)
		got.reckon(ages)
		if math.Abs(got.Need-need*mb) > mb || (got.Full == 0) != (c.name == "enough") {
			t.Errorf("%s: %+v", c.name, got)
		}
		if c.full > 0 && (got.Full-c.full).Abs() > 2*hour {
			t.Errorf("%s: full after %s, want %s", c.name, got.Full, c.full)
		}
		if (got.Kept - c.kept).Abs() > hour {
			t.Errorf("%s: points are kept %s, want %s", c.name, got.Kept, c.kept)
		}
	}
}

// TestForecastOfNothing: a store without a sealed interval knows nothing yet.
func TestForecastOfNothing(t *testing.T) {
	s := openNew(t, Options{})
	f, err := s.Forecast(context.Background(), Retention{Points: day, Size: 1 << 30, Free: 1})
	if err != nil || f.Rests != 0 || f.Full != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}
