// Package health decides whether a sensor does its work: for probes over HTTP, for the
// watchdog of systemd, for metrics and for people. It judges by signs that come although
// no packet does: an idle network is healthy, a loop that stands still is not.
package health

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/packetheat/packetheat/sensor"
)

// Level says what a check that fails means.
type Level uint8

const (
	// Notice is worth knowing, and changes nothing: the sensor works.
	Notice Level = iota
	// Ready fails where the sensor does not do all of its work now, for a reason outside
	// of it: to start it anew would mend nothing.
	Ready
	// Live fails where the sensor itself stands still. Only a new start mends that.
	Live
)

// String is the level's name in status: notice, ready or live.
func (l Level) String() string { return [...]string{"notice", "ready", "live"}[l] }

// MarshalText makes the name the level's form in JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a name that String has given.
func (l *Level) UnmarshalText(text []byte) error {
	for _, level := range []Level{Notice, Ready, Live} {
		if level.String() == string(text) {
			*l = level
			return nil
		}
	}
	return fmt.Errorf("health level %q: use notice, ready or live", text)
}

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name"`  // one of Names
	Level Level  `json:"level"` // of a failure
	OK    bool   `json:"ok"`
	Text  string `json:"text"` // what was found, and what to do where it is not well; no full stop
}

// Names of the checks, in the order in which Look returns them.
func Names() []string {
	return []string{"rings", "collector", "writer", "capture", "commits", "clock", "disk", "files"}
}

// How long what comes every second may be away, how long one commit may take, and how
// long none may come although nothing fails. All are long: a machine that is only busy
// must not have its sensor killed.
const (
	still  = time.Minute
	stuck  = 10 * time.Minute
	dry    = 15 * time.Minute
	spare  = 32 << 20 // bytes on the disk, below which no tick may fit any more
	behind = 3        // ticks that may wait
)

// Sight is what is looked at.
type Sight struct {
	Sensor sensor.Status
	Tick   time.Duration
	Now    time.Time // with a monotonic part, as time.Now has: clocks may be set

	Free  int64  // bytes of the store's disk that we may use; negative: not known
	Short string // why less is kept than asked for; "": it is not
	Files string // why the standing files are not written; "": they are
}

// Look looks at all there is.
func Look(s Sight) []Check {
	looks := []func(*Sight) Check{rings, collector, writer, capturing, commits, clock, disk, files}
	checks := make([]Check, len(looks))
	for i, look := range looks {
		checks[i] = look(&s)
		checks[i].Name = Names()[i]
	}
	return checks
}

