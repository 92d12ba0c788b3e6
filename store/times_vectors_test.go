package store

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

// vectorFile has times as people type them and what they mean. The page reads them as
// well (times.test.ts): both understand the same words.
const vectorFile = "testdata/times.json"

// timeVector is one text; Want is 0 where it is no time. All are in milliseconds
// since 1970.
type timeVector struct {
	Text string `json:"text"`
	Zone string `json:"zone"`
	Now  int64  `json:"now"`
	Want int64  `json:"want,omitempty"`
}

// timeTexts are of every form, and what nearly has one. Berlin's clocks were put
// forward at 02:00 on 29 March 2026 and back at 03:00 on 25 October.
var timeTexts = []string{
	"2026-11-21", "2026-11-21 14:00", "2026-11-21 14:00:05", "2026-11-21T14:00", "2026-11-21T14:00:05", "2026-03-29 02:30", "2026-03-29", "2026-10-25",
	"2026-11-21T14:00:00Z", "2026-11-21T14:00:00+02:00", "2026-11-21T14:00:00.25-05:30", "2026-11-21t14:00:00z", "2024-02-29", "2025-02-29", "2026-13-01",
	"2026-11-31", "2026-1-2", "2026-11-21 25:00", "2026-11-21 14:60", "2026-11-21 9:30", "2026-11-21  14:00", "now", " now ", "NOW", "today", "yesterday", "Yesterday 9:30", "today 09:30:15",
	"tue", "tuesday", "Tuesday 15:00", "sat 15:00", "sun 23:59", "mon 0:00", "tu", "t", "tues 15:00", "tuesdays", "15:00", "9:05", "9:5", "24:00", "today 15",
	"-2h", "-90s", "-1h30m", "-7d", "-1.5d", "-1d12h", "-2w", "-1y", "-0s", "-", "-2", "-h", "-1h2d", "-250ms", "- 2h", "tomorrow", "", "noon", "yesterday 15:00 CET",
}

func TestTimeVectors(t *testing.T) {
	var all []timeVector
	for _, zone := range []string{"UTC", "Europe/Berlin"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Skip(err)
		}
		for _, now := range []time.Time{
			time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), // a Saturday
			time.Date(2026, 3, 30, 23, 30, 0, 0, time.UTC), // in Berlin it is the 31st
		} {
			for _, text := range timeTexts {
				v := timeVector{Text: text, Zone: zone, Now: now.UnixMilli()}
				if got, err := ParseTime(text, now, loc); err == nil {
					v.Want = got.UnixMilli()
				}
				all = append(all, v)
			}
		}
	}
	body, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, '\n')
	if *writeVectors {
		if err := os.WriteFile(vectorFile, body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if had, err := os.ReadFile(vectorFile); err != nil || string(had) != string(body) {
		t.Errorf("%s is not what ParseTime says now (%v): run go test ./store -run TestTimeVectors -write-vectors, then the page's tests", vectorFile, err)
	}
}
