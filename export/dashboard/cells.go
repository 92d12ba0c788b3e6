package dashboard

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// cell is one sum in the JSON answer. Without a step there is no time.
type cell struct {
	Time       time.Time `json:"time,omitzero"`
	Latitude   *float64  `json:"latitude"` // null where only the country is known, or nothing
	Longitude  *float64  `json:"longitude"`
	Country    string    `json:"country"`
	Region     string    `json:"region"`
	City       string    `json:"city"`
	Precision  string    `json:"precision"`
	AccuracyKM uint16    `json:"accuracy_km,omitempty"`
	Protocol   string    `json:"protocol"` // tcp, udp, icmp, other
	Direction  string    `json:"direction"`
	amounts
}

type amounts struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Opens   uint64 `json:"opens"`
}

// serveCells answers with sums by place, protocol and direction: as JSON, in one
// sum for all of the window unless a step is given; to the page as columns, in the
// finest time steps that stay under its row cap.
func (s *Server) serveCells(w http.ResponseWriter, r *http.Request) {
	s.ask(w, r, func(ctx context.Context, f store.Filter) error {
		bin, err := step(r)
		if err != nil {
			return err
		}
		gradually := accepts(r, gradualType)
		columns := gradually || accepts(r, page.MediaType)
		o := s.options(f)
		o.Step, o.Detail = bin, cmp.Or(r.URL.Query().Get("detail"), export.DetailPlaces)
		switch o.Detail {
		case export.DetailPlaces:
		case export.DetailAddresses:
			if !columns {
				return badRequest("detail is only in the columns that the page asks for (Accept: %s): use /api/v1/top", page.MediaType)
			}
		default:
			return badRequest("detail %s is not possible: use %s or %s", quoted(o.Detail), export.DetailPlaces, export.DetailAddresses)
		}
		if gradually {
			return s.sendGradually(ctx, w, r, o)
		}
		if columns {
			return s.sendColumns(ctx, w, r, o)
		}
		if bin == 0 {
			return s.sendWhole(ctx, w, r, f)
		}
		return s.sendCells(ctx, w, r, o)
	})
}

func (s *Server) sendColumns(ctx context.Context, w http.ResponseWriter, r *http.Request, o export.Options) error {
	data, _, err := export.Build(ctx, s.cfg.Reader, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Encode(&b, data); err != nil {
		return err
	}
	d := newDocument(page.MediaType, b.Bytes())
	d.serve(w, r)
	return nil
}

type cellsAnswer struct {
	about
	Step      float64 `json:"step"`                // seconds; 0: one sum for all of the window
	Coarsened string  `json:"coarsened,omitempty"` // one sentence, if the step is longer than asked for
	Total     amounts `json:"total"`
	Cells     []cell  `json:"cells"`
}

// sendWhole answers without time bins: as many cells as places, at most eight-fold.
func (s *Server) sendWhole(ctx context.Context, w http.ResponseWriter, r *http.Request, f store.Filter) error {
	ab, _, err := s.about(ctx, &f)
	if err != nil {
		return err
	}
	cells, err := s.cfg.Reader.Cells(ctx, f, 0)
	if err != nil {
		return err
	}
	a := cellsAnswer{about: ab, Cells: make([]cell, len(cells))}
	for i := range cells {
		c := &cells[i]
		a.Cells[i] = cell{Country: c.Place.Country, Region: c.Place.Region, City: c.Place.City,
			Precision: c.Place.Precision.String(), AccuracyKM: c.Place.AccuracyKM,
			Protocol: c.Class.String(), Direction: c.Direction.String(), amounts: amounts(c.Sum)}
		if c.Place.HasCoordinates() {
			a.Cells[i].Latitude, a.Cells[i].Longitude = &c.Place.Latitude, &c.Place.Longitude
		}
		a.Total.add(c.Sum)
	}
	s.answer(w, r, a)
	return nil
}

func (a *amounts) add(s store.Sum) {
	a.Packets, a.Bytes, a.Opens = a.Packets+s.Packets, a.Bytes+s.Bytes, a.Opens+s.Opens
}

// sendCells answers with time bins, under the row cap that pages have.
func (s *Server) sendCells(ctx context.Context, w http.ResponseWriter, r *http.Request, o export.Options) error {
	ab, cov, err := s.about(ctx, &o.Filter)
	if err != nil {
		return err
	}
	if err := checkStep(o.Step, cov.Tick); err != nil {
		return err
	}
	data, rep, err := export.Build(ctx, s.cfg.Reader, o)
	if err != nil {
		return err
	}
	a := cellsAnswer{about: ab, Step: rep.Step.Seconds(), Total: amounts(rep.Sum), Cells: make([]cell, len(data.Rows))}
	if rep.Step > o.Step {
		a.Coarsened = rep.Coarsened
	}
	slices.SortStableFunc(data.Rows, func(a, b page.Row) int { return cmp.Compare(a.Bin, b.Bin) })
	for i, row := range data.Rows {
		p := &data.Places[row.Place]
		a.Cells[i] = cell{Time: data.Meta.Start.Add(time.Duration(row.Bin) * rep.Step), Country: p.Country, Region: p.Region,
			City: p.City, Precision: p.Precision, AccuracyKM: p.AccuracyKM, Protocol: store.Class(row.Proto).String(),
			Direction: direction(row.Out), amounts: amounts{row.Packets, row.Bytes, row.Opens}}
		if p.HasCoordinates {
			a.Cells[i].Latitude, a.Cells[i].Longitude = &p.Latitude, &p.Longitude
		}
	}
	s.answer(w, r, a)
	return nil
}

func direction(out bool) string {
	if out {
		return store.Out.String()
	}
	return store.In.String()
}

// options are what exports and pages made here say about themselves.
func (s *Server) options(f store.Filter) export.Options {
	o := export.Options{Filter: f, Version: s.cfg.Version, Sensor: s.cfg.Sensor, Source: s.cfg.Source, Labels: s.cfg.Labels}
	if s.cfg.Home != nil {
		o.Home = s.cfg.Home()
	}
	if s.cfg.Links != nil {
		o.Links = s.cfg.Links()
	}
	return o
}
