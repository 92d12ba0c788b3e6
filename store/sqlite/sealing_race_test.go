package sqlite

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestAnswersWhileSealing asks, over and over, about a window that is closed, while its
// tiers are being written, batches go on coming behind it, and late ones go to times
// before it. The answers never change.
func TestAnswersWhileSealing(t *testing.T) {
	ctx := context.Background()
	s := openNew(t, Options{NoMaintenance: true})
	const ticks, hours = 30, 4
	r := newRandom(77)
	var h history
	add := func(b *store.Batch, known bool) {
		appendAll(t, s, b)
		if known {
			h = append(h, b.Points...)
		}
	}
	start := benchStart.Add(20 * time.Hour) // so that a day ends in it
	for i := range ticks * hours {
		tick := start.Add(time.Duration(i*3600/ticks/10) * s.Tick())
		add(r.batch(randomSensors[i%2], tick, s.Tick(), 0, r.IntN(12)), true)
	}
	window := store.Window{From: start.Add(25 * time.Minute), To: start.Add(hours*time.Hour - 170*time.Second)}
	var asking, writing sync.WaitGroup
	done := make(chan struct{})
	for i := range 2 {
		r := newRandom(uint64(i))
		asking.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				f := store.Filter{Window: window}
				if n%3 > 0 {
					f = r.filter(t, start, time.Hour)
					f.Window = window
				}
				compareAnswers(t, s, f, h.match(f), f.String(), r)
				if t.Failed() {
					return
				}
			}
		})
	}
	writing.Go(func() {
		for i := range 6 {
			if err := s.Maintain(ctx, i%3 == 2); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 30 {
		add(r.batch(randomSensors[i%2], start.Add(hours*time.Hour+time.Duration(i)*100*time.Second), s.Tick(), 0, 20), false)
		if i%10 == 0 { // late, before the window
			add(r.batch(randomSensors[i%2], start.Add(time.Duration(i)*s.Tick()), s.Tick(), 1, 5), false)
		}
	}
	writing.Wait()
	close(done)
	asking.Wait()
}
