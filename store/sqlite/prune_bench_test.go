package sqlite

import (
	"context"
	"slices"
	"testing"
	"time"
)

// BenchmarkAppendPruning measures commits of 2,000 points each while the pruner gives up
// an hour of such points, and without it in the same run: the 99th percentile is what
// the sensor's writer waits at worst.
func BenchmarkAppendPruning(b *testing.B) {
	s := openNew(b, Options{NoMaintenance: true, Retention: Retention{Points: 30 * day}})
	fillHours(b, s, 1, nil)
	ctx := context.Background()
	if err := s.Maintain(ctx, true); err != nil {
		b.Fatal(err)
	}
	if _, err := s.w.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		b.Fatal(err)
	}
	traffic := newTraffic(3)
	tick := benchStart.Add(2 * hour)
	commit := func() time.Duration {
		batch := traffic.batch(tick, s.Tick())
		tick = tick.Add(s.Tick())
		start := time.Now()
		appendAll(b, s, batch)
		return time.Since(start)
	}
	var alone, beside []time.Duration
	for range 200 {
		alone = append(alone, commit())
	}
	if err := s.Maintain(ctx, false); err != nil { // so that pruning only prunes
		b.Fatal(err)
	}
	pruned := make(chan error, 1)
	go func() { pruned <- s.PruneBefore(ctx, benchStart.Add(hour)) }()
	for done := false; !done; {
		beside = append(beside, commit())
		select {
		case err := <-pruned:
			if err != nil {
				b.Fatal(err)
			}
			done = true
		default:
		}
	}
	for b.Loop() { // the figures are those above
	}
	for name, took := range map[string][]time.Duration{"alone": alone, "pruning": beside} {
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, name+"-p99-ms")
		b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-p50-ms")
	}
	b.ReportMetric(float64(len(beside)), "commits-beside")
}
