package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/geo"
)

// noDatabases takes away what the tests' commands find otherwise, so that they have what
// was fetched, or the built-in.
var noDatabases = []string{"PACKETHEAT_GEO_CITY=", "PACKETHEAT_GEO_ASN="}

// mirror serves small databases as DB-IP does.
func mirror(t *testing.T) *httptest.Server {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{}
	for name, make := range map[string]func(string) error{"city": writeCity, "asn": writeASN} {
		files[name] = filepath.Join(dir, name)
		if err := make(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := strings.Split(filepath.Base(r.URL.Path), "-")[1]
		if r.URL.Path != "/free/dbip-"+kind+"-lite-"+time.Now().UTC().Format("2006-01")+".mmdb.gz" {
			http.NotFound(w, r)
			return
		}
		data, err := os.ReadFile(files[kind])
		if err != nil {
			t.Error(err)
		}
		zipped := gzip.NewWriter(w)
		_, _ = zipped.Write(data)
		_ = zipped.Close()
	}))
	t.Cleanup(server.Close)
	return server
}

// TestGeoUpdate fetches databases from a mirror, and finds them in use.
func TestGeoUpdate(t *testing.T) {
	server := mirror(t)
	dir := t.TempDir()
	env := append([]string{"PACKETHEAT_GEO_UPDATE_URL=" + server.URL}, noDatabases...)
	run := func(status int, args ...string) result {
		t.Helper()
		r := call{dir: dir, env: env, args: append([]string{"geo"}, args...)}.run(t)
		if r.status != status {
			t.Fatalf("geo %q: status %d\n%s%s", args, r.status, r.out, r.err)
		}
		return r
	}
	var got []updatedJSON
	if err := json.Unmarshal([]byte(run(exitDone, "update", "--json").out), &got); err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	month := time.Now().UTC().Format("2006-01")
	if g := got[0]; !g.Changed || g.Path != filepath.Join("data", "geoip", "city", "dbip-city-lite-"+month+".mmdb") || g.Kind != "city" {
		t.Errorf("%+v", g)
	}
	r := run(exitDone, "update")
	if strings.Count(r.out, "is the latest") != 2 || r.err != "" {
		t.Errorf("the second time:\n%s%s", r.out, r.err)
	}
	if out := run(exitDone, "lookup", "9.9.9.9").out; !strings.Contains(out, "Paris") || !strings.Contains(out, "AS64500") || !strings.Contains(out, "dbip-city-lite-"+month) {
		t.Errorf("located by what was fetched:\n%s", out)
	}
	out := run(exitDone, "status").out
	if !strings.Contains(out, "dbip-asn-lite-"+month) || !strings.Contains(out, "update of dbip-city-lite: checked") || strings.Contains(out, "built-in") {
		t.Errorf("status:\n%s", out)
	}

	// A file that is named comes first, and that is said.
	own := filepath.Join(dir, "own.mmdb")
	if err := writeCity(own); err != nil {
		t.Fatal(err)
	}
	env = append(env, "PACKETHEAT_GEO_CITY="+own)
	if r := run(exitDone, "update"); !strings.Contains(r.err, "is not in use, because "+own+" comes first") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("behind a file that was named:\n%s%s", r.out, r.err)
	}
}

// TestGeoUpdateFails shows what is said, and that what is there stays.
func TestGeoUpdateFails(t *testing.T) {
	dir := t.TempDir()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	env := append([]string{"PACKETHEAT_GEO_UPDATE_URL=" + server.URL}, noDatabases...)
	r := call{dir: dir, env: env, args: []string{"geo", "update"}}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, "update dbip-city-lite: neither this month's file") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
	}
	r = call{dir: dir, env: env, args: []string{"geo", "update"}}.run(t)
	if r.status != exitDone || !strings.Contains(r.out, "not asked before") {
		t.Errorf("at once again: status %d\n%s%s", r.status, r.out, r.err)
	}
	env = append(env, "PACKETHEAT_GEO_UPDATE_MAXMIND_ACCOUNT_ID=1")
	r = call{dir: dir, env: env, args: []string{"geo", "update"}}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, "geo.update.maxmind") {
		t.Errorf("half an account: status %d\n%s%s", r.status, r.out, r.err)
	}
}

// TestGeoUpdateFile takes databases from files, for who has no network.
func TestGeoUpdateFile(t *testing.T) {
	dir := t.TempDir()
	city := filepath.Join(dir, "GeoLite2-City.mmdb")
	if err := writeCity(city); err != nil {
		t.Fatal(err)
	}
	r := call{dir: dir, env: noDatabases, args: []string{"geo", "update", "--file", city, "--data", "store"}}.run(t)
	if r.status != exitDone || !strings.Contains(r.out, "new") {
		t.Fatalf("status %d\n%s%s", r.status, r.out, r.err)
	}
	if _, err := os.Stat(filepath.Join(dir, "store", "geoip", "city", "GeoLite2-City.mmdb")); err != nil {
		t.Error(err)
	}
	bad := filepath.Join(dir, "bad.mmdb")
	if err := os.WriteFile(bad, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	r = call{dir: dir, env: noDatabases, args: []string{"geo", "update", "--file", bad, "--data", "store"}}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, "not a MaxMind DB") {
		t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
	}
}

