// Package store is the vocabulary of what packetheat keeps and asks for: points,
// batches and their books, windows, filters, places, cells and coverage, with the
// rules that make each of them valid. It knows no database, no network and no file;
// package store/sqlite keeps these things, packages sensor and export pass them on.
//
// All values are plain data: the zero value of each is described with its type,
// none holds a resource, and all of them may be shared between goroutines as long
// as nobody writes to them.
package store

import (
	"fmt"
	"time"
)

// Direction says whether the public endpoint sent or received the packets of a
// point, seen from the sensor's side of the map.
type Direction uint8

// The two directions. In: Addr sent it. Out: Addr received it.
const (
	In Direction = iota
	Out
)

// String returns "in" or "out".
func (d Direction) String() string {
	if d == Out {
		return "out"
	}
	return "in"
}

// Precision says how well a place is known.
type Precision uint8

// The precisions from worst to best. Unlocated places have no field set at all,
// Country has no coordinates: a country's centroid is not where anything happened.
const (
	Unlocated Precision = iota
	Country
	Region
	City
)

// String returns "", "country", "region" or "city".
func (p Precision) String() string {
	return [...]string{"", "country", "region", "city"}[min(p, City)]
}

// Place is where an address was at the time it was seen. It is comparable; the
// zero value is the place of an unlocated address.
type Place struct {
	Latitude, Longitude float64 // degrees, WGS 84, 4 decimals; valid from precision Region up
	Country             string  // ISO 3166-1 alpha-2, upper case
	Region, City        string  // English names, may be empty
	Precision           Precision
	AccuracyKM          uint16 // radius in km as the database gives it; 0: not given
}

// HasCoordinates reports whether Latitude and Longitude mean anything.
func (p Place) HasCoordinates() bool { return p.Precision >= Region }

// Flags qualify a point.
type Flags uint8

// The flags of a point, a bit each.
const (
	Folded Flags = 1 << iota // the sensor's table was full: keys were coarsened
	Late                     // arrived after its tick had been committed
	Masked                   // addresses were shortened on purpose
)

// String joins the names of the set flags by a semicolon: "folded;late".
func (f Flags) String() string {
	s := ""
	for i, name := range []string{"folded", "late", "masked"} {
		if f&(1<<i) == 0 {
			continue
		}
		if s != "" {
			s += ";"
		}
		s += name
	}
	return s
}

// Tick lengths that a store may have, in seconds. Each divides a minute, so that
// ticks, tiers and clocks agree.
var tickSeconds = [...]int{1, 2, 5, 10, 15, 30, 60}

// CheckTick reports whether d may be the length of a tick.
func CheckTick(d time.Duration) error {
	for _, s := range tickSeconds {
		if d == time.Duration(s)*time.Second {
			return nil
		}
	}
	return fmt.Errorf("tick %s is not possible: use 1s, 2s, 5s, 10s, 15s, 30s or 60s", d)
}
