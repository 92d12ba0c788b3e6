package dashboard

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// mostRows is the longest list that is sent.
const mostRows = 10_000

type topAnswer struct {
	about
	By    string   `json:"by"`
	Rows  []topRow `json:"rows"`
	Total amounts  `json:"total"` // of all rows, also of those cut off
	Count int      `json:"count"` // of all rows

	Sorted int `json:"sorted,omitempty"` // of so many rows, those with the most packets; 0: of all
}

type topRow struct {
	Key       string   `json:"key"` // can be put behind the dimension's name in a filter; empty: missing, or by place the country only
	Label     string   `json:"label"`
	Country   string   `json:"country,omitempty"`
	City      string   `json:"city,omitempty"`
	ASN       uint32   `json:"asn,omitempty"`
	ASOrg     string   `json:"as_org,omitempty"`
	Proto     string   `json:"proto,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
	amounts
	In        amounts   `json:"in"`
	Out       amounts   `json:"out"`
	Addresses uint64    `json:"addresses,omitempty"` // distinct; 0: not counted
	Labels    []string  `json:"labels,omitempty"`    // of an address, a peer or an AS
	First     time.Time `json:"first,omitzero"`
	Last      time.Time `json:"last,omitzero"`
}

// serveTop answers with the biggest rows of one dimension.
func (s *Server) serveTop(w http.ResponseWriter, r *http.Request) {
	s.ask(w, r, func(ctx context.Context, f store.Filter) error {
		by, err := store.ParseDimension(cmp.Or(r.URL.Query().Get("by"), store.ByCountry.String()))
		if err != nil {
			return badRequest("%v", err)
		}
		n, err := number(r, "n", 20, mostRows)
		if err != nil {
			return err
		}
		ab, _, err := s.about(ctx, &f)
		if err != nil {
			return err
		}
		sorted, err := order(r)
		if err != nil {
			return err
		}
		need := n
		if sorted != nil {
			need = mostSorted
		}
		top, err := s.cfg.Reader.Top(ctx, f, by, need)
		if err != nil {
			return err
		}
		considered := 0
		if sorted != nil {
			if len(top.Rows) < top.Count {
				considered = len(top.Rows)
			}
			resort(&top, sorted, n)
		}
		a := topAnswer{about: ab, By: by.String(), Rows: make([]topRow, len(top.Rows)), Total: amounts(top.Total), Count: top.Count, Sorted: considered}
		tags := store.NewTagger(s.cfg.Labels)
		for i := range top.Rows {
			a.Rows[i] = newTopRow(by, &top.Rows[i])
			a.Rows[i].Labels = tags.Row(by, &top.Rows[i])
		}
		s.answer(w, r, a)
		return nil
	})
}

func newTopRow(by store.Dimension, row *store.Row) topRow {
	out := topRow{Key: row.Key, Label: row.Label, Country: row.Place.Country, City: row.Place.City, ASN: row.ASN, ASOrg: row.ASOrg,
		amounts: amounts(row.Total()), In: amounts(row.In), Out: amounts(row.Out),
		Addresses: row.Addresses, First: utc(row.First), Last: utc(row.Last)}
	if by == store.ByPort {
		out.Proto = store.ProtoName(row.Proto)
	}
	if row.Place.HasCoordinates() {
		out.Latitude, out.Longitude = &row.Place.Latitude, &row.Place.Longitude
	}
	return out
}

const (
	wantedBins = 600     // of a series whose step is not given
	mostBins   = 100_000 // of any
)

type seriesAnswer struct {
	about
	Step  float64     `json:"step"`  // seconds
	Bins  []bin       `json:"bins"`  // only those with traffic
	Spans []page.Span `json:"spans"` // what sensors did in the window, in order of time
}

type bin struct {
	Time      time.Time `json:"time"`
	Protocol  string    `json:"protocol"`
	Direction string    `json:"direction"`
	amounts
}

// serveSeries answers with sums by time, protocol and direction.
func (s *Server) serveSeries(w http.ResponseWriter, r *http.Request) {
	s.ask(w, r, func(ctx context.Context, f store.Filter) error {
		by, err := step(r)
		if err != nil {
			return err
		}
		ab, cov, err := s.about(ctx, &f)
		if err != nil {
			return err
		}
		length := minTime(ab.Window.To, cov.Last).Sub(maxTime(ab.Window.From, cov.First))
		if by == 0 {
			by = niceStep(length, cov.Tick)
		} else if err := checkStep(by, cov.Tick); err != nil {
			return err
		} else if length/by > mostBins {
			return badRequest("step %s cuts the window into more than %d bins: use a longer step, or a shorter window", by, mostBins)
		}
		bins, err := s.cfg.Reader.Series(ctx, f, by)
		if err != nil {
			return err
		}
		a := seriesAnswer{about: ab, Step: by.Seconds(), Bins: make([]bin, len(bins)),
			Spans: coarser(export.Spans(store.Window{From: ab.Window.From, To: ab.Window.To}, &cov), by)}
		for i, b := range bins {
			a.Bins[i] = bin{Time: b.Time.UTC(), Protocol: b.Class.String(), Direction: b.Direction.String(), amounts: amounts(b.Sum)}
		}
		s.answer(w, r, a)
		return nil
	})
}

// niceStep is the shortest step of a usual length that cuts the window into at most
// wantedBins, or nearly so for windows of many years. It is a multiple of the tick,
// which divides a minute.
func niceStep(length, tick time.Duration) time.Duration {
	tick = cmp.Or(tick, 10*time.Second)
	for _, d := range []time.Duration{tick, time.Minute, 5 * time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour} {
		if d >= tick && length/d <= wantedBins {
			return d
		}
	}
	return 24 * time.Hour
}
