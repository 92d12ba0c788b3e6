package dashboard

import (
	"context"
	"time"

	"github.com/packetheat/packetheat/store"
)

// about begins every JSON answer: what it is about, and how far to trust it.
type about struct {
	Window   window   `json:"window"` // asked for, open sides closed by the data
	Filter   string   `json:"filter,omitempty"`
	Coverage coverage `json:"coverage"`
}

type window struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

// coverage is the short form of store.Coverage. Counts are of the window, whatever
// the filter.
type coverage struct {
	First      time.Time   `json:"first,omitzero"` // of all that is stored
	Last       time.Time   `json:"last,omitzero"`
	PointsFrom time.Time   `json:"points_from,omitzero"` // addresses before it have been given up
	Effective  *window     `json:"effective,omitempty"`  // what the answer is about, where only sums of whole intervals are left
	Tick       float64     `json:"tick"`                 // seconds
	Sensors    []string    `json:"sensors"`
	OffSeconds float64     `json:"off_seconds"` // of the window, no sensor was on
	Drops      uint64      `json:"drops"`       // frames that the kernel lost
	Folded     uint64      `json:"folded"`      // packets whose addresses were coarsened
	Late       uint64      `json:"late"`
	Points     uint64      `json:"points"`
	Packets    uint64      `json:"packets"`           // with a public endpoint, each once
	Bytes      uint64      `json:"bytes"`             // of these
	TwoPublic  uint64      `json:"two_public"`        // of these, with two: rows have them at both ends
	LocalOnly  uint64      `json:"local_only"`        // seen, not stored
	Unlocated  uint64      `json:"unlocated"`         // packets of points without a place
	Partial    string      `json:"partial,omitempty"` // what of a fleet has not answered
	Damaged    uint64      `json:"damaged,omitempty"`
	Geo        []geoSource `json:"geo,omitempty"`
}

type geoSource struct {
	Name        string    `json:"name"`
	Built       time.Time `json:"built,omitzero"`
	Attribution string    `json:"attribution,omitempty"`
	URL         string    `json:"url,omitempty"`
}

// about asks for the coverage of a filter's window and closes its open sides.
func (s *Server) about(ctx context.Context, f *store.Filter) (about, store.Coverage, error) {
	c, err := s.cfg.Reader.Coverage(ctx, f.Window)
	if err != nil {
		return about{}, c, err
	}
	w := window{From: f.Window.From, To: f.Window.To}
	if w.From.IsZero() {
		w.From = c.First
	}
	if w.To.IsZero() {
		w.To = c.Last
	}
	return about{Window: w, Filter: f.String(), Coverage: summary(&c, store.Window{From: w.From, To: w.To})}, c, nil
}

func summary(c *store.Coverage, w store.Window) coverage {
	public := c.Books.Public()
	out := coverage{First: utc(c.First), Last: utc(c.Last), Tick: c.Tick.Seconds(), Sensors: c.Sensors,
		OffSeconds: offSeconds(c, w), Drops: c.Books.Drops, Folded: c.Books.Folded.Packets, Late: c.Books.Late.Packets,
		Points: c.Points, Packets: public.Packets, Bytes: public.Bytes, TwoPublic: c.Books.TwoPublic.Packets,
		LocalOnly: c.Books.LocalOnly.Packets, Unlocated: c.Unlocated.Packets, Partial: c.Partial, Damaged: c.Damaged}
	if !c.PointsFrom.IsZero() && w.From.Before(c.PointsFrom) {
		out.PointsFrom = utc(c.PointsFrom)
	}
	if e := c.Effective; !e.From.IsZero() && (e.From.Before(c.Window.From) || e.To.After(c.Window.To)) {
		out.Effective = &window{From: utc(e.From), To: utc(e.To)}
	}
	if out.Sensors == nil {
		out.Sensors = []string{}
	}
	for _, g := range c.Geo {
		out.Geo = append(out.Geo, geoSource{Name: g.Name, Built: g.Built, Attribution: g.Attribution, URL: g.URL})
	}
	return out
}

// offSeconds is how much of the window no sensor was capturing in.
func offSeconds(c *store.Coverage, w store.Window) float64 {
	off := w.To.Sub(w.From)
	end := w.From // up to here, coverage is counted
	on := make([]store.Window, 0, len(c.Spans))
	for _, s := range c.Spans {
		if s.State != store.StateOff {
			on = append(on, s.Window)
		}
	}
	sortWindows(on)
	for _, o := range on {
		if o = (store.Window{From: maxTime(o.From, end), To: minTime(o.To, w.To)}); o.To.After(o.From) {
			off -= o.To.Sub(o.From)
			end = o.To
		}
	}
	return max(0, off).Seconds()
}
