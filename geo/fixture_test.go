package geo

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// fixture is a small MMDB to be written: a type, and records by network.
type fixture struct {
	kind    string
	version int
	records map[string]mmdbtype.Map
}

// bytes writes the database with MaxMind's writer.
func (f fixture) bytes(t testing.TB) []byte {
	t.Helper()
	version := f.version
	if version == 0 {
		version = 6
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch: 1780000000, DatabaseType: f.kind, IPVersion: version, RecordSize: 24,
		DisableIPv4Aliasing: true, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range f.records {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write puts the database into a file.
func (f fixture) write(t testing.TB, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, f.bytes(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func english(s string) mmdbtype.Map {
	return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(s), "de": mmdbtype.String("de:" + s)}}
}

// nested is a record of GeoLite2 City.
func nested(country, region, city string, lat, lon float64, radius uint16) mmdbtype.Map {
	m := mmdbtype.Map{
		"country":            mmdbtype.Map{"iso_code": mmdbtype.String(country), "names": mmdbtype.Map{"en": mmdbtype.String("?")}},
		"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("US")},
		"location": mmdbtype.Map{
			"latitude": mmdbtype.Float64(lat), "longitude": mmdbtype.Float64(lon),
			"accuracy_radius": mmdbtype.Uint16(radius), "time_zone": mmdbtype.String("UTC"),
		},
	}
	if region != "" {
		m["subdivisions"] = mmdbtype.Slice{english(region), english("a county")}
	}
	if city != "" {
		m["city"] = english(city)
	}
	return m
}

// flat is a record of ip-location-db, which has 32 bits for coordinates.
func flat(country, region, city string, lat, lon float32) mmdbtype.Map {
	return mmdbtype.Map{
		"country_code": mmdbtype.String(country), "state1": mmdbtype.String(region), "state2": mmdbtype.String(""),
		"city": mmdbtype.String(city), "postcode": mmdbtype.String(""), "timezone": mmdbtype.String(""),
		"latitude": mmdbtype.Float32(lat), "longitude": mmdbtype.Float32(lon),
	}
}

func system(number uint32, org string) mmdbtype.Map {
	return mmdbtype.Map{
		"autonomous_system_number":       mmdbtype.Uint32(number),
		"autonomous_system_organization": mmdbtype.String(org),
	}
}

// The fixtures that several tests use. 1.0.0.0/24 and its neighbours are in
// all of them.
func cityFixture() fixture {
	return fixture{kind: "GeoLite2-City", records: map[string]mmdbtype.Map{
		"1.0.0.0/24":        nested("DE", "Bavaria", "Munich", 48.13743, 11.57549, 20),
		"1.0.1.0/24":        nested("DE", "Bavaria", "", 49.0, 11.5, 200),
		"1.0.2.0/24":        nested("DE", "", "", 51.2993, 9.491, 1000),
		"1.0.3.0/24":        nested("GH", "Null", "Island", 0, 0, 10),
		"1.0.4.0/24":        nested("DE", "Bavaria", "Nowhere", 148, 11, 10),
		"1.0.5.0/24":        {"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("AU")}},
		"2a00:1450::/32":    nested("IE", "Leinster", "Dublin", 53.33306, -6.24889, 50),
		"2001:db8::/32":     nested("ZZ", "", "", 1, 1, 1),
		"2002:102:300::/40": nested("FR", "Île-de-France", "Paris", 48.8534, 2.3488, 1),
	}}
}

func asnFixture() fixture {
	return fixture{kind: "GeoLite2-ASN", records: map[string]mmdbtype.Map{
		"1.0.0.0/24":     system(13335, "Cloudflare, Inc."),
		"1.0.1.0/24":     system(4200000000, "Private"),
		"2a00:1450::/32": system(15169, "Google LLC"),
	}}
}

// unpacked holds the built-in databases for all tests, which would otherwise
// unpack them again and again.
var unpacked = sync.OnceValues(func() (map[string]*table, error) {
	db := &DB{}
	err := db.builtin([]string{kindCity, kindASN})
	return db.inside, err
})

// open opens databases as Open does, with no discovery unless asked for, and
// closes them with the test.
func open(t testing.TB, cfg Config) *DB {
	t.Helper()
	if cfg.Search == nil {
		cfg.Search = []string{}
	}
	inside, err := unpacked()
	if err != nil {
		t.Fatal(err)
	}
	db := newDB(cfg)
	db.inside = make(map[string]*table)
	for kind, shared := range inside {
		db.inside[kind] = &table{reader: shared.reader, schema: shared.schema, has4: true, has6: true, source: shared.source, counts: &db.counts}
	}
	if err := db.Reload(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
