package geo

import (
	"math"
	"strconv"
)

// Precision says how closely a database knows a place. The zero value, None,
// is an address that is not located at all.
type Precision uint8

// The precisions, from nothing to the name of a city.
const (
	None    Precision = iota // no country
	Country                  // a country; no coordinates
	Region                   // the first subdivision of a country
	City                     // a city or a part of one
)

// String returns the word used in CSV and in the API: "city", "region",
// "country", or "" for None.
func (p Precision) String() string {
	switch p {
	case None:
		return ""
	case Country:
		return "country"
	case Region:
		return "region"
	case City:
		return "city"
	}
	return "precision(" + strconv.Itoa(int(p)) + ")"
}

// Location is what the databases know about one address. The zero value is an
// unlocated address. Locations are plain values and can be compared with ==.
type Location struct {
	// Latitude and Longitude are degrees in WGS 84, rounded to four decimals
	// (11 m). They mean nothing unless HasCoordinates is set.
	Latitude, Longitude float64
	// HasCoordinates is never set for the placeholder 0,0 nor for a record
	// that knows the country only.
	HasCoordinates bool

	// Country is an ISO 3166-1 alpha-2 code, Region and City are English
	// names. Each is empty where unknown.
	Country, Region, City string

	// Precision is the finest level that is known.
	Precision Precision
	// AccuracyKM is the radius in kilometres within which the publisher is 67 %
	// sure the address is, 0 where it does not say.
	AccuracyKM uint16

	// ASN is the number of the autonomous system that announces the address,
	// ASOrg the organisation that runs it. 0 and empty where unknown.
	ASN   uint32
	ASOrg string
}

// place fills in the coordinates and the precision of a location whose names
// are set. It is the only code that decides whether coordinates are real.
func (l *Location) place(lat, lon *float64) {
	l.Country = countryCode(l.Country)
	switch {
	case l.City != "":
		l.Precision = City
	case l.Region != "":
		l.Precision = Region
	case l.Country != "":
		l.Precision = Country
	}
	if lat == nil || lon == nil || l.Precision < Region {
		return
	}
	la, lo := round4(*lat), round4(*lon)
	if (la == 0 && lo == 0) || !(math.Abs(la) <= 90) || !(math.Abs(lo) <= 180) {
		return // a placeholder, out of range, or NaN
	}
	l.Latitude, l.Longitude, l.HasCoordinates = la, lo, true
}

// countryCode returns code if it is two capital letters that stand for a
// country. ZZ is what DB-IP writes where it knows none.
func countryCode(code string) string {
	if len(code) != 2 || code == "ZZ" {
		return ""
	}
	for _, c := range []byte(code) {
		if c < 'A' || c > 'Z' {
			return ""
		}
	}
	return code
}

// round4 rounds to four decimals and turns -0 into 0.
func round4(x float64) float64 { return math.Round(x*1e4)/1e4 + 0 }
