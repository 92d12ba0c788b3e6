package main

import "github.com/packetheat/packetheat/store"

// mapJSON is what "map --json" prints.
type mapJSON struct {
	Window    windowJSON `json:"window"`
	Effective windowJSON `json:"effective"` // wider where only sums are left
	Filter    string     `json:"filter"`
	Unit      string     `json:"unit"` // that the cells are in order of
	Total     store.Sum  `json:"total"`
	Unlocated store.Sum  `json:"unlocated"`
	Countries int        `json:"countries"`
	Drops     uint64     `json:"drops"`
	Sensors   []string   `json:"sensors"`
	Cells     []cellJSON `json:"cells"`
}

// cellJSON is one place. One known to its country only has no coordinates.
type cellJSON struct {
	Latitude  *float64  `json:"latitude"`
	Longitude *float64  `json:"longitude"`
	Country   string    `json:"country,omitempty"`
	Region    string    `json:"region,omitempty"`
	City      string    `json:"city,omitempty"`
	Precision string    `json:"precision"`
	Accuracy  uint16    `json:"accuracy_km,omitempty"`
	Packets   uint64    `json:"packets"`
	Bytes     uint64    `json:"bytes"`
	Opens     uint64    `json:"opens"`
	In        store.Sum `json:"in"`
	Out       store.Sum `json:"out"`
}

func (v *mapView) json(unit string) mapJSON {
	out := mapJSON{Window: windowToJSON(v.shown()), Effective: windowToJSON(v.coverage.Effective), Filter: v.filter.String(), Unit: unit,
		Total: v.total, Drops: v.coverage.Books.Drops, Sensors: append([]string{}, v.coverage.Sensors...), Cells: []cellJSON{}}
	_, out.Countries = v.located()
	for i := range v.places {
		s := &v.places[i]
		total, place := s.total(), s.place
		if place.Precision == store.Unlocated {
			out.Unlocated.Add(total)
			continue
		}
		cell := cellJSON{Country: place.Country, Region: place.Region, City: place.City, Precision: place.Precision.String(), Accuracy: place.AccuracyKM,
			Packets: total.Packets, Bytes: total.Bytes, Opens: total.Opens, In: s.in, Out: s.out}
		if place.HasCoordinates() {
			cell.Latitude, cell.Longitude = &place.Latitude, &place.Longitude
		}
		out.Cells = append(out.Cells, cell)
	}
	return out
}
