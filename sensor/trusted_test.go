package sensor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// clocks are those of a test: the one on the wall can be set.
type clocks struct {
	wall   time.Time
	steady time.Duration
	synced bool
}

func (c *clocks) pass(d time.Duration) { c.wall, c.steady = c.wall.Add(d), c.steady+d }

// heldWriter is a live writer with the clocks of the test and no goroutine.
func heldWriter(t *testing.T, c *clocks) *writer {
	s := newSensor(t, &memory{}, func(cfg *Config) { cfg.Now = func() time.Time { return c.wall } })
	w := newWriter(s, true)
	s.writer = w
	w.clock.steady = func() time.Duration { return c.steady }
	w.clock.synced = func() bool { return c.synced }
	w.clock.since = c.steady
	return w
}

// ticked passes a tick and hands on its batch, as a shard does a second behind its end.
func ticked(w *writer, c *clocks) *store.Batch {
	c.pass(10 * time.Second)
	tick := c.wall.Add(-11 * time.Second).Truncate(10 * time.Second).UTC()
	b := &store.Batch{Sensor: "test", Tick: tick, Interval: 10 * time.Second, From: tick, To: tick.Add(10 * time.Second)}
	b.Points = []store.Point{{Time: tick, Interval: b.Interval, Sensor: "test", Addr: tickBatch(0, 1, 1).Points[0].Addr, Packets: 1}}
	w.enqueue(b)
	return b
}

func drained(w *writer) (ticks []time.Time) {
	for q := w.queue.pop(); q != nil; q = w.queue.pop() {
		ticks = append(ticks, q.Tick)
	}
	return ticks
}

func TestClockAheadIsHeld(t *testing.T) {
	start := noon.UTC().Truncate(10 * time.Second).Add(time.Second)
	at := func(ticks ...int) (list []time.Time) {
		for _, i := range ticks {
			list = append(list, start.Add(time.Duration(10*i)*time.Second).Truncate(10*time.Second))
		}
		return list
	}
	const year = 365 * 24 * time.Hour
	begin := func(t *testing.T) (*writer, *clocks) {
		c := &clocks{wall: start, steady: time.Hour}
		w := heldWriter(t, c)
		ticked(w, c)
		ticked(w, c)
		c.wall = c.wall.Add(year)
		ticked(w, c)
		ticked(w, c)
		st := w.sensor.Status()
		if st.QueuedTicks != 2 || st.HeldTicks != 2 || !strings.Contains(st.Held, "leapt ahead by 8760h0m0s") {
			t.Fatalf("%d queued, %d held, %q", st.QueuedTicks, st.HeldTicks, st.Held)
		}
		return w, c
	}
	check := func(t *testing.T, w *writer, restamped uint64, want []time.Time) {
		t.Helper()
		if got := drained(w); !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("queued are %v, want %v", got, want)
		}
		if st := w.sensor.Status(); st.HeldTicks != 0 || st.Held != "" || st.RestampedTicks != restamped {
			t.Errorf("%d held, %q, %d restamped (want %d)", st.HeldTicks, st.Held, st.RestampedTicks, restamped)
		}
	}
	later := func(list []time.Time) []time.Time {
		for i := range list {
			list[i] = list[i].Add(year)
		}
		return list
	}
	t.Run("goes back", func(t *testing.T) {
		w, c := begin(t)
		c.wall = c.wall.Add(-year)
		ticked(w, c)
		check(t, w, 2, at(0, 1, 2, 3, 4))
	})
	t.Run("goes back while a tick of then is open", func(t *testing.T) {
		w, c := begin(t)
		c.wall = c.wall.Add(-year)
		b := tickBatch(0, 0, 1)
		b.Tick, b.From, b.To = at(4)[0].Add(year), at(4)[0].Add(year), at(5)[0].Add(year)
		c.pass(10 * time.Second)
		w.enqueue(b)
		check(t, w, 3, at(0, 1, 2, 3, 4))
		if !b.Points[0].Time.Equal(b.Tick) || b.Points[0].Flags&store.Late == 0 || !b.From.Equal(b.Tick) {
			t.Errorf("the batch is not all of its new tick: %+v", b)
		}
	})
	t.Run("is confirmed", func(t *testing.T) {
		w, c := begin(t)
		c.synced = true
		ticked(w, c)
		check(t, w, 0, append(at(0, 1), later(at(2, 3, 4))...))
	})
	t.Run("stands for an hour", func(t *testing.T) {
		w, c := begin(t)
		c.pass(time.Hour - 30*time.Second)
		ticked(w, c)
		if st := w.sensor.Status(); st.HeldTicks != 3 {
			t.Errorf("%d held after almost an hour", st.HeldTicks)
		}
		ticked(w, c)
		check(t, w, 0, append(at(0, 1), later(at(2, 3, 363-2, 363-1))...))
	})
	t.Run("at the end", func(t *testing.T) {
		w, _ := begin(t)
		w.close()
		if got, want := drained(w), append(at(0, 1), later(at(2, 3))...); !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Errorf("queued are %v, want %v", got, want)
		}
	})
	t.Run("for days", func(t *testing.T) {
		w, c := begin(t)
		for range 300 {
			ticked(w, c)
		}
		if n := len(w.held.list); n > maxQueued || w.sensor.Status().HeldTicks != 302 {
			t.Errorf("%d batches are held, %d ticks", n, w.sensor.Status().HeldTicks)
		}
	})
}

// What is not held: a clock that goes back, one that leaps less than a day, and a
// machine that slept for a week.
func TestClockBelieved(t *testing.T) {
	for name, change := range map[string]func(c *clocks){
		"back by years":   func(c *clocks) { c.wall = c.wall.AddDate(-20, 0, 0) },
		"before 1970":     func(c *clocks) { c.wall = time.Unix(-1e9, 0) },
		"ahead by a day":  func(c *clocks) { c.wall = c.wall.Add(24 * time.Hour) },
		"sleep of a week": func(c *clocks) { c.pass(7 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			c := &clocks{wall: noon.UTC().Truncate(10 * time.Second).Add(time.Second)}
			w := heldWriter(t, c)
			var want []time.Time
			for i := range 4 {
				if i == 2 {
					change(c)
				}
				want = append(want, ticked(w, c).Tick)
			}
			if got := drained(w); !slices.EqualFunc(got, want, time.Time.Equal) {
				t.Errorf("queued are %v, want %v", got, want)
			}
			if st := w.sensor.Status(); st.HeldTicks != 0 || st.RestampedTicks != 0 {
				t.Errorf("%d held, %d restamped", st.HeldTicks, st.RestampedTicks)
			}
		})
	}
}

// Files have times of their own, however far from now.
func TestClockOfFilesIsTheirs(t *testing.T) {
	f := udp(t, "9.9.9.9", "192.168.1.2", 53, 40000)
	var packets []packet
	for _, year := range []int{1975, 2026, 2090} {
		packets = append(packets, packet{time.Date(year, 3, 4, 5, 6, 0, 0, time.UTC), f})
	}
	m := replay(t, packets, func(c *Config) { c.Now = func() time.Time { return noon } })
	for _, p := range packets {
		if !hasPointAt(m, p.at) {
			t.Errorf("no point at %s", p.at)
		}
	}
}

func TestSteadyTime(t *testing.T) {
	a := steadyTime()
	time.Sleep(20 * time.Millisecond)
	if b := steadyTime(); a <= 0 || b-a < 20*time.Millisecond {
		t.Errorf("the steady clock went from %s to %s", a, b)
	}
	clockSynced() // whatever it says
}
