package store

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units of durations beyond Go's own; a year is 365 days.
var longUnits = map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}

// ParseDuration reads a positive duration: Go's own syntax ("90s", "1h30m") and
// whole or broken days, weeks and years ("30d", "2w", "1y", "1.5d", "1d12h").
func ParseDuration(s string) (time.Duration, error) {
	total, rest := time.Duration(0), s
	for rest != "" {
		i := strings.IndexAny(rest, "dwy")
		if i < 0 {
			d, err := time.ParseDuration(rest)
			if err != nil || d < 0 || total+d < total {
				return 0, durationError(s)
			}
			total, rest = total+d, ""
			continue
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		length := n * float64(longUnits[rest[i]])
		if err != nil || !(length >= 0 && float64(total)+length < math.MaxInt64) { // also NaN
			return 0, durationError(s)
		}
		total += time.Duration(length)
		rest = rest[i+1:]
	}
	if total <= 0 {
		return 0, durationError(s)
	}
	return total, nil
}

func durationError(s string) error {
	return fmt.Errorf("duration %q is not one: write 30m, 24h, 7d, 2w or 1y", s)
}

var layouts = []string{
	"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02",
}

var clockLayouts = []string{"15:04:05", "15:04"}

// ParseTime reads a point in time as people type it: RFC 3339, a date, a date with
// a time, a time of today, "now", "today", "yesterday" or a weekday (the latest one
// that has begun), the last three also with a time ("tue 15:00"), and a duration ago
// ("-2h"). Without an offset it is in loc; now is what the words start from.
func ParseTime(s string, now time.Time, loc *time.Location) (time.Time, error) {
	now = now.In(loc)
	s = strings.TrimSpace(s)
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.In(loc), nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return wall(t, loc), nil
		}
	}
	lower := strings.ToLower(s)
	if lower == "now" {
		return now, nil
	}
	if ago, ok := strings.CutPrefix(lower, "-"); ok {
		d, err := ParseDuration(ago)
		return now.Add(-d), err
	}
	if t, ok := parseWords(lower, now, loc); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("time %q is not one: write 2026-11-21, 2026-11-21 14:00, 2026-11-21T14:00:00Z, yesterday, tue 15:00 or -2h", s)
}

// parseWords reads "DAY", "DAY CLOCK" and "CLOCK".
func parseWords(s string, now time.Time, loc *time.Location) (time.Time, bool) {
	day, clock, both := strings.Cut(s, " ")
	if !both && strings.Contains(day, ":") {
		day, clock = "today", day
	}
	date, ok := parseDay(day, now)
	if !ok {
		return time.Time{}, false
	}
	if clock == "" {
		return wall(date, loc), !both
	}
	for _, layout := range clockLayouts {
		if t, err := time.Parse(layout, strings.TrimSpace(clock)); err == nil {
			sinceMidnight := t.Sub(t.Truncate(24 * time.Hour))
			at := wall(date.Add(sinceMidnight), loc)
			if at.After(now) && isWeekday(day) { // "sat 15:00" at noon on a Saturday: last week's
				at = wall(date.AddDate(0, 0, -7).Add(sinceMidnight), loc)
			}
			return at, true
		}
	}
	return time.Time{}, false
}

func isWeekday(word string) bool {
	_, ok := weekday(word)
	return ok
}

func weekday(word string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		name := strings.ToLower(d.String())
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			return d, true
		}
	}
	return 0, false
}

// wall returns the moment at which clocks in loc show what t shows in UTC. Where
// they jump over that (summer time begins, at midnight in some zones), it is as much
// later as they jump, so that a day never begins on the day before.
func wall(t time.Time, loc *time.Location) time.Time {
	year, month, day := t.Date()
	got := time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), loc)
	_, offset := got.Zone()
	if shown := got.Add(time.Duration(offset) * time.Second).UTC(); shown.Before(t) {
		got = got.Add(t.Sub(shown))
	}
	return got
}

// parseDay returns midnight in UTC of the date that the word names where now is.
func parseDay(word string, now time.Time) (time.Time, bool) {
	year, month, day := now.Date()
	today := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	switch word {
	case "today":
		return today, true
	case "yesterday":
		return today.AddDate(0, 0, -1), true
	}
	if d, ok := weekday(word); ok {
		back := (int(now.Weekday()) - int(d) + 7) % 7
		return today.AddDate(0, 0, -back), true
	}
	return time.Time{}, false
}