// Err joins what fails among checks of a level, or of a graver one, into an error of one
// line; nil where nothing does.
func Err(checks []Check, least Level) error {
	var text string
	for _, c := range checks {
		if c.OK || c.Level < least {
			continue
		}
		if text != "" {
			text += "; "
		}
		text += c.Text
	}
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// Failed reports whether one of the checks fails as gravely as level.
func Failed(checks []Check, level Level) bool {
	return slices.ContainsFunc(checks, func(c Check) bool { return !c.OK && c.Level >= level })
}

func fine(l Level, format string, args ...any) Check {
	return Check{Level: l, OK: true, Text: fmt.Sprintf(format, args...)}
}

func bad(l Level, format string, args ...any) Check {
	return Check{Level: l, Text: fmt.Sprintf(format, args...)}
}

// since is how long ago something was, for people.
func (s *Sight) since(t time.Time) time.Duration {
	return max(s.Now.Sub(t), time.Second).Round(time.Second)
}

// rings come back from the kernel every second, packets or not.
func rings(s *Sight) Check {
	open, oldest, name := 0, time.Time{}, ""
	for i := range s.Sensor.Interfaces {
		if one := &s.Sensor.Interfaces[i]; one.Shards > 0 {
			open += one.Shards
			if oldest.IsZero() || one.Read.Before(oldest) {
				oldest, name = one.Read, one.Name
			}
		}
	}
	switch {
	case open == 0:
		return fine(Live, "none is open")
	case s.Now.Sub(oldest) > still:
		return bad(Live, "a ring of %s was last read %s ago: start packetheat anew", name, s.since(oldest))
	}
	return fine(Live, "%d open, each read in the last %s", open, s.since(oldest))
}

// collector looks through the ticks twice a second.
func collector(s *Sight) Check {
	if last := s.Sensor.Collected; !last.IsZero() && s.Now.Sub(last) > still {
		return bad(Live, "ticks were last looked through %s ago: start packetheat anew", s.since(last))
	}
	return fine(Live, "ticks are looked through")
}

// writer stands still where one commit never ends, or none comes and none fails.
func writer(s *Sight) Check {
	if begun := s.Sensor.Committing; !begun.IsZero() && s.Now.Sub(begun) > stuck {
		return bad(Live, "one commit has lasted for %s: the disk hangs, or packetheat does: start it anew", s.since(begun))
	}
	if last, due := s.lastCommit(); due && s.Sensor.CommitError == "" && s.Sensor.Held == "" && s.Now.Sub(last) > dry+s.patience() {
		return bad(Live, "no tick was committed for %s, and none failed: start packetheat anew", s.since(last))
	}
	return fine(Live, "commits go on")
}

// lastCommit is the time since when one is waited for; not due: nothing is captured.
func (s *Sight) lastCommit() (last time.Time, due bool) {
	last = s.Sensor.LastCommit
	if last.Before(s.Sensor.Capturing) {
		last = s.Sensor.Capturing
	}
	return last, !s.Sensor.Capturing.IsZero()
}

// patience is how long the next commit may take.
func (s *Sight) patience() time.Duration { return 5*s.Tick + 10*time.Second }

// capturing: at least one interface has its rings open. They stay open while it is down.
func capturing(s *Sight) Check {
	open, waiting := 0, ""
	for i := range s.Sensor.Interfaces {
		open += s.Sensor.Interfaces[i].Shards
		if state := s.Sensor.Interfaces[i].State; s.Sensor.Interfaces[i].Shards == 0 && state != "" {
			waiting = fmt.Sprintf(" (%s: %s)", s.Sensor.Interfaces[i].Name, state)
		}
	}
	switch {
	case open == 0:
		return bad(Ready, "no interface is captured on%s: see packetheat interfaces", waiting)
	case s.Sensor.Capturing.IsZero():
		return fine(Ready, "rings are open, and their interfaces are down")
	}
	return fine(Ready, "capturing since %s", s.Sensor.Capturing.UTC().Format(time.RFC3339))
}

// commits come about every tick while something is captured.
func commits(s *Sight) Check {
	last, due := s.lastCommit()
	switch {
	case s.Sensor.CommitError != "":
		return bad(Ready, "points are not committed: %s", s.Sensor.CommitError)
	case s.Sensor.Held != "": // the clock's check has more to say
	case due && s.Now.Sub(last) > s.patience():
		return bad(Ready, "no tick was committed for %s", s.since(last))
	case s.Sensor.QueuedTicks > behind:
		return bad(Notice, "%d ticks wait for the store: its disk is slow", s.Sensor.QueuedTicks)
	}
	return fine(Ready, "%d so far", s.Sensor.Commits)
}

func clock(s *Sight) Check {
	if s.Sensor.Held != "" {
		return bad(Ready, "%s", s.Sensor.Held)
	}
	return fine(Ready, "the system's clock is believed")
}

func disk(s *Sight) Check {
	switch {
	case s.Free < 0:
		return fine(Ready, "how much is free is not known here")
	case s.Free < spare:
		return bad(Ready, "%d MiB are free on the disk of the store: free some space there, or ticks will wait in memory", s.Free>>20)
	case s.Short != "":
		return bad(Notice, "%s", s.Short)
	}
	return fine(Ready, "%d MiB are free", s.Free>>20)
}

func files(s *Sight) Check {
	if s.Files != "" {
		return bad(Notice, "the standing files are not written: %s", s.Files)
	}
	return fine(Notice, "they are written")
}
