package livetest

import (
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/store"
)

// faultClock is the clock of a program that is built to have one of its own, because the
// system's is everybody's: what the kernel stamps and what the sensor goes by are off by
// what a file holds (sensor/capture/clock_fault.go).
type faultClock struct {
	program, file string
	mem           []byte
}

func newFaultClock(t *testing.T) *faultClock {
	t.Helper()
	dir := workdir(t)
	c := &faultClock{program: filepath.Join(dir, "packetheat"), file: filepath.Join(dir, "clock")}
	if err := build(c.program, "-tags", "faultclock"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.file, binary.NativeEndian.AppendUint64(nil, 0), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(c.file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c.mem, err = unix.Mmap(int(f.Fd()), 0, 8, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	return c // the mapping ends with the test's process
}

func (c *faultClock) env() string { return "FAULTCLOCK=" + c.file }

func (c *faultClock) value() *int64 { return (*int64)(unsafe.Pointer(&c.mem[0])) }

func (c *faultClock) offset() time.Duration { return time.Duration(atomic.LoadInt64(c.value())) }

// set sets the sensor's clock by that much, between two bursts. The time that is left out
// is a gap that the step has caused.
func (st *storm) set(by time.Duration) {
	st.wire.Lock()
	defer st.wire.Unlock()
	before := st.now()
	atomic.AddInt64(st.clock.value(), int64(by))
	after := st.now()
	if before.After(after) {
		before, after = after, before
	}
	st.steps = append(st.steps, time.Now())
	if after.Sub(before) < time.Hour {
		st.away = append(st.away, windowOf(before, after))
	} else { // which is no time that anybody is away in
		st.cuts = append(st.cuts, before)
	}
}

// ahead sets the clock ahead, as a time service does after a boot.
func (st *storm) ahead(rng *rand.Rand) { st.set(between(rng, time.Second, 5*time.Minute)) }

// back sets it back.
func (st *storm) back(rng *rand.Rand) { st.set(-between(rng, 100*time.Millisecond, 20*time.Second)) }

// leap sets it days ahead for a while, which is not believed: ticks wait.
func (st *storm) leap(rng *rand.Rand) {
	by := between(rng, 2*24*time.Hour, 400*24*time.Hour)
	st.set(by)
	time.Sleep(between(rng, 500*time.Millisecond, 4*time.Second))
	st.set(-by)
}

// settling is how long after a step of the clock a slot proves less: ticks of both sides
// of it are open. A leap that is not believed is over when the next step is.
const settling = 8 * time.Second

// unsettled reports whether a slot proves only that nothing was counted twice: the clock
// was set about then, or its times have come twice.
func (st *storm) unsettled(n int) bool {
	one := &st.slots[n]
	for _, at := range st.steps {
		if d := one.at.Sub(at); d > -3*time.Second && d < settling {
			return true
		}
	}
	for i := range st.slots {
		if i == n || i == n-1 || i == n+1 {
			continue
		}
		for _, w := range st.slots[i].times() {
			if w.From.Before(one.to.Add(time.Second)) && w.To.After(one.from.Add(-time.Second)) {
				return true
			}
		}
	}
	return false
}

// times are the times that a slot was sent in: two, where the clock was set meanwhile.
// From its first moment to its last would be all the days of a leap, and every later slot
// in them.
func (s *slot) times() []store.Window {
	if d := s.to.Sub(s.from); d >= 0 && d < 20*slotTime {
		return []store.Window{windowOf(s.from, s.to)}
	}
	return []store.Window{windowOf(s.from, s.from.Add(slotTime)), windowOf(s.to.Add(-slotTime), s.to)}
}
