package main

import (
	"net/netip"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/geo"
)

// ownNetworks are the places of geo.networks.
func ownNetworks(c *config.Loaded) (list []geo.Network) {
	for _, n := range c.Geo.Networks {
		list = append(list, geo.Network{Prefix: n.Network, Name: n.Name, City: n.City, Country: n.Country, Latitude: n.Latitude, Longitude: n.Longitude})
	}
	return list
}

// mappedNetworks are on the map though they are special-purpose or local.
func mappedNetworks(c *config.Loaded) (list []netip.Prefix) {
	for _, n := range c.Geo.Networks {
		if n.Map {
			list = append(list, n.Network)
		}
	}
	return list
}

// homeOf is geo.home as maps show it; nil: it is not told.
func homeOf(c *config.Loaded) *page.LatLon {
	if c.Geo.Home == nil {
		return nil
	}
	return &page.LatLon{Lat: c.Geo.Home.Latitude, Lon: c.Geo.Home.Longitude}
}
