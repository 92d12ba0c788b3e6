package store

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func hours(from, to int) Window {
	return Window{noon.Add(time.Duration(from) * time.Hour), noon.Add(time.Duration(to) * time.Hour)}
}

func TestWindowContains(t *testing.T) {
	open := Window{}
	tests := []struct {
		w    Window
		at   time.Time
		want bool
	}{
		{hours(0, 1), noon, true},
		{hours(0, 1), noon.Add(time.Hour), false},
		{hours(0, 1), noon.Add(time.Hour - 1), true},
		{hours(0, 1), noon.Add(-1), false},
		{Window{From: noon}, noon.AddDate(1000, 0, 0), true},
		{Window{To: noon}, time.Unix(0, 0), true},
		{Window{To: noon}, noon, false},
		{open, time.Time{}, true},
		{open, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), true},
	}
	for _, test := range tests {
		if got := test.w.Contains(test.at); got != test.want {
			t.Errorf("%s contains %s: %v", test.w, test.at, got)
		}
	}
}

func TestWindowCheck(t *testing.T) {
	for _, w := range []Window{{}, {From: noon}, {To: noon}, hours(0, 1)} {
		if err := w.Check(); err != nil {
			t.Errorf("%s: %v", w, err)
		}
	}
	for _, w := range []Window{hours(0, 0), hours(1, 0)} {
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), "its end must be after its start") {
			t.Errorf("%s: %v", w, err)
		}
	}
}

func TestWindowClip(t *testing.T) {
	tests := []struct{ w, o, want Window }{
		{Window{}, hours(0, 5), hours(0, 5)},
		{hours(1, 2), hours(0, 5), hours(1, 2)},
		{hours(-1, 2), hours(0, 5), hours(0, 2)},
		{hours(1, 9), hours(0, 5), hours(1, 5)},
		{hours(1, 9), Window{}, hours(1, 9)},
		{hours(7, 9), hours(0, 5), hours(7, 7)}, // beside each other: empty
		{Window{From: noon}, hours(-2, 5), hours(0, 5)},
	}
	for _, test := range tests {
		if d := cmp.Diff(test.want, test.w.Clip(test.o)); d != "" {
			t.Errorf("%s clipped to %s:\n%s", test.w, test.o, d)
		}
	}
}

func TestWindowString(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	tests := []struct {
		w    Window
		want string
	}{
		{Window{}, "start – now"},
		{hours(0, 1), "Sat 2026-11-21 12:00:00 UTC – Sat 2026-11-21 13:00:00 UTC"},
		{Window{From: noon.In(berlin)}, "Sat 2026-11-21 13:00:00 CET – now (Sat 2026-11-21 12:00:00 UTC – now)"},
		{Window{To: noon.In(berlin)}, "start – Sat 2026-11-21 13:00:00 CET (start – Sat 2026-11-21 12:00:00 UTC)"},
	}
	for _, test := range tests {
		if got := test.w.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestWindowSpec(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	at := func(s string) time.Time {
		got, err := time.ParseInLocation("2006-01-02 15:04", s, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	now := at("2026-11-21 13:00")
	tests := []struct {
		spec     WindowSpec
		from, to time.Time
		err      string
	}{
		{spec: WindowSpec{}},
		{spec: WindowSpec{Last: "24h"}, from: at("2026-11-20 13:00"), to: now},
		{spec: WindowSpec{From: "yesterday"}, from: at("2026-11-20 00:00")},
		{spec: WindowSpec{To: "2026-11-21"}, to: at("2026-11-21 00:00")},
		{spec: WindowSpec{From: "tue 15:00", To: "tue 16:00"}, from: at("2026-11-17 15:00"), to: at("2026-11-17 16:00")},
		{spec: WindowSpec{At: "2026-11-20 14:00", For: "90m"}, from: at("2026-11-20 14:00"), to: at("2026-11-20 15:30")},
		{spec: WindowSpec{At: "2026-11-20 14:00"}, from: at("2026-11-20 14:00"), to: at("2026-11-20 14:30")},
		{spec: WindowSpec{At: " yesterday "}, from: at("2026-11-20 00:00"), to: at("2026-11-21 00:00")},
		{spec: WindowSpec{At: "-2h"}, from: at("2026-11-21 11:00"), to: at("2026-11-21 11:30")},
		{spec: WindowSpec{At: "2026-10-25"}, from: at("2026-10-25 00:00"), to: at("2026-10-25 00:00").Add(25 * time.Hour)},
		{spec: WindowSpec{At: "2026-03-29"}, from: at("2026-03-29 00:00"), to: at("2026-03-29 00:00").Add(23 * time.Hour)},
		{spec: WindowSpec{Last: "1h", From: "yesterday"}, err: "give one of them"},
		{spec: WindowSpec{Last: "1h", At: "yesterday"}, err: "give one of them"},
		{spec: WindowSpec{At: "now", To: "now"}, err: "give one of them"},
		{spec: WindowSpec{For: "1h"}, err: "for needs at"},
		{spec: WindowSpec{Last: "1h", For: "1h"}, err: "for needs at"},
		{spec: WindowSpec{Last: "soon"}, err: `duration "soon"`},
		{spec: WindowSpec{At: "9999-12-31T23:59:59Z"}, err: "in the year 9999 at the latest"},
		{spec: WindowSpec{At: "9999-12-31"}, err: "in the year 9999 at the latest"},
		{spec: WindowSpec{To: "9999-12-31T23:59:59Z"}, err: "in the year 9999 at the latest"}, // the next one in Berlin
		{spec: WindowSpec{To: "9999-12-31"}, to: at("9999-12-31 00:00")},
		{spec: WindowSpec{At: "yesterday", For: "soon"}, err: `duration "soon"`},
		{spec: WindowSpec{From: "soon"}, err: `time "soon"`},
		{spec: WindowSpec{To: "soon"}, err: `time "soon"`},
		{spec: WindowSpec{At: "soon"}, err: `time "soon"`},
		{spec: WindowSpec{From: "today", To: "yesterday"}, err: "its end must be after its start"},
	}
	for _, test := range tests {
		got, err := test.spec.Resolve(now.UTC(), berlin)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%+v: error %v, want %q", test.spec, err, test.err)
			}
			continue
		}
		if err != nil || !got.From.Equal(test.from) || !got.To.Equal(test.to) {
			t.Errorf("%+v is %s (%v), want %s", test.spec, got, err, Window{test.from, test.to})
		}
		if !got.From.IsZero() && got.From.Location() != berlin {
			t.Errorf("%+v is in %s", test.spec, got.From.Location())
		}
	}
}
