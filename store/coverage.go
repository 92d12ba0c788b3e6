package store

import "time"

// State says what a sensor was doing in a part of a window.
type State uint8

// The states of coverage. Off: no sensor was capturing. Idle: it was, and saw no
// public endpoint. Data: there are points.
const (
	StateOff State = iota
	StateIdle
	StateData
)

// String returns "off", "idle" or "data".
func (s State) String() string {
	return [...]string{"off", "idle", "data"}[min(s, StateData)]
}

// Span is a part of a window in which one sensor was in one state. Neighbouring
// ticks of the same state, with no drops in either, are one span.
type Span struct {
	Window
	Sensor string
	State  State
	Drops  uint64 // frames lost by the kernel in the span
	Folded uint64 // packets whose key was coarsened in the span
}

// Coverage is what every answer says about itself.
type Coverage struct {
	Window Window // the asked window, moved to whole ticks and cut to what there is

	// Effective is what the answers are about: Window, its ends moved outward where only
	// sums over 10 minutes, an hour or a day are left. PointsFrom is when points begin:
	// of the time before only sums by place, AS, port, protocol and direction are left,
	// and filters by address, peer, host, opened or several properties find nothing. It
	// is zero where no points have been deleted.
	Effective  Window
	PointsFrom time.Time

	// First and Last bound all committed ticks of the store: Last is the end of the
	// last one. Both are zero where the store is empty.
	First, Last time.Time
	Tick        time.Duration
	Sensors     []string

	Spans []Span // in order of sensor, then time; gaps are StateOff spans

	Books     Books // sum over the ticks of the window; filters do not change it
	Points    uint64
	Unlocated Sum // of the points, those without any place
	Geo       []GeoSource
	Partial   string // what of it could not be asked, as a sentence; "" if all has answered
	Damaged   uint64 // blocks that had to be skipped because their checksum is wrong
}

// Off returns how long no sensor was capturing, added up over the sensors.
func (c *Coverage) Off() (off time.Duration) {
	for _, s := range c.Spans {
		if s.State == StateOff {
			off += s.To.Sub(s.From)
		}
	}
	return off
}
