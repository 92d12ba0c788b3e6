package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestMaintainChangesNoAnswer seals random batches of several sensors, some late, and
// asks everything before and after.
func TestMaintainChangesNoAnswer(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(2) {
		r := newRandom(2000 + seed)
		s := openNew(t, Options{NoMaintenance: true})
		var want history
		start := time.Unix(int64(r.IntN(2)-1)*200_000_000-7200, 0).UTC()
		seqs := make(map[string]uint32)
		for i := range 60 {
			sensor := pick(r, randomSensors...)
			tick := start.Add(time.Duration(r.IntN(3*360)) * s.Tick())
			key := sensor + tick.String()
			b := r.batch(sensor, tick, s.Tick(), seqs[key], r.IntN(40))
			seqs[key]++
			appendAll(t, s, b)
			want = append(want, b.Points...)
			if i%20 == 19 {
				if err := s.Maintain(ctx, i%40 == 39); err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v", s.Maintenance())
				for range 4 {
					f := store.Filter{}
					if r.IntN(2) == 0 {
						f.Window.From = start.Add(time.Duration(r.IntN(300)) * time.Minute / 2).Truncate(s.Tick())
					}
					compareAnswers(t, s, f, want.match(f), f.Window.String(), r)
				}
			}
		}
	}
}
