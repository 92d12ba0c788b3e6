package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/geoip2-golang/v2"

	"github.com/packetheat/packetheat/geo/internal/pack"
)

// compare measures the database of places against GeoLite2 City on addresses
// that are announced, and, where asked for, against an MMDB under zstd.
func (g *generator) compare(db *pack.Database, src *citySource, systems *asnSource) error {
	data := db.MMDB(pack.Metadata{Type: "DBIP-City-Lite"})
	if g.mmdb != "" {
		if err := g.writeMMDB(db); err != nil {
			return err
		}
	}
	ours, err := geoip2.OpenBytes(data)
	if err != nil {
		return err
	}
	theirs, err := geoip2.Open(g.file("GeoLite2-City.mmdb"))
	if errors.Is(err, fs.ErrNotExist) {
		g.say("no GeoLite2-City.mmdb in the cache: not compared")
		return nil
	} else if err != nil {
		return err
	}
	defer theirs.Close()
	rnd := rand.New(rand.NewPCG(20, 48))
	const addresses = 100_000
	for _, l := range [...]*lottery{newLottery(&systems.v4), newLottery(&systems.v6)} {
		var addrs []netip.Addr
		for _, n := range l.draw(rnd, addresses) {
			addrs = append(addrs, l.s.address(n.key))
		}
		name := fmt.Sprintf("IPv%d", l.s.version)
		if err := g.distances("built-in, "+name, addrs, readerOf(ours), readerOf(theirs)); err != nil {
			return err
		}
		if err := g.distances("its source, "+name, addrs, src.locate, readerOf(theirs)); err != nil {
			return err
		}
	}
	return nil
}

// locator answers for an address. The zero place is unlocated.
type locator func(netip.Addr) (place, error)

// readerOf answers from a database.
func readerOf(db *geoip2.Reader) locator {
	return func(addr netip.Addr) (p place, err error) {
		rec, err := db.City(addr)
		if err != nil {
			return p, err
		}
		p = place{country: rec.Country.ISOCode, city: rec.City.Names.English}
		if rec.Location.HasCoordinates() {
			p.lat, p.lon = *rec.Location.Latitude, *rec.Location.Longitude
		}
		return p, nil
	}
}

// distances prints how far two databases are apart where the second knows a
// city: it gives the middle of the country where it does not.
func (g *generator) distances(name string, addrs []netip.Addr, ours, theirs locator) error {
	both, same := 0, 0
	var km []float64
	for _, addr := range addrs {
		a, err := ours(addr)
		if err != nil {
			return err
		}
		b, err := theirs(addr)
		if err != nil {
			return err
		}
		if a.country == "" || b.country == "" {
			continue
		}
		both++
		same += equal(a.country, b.country)
		if b.city != "" {
			km = append(km, distance(a, b))
		}
	}
	slices.Sort(km)
	if both == 0 || len(km) == 0 {
		return fmt.Errorf("compare %s: nothing in common", name)
	}
	g.say("%s against GeoLite2 City: of %d addresses both locate %d, same country %.1f %%; where it knows the city (%d) median %.0f km, 80th percentile %.0f km",
		name, len(addrs), both, 100*float64(same)/float64(both), len(km), km[len(km)/2], km[len(km)*8/10])
	return nil
}

func equal(a, b string) int {
	if a == b {
		return 1
	}
	return 0
}

// distance is the great circle's, by the haversine formula, in kilometres.
func distance(a, b place) float64 {
	const radius, degree = 6371.0, math.Pi / 180
	la, lb := a.lat*degree, b.lat*degree
	dlat, dlon := (lb-la)/2, (b.lon-a.lon)*degree/2
	h := math.Pow(math.Sin(dlat), 2) + math.Cos(la)*math.Cos(lb)*math.Pow(math.Sin(dlon), 2)
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1)))
}

// writeMMDB writes the same tree with MaxMind's own writer, for programs that
// want a file, and to measure what package pack saves.
func (g *generator) writeMMDB(db *pack.Database) error {
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch: db.Epoch, DatabaseType: "DBIP-City-Lite", Languages: []string{"en"}, RecordSize: 28,
		Description:             map[string]string{"en": "derived from DB-IP City Lite, https://db-ip.com, CC BY 4.0"},
		DisableIPv4Aliasing:     true,
		IncludeReservedNetworks: true,
	})
	if err != nil {
		return err
	}
	records := make([]mmdbtype.Map, len(db.Places))
	for i, p := range db.Places {
		records[i] = cityRecord(p)
	}
	err = db.Each(func(prefix netip.Prefix, record int32) error {
		if record == 0 {
			return nil
		}
		return tree.Insert(ipNet(prefix), records[record])
	})
	if err != nil {
		return err
	}
	f, err := os.Create(g.mmdb)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := tree.WriteTo(f)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	data, err := os.ReadFile(g.mmdb)
	if err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return err
	}
	g.say("%s: %d bytes, %d under zstd", g.mmdb, size, len(enc.EncodeAll(data, nil)))
	return nil
}
