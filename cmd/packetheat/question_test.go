package main

import (
	"errors"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/store"
)

func TestQuestion(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here")
	}
	for _, c := range []struct {
		name     string
		q        question
		from, to time.Time
		terms    int
		wrong    bool
	}{
		{"nothing", question{}, time.Time{}, time.Time{}, 0, false},
		{"last", question{spec: store.WindowSpec{Last: "1d"}}, now.Add(-24 * time.Hour), now, 0, false},
		{"zone", question{spec: store.WindowSpec{At: "tue 15:00"}, zone: "Europe/Berlin"},
			time.Date(2026, 11, 17, 15, 0, 0, 0, berlin), time.Date(2026, 11, 17, 15, 30, 0, 0, berlin), 0, false},
		{"utc", question{spec: store.WindowSpec{From: "2026-11-20", To: "2026-11-21"}, utc: true},
			time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), 0, false},
		{"filter", question{filter: "port:443 -country:DE"}, time.Time{}, time.Time{}, 2, false},
		{"bad filter", question{filter: "443"}, time.Time{}, time.Time{}, 0, true},
		{"bad zone", question{zone: "Nowhere"}, time.Time{}, time.Time{}, 0, true},
		{"both zones", question{zone: "UTC", utc: true}, time.Time{}, time.Time{}, 0, true},
		{"bad window", question{spec: store.WindowSpec{From: "noon-ish"}}, time.Time{}, time.Time{}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _, err := c.q.resolve(now, nil)
			var usage usageError
			if c.wrong {
				if !errors.As(err, &usage) {
					t.Errorf("error is %v", err)
				}
				return
			}
			if err != nil || !f.Window.From.Equal(c.from) || !f.Window.To.Equal(c.to) || len(f.Terms) != c.terms {
				t.Errorf("%v with %d terms, %v", f.Window, len(f.Terms), err)
			}
		})
	}
}

// TestShown closes the open sides of a window by the data, in the user's zone.
func TestShown(t *testing.T) {
	first, last := time.Unix(1000, 0).UTC(), time.Unix(2000, 0).UTC()
	tokyo := time.FixedZone("JST", 9*3600)
	a := &asked{config: &config.Loaded{}, zone: tokyo, coverage: store.Coverage{First: first, Last: last}}
	if w := a.shown(); !w.From.Equal(first) || !w.To.Equal(last) || w.From.Location() != tokyo {
		t.Errorf("all there is shows as %s", w)
	}
	a.filter.Window = store.Window{From: time.Unix(1500, 0)}
	if w := a.shown(); !w.From.Equal(time.Unix(1500, 0)) || !w.To.Equal(last) {
		t.Errorf("open to one side shows as %s", w)
	}
	if w := (&asked{zone: tokyo}).shown(); w != (store.Window{}) {
		t.Errorf("an empty store shows as %s", w)
	}
}

func TestBaseName(t *testing.T) {
	for name, want := range map[string]string{
		"a/b/x.pcap": "x", "x.pcapng.gz": "x", "x": "x", ".pcap": ".pcap", "x.pcap.zst": "x", "x.y.cap": "x.y",
	} {
		if got := baseName(name); got != want {
			t.Errorf("baseName(%q) = %q, want %q", name, got, want)
		}
	}
}
