package selftest

import (
	"os"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// ages are those of config.yaml: nothing that is younger may look otherwise for them.
var ages = clickhouse.Retention{Points: 30 * day, Views10m: 90 * day, Views1h: 730 * day}

// TestClickHouse asks the oldest server and the newest what SQLite is asked: 25 windows and
// filters about 150 batches, 2,000 about 400 with PACKETHEAT_TORTURE=1.
func TestClickHouse(t *testing.T) {
	questions, batches := 25, 150
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		questions, batches = 2000, 400
	}
	servers.Each(t, func(t *testing.T, s *chtest.Server) {
		o := clickhouse.Options{DSN: s.DSN, Database: s.Database(), Retention: ages}
		fleet, err := clickhouse.Connect(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		defer fleet.Close()
		if err := fleet.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		progress := func(done, of int) {
			if done%250 == 0 {
				t.Logf("%d of %d questions, %s", done, of, time.Since(begun).Round(time.Second))
			}
		}
		r, err := Run(t.Context(), fleet, Options{Seed: 11, Questions: questions, Batches: batches, Progress: progress})
		if err != nil || r.Err() != nil {
			t.Fatal(err, r.Err())
		}
		t.Logf("%s: %d answers about %d points of %d batches are equal, in %s", fleet.Capabilities(), r.Answers, r.Points, r.Batches, time.Since(begun).Round(time.Millisecond))
	})
}
