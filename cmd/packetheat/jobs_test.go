package main

import (
	"math"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
)

func TestKindOf(t *testing.T) {
	zone := time.FixedZone("somewhere", 2*3600)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, zone) // a Saturday
	for _, tt := range []struct {
		spec store.WindowSpec
		want jobKind
	}{
		{store.WindowSpec{Last: "7d"}, jobRolling},
		{store.WindowSpec{From: "today"}, jobRolling},
		{store.WindowSpec{From: "2026-11-01"}, jobRolling},
		{store.WindowSpec{From: "-2h", To: "now"}, jobRolling},
		{store.WindowSpec{From: "2026-11-01", To: "2026-12-01"}, jobRolling},
		{store.WindowSpec{From: "2026-11-01", To: "2026-11-10"}, jobOnce},
		{store.WindowSpec{At: "2026-11-10"}, jobOnce},
		{store.WindowSpec{At: "today"}, jobRolling},
		{store.WindowSpec{At: "yesterday"}, jobDaily},
		{store.WindowSpec{From: "yesterday", To: "today"}, jobDaily},
		{store.WindowSpec{At: "mon"}, jobDaily},
		{store.WindowSpec{At: "sat 10:00", For: "1h"}, jobDaily},
	} {
		if got, err := kindOf(tt.spec, now, zone); err != nil || got != tt.want {
			t.Errorf("%+v: %d, %v, want %d", tt.spec, got, err, tt.want)
		}
	}
	if _, err := kindOf(store.WindowSpec{At: "soon"}, now, zone); err == nil {
		t.Error("soon is a time")
	}
}

// TestJobsShareTheBudget adds the shares of all files up.
func TestJobsShareTheBudget(t *testing.T) {
	c := &config.Loaded{}
	main := export.RefresherConfig{Share: 0.05, Now: time.Now}
	if jobs, err := newJobs(c, &main); len(jobs) != 0 || err != nil || main.Share != 0.05 {
		t.Errorf("without jobs: %d jobs, %v, share %g", len(jobs), err, main.Share)
	}
	for _, name := range []string{"a", "b", "c"} {
		c.Export.Jobs = append(c.Export.Jobs, config.Job{Name: name, Window: store.WindowSpec{Last: "24h"}, Filter: "port:22", Formats: []string{"csv"}})
	}
	c.Export.Jobs[2].Window = store.WindowSpec{At: "yesterday"}
	jobs, err := newJobs(c, &main)
	if err != nil || len(jobs) != 3 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	if sum := main.Share + 3*(main.Share/3); math.Abs(sum-0.05) > 1e-12 {
		t.Errorf("all files together have %g of a core", sum)
	}
	if _, daily := jobs[2].(*export.Archive); !daily {
		t.Errorf("yesterday is kept by a %T", jobs[2])
	}
	c.Export.Jobs[0].Filter = "label:nobody"
	if _, err := newJobs(c, &main); err == nil {
		t.Error("a label that nobody knows is asked for")
	}
}
