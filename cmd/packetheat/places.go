package main

import (
	"log/slog"
	"net/netip"
	"strings"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/store"
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

// labelFiles are the lists of geo.labels.
func labelFiles(c *config.Loaded) (list []geo.LabelFile) {
	for _, l := range c.Geo.Labels {
		list = append(list, geo.LabelFile{Path: l.File, Label: l.Label})
	}
	return list
}

// readLabels reads the lists of geo.labels; the names of geo.networks are labels, too.
func readLabels(c *config.Loaded, log *slog.Logger) (*geo.Labels, error) {
	return geo.ReadLabels(labelFiles(c), ownNetworks(c), log)
}

// labels reads the labels where a question asks for any; else a list that cannot be read
// is not its business.
func (q *question) labels(c *config.Loaded) (store.Labels, error) {
	if !strings.Contains(q.filter, "label:") {
		return nil, nil
	}
	return readLabels(c, nil)
}

// tagger tells the labels of the rows of a top; only those of addresses, peers and AS have
// any.
func tagger(c *config.Loaded, by store.Dimension) (*store.Tagger, error) {
	if by != store.ByIP && by != store.ByPeer && by != store.ByASN {
		return store.NewTagger(nil), nil
	}
	labels, err := readLabels(c, nil)
	if err != nil {
		return nil, err
	}
	return store.NewTagger(labels), nil
}

// homeOf is geo.home as maps show it; nil: it is not told.
func homeOf(c *config.Loaded) *page.Home {
	if c.Geo.Home == nil {
		return nil
	}
	return &page.Home{Latitude: c.Geo.Home.Latitude, Longitude: c.Geo.Home.Longitude, Name: c.Geo.Home.Name}
}

// linksOf are the ways from cards to other sites.
func linksOf(c *config.Loaded) (list []page.Link) {
	for _, l := range c.Dashboard.Links {
		list = append(list, page.Link{Name: l.Name, URL: l.URL})
	}
	return list
}

// setOwn takes over what pages say of us.
func (r *live) setOwn(c *config.Loaded) {
	links, mask := linksOf(c), ownMask(c)
	r.mask.Store(&mask)
	r.home.Store(homeOf(c))
	r.links.Store(&links)
}

// own is what masks leave out beside what they always do.
func (r *live) own() export.Mask { return *r.mask.Load() }

// ways are the links of pages that are made now.
func (r *live) ways() []page.Link { return *r.links.Load() }
