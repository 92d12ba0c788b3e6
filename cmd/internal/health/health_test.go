package health

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/sensor"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// well is a sensor on an idle network: no packet ever came, and all is in order.
func well() Sight {
	return Sight{
		Now: now, Tick: 10 * time.Second, Free: 1 << 30,
		Sensor: sensor.Status{
			Capturing: now.Add(-time.Hour), LastCommit: now.Add(-9 * time.Second), Collected: now.Add(-time.Second),
			Interfaces: []sensor.InterfaceStatus{
				{Name: "eth0", Shards: 2, State: "capturing", Read: now.Add(-time.Second)},
				{Name: "wg0", State: "waiting: interface is gone"},
			},
		},
	}
}

// TestLook breaks one thing at a time: one check says so, at its level.
func TestLook(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func(*Sight)
		check  string // that fails; "": none
		level  Level
		said   string
	}{
		{"idle", func(*Sight) {}, "", 0, ""},
		{"starting", func(s *Sight) { s.Sensor.LastCommit = time.Time{}; s.Sensor.Capturing = now.Add(-30 * time.Second) }, "", 0, ""},
		{"interface down for days", func(s *Sight) {
			s.Sensor.Capturing = time.Time{}
			s.Sensor.LastCommit = now.Add(-72 * time.Hour)
		}, "", 0, ""},
		{"a busy machine", func(s *Sight) { s.Sensor.Interfaces[0].Read = now.Add(-50 * time.Second) }, "", 0, ""},
		{"a shard stands still", func(s *Sight) { s.Sensor.Interfaces[0].Read = now.Add(-61 * time.Second) }, "rings", Live, "eth0 was last read 1m1s ago"},
		{"the collector stands still", func(s *Sight) { s.Sensor.Collected = now.Add(-2 * time.Minute) }, "collector", Live, "2m0s ago"},
		{"a long commit", func(s *Sight) { s.Sensor.Committing = now.Add(-9 * time.Minute) }, "", 0, ""},
		{"a commit that never ends", func(s *Sight) { s.Sensor.Committing = now.Add(-11 * time.Minute) }, "writer", Live, "11m0s"},
		{"nothing is captured on", func(s *Sight) { s.Sensor.Interfaces[0].Shards = 0 }, "capture", Ready, "no interface is captured on (wg0: waiting: interface is gone)"},
		{"a full disk", func(s *Sight) { s.Sensor.CommitError = "disk is full"; s.Sensor.LastCommit = now.Add(-time.Hour) }, "commits", Ready, "disk is full"},
		{"no commit", func(s *Sight) { s.Sensor.LastCommit = now.Add(-2 * time.Minute) }, "commits", Ready, "no tick was committed for 2m0s"},
		{"a slow disk", func(s *Sight) { s.Sensor.QueuedTicks = 4 }, "commits", Notice, "4 ticks wait"},
		{"a leap of the clock", func(s *Sight) { s.Sensor.Held = "the clock leapt"; s.Sensor.LastCommit = now.Add(-time.Hour) }, "clock", Ready, "leapt"},
		{"a nearly full disk", func(s *Sight) { s.Free = 20 << 20 }, "disk", Ready, "20 MiB are free"},
		{"free space not known", func(s *Sight) { s.Free = -1 }, "", 0, ""},
		{"less kept", func(s *Sight) { s.Short = "points are kept for 3 days" }, "disk", Notice, "3 days"},
		{"files", func(s *Sight) { s.Files = "no such folder" }, "files", Notice, "no such folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := well()
			c.breaks(&s)
			checks := Look(s)
			var failed []Check
			for i, check := range checks {
				if check.Name != Names()[i] || check.Text == "" {
					t.Errorf("check %d is %+v", i, check)
				}
				if !check.OK {
					failed = append(failed, check)
				}
			}
			if c.check == "" {
				if len(failed) > 0 || Err(checks, Notice) != nil {
					t.Errorf("fails: %+v", failed)
				}
				return
			}
			if len(failed) != 1 || failed[0].Name != c.check || failed[0].Level != c.level || !strings.Contains(failed[0].Text, c.said) {
				t.Fatalf("fails: %+v", failed)
			}
			if err := Err(checks, c.level); err == nil || err.Error() != failed[0].Text || !Failed(checks, c.level) {
				t.Errorf("error %v", err)
			}
			if c.level < Live && (Err(checks, c.level+1) != nil || Failed(checks, c.level+1)) {
				t.Error("fails more gravely than it is")
			}
		})
	}
}

// TestDry: a writer that neither commits nor fails for a quarter of an hour needs a new start.
func TestDry(t *testing.T) {
	s := well()
	s.Sensor.LastCommit = now.Add(-20 * time.Minute)
	checks := Look(s)
	if err := Err(checks, Live); err == nil || !strings.Contains(err.Error(), "none failed") {
		t.Errorf("error %v", err)
	}
	s.Sensor.CommitError = "disk is full" // which no new start mends
	if checks = Look(s); Failed(checks, Live) || !Failed(checks, Ready) {
		t.Errorf("%+v", checks)
	}
}

// TestJSON: what status prints can be read again.
func TestJSON(t *testing.T) {
	want := Look(well())
	text, err := json.Marshal(want)
	if err != nil || !strings.Contains(string(text), `"level":"live"`) {
		t.Fatalf("%s %v", text, err)
	}
	var got []Check
	if err := json.Unmarshal(text, &got); err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if json.Unmarshal([]byte(`[{"level":"dead"}]`), &got) == nil {
		t.Error("a level that is none was read")
	}
}
