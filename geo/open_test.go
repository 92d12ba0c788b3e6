package geo

import (
	"bytes"
	"compress/gzip"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// TestOpenErrors opens what a user may have configured by mistake. The error
// has to name the key, the file and what to do.
func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := cityFixture().bytes(t)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(good); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	anonymous := fixture{kind: "GeoIP2-Anonymous-IP", records: map[string]mmdbtype.Map{
		"1.0.0.0/24": {"is_anonymous": mmdbtype.Bool(true)},
	}}
	tests := []struct {
		name string
		cfg  Config
		want []string
	}{
		{"missing", Config{City: filepath.Join(dir, "none.mmdb")}, []string{"geo.city", "none.mmdb", "no such file"}},
		{"folder", Config{City: dir}, []string{"geo.city", "folder"}},
		{"empty", Config{ASN: file("empty.mmdb", nil)}, []string{"geo.asn", "empty.mmdb", "empty file"}},
		{"text", Config{City: file("text.mmdb", []byte("not found\n"))}, []string{"geo.city", "not a MaxMind DB"}},
		{"gzip", Config{City: file("x.mmdb.gz", zipped.Bytes())}, []string{"geo.city", "gunzip"}},
		{"truncated", Config{City: file("cut.mmdb", good[:len(good)/2])}, []string{"geo.city", "cut.mmdb", "fetch it again"}},
		{"city as asn", Config{ASN: file("city.mmdb", good)}, []string{"geo.asn", "GeoLite2-City", "no asn, as_org", "GeoLite2-ASN.mmdb"}},
		{"asn as city", Config{City: asnFixture().write(t, dir, "asn.mmdb")},
			[]string{"geo.city", "GeoLite2-ASN", "latitude, longitude, country, region, city", "GeoLite2-City.mmdb"}},
		{"anonymous", Config{City: anonymous.write(t, dir, "anon.mmdb")}, []string{"geo.city", "GeoIP2-Anonymous-IP", "country"}},
		{"no records", Config{City: fixture{kind: "GeoLite2-City"}.write(t, dir, "bare.mmdb")}, []string{"geo.city", "GeoLite2-City", "country"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := Open(tt.cfg)
			if err == nil {
				db.Close()
				t.Fatal("opened")
			}
			for _, word := range tt.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q is not in: %v", word, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	path := cityFixture().write(t, t.TempDir(), "c.mmdb")
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{City: path}); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("error is %v", err)
	}
}

// TestDiscovery checks which of several files is taken, and that a bad one is
// passed over with a reason.
func TestDiscovery(t *testing.T) {
	named := func(city string) fixture {
		return fixture{kind: "DBIP-City-Lite", records: map[string]mmdbtype.Map{
			"1.0.0.0/24":     nested("DE", "x", city, 1, 2, 3),
			"2a00:1450::/32": nested("DE", "x", city, 1, 2, 3),
		}}
	}
	first, second := t.TempDir(), t.TempDir()
	cfg := Config{Search: []string{filepath.Join(first, "absent"), first, second}}
	addr := netip.MustParseAddr("1.0.0.1")
	steps := []struct {
		dir, file, city string
	}{
		{second, "GeoIP2-City.mmdb", "in the second folder"},
		{first, "dbip-city-lite-2026-09.mmdb", "September"},
		{first, "dbip-city-lite-2026-11.mmdb", "November"},
		{first, "dbip-city-lite-2026-10.mmdb", ""},
		{first, "GeoLite2-City.mmdb", "MaxMind"},
		{first, "GeoLite2-Country.mmdb", ""}, // knows less than the built-in
		{first, "GeoIP2-Enterprise.mmdb", "Enterprise"},
	}
	want := ""
	for _, step := range steps {
		named(step.city).write(t, step.dir, step.file)
		if step.city != "" {
			want = step.city
		}
		db := open(t, cfg)
		if got := db.Locate(addr).City; got != want {
			t.Errorf("with %s, %q is used, want %q", step.file, got, want)
		}
		if sources := db.Sources(); len(sources) == 0 || !sources[0].InUse || filepath.Dir(sources[0].Path) != step.dir {
			t.Errorf("with %s, sources are %+v", step.file, sources)
		}
	}
	if err := os.WriteFile(filepath.Join(first, "GeoIP2-Enterprise.mmdb"), []byte("half a file"), 0o644); err != nil {
		t.Fatal(err)
	}
	asnFixture().write(t, first, "GeoIP2-City.mmdb")
	db := open(t, cfg)
	if got := db.Locate(addr).City; got != "MaxMind" {
		t.Errorf("behind bad files, %q is used", got)
	}
	sources := db.Sources()
	if len(sources) < 3 {
		t.Fatalf("sources are %+v", sources)
	}
	for i, reason := range []string{"not a MaxMind DB", "GeoLite2-ASN"} {
		if s := sources[i]; s.InUse || !strings.HasPrefix(s.Warning, "skipped: ") || !strings.Contains(s.Warning, reason) {
			t.Errorf("source %d is %+v, want it skipped for %q", i, s, reason)
		}
	}
	if s := sources[2]; !s.InUse || s.Name != "GeoLite2-City.mmdb" {
		t.Errorf("third source is %+v", s)
	}
}

func TestSources(t *testing.T) {
	dir := t.TempDir()
	city := cityFixture().write(t, dir, "c.mmdb")
	db := open(t, Config{City: city, ASN: asnFixture().write(t, dir, "a.mmdb")})
	const text, url = "This product includes GeoLite2 data created by MaxMind", "https://www.maxmind.com"
	built := time.Unix(1780000000, 0).UTC()
	want := []Source{
		{Kind: "city", Name: "c.mmdb", Path: city, Type: "GeoLite2-City", Built: built, IPVersion: 6, Attribution: text, AttributionURL: url, InUse: true},
		{Kind: "asn", Name: "a.mmdb", Path: filepath.Join(dir, "a.mmdb"), Type: "GeoLite2-ASN", Built: built, IPVersion: 6, Attribution: text, AttributionURL: url, InUse: true},
	}
	if diff := cmp.Diff(want, db.Sources()); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Credit{{text, url}}, db.Attribution()); diff != "" {
		t.Errorf("attribution (-want +got):\n%s", diff)
	}
}

