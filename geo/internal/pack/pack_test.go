package pack

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oschwald/geoip2-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2"
)

// places is a small world in order, with all that can be missing in a record.
func places() []Place {
	return []Place{
		{},
		{Country: "AQ", Lat: -900000, Lon: 1},
		{Country: "DE", Region: "Berlin", City: "Berlin", Lat: 525200, Lon: 134050},
		{Country: "DE", Region: "Berlin", City: "Berlin", Lat: 525201, Lon: 134050},
		{Country: "DE", Region: "Hesse", Lat: 500000, Lon: 90000},
		{Country: "DE", Region: "Hesse", City: "Bad Homburg vor der Höhe", Lat: 502268, Lon: 86182},
		{Country: "FR", City: "Berlin", Lat: 488534, Lon: 23488},
		{Country: "FR", Region: "Île-de-France", City: "Paris", Lat: 488534, Lon: -23488},
	}
}

// grow makes a random tree with about n splits.
func grow(rnd *rand.Rand, n, depth, maxDepth, records int) []int32 {
	if n == 0 || depth == maxDepth {
		return []int32{int32(rnd.IntN(records))}
	}
	left := rnd.IntN(n)
	out := append([]int32{Split}, grow(rnd, left, depth+1, maxDepth, records)...)
	return append(out, grow(rnd, n-1-left, depth+1, maxDepth, records)...)
}

func random(seed uint64, splits int) *Database {
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := places()
	v6 := append([]int32{Split, Split, 0}, grow(rnd, splits, 2, 64, len(p))...)
	return &Database{Epoch: 1780000000, Places: p, V4: grow(rnd, splits, 0, 32, len(p)), V6: append(v6, 0)}
}

func TestEncodeDecode(t *testing.T) {
	systems := []System{{}, {1, "Level 3"}, {255, ""}, {256, "x"}, {4096, "a\xffb"}, {4294967295, "last"}}
	tests := map[string]*Database{
		"empty trees":  {Places: places()[:1], V4: []int32{0}, V6: []int32{0}},
		"small":        random(1, 3),
		"middle":       random(2, 1000),
		"large":        random(3, 20_000),
		"systems":      {Epoch: 5, Systems: systems, V4: []int32{Split, 1, Split, 5, 2}, V6: []int32{Split, 0, 3}},
		"deepest IPv6": {Places: places(), V4: []int32{7}, V6: chain(64)},
	}
	for name, db := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(db)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(db, got); diff != "" {
				t.Errorf("decoded database differs (-want +got):\n%s", diff)
			}
		})
	}
}

// chain is a tree that goes down on the right to the given depth.
func chain(depth int) (nodes []int32) {
	for i := range depth {
		nodes = append(nodes, Split, int32(i%8))
	}
	return append(nodes, 3)
}

func TestEncodeRefusesUnsorted(t *testing.T) {
	if _, err := Encode(&Database{Places: places()[1:], V4: []int32{0}, V6: []int32{0}}); err == nil {
		t.Error("Encode took places that do not begin with the empty one")
	}
}

// TestDecodeDamaged cuts and changes packed data everywhere. Nothing of it may
// pass, and nothing may panic.
func TestDecodeDamaged(t *testing.T) {
	data, err := Encode(random(4, 50))
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		if _, err := Decode(data[:i]); err == nil {
			t.Fatalf("Decode took the first %d of %d bytes", i, len(data))
		}
	}
	// The checksum covers all that follows the header.
	for i := len(data) - 100; i < len(data); i++ {
		bad := bytes.Clone(data)
		bad[i] ^= 0x10
		if _, err := Decode(bad); err == nil {
			t.Fatalf("Decode took data with byte %d changed", i)
		}
	}
}

