package geo

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
)

// schema names the shape of a database's records.
type schema uint8

const (
	schemaUnknown             schema = iota
	schemaNested                     // GeoLite2, GeoIP2: City and Country
	schemaDistricts                  // the same of DB-IP, which names the district with the city
	schemaEnterprise                 // the same, with the autonomous system under "traits"
	schemaEnterpriseDistricts        // the same of DB-IP's paid databases
	schemaASN                        // GeoLite2-ASN, DB-IP ASN Lite, ip-location-db's asn
	schemaISP                        // GeoIP2-ISP
	schemaFlat                       // ip-location-db's city, IPinfo Lite
)

// cityRecord is the part of geoip2.City that is stored with a point: English names, no
// continent, postal code, registered and represented country. What has no field is
// skipped, which more than halves the cost of decoding a GeoLite2 record.
type cityRecord struct {
	City         named   `maxminddb:"city"`
	Subdivisions []named `maxminddb:"subdivisions"`
	Country      struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Location struct {
		Latitude       *float64 `maxminddb:"latitude"`
		Longitude      *float64 `maxminddb:"longitude"`
		AccuracyRadius uint16   `maxminddb:"accuracy_radius"`
	} `maxminddb:"location"`
}

// named is a place with its name.
type named struct {
	Names struct {
		English string `maxminddb:"en"`
	} `maxminddb:"names"`
}

// enterpriseRecord is the same part of geoip2.Enterprise, without its confidences.
type enterpriseRecord struct {
	cityRecord
	Traits geoip2.ASN `maxminddb:"traits"`
}

// flatRecord has the keys of ip-location-db and of IPinfo, which writes its
// autonomous systems as "AS15169". IPinfo's older files have the code of the
// country where Lite has its name, and its file of systems alone calls their
// organisation "name".
type flatRecord struct {
	CountryCode string   `maxminddb:"country_code"`
	Country     string   `maxminddb:"country"`
	State1      string   `maxminddb:"state1"`
	City        string   `maxminddb:"city"`
	Latitude    *float64 `maxminddb:"latitude"`
	Longitude   *float64 `maxminddb:"longitude"`
	Number      uint     `maxminddb:"autonomous_system_number"`
	Org         string   `maxminddb:"autonomous_system_organization"`
	ASN         string   `maxminddb:"asn"`
	ASName      string   `maxminddb:"as_name"`
	Name        string   `maxminddb:"name"`
}

// decode reads one record of the given shape.
func decode(s schema, r maxminddb.Result) (Location, error) {
	switch s {
	case schemaNested:
		return decodeCity(r)
	case schemaDistricts:
		l, err := decodeCity(r)
		l.City = withoutDistrict(l.City)
		return l, err
	case schemaEnterprise:
		return decodeEnterprise(r)
	case schemaEnterpriseDistricts:
		l, err := decodeEnterprise(r)
		l.City = withoutDistrict(l.City)
		return l, err
	case schemaASN:
		var rec geoip2.ASN
		err := r.Decode(&rec)
		return autonomousSystem(rec.AutonomousSystemNumber, rec.AutonomousSystemOrganization), err
	case schemaISP:
		var rec geoip2.ISP
		err := r.Decode(&rec)
		return autonomousSystem(rec.AutonomousSystemNumber, rec.AutonomousSystemOrganization), err
	case schemaFlat:
		return decodeFlat(r)
	}
	return Location{}, nil
}

func decodeCity(r maxminddb.Result) (Location, error) {
	var rec cityRecord
	if err := r.Decode(&rec); err != nil {
		return Location{}, err
	}
	var l Location
	rec.fill(&l)
	return l, nil
}

func decodeEnterprise(r maxminddb.Result) (Location, error) {
	var rec enterpriseRecord
	if err := r.Decode(&rec); err != nil {
		return Location{}, err
	}
	l := autonomousSystem(rec.Traits.AutonomousSystemNumber, rec.Traits.AutonomousSystemOrganization)
	rec.fill(&l)
	return l, nil
}

// fill puts what the record says of the place into l.
func (rec *cityRecord) fill(l *Location) {
	l.Country, l.City = rec.Country.ISOCode, rec.City.Names.English
	if len(rec.Subdivisions) > 0 {
		l.Region = rec.Subdivisions[0].Names.English
	}
	l.place(rec.Location.Latitude, rec.Location.Longitude)
	if l.HasCoordinates { // else it would describe a point that is not used
		l.AccuracyKM = rec.Location.AccuracyRadius
	}
}

func decodeFlat(r maxminddb.Result) (Location, error) {
	var rec flatRecord
	if err := r.Decode(&rec); err != nil {
		return Location{}, err
	}
	number, org := rec.Number, rec.Org
	if digits, ok := strings.CutPrefix(rec.ASN, "AS"); ok && number == 0 {
		n, err := strconv.ParseUint(digits, 10, 32)
		if err == nil {
			number, org = uint(n), cmp.Or(rec.ASName, rec.Name)
		}
	}
	l := autonomousSystem(number, org)
	l.Country, l.Region, l.City = cmp.Or(rec.CountryCode, rec.Country), rec.State1, withoutDistrict(rec.City)
	l.place(rec.Latitude, rec.Longitude)
	return l, nil
}

// withoutDistrict makes "New York" of DB-IP's "New York (Manhattan)", so that a city is
// one row of a list and one value of a filter; the coordinates stay the district's.
// The few names that have brackets of their own (Frankfurt (Oder)) lose them.
func withoutDistrict(city string) string {
	if name, _, ok := strings.Cut(city, " ("); ok && strings.HasSuffix(city, ")") {
		return name
	}
	return city
}

// autonomousSystem drops numbers that do not fit RFC 6793's 32 bits; only a
// damaged database has them.
func autonomousSystem(number uint, org string) Location {
	if number == 0 || number > math.MaxUint32 {
		return Location{}
	}
	return Location{ASN: uint32(number), ASOrg: org}
}
