package store

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Window is a half-open span of time [From, To). A zero From or To is open on that
// side; the zero Window is all time. A point lies in a window if the start of its
// tick does.
type Window struct {
	From, To time.Time
}

// Contains reports whether t lies in w.
func (w Window) Contains(t time.Time) bool {
	return !t.Before(w.From) && (w.To.IsZero() || t.Before(w.To))
}

// Check reports whether w is backwards or empty.
func (w Window) Check() error {
	if !w.From.IsZero() && !w.To.IsZero() && !w.From.Before(w.To) {
		return fmt.Errorf("window from %s to %s is empty: its end must be after its start",
			w.From.Format(time.RFC3339), w.To.Format(time.RFC3339))
	}
	return nil
}

// Clip returns the part of w that lies in o, open sides taken from o.
func (w Window) Clip(o Window) Window {
	if w.From.Before(o.From) {
		w.From = o.From
	}
	if w.To.IsZero() || (!o.To.IsZero() && o.To.Before(w.To)) {
		w.To = o.To
	}
	if !w.To.IsZero() && w.To.Before(w.From) {
		w.To = w.From
	}
	return w
}

// String prints the window for people, in the zone that its ends carry and, where
// that is not UTC, in UTC as well; an open side is "start" or "now".
func (w Window) String() string {
	s := w.format(time.Time.Local, false)
	if name := zoneOf(w); name != "UTC" {
		return s + " (" + w.format(time.Time.UTC, true) + ")"
	}
	return s
}

func zoneOf(w Window) string {
	t := w.From
	if t.IsZero() {
		t = w.To
	}
	name, offset := t.Zone()
	if t.IsZero() || offset == 0 && name == "" {
		return "UTC"
	}
	return name
}

func (w Window) format(convert func(time.Time) time.Time, do bool) string {
	part := func(t time.Time, open string) string {
		if t.IsZero() {
			return open
		}
		if do {
			t = convert(t)
		}
		return t.Format("Mon 2006-01-02 15:04:05 MST")
	}
	return part(w.From, "start") + " – " + part(w.To, "now")
}

// WindowSpec is a window as people type it: the texts of --last, --from, --to, --at
// and --for, or of the API's parameters of the same names. Empty texts are not given.
type WindowSpec struct {
	Last, From, To, At, For string
}

// Resolve turns the texts into a Window. now is the end of --last and the origin of
// words such as "yesterday"; a time typed without an offset is in loc, which the
// result's times carry. Nothing given is the zero Window.
func (s WindowSpec) Resolve(now time.Time, loc *time.Location) (Window, error) {
	w, err := s.resolve(now.In(loc), loc)
	if err != nil {
		return Window{}, err
	}
	for _, t := range []time.Time{w.From, w.To} {
		// What is later has no form in RFC 3339, and so none in answers.
		if t.Year() > 9999 || t.UTC().Year() > 9999 {
			return Window{}, errors.New("a window ends in the year 9999 at the latest: give an earlier time")
		}
	}
	return w, nil
}

// resolve is Resolve without a look at the years.
func (s WindowSpec) resolve(now time.Time, loc *time.Location) (Window, error) {
	var w Window
	var err error
	switch {
	case s.Last != "" && (s.From != "" || s.To != "" || s.At != ""):
		return w, errors.New("a window is either last, or from and to, or at and for: give one of them")
	case s.At != "" && (s.From != "" || s.To != ""):
		return w, errors.New("a window is either at and for, or from and to: give one of them")
	case s.For != "" && s.At == "":
		return w, errors.New("for needs at: the time that the window starts at")
	case s.Last != "":
		d, err := ParseDuration(s.Last)
		if err != nil {
			return w, err
		}
		return Window{From: now.Add(-d), To: now}, nil
	case s.At != "":
		return resolveAt(s.At, s.For, now, loc)
	}
	if s.From != "" {
		if w.From, err = ParseTime(s.From, now, loc); err != nil {
			return w, err
		}
	}
	if s.To != "" {
		if w.To, err = ParseTime(s.To, now, loc); err != nil {
			return w, err
		}
	}
	return w, w.Check()
}

// resolveAt answers --at TIME --for D; without a duration the window is as long as
// the time is vague: a day for a date, half an hour for a time.
func resolveAt(at, length string, now time.Time, loc *time.Location) (Window, error) {
	at = strings.TrimSpace(at)
	from, err := ParseTime(at, now, loc)
	if err != nil {
		return Window{}, err
	}
	if length == "" {
		if !strings.Contains(at, ":") && !strings.HasPrefix(at, "-") && !strings.EqualFold(at, "now") {
			return Window{From: from, To: from.AddDate(0, 0, 1)}, nil
		}
		length = "30m"
	}
	d, err := ParseDuration(length)
	if err != nil {
		return Window{}, err
	}
	return Window{From: from, To: from.Add(d)}, nil
}
