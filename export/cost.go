package export

import (
	"context"
	"runtime/metrics"
	"time"
)

// clocks say what time it is, and what has been used of the machine so far. Tests have
// their own.
type clocks struct {
	now       func() time.Time
	thread    func() time.Duration // of a core, by the calling thread; stays 0: not known here
	collector func() collected
	sleep     func(context.Context, time.Duration) error
}

// collected is what the garbage collector has used of all cores, and what everybody has
// given it to do.
type collected struct {
	cpu       time.Duration
	allocated uint64 // bytes
}

func machine() clocks {
	return clocks{now: time.Now, thread: cpuTime, collector: readCollector, sleep: sleep}
}

// readCollector asks the runtime, which knows the processor time of collections that
// are over.
func readCollector() (c collected) {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(samples)
	if samples[0].Value.Kind() == metrics.KindFloat64 && samples[1].Value.Kind() == metrics.KindUint64 {
		c.cpu = time.Duration(samples[0].Value.Float64() * float64(time.Second))
		c.allocated = samples[1].Value.Uint64()
	}
	return c
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// costs works out what rewriting takes of a core. Capture goes on meanwhile, so neither
// the clock nor the whole process would tell: it is what the calling thread uses, as
// readers that answer in the caller's goroutine make sure, and of the garbage
// collector's work a share like that of what was allocated.
type costs struct {
	clocks
	last collected // when something was measured last
}

// measure returns a function that says how long ago it was made, and what this thread
// has cost since.
func (c *costs) measure() func() (wall, cost time.Duration) {
	start, used, before := c.now(), c.thread(), c.collector()
	return func() (wall, cost time.Duration) {
		wall, cost = c.now().Sub(start), c.thread()-used
		if cost <= 0 {
			cost = wall
		}
		now := c.collector()
		if all := now.allocated - c.last.allocated; all > 0 {
			mine := float64(now.allocated-before.allocated) / float64(all)
			cost += time.Duration(float64(now.cpu-c.last.cpu) * mine)
		}
		c.last = now
		return wall, cost
	}
}

// burst is how much of a core a pacer lets pass at once.
const burst = 100 * time.Millisecond

// pacer keeps long work to a share of a core while it is done.
type pacer struct {
	clocks
	share float64
	begun time.Time // zero: it has not begun
	used  time.Duration
}

// pace sleeps for as long as the work is ahead of its share.
func (p *pacer) pace(ctx context.Context) error {
	now, used := p.now(), p.thread()
	if p.begun.IsZero() {
		p.begun, p.used = now, used
		return ctx.Err()
	}
	ahead := time.Duration(float64(used-p.used)/p.share) - now.Sub(p.begun)
	if ahead < time.Duration(float64(burst)/p.share) {
		return ctx.Err()
	}
	return p.sleep(ctx, ahead)
}