// oddLocations are locations with everything that may have to be escaped.
func oddLocations() map[string]geo.Location {
	return map[string]geo.Location{
		"9.9.9.9":       {Latitude: 48.8534, Longitude: -0.0001, HasCoordinates: true, Country: "FR", Region: "Île", City: "São \"Q\" \\", Precision: geo.City, AccuracyKM: 20, ASN: 4200000000, ASOrg: "A & <B>\n\x1b[31m"},
		"255.255.255.0": {Country: "US", Precision: geo.Country, ASN: 1},
		"10.0.0.1":      {},
		"2620:fe::fe":   {Latitude: -90, Longitude: 180, HasCoordinates: true, City: "\xff\u202e", Precision: geo.City},
		"fe80::1%e\"0":  {ASOrg: "x"},
	}
}

// TestGeoStream holds the lines of "geo lookup -" to what fmt and encoding/json make of
// the same answers.
func TestGeoStream(t *testing.T) {
	for text, at := range oddLocations() {
		addr := netip.MustParseAddr(text)
		want := foundJSON{IP: addr.String(), Country: at.Country, Region: at.Region, City: strings.ToValidUTF8(at.City, "\ufffd"), Precision: at.Precision.String(),
			AccuracyKM: at.AccuracyKM, ASN: at.ASN, ASOrg: at.ASOrg, Labels: []string{"cloud", "a \"b\" <c>"}, Source: "x.mmdb"}
		if at.HasCoordinates {
			want.Latitude, want.Longitude = &at.Latitude, &at.Longitude
		}
		line := appendObject(nil, addr, &at, newTagText(want.Labels), "x.mmdb")
		var got foundJSON
		if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Errorf("%s: %v: %s", text, err, line)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if got, want := string(appendRow(nil, addr, &at, newTagText(want.Labels), "x.mmdb")), tabbed(want.cells())+"\n"; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestGeoLookupShowsLabels asks for a built-in label, a list's, and a network's name.
func TestGeoLookupShowsLabels(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), []byte("203.0.113.0/24\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append([]string{"PACKETHEAT_GEO_LABELS=[{file: mine.txt, label: my devices}]",
		"PACKETHEAT_GEO_NETWORKS=[{network: 203.0.113.0/28, name: lab, latitude: 1, longitude: 2}]"}, noDatabases...)
	for _, way := range [][]string{{"203.0.113.7", "1.1.1.1", "192.0.2.1"}, {"-"}} {
		r := call{dir: dir, env: env, args: append([]string{"geo", "lookup", "--json"}, way...), stdin: "203.0.113.7\n1.1.1.1\n192.0.2.1\n"}.run(t)
		var got []foundJSON
		if way[0] == "-" {
			r.out = "[" + strings.ReplaceAll(strings.TrimSpace(r.out), "\n", ",") + "]"
		}
		if err := json.Unmarshal([]byte(r.out), &got); err != nil || len(got) != 3 {
			t.Fatalf("%v: %s%s", err, r.out, r.err)
		}
		for i, want := range [][]string{{"lab", "my devices"}, {"anycast", "cloud"}, {}} {
			if diff := cmp.Diff(want, got[i].Labels); diff != "" {
				t.Errorf("%v: %s (-want +got):\n%s", way, got[i].IP, diff)
			}
		}
	}
	r := call{dir: dir, env: env, args: []string{"geo", "lookup", "203.0.113.7"}}.run(t)
	if !strings.Contains(r.out, "lab, my devices") {
		t.Errorf("table:\n%s", r.out)
	}
}

// tabbed joins cells by tabs, each cleaned.
func tabbed(cells []string) string {
	clean := make([]string, len(cells))
	for i, cell := range cells {
		clean[i] = term.Clean(cell)
	}
	return strings.Join(clean, "\t")
}

// FuzzParseAddr compares with netip.
func FuzzParseAddr(f *testing.F) {
	for _, seed := range []string{"1.2.3.4", "01.2.3.4", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1..2.3", "::1", "fe80::1%eth0", "", "1.2.3.4 ", "0.0.0.0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := netip.ParseAddr(s)
		got, ok := parseAddr([]byte(s))
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q is %v %v, want %v %v", s, got, ok, want, err)
		}
	})
}

// TestGeoStreamWaits gives addresses one at a time: each is answered before the next.
func TestGeoStreamWaits(t *testing.T) {
	db, err := geo.Open(geo.Config{City: cityFile(t), Search: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	in, type_ := io.Pipe()
	read, out := io.Pipe()
	l := &lookup{program: &program{out: out, err: io.Discard}, db: db, tags: newLabelling(nil)}
	done := make(chan error, 1)
	go func() { done <- l.stream(in) }()
	answer := make([]byte, 1<<12)
	for range 3 {
		if _, err := fmt.Fprintln(type_, "\t9.9.9.9 seen twice"); err != nil {
			t.Fatal(err)
		}
		n, err := read.Read(answer)
		if err != nil || !strings.HasPrefix(string(answer[:n]), "9.9.9.9\t48.8534,2.3488\tFR\t\tParis\t") {
			t.Errorf("%q, %v", answer[:n], err)
		}
	}
	go io.Copy(io.Discard, read)
	fmt.Fprintln(type_, strings.Repeat("x", 3*longestLine))
	fmt.Fprintln(type_, "9.9.9.9")
	type_.Close()
	if err := <-done; err == nil || err.Error() != "1 lines were no addresses" {
		t.Errorf("error is %v", err)
	}
}

// cityFile is the small database of places.
func cityFile(tb testing.TB) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "city.mmdb")
	if err := writeCity(name); err != nil {
		tb.Fatal(err)
	}
	return name
}
