package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/cmd/internal/termmap"
	"github.com/packetheat/packetheat/store"
)

// mapView is what a map shows: the answers of one moment.
type mapView struct {
	filter   store.Filter
	zone     *time.Location
	coverage store.Coverage
	places   []placeSum // biggest first
	total    store.Sum
	top      store.Top
}

// placeSum is the traffic of one place.
type placeSum struct {
	place   store.Place
	in, out store.Sum
}

func (s *placeSum) total() store.Sum {
	t := s.in
	t.Add(s.out)
	return t
}

// view asks the stores what the map of this moment needs.
func (m *mapping) view(ctx context.Context, now time.Time) (*mapView, error) {
	filter, zone, err := m.q.resolve(now, m.labels)
	if err != nil {
		return nil, err
	}
	v := &mapView{filter: filter, zone: zone}
	if v.coverage, err = m.reader.Coverage(ctx, filter.Window); err != nil {
		return nil, fmt.Errorf("read coverage: %w", err)
	}
	cells, err := m.reader.Cells(ctx, filter, 0)
	if err != nil {
		return nil, fmt.Errorf("read places: %w", err)
	}
	v.sum(cells)
	amount, _ := amountIn(m.flags.unit)
	slices.SortStableFunc(v.places, func(a, b placeSum) int {
		return compareDown(amount(a.total()), amount(b.total()))
	})
	if v.top, err = m.reader.Top(ctx, filter, m.by, 0); err != nil {
		return nil, fmt.Errorf("sum by %s: %w", m.by, err)
	}
	if m.flags.unit == unitBytes { // the store's order is by packets
		slices.SortStableFunc(v.top.Rows, func(a, b store.Row) int {
			return compareDown(a.Total().Bytes, b.Total().Bytes)
		})
	}
	return v, nil
}

// sum adds the cells up by place.
func (v *mapView) sum(cells []store.Cell) {
	at := map[store.Place]int{}
	for i := range cells {
		c := &cells[i]
		n, known := at[c.Place]
		if !known {
			n = len(v.places)
			at[c.Place] = n
			v.places = append(v.places, placeSum{place: c.Place})
		}
		if c.Direction == store.In {
			v.places[n].in.Add(c.Sum)
		} else {
			v.places[n].out.Add(c.Sum)
		}
		v.total.Add(c.Sum)
	}
}

// mapRows is how many rows a list has at most; screens show fewer.
const mapRows = 200

// frame is the view as it is drawn.
func (v *mapView) frame(unit string) *termmap.Frame {
	amount, print := amountIn(unit)
	f := &termmap.Frame{Answer: v.answer(), Notes: v.notes(), Unit: unit, Amount: print}
	for i := range v.places {
		s := &v.places[i]
		if s.place.HasCoordinates() {
			f.Spots = append(f.Spots, termmap.Spot{Latitude: s.place.Latitude, Longitude: s.place.Longitude, Weight: amount(s.total())})
		}
	}
	f.Title = fmt.Sprintf("%s by %s", titleOf(v.top.By), unit)
	all := amount(v.top.Total)
	for i := range v.top.Rows[:min(mapRows, len(v.top.Rows))] {
		r := &v.top.Rows[i]
		row := termmap.Row{Name: term.Clean(v.rowName(r)), Amount: print(amount(r.Total()))}
		if all > 0 {
			row.Share = float64(amount(r.Total())) / float64(all)
		}
		if r.Place.HasCoordinates() {
			row.Spot = &termmap.Spot{Latitude: r.Place.Latitude, Longitude: r.Place.Longitude}
		}
		f.Rows = append(f.Rows, row)
	}
	return f
}

// titleOf is the heading of a list.
func titleOf(by store.Dimension) string {
	switch by {
	case store.ByPlace:
		return "Places"
	case store.ByCountry:
		return "Countries"
	case store.ByCity:
		return "Cities"
	case store.ByASN:
		return "Networks"
	case store.ByIP:
		return "Addresses"
	case store.ByPeer:
		return "Peers"
	case store.ByPort:
		return "Ports"
	case store.ByProto:
		return "Protocols"
	case store.BySensor:
		return "Sensors"
	}
	return "Directions"
}

// rowName is the one text that a row has room for.
func (v *mapView) rowName(r *store.Row) string {
	name, label := rowNames(v.top.By, r)
	switch {
	case v.top.By == store.ByPlace || v.top.By == store.ByCity:
		if label != "" {
			return label
		}
		if place := placeName(r.Place); place != "" {
			return place
		}
		return unknownPlace
	case r.Key == "" && (v.top.By == store.ByCountry || v.top.By == store.ByASN):
		return unknownPlace
	case v.top.By == store.ByASN && r.Label != "":
		return r.Label + " " + name
	case label != "":
		return name + " " + label
	}
	return name
}