// TestDecodeTreeDamaged gets past the checksum, as a fuzzer would not.
func TestDecodeTreeDamaged(t *testing.T) {
	db := random(5, 500)
	groups := groupPlaces(db.Places)
	data := encodeTree(db.V4, groups)
	for i := 0; i < len(data); i += 1 + len(data)/100 {
		bad := bytes.Clone(data)
		bad[i] ^= byte(1 + i%255)
		nodes, err := decodeTree(bad, len(db.V4), groups)
		if err == nil && len(nodes) != len(db.V4) {
			t.Fatalf("byte %d changed: %d nodes without an error", i, len(nodes))
		}
		for _, n := range nodes {
			if n != Split && (n < 0 || int(n) >= len(db.Places)) {
				t.Fatalf("byte %d changed: node %d is no record", i, n)
			}
		}
	}
}

// TestMMDB looks up every block of a database in the file made of it, with the
// library that users have.
func TestMMDB(t *testing.T) {
	db := random(6, 2000)
	data := db.MMDB(Metadata{Type: "DBIP-City-Lite", Description: "test"})
	low, err := maxminddb.OpenBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	if low.Metadata.BuildEpoch != 1780000000 || low.Metadata.Description["en"] != "test" || low.Metadata.IPVersion != 6 {
		t.Errorf("metadata is %+v", low.Metadata)
	}
	if err := low.Verify(); err != nil {
		t.Errorf("verify: %v", err)
	}
	reader, err := geoip2.OpenBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	err = db.Each(func(prefix netip.Prefix, record int32) error {
		blocks++
		rec, err := reader.City(prefix.Addr())
		if err != nil {
			return err
		}
		// The leftmost leaf of IPv6 has made way for IPv4.
		if prefix.Addr().Is6() && prefix.Addr().IsUnspecified() {
			return nil
		}
		if diff := cmp.Diff(db.Places[record], placeOf(rec)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", prefix, diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (len(db.V4) + len(db.V6) + 2) / 2; blocks != want {
		t.Errorf("Each went through %d blocks, want %d", blocks, want)
	}
}

func placeOf(rec *geoip2.City) (p Place) {
	p.Country, p.City = rec.Country.ISOCode, rec.City.Names.English
	if len(rec.Subdivisions) > 0 {
		p.Region = rec.Subdivisions[0].Names.English
	}
	if rec.Location.HasCoordinates() {
		p.Lat, p.Lon = int32(round(*rec.Location.Latitude*1e4)), int32(round(*rec.Location.Longitude*1e4))
	}
	return p
}

func round(x float64) float64 {
	if x < 0 {
		return x - 0.5
	}
	return x + 0.5
}

func TestMMDBSystems(t *testing.T) {
	db := &Database{
		Systems: []System{{}, {15169, "Google LLC"}, {64512, ""}, {4200000000, "Google LLC"}},
		V4:      []int32{Split, 1, Split, 2, 3}, V6: []int32{Split, 0, 3},
	}
	reader, err := geoip2.OpenBytes(db.MMDB(Metadata{Type: "GeoLite2-ASN"}))
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]System{
		"8.8.8.8": db.Systems[1], "130.0.0.1": db.Systems[2], "200.0.0.1": db.Systems[3], "8000::1": db.Systems[3], "2000::1": {},
	} {
		rec, err := reader.ASN(netip.MustParseAddr(addr))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, System{uint32(rec.AutonomousSystemNumber), rec.AutonomousSystemOrganization}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", addr, diff)
		}
	}
}

// TestWideRecords makes a tree too large for records of 24 bits.
func TestWideRecords(t *testing.T) {
	w := treeWriter{recordBits: 28, out: make([]byte, 0, 14)}
	for _, pair := range [][2]int{{0x0abcdef, 0xfedcba9}, {0xfffffff, 1}} {
		_, at := w.reserve()
		w.set(at, pair[0], pair[1])
		b := w.out[at:]
		left := int(b[3]>>4)<<24 | int(b[0])<<16 | int(b[1])<<8 | int(b[2])
		right := int(b[3]&15)<<24 | int(b[4])<<16 | int(b[5])<<8 | int(b[6])
		if left != pair[0] || right != pair[1] {
			t.Errorf("wrote %x and %x, read %x and %x", pair[0], pair[1], left, right)
		}
	}
}
