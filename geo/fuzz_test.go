package geo

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/oschwald/maxminddb-golang/v2"
)

// fuzzSeeds are small databases of each shape.
func fuzzSeeds(t testing.TB) [][]byte {
	one := func(kind string, version int, rec mmdbtype.Map) []byte {
		return fixture{kind: kind, version: version, records: map[string]mmdbtype.Map{"1.0.0.0/24": rec}}.bytes(t)
	}
	enterprise := nested("DE", "x", "y", 1, 2, 3)
	enterprise["traits"] = system(1, "a")
	isp := system(2, "b")
	isp["isp"] = mmdbtype.String("c")
	return [][]byte{
		cityFixture().bytes(t), asnFixture().bytes(t), one("city ipv4", 4, flat("DE", "x", "y", 1, 2)),
		one("GeoIP2-Enterprise", 6, enterprise), one("GeoIP2-ISP", 4, isp),
		one("ipinfo lite", 4, mmdbtype.Map{"asn": mmdbtype.String("AS1"), "country_code": mmdbtype.String("DE")}),
	}
}

// survive opens data as both kinds and looks addresses up. It panics where a
// panic of the library gets through, and fails where an answer breaks the rules.
func survive(t *testing.T, data []byte) {
	t.Helper()
	for _, kind := range []string{kindCity, kindASN} {
		var tab *table
		err := guard(func() error {
			reader, err := maxminddb.OpenBytes(data)
			if err != nil {
				return err
			}
			tab, err = newTable(kind, reader)
			return err
		})
		if err != nil {
			continue
		}
		tab.counts = new(counts)
		for _, text := range []string{"1.0.0.1", "1.0.2.1", "8.8.8.8", "2a00:1450::1", "2001:db8::1", "::1", "fe80::1"} {
			rec := tab.find(netip.MustParseAddr(text))
			if rec == nil {
				continue
			}
			l := *rec
			if l.HasCoordinates && (l.Precision < Region || (l.Latitude == 0 && l.Longitude == 0) ||
				!(l.Latitude >= -90 && l.Latitude <= 90 && l.Longitude >= -180 && l.Longitude <= 180)) {
				t.Errorf("coordinates without a place: %+v", l)
			}
			if !l.HasCoordinates && (l.Latitude != 0 || l.Longitude != 0 || l.AccuracyKM != 0) {
				t.Errorf("traces of coordinates: %+v", l)
			}
			if l.Country != countryCode(l.Country) {
				t.Errorf("country %q", l.Country)
			}
		}
	}
}

// FuzzOpen feeds damaged databases. Nothing may panic or run for ever.
func FuzzOpen(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}

// TestMutated does what FuzzOpen does, for some 1,200 damages that are the
// same every time: changed bytes, cuts, and stretches copied elsewhere.
func TestMutated(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, seed := range fuzzSeeds(t) {
		for range 200 {
			data := bytes.Clone(seed)
			for range 1 + rnd.IntN(4) {
				switch i := rnd.IntN(len(data)); rnd.IntN(4) {
				case 0:
					data[i] = byte(rnd.Uint32())
				case 1:
					data[i] ^= 1 << rnd.IntN(8)
				case 2:
					copy(data[i:], data[rnd.IntN(len(data)):])
				case 3:
					data = data[:max(i, 1)]
				}
			}
			survive(t, data)
		}
	}
}

// TestCircles looks into a search tree whose nodes lead to one another, which
// has no end for whoever walks all of it.
func TestCircles(t *testing.T) {
	data := cityFixture().bytes(t)
	reader, err := maxminddb.OpenBytes(bytes.Clone(data))
	if err != nil {
		t.Fatal(err)
	}
	nodes := int(reader.Metadata.NodeCount)
	for i := range nodes { // records of 24 bits: both lead to the next node
		next := (i + 1) % nodes
		copy(data[i*6:], []byte{byte(next >> 16), byte(next >> 8), byte(next), byte(next >> 16), byte(next >> 8), byte(next)})
	}
	survive(t, data)
	path := filepath.Join(t.TempDir(), "c.mmdb")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if db, err := Open(Config{City: path}); err == nil {
		db.Close()
		t.Error("opened")
	}
}

// TestFaultsCounted damages a record that the probe does not see.
func TestFaultsCounted(t *testing.T) {
	f := spread(300)
	f.records["9.9.9.0/24"] = nested("DE", "x", "MARK", 1, 2, 3)
	data := f.bytes(t)
	i := bytes.Index(data, []byte("\x44MARK"))
	if i < 0 {
		t.Fatal("record not found")
	}
	data[i] = 0x5f // a string longer than the file
	path := filepath.Join(t.TempDir(), "c.mmdb")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	db := open(t, Config{City: path})
	if got := db.Locate(netip.MustParseAddr("9.9.9.9")); got.Country != "" {
		t.Errorf("damaged record gives %+v", got)
	}
	if got := db.Locate(netip.MustParseAddr("1.0.7.9")); got.Country != "DE" {
		t.Errorf("good record gives %+v", got)
	}
	if db.Faults() != 1 {
		t.Errorf("%d faults", db.Faults())
	}
}
