package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
)

// branches is traffic of a head office, 10.0.0.5, with two branches, one on the map and
// one not, and with the world.
func branches() []byte {
	return pcap([][]byte{
		udp(us, "10.30.0.9", 40000, 53), udp("10.30.0.9", us, 53, 40000), udp("10.30.7.1", "10.30.0.9", 1000, 53),
		udp(us, "10.40.0.9", 40000, 53), udp(us, "10.50.0.9", 40000, 53), udp(us, "9.9.9.9", 40000, 53),
	})
}

const branchConfig = `
geo:
  home: {latitude: 52.52, longitude: 13.405, name: office}
  networks:
    - {network: 10.30.0.0/16, name: Harbour, latitude: 53.5511, longitude: 9.9937, country: DE, map: true}
    - {network: 10.30.7.0/24, city: Kiel, latitude: 54.3233, longitude: 10.1228, country: DE, map: true}
    - {network: 10.40.0.0/16, name: Secret, latitude: 1, longitude: 2}
    - {network: 9.9.9.8/30, city: Lyon, latitude: 45.7485, longitude: 4.8467, country: FR}
`

// geo.networks puts branches on the map, private or not, the longest prefix first; the
// map shows us at geo.home; a masked page has neither.
func TestOwnPlaces(t *testing.T) {
	dir := put(t, "office.pcap", branches())
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(branchConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (call{dir: dir, args: []string{"config", "check"}}).run(t); r.status != exitDone || strings.Contains(r.err, "warning") {
		t.Errorf("config check: %s%s", r.out, r.err)
	}
	packetheat(t, dir, "replay", "office.pcap", "--data", "data")
	rows, err := csv.NewReader(strings.NewReader(packetheat(t, dir, "export", "csv", "-o", "-").out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		var cells []string
		for _, name := range []string{"direction", "ip", "peer", "latitude", "longitude", "city", "country", "precision"} {
			cells = append(cells, row[slices.Index(rows[0], name)])
		}
		got = append(got, strings.Join(cells, " "))
	}
	want := []string{
		"out 9.9.9.9 10.0.0.5 45.7485 4.8467 Lyon FR city",
		"in 10.30.0.9 10.0.0.5 53.5511 9.9937 Harbour DE city",
		"out 10.30.0.9 10.0.0.5 53.5511 9.9937 Harbour DE city",
		"out 10.30.0.9 10.30.7.1 53.5511 9.9937 Harbour DE city",
		"in 10.30.7.1 10.30.0.9 54.3233 10.1228 Kiel DE city",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	read := func(flags ...string) *page.Saved {
		name := filepath.Join(t.TempDir(), "map.html")
		packetheat(t, dir, append([]string{"export", "html", "-o", name}, flags...)...)
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := page.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := read(); s.Meta.Home == nil || *s.Meta.Home != (page.Home{Latitude: 52.52, Longitude: 13.405, Name: "office"}) || len(s.Places) != 3 {
		t.Errorf("home is %+v, places are %+v", s.Meta.Home, s.Places)
	}
	s := read("--mask", "--mask-k", "1")
	if s.Meta.Home != nil {
		t.Errorf("a masked page tells that home is %+v", s.Meta.Home)
	}
	for _, p := range s.Places {
		if p.City != "" || p.HasCoordinates {
			t.Errorf("a masked page tells of %+v", p)
		}
	}
}
