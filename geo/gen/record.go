package main

import (
	"net"
	"net/netip"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/packetheat/packetheat/geo/internal/pack"
)

// cityRecord is a place in the schema of GeoLite2 City.
func cityRecord(p pack.Place) mmdbtype.Map {
	named := func(name string) mmdbtype.Map {
		return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name)}}
	}
	rec := mmdbtype.Map{
		"country": mmdbtype.Map{"iso_code": mmdbtype.String(p.Country)},
		"location": mmdbtype.Map{
			"latitude":  mmdbtype.Float64(float64(p.Lat) / 1e4),
			"longitude": mmdbtype.Float64(float64(p.Lon) / 1e4),
		},
	}
	if p.City != "" {
		rec["city"] = named(p.City)
	}
	if p.Region != "" {
		rec["subdivisions"] = mmdbtype.Slice{named(p.Region)}
	}
	return rec
}

// ipNet is what mmdbwriter takes.
func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
