package export

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

const timeLayout = time.RFC3339Nano

// sensorName is the name that was given, else those that the store knows.
func sensorName(o *Options, cov *store.Coverage) string {
	return cmp.Or(o.Sensor, strings.Join(cov.Sensors, ", "))
}

// Attributions are the texts and links that the licences of the GeoIP databases ask for
// where points that were located by them are shown, once each.
func Attributions(cov *store.Coverage) []string {
	var all []string
	for _, g := range cov.Geo {
		text := strings.TrimSpace(g.Attribution + " " + g.URL)
		if g.Attribution != "" && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// databases names the GeoIP databases that the points were located by.
func databases(cov *store.Coverage) []page.Geo {
	var all []page.Geo
	for _, g := range cov.Geo {
		d := page.Geo{Name: g.Name, Built: g.Built, Attribution: g.Attribution, URL: g.URL}
		if !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	return all
}

// given says what of a window has been given up by age or for room, and what has not
// answered; "" if nothing has.
func given(cov *store.Coverage) string {
	var parts []string
	if cov.Partial != "" {
		parts = append(parts, "partial: "+cov.Partial)
	}
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
	if from := cov.PointsFrom; !from.IsZero() && cov.Window.From.Before(from) {
		parts = append(parts, "addresses before "+at(from)+" are no longer kept")
	}
	if e := cov.Effective; !e.From.IsZero() && (e.From.Before(cov.Window.From) || e.To.After(cov.Window.To)) {
		parts = append(parts, "of the time asked for only sums from "+at(e.From)+" to "+at(e.To)+" are left")
	}
	return strings.Join(parts, "; ")
}

// joined puts sentences in a row, those that there are.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

// Spans turns the coverage of all sensors into one: a moment has data if any sensor
// had. What the coverage does not reach in the window is off.
func Spans(w store.Window, cov *store.Coverage) []page.Span {
	var cuts []time.Time
	for _, s := range cov.Spans {
		cuts = append(cuts, s.From, s.To)
	}
	cuts = append(cuts, w.From, w.To)
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	starting := slices.Clone(cov.Spans)
	slices.SortStableFunc(starting, func(a, b store.Span) int { return a.From.Compare(b.From) })

	var out []page.Span
	var open []store.Span // that have started and not ended
	for i := 0; i+1 < len(cuts); i++ {
		from, to := cuts[i], cuts[i+1]
		for len(starting) > 0 && !starting[0].From.After(from) {
			open, starting = append(open, starting[0]), starting[1:]
		}
		open = slices.DeleteFunc(open, func(s store.Span) bool { return !s.To.After(from) })
		if from.Before(w.From) || to.After(w.To) {
			continue
		}
		piece := page.Span{From: from.UTC(), To: to.UTC(), State: store.StateOff.String()}
		best := store.StateOff
		for _, s := range open {
			best = max(best, s.State)
			if s.From.Equal(from) || s.From.Before(w.From) && from.Equal(w.From) {
				piece.Drops += s.Drops
			}
		}
		piece.State = best.String()
		if n := len(out); n > 0 && out[n-1].State == piece.State && out[n-1].Drops == 0 && piece.Drops == 0 {
			out[n-1].To = piece.To
			continue
		}
		out = append(out, piece)
	}
	return out
}
