package merge

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Coverage implements export.Reader. Its windows span those of all stores; where one
// of them has nothing, its sensors are off. Points begin where all stores have them.
func (r *Reader) Coverage(ctx context.Context, w store.Window) (store.Coverage, error) {
	var out store.Coverage
	var windows, effective []store.Window
	err := r.each(ctx, func(p *part) error {
		c, err := p.Coverage(ctx, w)
		p.mu.Lock()
		if err == nil {
			p.sensors = c.Sensors
		}
		out.Sensors = append(out.Sensors, p.sensors...)
		p.mu.Unlock()
		if err != nil {
			return err
		}
		out.Tick = c.Tick
		out.Books.Add(&c.Books)
		out.Points += c.Points
		out.Unlocated.Add(c.Unlocated)
		out.Damaged += c.Damaged
		if c.Partial != "" {
			out.Partial = strings.TrimPrefix(out.Partial+"; "+c.Partial, "; ")
		}
		if c.Last.IsZero() {
			return nil // an empty store knows no more
		}
		windows, effective = append(windows, c.Window), append(effective, c.Effective)
		out.PointsFrom = later(out.PointsFrom, c.PointsFrom)
		out.First, out.Last = earlier(out.First, c.First), later(out.Last, c.Last)
		for _, g := range c.Geo {
			if !slices.Contains(out.Geo, g) {
				out.Geo = append(out.Geo, g)
			}
		}
		for _, s := range c.Spans {
			if s.State != store.StateOff { // what is off is found out anew
				out.Spans = append(out.Spans, s)
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	slices.Sort(out.Sensors)
	out.Sensors = slices.Compact(out.Sensors)
	out.Window, out.Effective = spanned(w, windows), spanned(store.Window{}, effective)
	out.Spans = withGaps(out.Spans, out.Sensors, out.Effective)
	return out, nil
}

// spanned returns the window from the start of the first of windows to the end of the
// last, none where there are none.
func spanned(none store.Window, windows []store.Window) store.Window {
	for i, w := range windows {
		if i == 0 {
			none = w
			continue
		}
		none.From, none.To = earlier(none.From, w.From), later(none.To, w.To)
	}
	return none
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// withGaps sorts spans and puts one that is off wherever a sensor has none.
func withGaps(spans []store.Span, sensors []string, w store.Window) []store.Span {
	slices.SortStableFunc(spans, func(a, b store.Span) int {
		return cmp.Or(cmp.Compare(a.Sensor, b.Sensor), a.From.Compare(b.From))
	})
	var out []store.Span
	for _, sensor := range sensors {
		at := w.From
		gap := func(to time.Time) {
			if at.Before(to) {
				out = append(out, store.Span{Window: store.Window{From: at, To: to}, Sensor: sensor, State: store.StateOff})
			}
		}
		for _, s := range spans {
			if s.Sensor != sensor {
				continue
			}
			gap(s.From)
			out = append(out, s)
			at = later(at, s.To)
		}
		gap(w.To)
	}
	return out
}
