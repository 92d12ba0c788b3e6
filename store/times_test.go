package store

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests' zones, wherever they run
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		text string
		want time.Duration // 0: an error
	}{
		{"90s", 90 * time.Second},
		{"1h30m", 90 * time.Minute},
		{"24h", day},
		{"30d", 30 * day},
		{"2w", 14 * day},
		{"1y", 365 * day},
		{"1.5d", 36 * time.Hour},
		{"1d12h", 36 * time.Hour},
		{"1w1d", 8 * day},
		{"100y", 36500 * day},
		{"1ns", 1},
		{"", 0},
		{"0s", 0},
		{"0d", 0},
		{"-2h", 0},
		{"-1d", 0},
		{"1d-2h", 0},
		{"5", 0},
		{"d", 0},
		{"12h1d", 0},
		{"nand", 0},
		{"nand-1ns", 0},
		{"infd", 0},
		{"300y", 0}, // more than 292 years do not fit
		{"200y200y", 0},
		{"290y2562047h", 0},
		{"1 d", 0},
		{"morgen", 0},
	}
	for _, test := range tests {
		got, err := ParseDuration(test.text)
		if got != test.want || (err == nil) != (test.want != 0) {
			t.Errorf("%q is %s, %v; want %s", test.text, got, err, test.want)
		}
		if err != nil && !strings.Contains(err.Error(), "write 30m, 24h, 7d") {
			t.Errorf("%q: the error %q has no hint", test.text, err)
		}
	}
}

func TestParseTime(t *testing.T) {
	berlin, apia, beirut := zone(t, "Europe/Berlin"), zone(t, "Pacific/Apia"), zone(t, "Asia/Beirut")
	paulo := zone(t, "America/Sao_Paulo")
	// A Saturday, 14:30 in Berlin.
	saturday := time.Date(2026, 11, 21, 13, 30, 0, 0, time.UTC)
	tests := []struct {
		text string
		now  time.Time
		loc  *time.Location
		want string // RFC 3339; "" for an error
	}{
		{"2026-11-21T14:00:00Z", saturday, berlin, "2026-11-21T15:00:00+01:00"},
		{"2026-11-21T14:00:00.25+09:00", saturday, time.UTC, "2026-11-21T05:00:00.25Z"},
		{"2026-11-21", saturday, berlin, "2026-11-21T00:00:00+01:00"},
		{"2026-07-21 14:00", saturday, berlin, "2026-07-21T14:00:00+02:00"},
		{" 2026-07-21T14:00:05 ", saturday, berlin, "2026-07-21T14:00:05+02:00"},
		{"now", saturday, berlin, "2026-11-21T14:30:00+01:00"},
		{"-2h", saturday, berlin, "2026-11-21T12:30:00+01:00"},
		{"-1d", saturday, time.UTC, "2026-11-20T13:30:00Z"},
		{"15:00", saturday, berlin, "2026-11-21T15:00:00+01:00"},
		{"today", saturday, berlin, "2026-11-21T00:00:00+01:00"},
		{"TODAY 07:30", saturday, berlin, "2026-11-21T07:30:00+01:00"},
		{"yesterday", saturday, berlin, "2026-11-20T00:00:00+01:00"},
		{"yesterday 23:59:59", saturday, berlin, "2026-11-20T23:59:59+01:00"},
		{"sat", saturday, berlin, "2026-11-21T00:00:00+01:00"},
		{"sat 14:00", saturday, berlin, "2026-11-21T14:00:00+01:00"},
		{"sat 15:00", saturday, berlin, "2026-11-14T15:00:00+01:00"}, // has not begun today
		{"sunday", saturday, berlin, "2026-11-15T00:00:00+01:00"},
		{"tue 15:00", saturday, berlin, "2026-11-17T15:00:00+01:00"},
		{"Tues  15:00", saturday, berlin, "2026-11-17T15:00:00+01:00"},

		// The clocks of Berlin go forward on 2026-03-29 and back on 2026-10-25.
		{"2026-03-29", saturday, berlin, "2026-03-29T00:00:00+01:00"},
		{"2026-03-30", saturday, berlin, "2026-03-30T00:00:00+02:00"},
		{"yesterday", time.Date(2026, 3, 30, 0, 30, 0, 0, time.UTC), berlin, "2026-03-29T00:00:00+01:00"}, // it is 02:30, an hour that yesterday lacked
		{"yesterday 12:00", time.Date(2026, 3, 29, 22, 30, 0, 0, time.UTC), berlin, "2026-03-29T12:00:00+02:00"},
		{"-24h", time.Date(2026, 10, 25, 11, 0, 0, 0, time.UTC), berlin, "2026-10-24T13:00:00+02:00"},
		{"yesterday", time.Date(2026, 10, 25, 23, 30, 0, 0, time.UTC), berlin, "2026-10-25T00:00:00+02:00"},
		// Beirut's clocks go forward at midnight: 2021-03-28 began at 01:00.
		{"yesterday 08:00", time.Date(2021, 3, 28, 21, 30, 0, 0, time.UTC), beirut, "2021-03-28T08:00:00+03:00"}, // 00:30, an hour that yesterday lacked
		{"sun 08:00", time.Date(2021, 3, 29, 21, 30, 0, 0, time.UTC), beirut, "2021-03-28T08:00:00+03:00"},
		{"2021-03-28", saturday, beirut, "2021-03-28T01:00:00+03:00"},
		// So did São Paulo's, west of Greenwich, on 2018-11-04.
		{"yesterday 08:00", time.Date(2018, 11, 5, 2, 30, 0, 0, time.UTC), paulo, "2018-11-04T08:00:00-02:00"},
		{"yesterday", time.Date(2018, 11, 5, 2, 30, 0, 0, time.UTC), paulo, "2018-11-04T01:00:00-02:00"},
		{"2018-11-04", saturday, paulo, "2018-11-04T01:00:00-02:00"},
		// Samoa had no 2011-12-30.
		{"2011-12-31", saturday, apia, "2011-12-31T00:00:00+14:00"},
		{"2011-12-30 12:00", saturday, apia, "2011-12-31T12:00:00+14:00"},
		{"2011-12-29 23:00", saturday, apia, "2011-12-29T23:00:00-10:00"},

		{"", saturday, time.UTC, ""},
		{"2026-13-01", saturday, time.UTC, ""},
		{"2026-02-30", saturday, time.UTC, ""},
		{"25:00", saturday, time.UTC, ""},
		{"tomorrow", saturday, time.UTC, ""},
		{"tu 15:00", saturday, time.UTC, ""},
		{"tue 15", saturday, time.UTC, ""},
		{"-x", saturday, time.UTC, ""},
		{"tue 15:00 or so", saturday, time.UTC, ""},
	}
	for _, test := range tests {
		got, err := ParseTime(test.text, test.now, test.loc)
		if test.want == "" {
			if err == nil || !strings.Contains(err.Error(), "write ") {
				t.Errorf("%q is %s, error %v without a hint", test.text, got, err)
			}
			continue
		}
		if err != nil || got.Format(time.RFC3339Nano) != test.want {
			t.Errorf("%q at %s is %s (%v), want %s", test.text, test.now.In(test.loc), got.Format(time.RFC3339Nano), err, test.want)
		}
		if got.Location() != test.loc {
			t.Errorf("%q is in %s", test.text, got.Location())
		}
	}
}