const unknownPlace = "unknown"

func amountIn(unit string) (func(store.Sum) uint64, func(uint64) string) {
	if unit == unitBytes {
		return func(s store.Sum) uint64 { return s.Bytes }, term.Bytes
	}
	return func(s store.Sum) uint64 { return s.Packets }, term.Count
}

// answer is the first row: whose traffic, when, how much, how sure.
func (v *mapView) answer() []string {
	sensors := v.coverage.Sensors
	who := strings.Join(sensors, ", ")
	if len(sensors) > manySensors {
		who = fmt.Sprintf("%d sensors", len(sensors))
	}
	if who == "" {
		who = "packetheat"
	}
	pieces := []string{term.Clean(who)}
	if w := v.shown(); !w.From.IsZero() && w.From.Before(w.To) {
		pieces = append(pieces, spanOf(w))
	}
	packets, bytes, word := v.coverage.Books.OnePublic.Packets+v.coverage.Books.TwoPublic.Packets,
		v.coverage.Books.OnePublic.Bytes+v.coverage.Books.TwoPublic.Bytes, "packet"
	if len(v.filter.Terms) > 0 {
		packets, bytes = v.total.Packets, v.total.Bytes
		if v.coverage.Books.TwoPublic.Packets > 0 {
			word = "endpoint-packet" // one between two public addresses is on the map at both ends
		}
	}
	pieces = append(pieces, counted(packets, word)+", "+term.Bytes(bytes))
	located, countries := v.located()
	pieces = append(pieces, plural(countries, "country", "countries"))
	if v.total.Packets > 0 {
		pieces = append(pieces, wholeShare(located, v.total.Packets)+" located")
	}
	pieces = append(pieces, term.Count(v.coverage.Books.Drops)+" dropped")
	if len(v.filter.Terms) > 0 {
		pieces = append(pieces, term.Clean(v.filter.String()))
	}
	return pieces
}

// located is how many packets have a place at all, in how many countries.
func (v *mapView) located() (packets uint64, countries int) {
	seen := map[string]bool{}
	for i := range v.places {
		if p := &v.places[i]; p.place.Precision != store.Unlocated {
			packets += p.total().Packets
			if p.place.Country != "" {
				seen[p.place.Country] = true
			}
		}
	}
	return packets, len(seen)
}

// wholeShare is a share in whole per cent: 100 only if it is all, 0 only if nothing is.
func wholeShare(part, whole uint64) string {
	switch p := 100 * part / whole; {
	case part == 0:
		return "0 %"
	case p == 0:
		return "<1 %"
	default:
		return fmt.Sprintf("%d %%", p)
	}
}

func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// shown is the window in the user's zone, its open sides closed by the data.
func (v *mapView) shown() store.Window {
	return closed(v.filter.Window, &v.coverage, v.zone)
}

// spanOf prints a window as short as it can be: the end's day only where it is another.
func spanOf(w store.Window) string {
	from, to := w.From.Format("Mon 2 Jan 2006 15:04"), w.To.Format("Mon 2 Jan 2006 15:04 MST")
	if w.From.YearDay() == w.To.YearDay() && w.From.Year() == w.To.Year() {
		to = w.To.Format("15:04 MST")
	}
	if w.To.Sub(w.From) < 5*time.Minute {
		from, to = w.From.Format("Mon 2 Jan 2006 15:04:05"), w.To.Format("15:04:05 MST")
	}
	return from + "–" + to
}

// notes says why there is nothing to see, with one thing to do, and what is missing.
func (v *mapView) notes() (notes []string) {
	w, c := v.filter.Window, &v.coverage
	switch {
	case c.Last.IsZero():
		return []string{"The store is empty: start a sensor with packetheat run, or read a capture with packetheat replay FILE --data DIR."}
	case !w.From.IsZero() && !w.From.Before(c.Last) || !w.To.IsZero() && !c.First.Before(w.To):
		return []string{"No data in this window: the store has " + spanOf(store.Window{From: c.First.In(v.zone), To: c.Last.In(v.zone)}) + "."}
	case v.total.Packets == 0 && len(v.filter.Terms) > 0:
		return []string{"Nothing matches the filter: leave out a condition, or ask for a longer window."}
	case v.total.Packets == 0:
		return []string{"No public address was seen in this window: try a longer one."}
	}
	var vague uint64
	for i := range v.places {
		if p := &v.places[i]; p.place.Precision == store.Country {
			vague += p.total().Packets
		}
	}
	if vague > 0 {
		notes = append(notes, term.Share(vague, v.total.Packets)+" is known to its country only: it is in the list, not on the map.")
	}
	if off := offParts(c); len(off) > 0 {
		notes = append(notes, strings.Join(off, ", ")+".")
	}
	return notes
}
