package geo

import (
	"cmp"
	"net/netip"
	"slices"
)

// Network is a place of one's own: where a branch office or a customer is.
// Fields that are zero leave the database's answer as it is; coordinates are given with
// all that is known there, so that no region of the database's stays beside them.
type Network struct {
	// Prefix is the network; where several hold an address, the longest wins.
	Prefix netip.Prefix
	// Name is shown as the city where City is empty.
	Name string
	// Latitude and Longitude are degrees; both zero means not given.
	Latitude, Longitude float64
	// City is an English name, Country an ISO 3166-1 alpha-2 code.
	City, Country string
}

// SetNetworks changes the places of one's own that Config gave. Look-ups that begin
// afterwards have them; those of a Cache, from its next look at Generation on.
func (db *DB) SetNetworks(networks []Network) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.cfg.Networks = slices.Clone(networks)
	if old := db.state.Load(); old != nil && !db.closed {
		s := *old
		s.generation, s.networks = old.generation+1, sortNetworks(networks)
		db.state.Store(&s)
	}
}

// sortNetworks returns the networks in order of falling length.
func sortNetworks(networks []Network) []Network {
	sorted := slices.Clone(networks)
	slices.SortStableFunc(sorted, func(a, b Network) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	return sorted
}

// overlay puts the longest of the sorted networks that holds addr over the
// record r. There are at most some dozens of them, so a list does. With anycast, what is
// in none of them but in a known anycast network loses its place.
func overlay(networks []Network, anycast bool, addr netip.Addr, r record) record {
	for i := range networks {
		n := &networks[i]
		if !n.Prefix.Contains(addr) {
			continue
		}
		var loc Location
		if r.place != nil {
			loc = *r.place
		}
		lat, lon := &n.Latitude, &n.Longitude
		if n.Latitude == 0 && n.Longitude == 0 {
			lat, lon = nil, nil
			if loc.HasCoordinates {
				lat, lon = &loc.Latitude, &loc.Longitude
			}
		} else {
			loc.AccuracyKM, loc.Region = 0, ""
		}
		loc.City = cmp.Or(n.City, n.Name, loc.City)
		loc.Country = cmp.Or(n.Country, loc.Country)
		loc.place(lat, lon)
		r.place = &loc
		return r
	}
	if anycast && r.place != nil && r.place.Precision > Country && isAnycast(addr) {
		loc := unplaced(*r.place)
		r.place = &loc
	}
	return r
}
