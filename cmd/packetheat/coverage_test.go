package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// coverageStore is a store with two hours of two sensors in ticks of a minute: east
// is off for half an hour, drops frames and folds; west begins an hour late.
func coverageStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{Tick: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	start := time.Date(2026, 11, 17, 14, 0, 0, 0, time.UTC)
	for minute := range 120 {
		tick := start.Add(time.Duration(minute) * time.Minute)
		b := newBatch("east", tick, time.Minute)
		switch {
		case minute >= 20 && minute < 50:
			b = nil
		case minute >= 60 && minute < 70: // idle
		default:
			addPoint(b, "9.9.9.9", minute%25 != 3)
		}
		if b != nil && minute == 5 {
			b.Books.Drops, b.Books.Folded.Packets = 120, 7
		}
		if b != nil {
			appendBatch(t, s, b)
		}
		if minute >= 60 {
			b := newBatch("west", tick, time.Minute)
			addPoint(b, "1.1.1.1", true)
			appendBatch(t, s, b)
		}
	}
	return dir
}

func TestCoverageOnStandardError(t *testing.T) {
	dir := coverageStore(t)
	const east = "coverage: east off 30m0s of 2h0m (1 gap), west off 1h0m of 2h0m (1 gap), 120 frames dropped by the kernel, 7 packets folded, 2.9 % unlocated\n"
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"export", []string{"export", "csv", "-o", "-"}, east},
		{"top", []string{"top", "ip"}, east},
		{"tail", []string{"tail", "--follow=false"}, east},
		{"a part", []string{"export", "csv", "-o", "-", "--from", "2026-11-17T14:06:00Z", "--to", "2026-11-17T14:08:00Z"}, "coverage: west off 2m0s of 2m0s (1 gap)\n"},
		{"nothing to say", []string{"export", "csv", "-o", "-", "--from", "2026-11-17T15:10:00Z", "--to", "2026-11-17T15:15:00Z"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := packetheat(t, dir, c.args...)
			_, said, _ := strings.Cut(r.err, "coverage:")
			if said != "" {
				said = "coverage:" + said[:strings.Index(said, "\n")+1]
			}
			if said != c.want {
				t.Errorf("says %q, want %q", said, c.want)
			}
		})
	}
}

func TestCoverageFile(t *testing.T) {
	dir := coverageStore(t)
	name := filepath.Join(dir, "coverage.json")
	packetheat(t, dir, "export", "csv", "-o", filepath.Join(dir, "x.csv"), "--coverage", name, "--filter", "proto:tcp", "--from", "2026-11-17T14:00:00Z")
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got coverageJSON
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 17, 14, 0, 0, 0, time.UTC)
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	want := []sensorJSON{
		{"east", 80 * 60, 600, 1800, 120, 7, []spanJSON{
			{at(0), at(5), "data", 0, 0}, {at(5), at(6), "data", 120, 7}, {at(6), at(20), "data", 0, 0}, {at(20), at(50), "off", 0, 0},
			{at(50), at(60), "data", 0, 0}, {at(60), at(70), "idle", 0, 0}, {at(70), at(120), "data", 0, 0}}},
		{"west", 3600, 0, 3600, 0, 0, []spanJSON{{at(0), at(60), "off", 0, 0}, {at(60), at(120), "data", 0, 0}}},
	}
	if diff := cmp.Diff(want, got.Sensors); diff != "" {
		t.Errorf("sensors (-want +got):\n%s", diff)
	}
	if got.Points != 140 || got.Packets != 140 || got.Unlocated.Packets != 4 || got.UnlocatedShare != 4./140 || got.Filter != "proto:tcp" ||
		!got.Asked.From.Equal(start) || !got.Asked.To.IsZero() || !got.Window.To.Equal(at(120)) || got.Books.Drops != 120 || got.TickSeconds != 60 {
		t.Errorf("%s", content)
	}
	for _, args := range [][]string{{"--coverage", "-"}, {"--coverage", "same"}} {
		r := call{dir: dir, args: append([]string{"export", "csv", "-o", "same"}, args...)}.run(t)
		if r.status != exitUsage || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%v: status %d, %s", args, r.status, r.err)
		}
	}
}

// TestCoverageLineOfMany names few of many sensors.
func TestCoverageLineOfMany(t *testing.T) {
	start := time.Unix(0, 0)
	c := store.Coverage{Window: store.Window{From: start, To: start.Add(time.Hour)}, Tick: time.Minute, Sensors: []string{"a", "b", "c", "d", "e"}}
	for _, s := range c.Sensors {
		c.Spans = append(c.Spans, store.Span{Window: store.Window{From: start, To: start.Add(time.Minute)}, Sensor: s})
	}
	c.Damaged, c.Partial = 1, "shard 2 does not answer"
	want := "only a part: shard 2 does not answer, a off 1m0s of 1h0m (1 gap), b off 1m0s of 1h0m (1 gap), c off 1m0s of 1h0m (1 gap), 2 more sensors with gaps, 1 damaged block left out"
	if got := coverageLine(&c, time.UTC); got != want {
		t.Errorf("%s", got)
	}
	if got := coverageToJSON(&store.Filter{}, &c).Partial; got != c.Partial {
		t.Errorf("as JSON: %q", got)
	}
	if err := partOf(&c); !errors.Is(err, errSilent) || partOf(&store.Coverage{}) != nil {
		t.Errorf("an export of a part ends with %v", err)
	}
}
