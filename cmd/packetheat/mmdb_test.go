package main

import (
	"errors"
	"net"
	"os"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// writeCity makes a City database of a few networks.
func writeCity(name string) error {
	type place struct {
		network, city, country string
		latitude, longitude    float64
	}
	var records []record
	for _, p := range []place{
		{"9.9.9.0/24", "Paris", "FR", 48.8534, 2.3488},
		{"1.1.1.0/24", "Berlin", "DE", 52.5244, 13.4105},
		{"8.8.8.0/24", "New York", "US", 40.7143, -74.006},
		{"4.4.4.0/24", "", "US", 0, 0},
		{"2620:fe::/48", "Tokyo", "JP", 35.6895, 139.6917},
	} {
		m := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(p.country)}}
		if p.city != "" {
			m["city"] = mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(p.city)}}
			m["location"] = mmdbtype.Map{"latitude": mmdbtype.Float64(p.latitude), "longitude": mmdbtype.Float64(p.longitude)}
		}
		records = append(records, record{p.network, m})
	}
	return writeMMDB(name, "GeoLite2-City", records)
}

// writeASN makes an ASN database with one network.
func writeASN(name string) error {
	as := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String("Example Net")}
	return writeMMDB(name, "GeoLite2-ASN", []record{{"9.9.9.0/24", as}, {"2620:fe::/48", as}})
}

type record struct {
	network string
	data    mmdbtype.DataType
}

func writeMMDB(name, kind string, records []record) (err error) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, Languages: []string{"en"}})
	if err != nil {
		return err
	}
	for _, r := range records {
		_, network, err := net.ParseCIDR(r.network)
		if err != nil {
			return err
		}
		if err := tree.Insert(network, r.data); err != nil {
			return err
		}
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = tree.WriteTo(f)
	return err
}