func TestClose(t *testing.T) {
	db, err := Open(Config{City: cityFixture().write(t, t.TempDir(), "c.mmdb"), Search: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	addr, cache := netip.MustParseAddr("1.0.0.1"), NewCache(db, 0)
	if cache.Locate(addr).City != "Munich" {
		t.Error("not located while open")
	}
	for range 2 {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if db.Locate(addr) != (Location{}) || cache.Locate(addr) != (Location{}) {
		t.Error("located after Close")
	}
	if err := db.Reload(); err == nil {
		t.Error("reloaded after Close")
	}
	var zero DB
	if zero.Locate(addr) != (Location{}) || zero.Generation() != 0 || zero.Sources() != nil || NewCache(&zero, 1).Locate(addr) != (Location{}) {
		t.Error("the zero DB answers")
	}
}

// TestSourceOf names the database that is asked.
func TestSourceOf(t *testing.T) {
	dir := t.TempDir()
	v4 := fixture{kind: "city ipv4", version: 4, records: map[string]mmdbtype.Map{"1.0.0.0/24": flat("AU", "", "Sydney", -33.8688, 151.209)}}
	db := open(t, Config{
		City:     v4.write(t, dir, "four.mmdb"),
		Networks: []Network{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Name: "ours", Country: "CH"}},
	})
	for text, want := range map[string]string{
		"1.0.0.1": "four.mmdb", "9.9.9.9": "four.mmdb", "64:ff9b::1.0.0.1": "four.mmdb", "2a00:1450::1": builtinName, "10.1.2.3": "geo.networks",
	} {
		if got := db.SourceOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	var zero DB
	if got := zero.SourceOf(netip.MustParseAddr("1.0.0.1")) + db.SourceOf(netip.Addr{}); got != "" {
		t.Errorf("nothing gives %q", got)
	}
}
