package export

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// fakeMachine has clocks that a test sets.
type fakeMachine struct {
	at     time.Time
	used   time.Duration
	gc     collected
	slept  time.Duration
	onWork func() // is called when a thread's clock is read
}

func (f *fakeMachine) clocks() clocks {
	return clocks{
		now: func() time.Time { return f.at },
		thread: func() time.Duration {
			if f.onWork != nil {
				f.onWork()
			}
			return f.used
		},
		collector: func() collected { return f.gc },
		sleep:     func(_ context.Context, d time.Duration) error { f.at, f.slept = f.at.Add(d), f.slept+d; return nil },
	}
}

// TestCosts adds the thread's work and its share of the garbage collector's.
func TestCosts(t *testing.T) {
	m := &fakeMachine{at: noon, used: time.Hour, gc: collected{cpu: time.Hour, allocated: 1 << 40}}
	c := costs{clocks: m.clocks(), last: m.gc}
	m.gc.allocated += 300 // by others
	stop := c.measure()
	m.at, m.used = m.at.Add(5*time.Second), m.used+2*time.Second
	m.gc.allocated += 100
	m.gc.cpu += 4 * time.Second
	if wall, cost := stop(); wall != 5*time.Second || cost != 3*time.Second {
		t.Errorf("%s of the clock and %s of a core, want 5 s and 3 s", wall, cost)
	}
	stop = c.measure() // nothing is counted twice
	m.at, m.used = m.at.Add(time.Second), m.used+time.Second
	if _, cost := stop(); cost != time.Second {
		t.Errorf("then %s, want 1 s", cost)
	}
	m.used = 0 // a system that does not know: the clock must do
	c = costs{clocks: m.clocks(), last: m.gc}
	stop = c.measure()
	m.at = m.at.Add(7 * time.Second)
	if _, cost := stop(); cost != 7*time.Second {
		t.Errorf("without a clock for threads %s, want 7 s", cost)
	}
}

// TestCostsOfThisProcess wants the real clocks to see work and allocations.
func TestCostsOfThisProcess(t *testing.T) {
	c := costs{clocks: machine()}
	before := c.collector()
	stop := c.measure()
	var kept [][]byte
	for range 200 {
		kept = append(kept, make([]byte, 1<<16))
	}
	if _, cost := stop(); cost <= 0 {
		t.Errorf("work took %s", cost)
	}
	if got := c.collector().allocated - before.allocated; got < uint64(len(kept))<<16 {
		t.Errorf("%d bytes were allocated, %d seen", len(kept)<<16, got)
	}
}

// TestBudgetIsHeld rewrites for a simulated hour, each time at another cost, and wants
// no more used of a core than the share. No real clock has a part in it.
func TestBudgetIsHeld(t *testing.T) {
	m := &fakeMachine{at: noon.Add(30 * time.Minute)}
	r := &fakeReader{points: somePoints(200, 10)}
	f := NewRefresher(RefresherConfig{Reader: r, Dir: t.TempDir(), Share: 0.05, Formats: []Format{CSV}, Now: func() time.Time { return m.at }})
	f.costs.clocks = m.clocks()
	begun, readings := m.at, 0
	costs := []time.Duration{20 * time.Millisecond, 3 * time.Second, 400 * time.Millisecond, 600 * time.Millisecond, 30 * time.Second}
	m.onWork = func() {
		if readings++; readings%2 == 0 { // at the end of a rewrite
			cost := costs[readings/2%len(costs)]
			m.used, m.at = m.used+cost, m.at.Add(cost)
		}
	}
	for n := 1; m.at.Before(begun.Add(time.Hour)); n++ {
		if err := f.rewrite(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.at = m.at.Add(f.pause())
		if share := m.used.Seconds() / m.at.Sub(begun).Seconds(); share > 0.05+1e-9 {
			t.Fatalf("after %d rewrites in %s, %.2f %% of a core have been used", n, m.at.Sub(begun), 100*share)
		}
	}
	if used := f.Status().Used; used != m.used.Seconds() || f.Status().Rewrites < 10 {
		t.Errorf("status says %g s of %g in %d rewrites", used, m.used.Seconds(), f.Status().Rewrites)
	}
}

// TestHeavyRewritesGetCoarser makes rewriting so dear that it would be late by minutes,
// then cheap again.
func TestHeavyRewritesGetCoarser(t *testing.T) {
	m := &fakeMachine{at: noon.Add(30 * time.Minute)}
	r := &fakeReader{points: somePoints(200, 10)}
	f := NewRefresher(RefresherConfig{Reader: r, Dir: t.TempDir(), Share: 0.05, Formats: []Format{CSV}, Now: func() time.Time { return m.at }})
	f.costs.clocks = m.clocks()
	cost := 10 * time.Second
	readings := 0
	m.onWork = func() {
		if readings++; readings%2 == 0 {
			m.used += cost
		}
	}
	rewrite := func(times int) {
		t.Helper()
		for range times {
			if err := f.rewrite(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if rewrite(1); f.rows.level != levelTick || f.heavy {
		t.Errorf("the first one, which reads all, made the level %d", f.rows.level)
	}
	if rewrite(6); f.rows.level != levelWindow {
		t.Errorf("level %d after six rewrites of 10 s each", f.rows.level)
	}
	if s := f.Status().Files[0]; s.Coarsened == "" || f.Status().Interval < 200 {
		t.Errorf("status says %+v", s)
	}
	want := r.sum(store.Filter{Window: f.rows.window})
	var sum store.Sum
	for _, s := range rowsOf(t, f.rows) {
		sum.Add(s)
	}
	if sum != want {
		t.Errorf("rows add up to %+v, points to %+v", sum, want)
	}
	cost = time.Millisecond
	if rewrite(150); f.rows.level != levelTick {
		t.Errorf("level %d after cheap rewrites", f.rows.level)
	}
}

// TestPacer works ten times as much as it may: it sleeps until it has its share.
func TestPacer(t *testing.T) {
	m := &fakeMachine{at: noon}
	p := pacer{clocks: m.clocks(), share: 0.1}
	for range 1000 {
		m.at, m.used = m.at.Add(time.Millisecond), m.used+time.Millisecond
		if err := p.pace(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if elapsed := m.at.Sub(noon); elapsed < 9*time.Second || elapsed > 10*time.Second+time.Millisecond {
		t.Errorf("a second of work took %s at a tenth of a core", elapsed)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&pacer{clocks: machine(), share: 1}).pace(ctx); err == nil {
		t.Error("goes on after it was told to end")
	}
	if err := sleep(ctx, time.Hour); err == nil {
		t.Error("sleeps after it was told to end")
	}
}
