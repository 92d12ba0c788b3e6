package update

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/geo"
)

func diff(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// TestDBIP follows DB-IP over the turn of a month.
func TestDBIP(t *testing.T) {
	p := publish(t, httptest.NewServer)
	dir := filepath.Join(t.TempDir(), "geoip")
	u := updater(t, p, Config{Dir: dir})
	month := func(name string, m time.Month) string {
		return fmt.Sprintf("/free/dbip-%s-lite-2026-%02d.mmdb.gz", name, m)
	}
	offer := func(m time.Month) {
		built := time.Date(2026, m, 1, 3, 0, 0, 0, time.UTC)
		p.at(month("city", m), send(zip(t, database(t, "DBIP-City-Lite", built))))
		p.at(month("asn", m), send(zip(t, database(t, "DBIP-ASN-Lite (compat=GeoLite2-ASN)", built))))
	}
	run := func() []Result {
		t.Helper()
		results, err := u.Update(context.Background(), false)
		if err != nil || len(results) != 2 {
			t.Fatalf("results %+v, error %v", results, err)
		}
		return results
	}
	offer(10)
	got := run()
	diff(t, "requests before November is out", []string{month("city", 11), month("city", 10), month("asn", 11), month("asn", 10)}, p.asked())
	october := []string{"asn/dbip-asn-lite-2026-10.mmdb", "city/dbip-city-lite-2026-10.mmdb"}
	diff(t, "files", october, files(t, dir))
	if r := got[0]; !r.Changed || r.Path != filepath.Join(dir, october[1]) || r.Source.Type != "DBIP-City-Lite" || r.Source.Built.Month() != 10 {
		t.Errorf("result %+v", r)
	}
	if got := run(); got[0].Changed || got[0].Note != "is the latest" {
		t.Errorf("the same again: %+v", got[0])
	}
	diff(t, "requests with October there", []string{month("city", 11), month("asn", 11)}, p.asked())

	offer(11)
	run()
	p.asked()
	diff(t, "files", []string{"asn/dbip-asn-lite-2026-11.mmdb", "city/dbip-city-lite-2026-11.mmdb"}, files(t, dir))
	run()
	diff(t, "requests with November there", []string(nil), p.asked())

	db, err := geo.Open(geo.Config{Search: []string{}, Fetched: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if l := db.Locate(netip.MustParseAddr("1.2.3.4")); l.City != "Munich" || l.ASN != 64500 {
		t.Errorf("located by what was fetched: %+v", l)
	}
	for _, s := range db.Sources() {
		if s.InUse && s.Attribution != "IP Geolocation by DB-IP" {
			t.Errorf("source %+v", s)
		}
	}
}

// maxmind offers a database by MaxMind's protocol, the file itself on another server.
func maxmind(t *testing.T, p, storage *publisher, edition string, data []byte, hash string) {
	p.at("/geoip/updates/metadata", func(w http.ResponseWriter, r *http.Request) {
		if id, key, _ := r.BasicAuth(); id != "42" || key != "secret" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"databases":[{"date":"2026-11-20","edition_id":%q,"md5":%q}]}`, r.URL.Query().Get("edition_id"), hash)
	})
	p.at("/geoip/databases/"+edition+"/download", func(w http.ResponseWriter, r *http.Request) {
		if id, key, _ := r.BasicAuth(); id != "42" || key != "secret" || r.URL.RawQuery != "date=20261120&suffix=tar.gz" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, storage.URL+"/file?signature=x", http.StatusFound)
	})
	storage.at("/file", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key went to another host")
		}
		send(archive(t, edition+".mmdb", data))(w, r)
	})
}

// TestMaxMind asks for the hash first, and for the file where it differs.
func TestMaxMind(t *testing.T) {
	p := publish(t, httptest.NewServer)
	storage := publish(t, httptest.NewServer)
	storage.URL = strings.Replace(storage.URL, "127.0.0.1", "localhost", 1) // another host for the client
	dir := t.TempDir()
	cfg := Config{Dir: dir, AccountID: "42", LicenseKey: "secret", Editions: []string{"GeoLite2-City"}}
	u := updater(t, p, cfg)
	run := func() (Result, error) {
		results, err := u.Update(context.Background(), true)
		return results[0], err
	}
	data := database(t, "GeoLite2-City", november)
	maxmind(t, p, storage, "GeoLite2-City", data, strings.ToUpper(sum(data)))
	if r, err := run(); err != nil || !r.Changed || r.Source.Type != "GeoLite2-City" {
		t.Fatalf("%+v, %v", r, err)
	}
	diff(t, "requests", []string{"/geoip/updates/metadata", "/geoip/databases/GeoLite2-City/download"}, p.asked())
	if r, err := run(); err != nil || r.Changed {
		t.Errorf("the same again: %+v, %v", r, err)
	}
	diff(t, "requests with the same hash", []string{"/geoip/updates/metadata"}, p.asked())

	newer := database(t, "GeoLite2-City", november.Add(time.Hour))
	maxmind(t, p, storage, "GeoLite2-City", newer, sum([]byte("other")))
	if _, err := run(); err == nil || !strings.Contains(err.Error(), "damaged on its way") {
		t.Errorf("a wrong hash gives %v", err)
	}
	diff(t, "files", []string{"city/GeoLite2-City.mmdb"}, files(t, dir))
	if have, err := hashOf(filepath.Join(dir, "city", "GeoLite2-City.mmdb")); have != sum(data) {
		t.Errorf("the old file is gone, %v", err)
	}

	maxmind(t, p, storage, "GeoLite2-ASN", data, sum(data))
	u.Editions = []string{"GeoLite2-ASN"} // a City database under its name
	if _, err := run(); err == nil || !strings.Contains(err.Error(), "none of autonomous systems") {
		t.Errorf("another kind gives %v", err)
	}

	wrong := updater(t, p, Config{Dir: t.TempDir(), AccountID: "42", LicenseKey: "guess"})
	_, err := wrong.Update(context.Background(), false)
	var answer *answerError
	if !errors.As(err, &answer) || !answer.final() || !strings.Contains(err.Error(), "license_key") || strings.Contains(err.Error(), "guess") {
		t.Errorf("a wrong key gives %v", err)
	}
	p.asked()
	if _, err := wrong.Update(context.Background(), false); err != nil {
		t.Error(err)
	}
	diff(t, "requests after a final answer", []string(nil), p.asked())
	if list, err := ReadStatus(wrong.Dir); err != nil || len(list) != 2 || list[0].Failures != 1 {
		t.Errorf("status %+v, %v", list, err)
	}
	right := cfg
	right.Dir = wrong.Dir
	maxmind(t, p, storage, "GeoLite2-City", data, sum(data))
	if results, err := updater(t, p, right).Update(context.Background(), false); err != nil || !results[0].Changed {
		t.Errorf("with another key: %+v, %v", results, err)
	}
	if list, err := ReadStatus(wrong.Dir); err != nil || len(list) != 1 || list[0].Failures != 0 {
		t.Errorf("with one edition, status %+v, %v", list, err)
	}
}

func TestNew(t *testing.T) {
	for name, tt := range map[string]struct {
		cfg  Config
		want string
	}{
		"key alone":   {Config{LicenseKey: "x"}, "account_id"},
		"id alone":    {Config{AccountID: "1"}, "license_key"},
		"no address":  {Config{DBIP: "mirror"}, `"mirror" is no address`},
		"plain":       {Config{AccountID: "1", LicenseKey: "x", MaxMind: "http://mirror.example.net"}, "unencrypted"},
		"two of kind": {Config{Editions: []string{"GeoIP2-City", "GeoLite2-City"}}, "editions"},
		"path":        {Config{Editions: []string{"../x"}}, "editions"},
		"good":        {Config{AccountID: "1", LicenseKey: "x", Editions: []string{"GeoIP2-Enterprise", "GeoIP2-ISP"}}, ""},
		"mirror":      {Config{DBIP: "http://mirror.example.net/geo/"}, ""},
		"loopback":    {Config{AccountID: "1", LicenseKey: "x", MaxMind: "http://[::1]:80"}, ""},
	} {
		_, err := New(tt.cfg)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
