package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// compareHelp is what --compare takes.
const compareHelp = "with what changed since `before|yesterday|last-week|FROM/TO`: the window just before, the same hours a day or a week ago, or any"

// comparedWindow returns the window that another is compared with. Days and weeks are
// those of the calendar in the zone of the window's times: where clocks were changed in
// between, the two are the same hours of the day. The page does the same
// (compare.ts).
func comparedWindow(with string, w store.Window, now time.Time) (store.Window, error) {
	if w.From.IsZero() || w.To.IsZero() || !w.From.Before(w.To) {
		return store.Window{}, usagef("--compare needs a window with data: give one, for example --last 24h")
	}
	back := func(days int) (store.Window, error) {
		return store.Window{From: w.From.AddDate(0, 0, -days), To: w.To.AddDate(0, 0, -days)}, nil
	}
	switch with {
	case "before":
		return store.Window{From: w.From.Add(-w.To.Sub(w.From)), To: w.From}, nil
	case "yesterday":
		return back(1)
	case "last-week":
		return back(7)
	}
	from, to, ok := strings.Cut(with, "/")
	if !ok {
		return store.Window{}, usagef("--compare %q is not possible: use before, yesterday, last-week or FROM/TO, for example 'mon 14:00/mon 15:00'", with)
	}
	spec := store.WindowSpec{From: from, To: to}
	other, err := spec.Resolve(now, w.From.Location())
	if err != nil {
		return other, usageError{fmt.Errorf("--compare: %w", err)}
	}
	if other.From.IsZero() || other.To.IsZero() {
		return other, usagef("--compare %q is open to a side: give both ends, FROM/TO", with)
	}
	return other, nil
}

// onTime is for how long of a window some sensor was on.
func onTime(c *store.Coverage, w store.Window) (on time.Duration) {
	spans := slices.Clone(c.Spans)
	slices.SortFunc(spans, func(a, b store.Span) int { return a.From.Compare(b.From) })
	end := w.From // up to here, it is counted
	for _, s := range spans {
		if s.State == store.StateOff {
			continue
		}
		part := s.Clip(store.Window{From: end, To: w.To})
		if part.To.After(part.From) {
			on += part.To.Sub(part.From)
			end = part.To
		}
	}
	return on
}

// fairScale is what the amounts of the other window are multiplied with to be of as
// much time as those of this one. It is 1 where both are covered alike: but for two
// ticks, of which one is always open, or for a hundredth.
func fairScale(now, before, tick time.Duration) float64 {
	if d := (now - before).Abs(); d <= 2*tick || d*100 <= max(now, before) {
		return 1
	}
	return now.Seconds() / before.Seconds()
}

// comparison is what changed between two windows.
type comparison struct {
	now, before     store.Window
	nowOn, beforeOn time.Duration // for how long of them some sensor was on
	scale           float64       // see fairScale
	total           change
	rows            []change // the largest change first
}

// change is one row in both windows.
type change struct {
	row         store.Row // its names; as it is now, else as it was
	now, before store.Sum
}

// by is how much more there is of an amount, at equal rates: negative where it is less.
func (c *change) by(amount func(store.Sum) uint64, scale float64) float64 {
	return float64(amount(c.now)) - scale*float64(amount(c.before))
}

// state says what became of a row.
func (c *change) state(amount func(store.Sum) uint64, scale float64) string {
	switch by := c.by(amount, scale); {
	case c.before.Packets == 0:
		return "new"
	case c.now.Packets == 0:
		return "gone"
	case by > 0:
		return "grown"
	case by < 0:
		return "shrunk"
	}
	return "same"
}

// join puts the rows of two tops together, those of one key in one.
func (c *comparison) join(now, before *store.Top) {
	at := make(map[store.RowID]int, len(now.Rows))
	c.rows = make([]change, 0, max(len(now.Rows), len(before.Rows)))
	for _, r := range now.Rows {
		at[r.ID(now.By)] = len(c.rows)
		c.rows = append(c.rows, change{row: r, now: r.Total()})
	}
	for _, r := range before.Rows {
		if i, ok := at[r.ID(now.By)]; ok {
			c.rows[i].before = r.Total()
		} else {
			c.rows = append(c.rows, change{row: r, before: r.Total()})
		}
	}
	c.total = change{now: now.Total, before: before.Total}
}

// sort puts the largest change of an amount first, up or down; ties by what there is in
// both windows, then by key.
func (c *comparison) sort(amount func(store.Sum) uint64) {
	slices.SortFunc(c.rows, func(a, b change) int {
		return cmp.Or(
			cmp.Compare(math.Abs(b.by(amount, c.scale)), math.Abs(a.by(amount, c.scale))),
			cmp.Compare(amount(b.now)+amount(b.before), amount(a.now)+amount(a.before)),
			strings.Compare(a.row.Key, b.row.Key), strings.Compare(a.row.Place.Country, b.row.Place.Country), cmp.Compare(a.row.Proto, b.row.Proto))
	})
}

// caveats are what must be known before the numbers are believed.
func (c *comparison) caveats() (out []string) {
	if c.now.From.Before(c.before.To) && c.before.From.Before(c.now.To) {
		out = append(out, "the two windows overlap: what lies in both has not changed")
	}
	if c.scale != 1 {
		out = append(out, fmt.Sprintf("sensors were on for %s of this window and %s of the other: the change is at equal rates, before counts %.3g-fold", c.nowOn, c.beforeOn, c.scale))
	}
	return out
}
