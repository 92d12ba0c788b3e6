package sensor

import (
	"fmt"
	"time"

	"github.com/packetheat/packetheat/store"
)

const (
	maxLeap    = 24 * time.Hour // that the clock may go ahead by itself and be believed
	leapStands = time.Hour      // after which it is believed all the same
)

// trusted tells a clock that was set far ahead from time that has passed. It measures
// the clock on the wall by one that nobody can set. A clock that leapt ahead is not
// believed until the kernel says that a time service keeps it, or it has stood for an
// hour; one that goes back is believed at once. The owner locks it.
type trusted struct {
	wall   func() time.Time
	steady func() time.Duration // goes on while the machine sleeps
	synced func() bool

	at     time.Time     // on the wall, when it was last believed …
	since  time.Duration // … and on the steady clock
	leapt  time.Duration // by how much it is ahead, 0: it is believed
	leapAt time.Duration // when that was seen, on the steady clock
}

func newTrusted(wall func() time.Time) *trusted {
	return &trusted{wall: wall, steady: steadyTime, synced: clockSynced, at: wall(), since: steadyTime()}
}

// look compares the clocks and returns the time that is believed.
func (c *trusted) look() time.Time {
	wall, steady := c.wall(), c.steady()
	now := c.at.Add(steady - c.since)
	leap := wall.Sub(now)
	switch {
	case leap <= maxLeap:
		c.leapt = 0
	case c.leapt == 0:
		c.leapt, c.leapAt = leap, steady
	}
	if c.leapt == 0 || c.synced() || steady-c.leapAt >= leapStands {
		c.at, c.since, c.leapt = wall, steady, 0
		return wall
	}
	return now
}

// reason says why ticks are held, for people; "" where the clock is believed.
func (c *trusted) reason() string {
	if c.leapt == 0 {
		return ""
	}
	return fmt.Sprintf("the clock leapt ahead by %s: ticks wait in memory until a time service confirms it, it goes back, or it has stood for an hour",
		c.leapt.Round(time.Second))
}

// restamp gives a batch the tick in which it came, because its own lies more than a day
// ahead of a clock that is believed. Its points are late ones of that tick.
func restamp(b *store.Batch, came time.Time) {
	seconds := int64(b.Interval / time.Second)
	at := came.Add(-tickGrace).Unix() - seconds // ticks are handed on behind their end
	at -= (at%seconds + seconds) % seconds
	tick := time.Unix(at, 0).UTC()
	shift := b.Tick.Sub(tick)
	b.Tick, b.From, b.To = tick, b.From.Add(-shift), b.To.Add(-shift)
	for i := range b.Points {
		b.Points[i].Time = tick
		b.Points[i].Flags |= store.Late
	}
}
