package page

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden vectors anew")

// vector is the data of the golden vector: every kind of place, row and detail,
// numbers of every size, names that need care.
func vector() *Data {
	start := time.Date(2026, 11, 17, 14, 0, 0, 0, time.UTC)
	return &Data{
		Meta: Meta{
			Version: "0.1.0", Sensor: "gw1", From: start, To: start.Add(time.Hour), Written: start.Add(time.Hour + 20*time.Second), Start: start, Step: 10, Tick: 10,
			Totals: Totals{Packets: 4503599627371523, Bytes: 9007199254742015, TwoPublic: 1, Points: 9, Located: 12, Unlocated: 7}, Drops: 3,
			Coverage: []Span{{From: start, To: start.Add(20 * time.Minute), State: "data", Drops: 3}, {From: start.Add(20 * time.Minute), To: start.Add(time.Hour), State: "off"}},
			Geo:      []Geo{{Name: "DB-IP City Lite", Built: start.AddDate(0, 0, -16), Attribution: "IP Geolocation by DB-IP", URL: "https://db-ip.com"}},
			Home:     &Home{52.52, 13.405, "office"}, Links: []Link{{"who is it", "https://example.net/{ip}?from={from}"}}, State: "unit=bytes", Command: `packetheat export html --filter 'city:"New York"'`, Detail: "addresses", Labels: []string{"cloud", "my devices"}, Clouds: true,
		},
		Places: []Place{
			{Latitude: 52.52, Longitude: 13.405, HasCoordinates: true, Country: "DE", Region: "Land Berlin", City: "Berlin", Precision: "city", AccuracyKM: 10},
			{Latitude: 1, Longitude: 2, HasCoordinates: true, Country: "ZZ", City: "nobody names this one"},
			{Latitude: -17.7134, Longitude: 178.065, HasCoordinates: true, Country: "FJ", City: "Suva", Precision: "city", AccuracyKM: 65535},
			{Latitude: 7, Longitude: 7, Country: "BR", Precision: "country"},
			{},
			{Latitude: -90, Longitude: -180, HasCoordinates: true, Country: "AQ", Region: "</script><b>&\u2028", City: "São \"Paulo\"", Precision: "region"},
		},
		Rows: []Row{
			{Bin: 359, Place: 0, Proto: TCP, Packets: 1, Bytes: 60, Opens: 1},
			{Bin: 0, Place: 0, Proto: TCP, Packets: 2, Bytes: 120},
			{Bin: 1, Place: 0, Proto: TCP, Packets: 0, Bytes: 0},
			{Bin: 0, Place: 0, Proto: TCP, Out: true, Packets: 1000, Bytes: 1_514_000},
			{Bin: 0, Place: 0, Proto: TCP, Out: true, Packets: 24, Bytes: 1536, Opens: 3}, // equal key: added up
			{Bin: 7, Place: 2, Proto: Other, Out: true, Packets: 1 << 52, Bytes: 1<<53 - 1, Opens: 1 << 33},
			{Bin: 7, Place: 3, Proto: ICMP, Packets: 65535, Bytes: 65536},
			{Bin: 7, Place: 4, Proto: UDP, Packets: 7, Bytes: 700},
			{Bin: 8, Place: 5, Proto: UDP, Packets: 9, Bytes: 900},
			{Bin: 8, Place: 5, Proto: UDP, Cloud: true, Packets: 2, Bytes: 201},
			{Bin: 0, Place: 0, Proto: TCP, Cloud: true, Packets: 5, Bytes: 500},
		},
		Details: []Detail{
			{Place: 5, Kind: Peer, Name: "10.0.0.0/8", Proto: UDP, Packets: 9, Bytes: 900, First: 8, Last: 8},
			{Place: 0, Kind: Address, Name: "2001:db8::1", Number: 3320, Proto: TCP, Out: true, Packets: 1024, Bytes: 1_515_536, Opens: 3, First: 0, Last: 359, Labels: 3},
			{Place: 0, Kind: AS, Name: "Deutsche Telekom AG", Number: 4294967295, Proto: TCP, Packets: 3, Bytes: 180, Opens: 1, Last: 359},
			{Place: 2, Kind: Port, Number: 65535, Proto: Other, Out: true, Packets: 1, Bytes: 2, First: 7, Last: 7, Labels: 1 << 31, Cloud: true},
		},
	}
}

func encode(t *testing.T, d *Data) []byte {
	t.Helper()
	var packed bytes.Buffer
	if err := Encode(&packed, d); err != nil {
		t.Fatal(err)
	}
	return unpack(t, packed.Bytes())
}

// unpack undoes the gzip by the standard library: another hand than Encode's.
func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestGolden holds the encoder to the vector that the TypeScript reader is
// tested with. After a change of the format: go test ./export/page -update.
func TestGolden(t *testing.T) {
	got := encode(t, vector())
	d, err := decode(got)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"testdata/vector.phcols": got, "testdata/vector.json": append(text, '\n')} {
		if *update {
			if err := os.WriteFile(name, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("%s differs from what Encode writes now:\n%s", name, cmp.Diff(string(want), string(b)))
		}
	}
}

func TestEncodeKeepsWhatItIsGiven(t *testing.T) {
	d := vector()
	got, err := decode(encode(t, d))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Meta, got.Meta); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	if len(got.Places) != 5 {
		t.Errorf("%d places in the dictionary, 5 are used", len(got.Places))
	}
	if diff := cmp.Diff(vector(), d); diff != "" {
		t.Errorf("Encode changed its argument:\n%s", diff)
	}
}

// TestEncodeRandom compares sums by everything a row is keyed by, before and
// after, over random data with collisions.
func TestEncodeRandom(t *testing.T) {
	type key struct {
		Place Place
		Bin   uint32
		Proto uint8
		Out   bool
	}
	sum := func(places []Place, rows []Row) map[key][3]uint64 {
		m := map[key][3]uint64{}
		for _, r := range rows {
			k := key{places[r.Place], r.Bin, r.Proto, r.Out}
			v := m[k]
			m[k] = [3]uint64{v[0] + r.Packets, v[1] + r.Bytes, v[2] + r.Opens}
		}
		return m
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 12 {
		d := &Data{}
		for i := range 1 + r.IntN(60) {
			p := Place{City: strings.Repeat("x", i)}
			if i%3 > 0 {
				p.HasCoordinates, p.Latitude, p.Longitude = true, math.Round(r.Float64()*1.8e6-9e5)/1e4, math.Round(r.Float64()*3.6e6-1.8e6)/1e4
			}
			d.Places = append(d.Places, p)
		}
		for range r.IntN(2000) {
			d.Rows = append(d.Rows, Row{
				Bin: uint32(r.IntN(1 << r.IntN(32))), Place: uint32(r.IntN(len(d.Places))), Proto: uint8(r.IntN(4)), Out: r.IntN(2) == 0,
				Packets: r.Uint64N(1 << r.IntN(48)), Bytes: r.Uint64N(1 << r.IntN(48)), Opens: r.Uint64N(1 << r.IntN(10)),
			})
		}
		got, err := decode(encode(t, d))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sum(d.Places, d.Rows), sum(got.Places, got.Rows)); diff != "" {
			t.Fatalf("sums (-want +got):\n%s", diff)
		}
	}
}

func TestEncodeDetails(t *testing.T) {
	d := vector()
	got, err := decode(encode(t, d))
	if err != nil {
		t.Fatal(err)
	}
	name := func(places []Place, ds []Detail) map[string]Detail {
		m := map[string]Detail{}
		for _, x := range ds {
			k := places[x.Place].City + "/" + x.Name
			x.Place = 0
			m[k] = x
		}
		return m
	}
	if diff := cmp.Diff(name(d.Places, d.Details), name(got.Places, got.Details)); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}

func TestEncodeRefuses(t *testing.T) {
	place := []Place{{Country: "DE"}}
	for name, tc := range map[string]struct {
		d    Data
		want string
	}{
		"row without place":    {Data{Rows: []Row{{Place: 0}}}, "row names place 0 of 0"},
		"detail without place": {Data{Places: place, Details: []Detail{{Place: 9}}}, "detail names place 9 of 1"},
		"protocol class":       {Data{Places: place, Rows: []Row{{Proto: 6}}}, "protocol class 6"},
		"too large":            {Data{Places: place, Rows: []Row{{Bytes: 1 << 53}}}, "2^53"},
		"too large when added": {Data{Places: place, Rows: []Row{{Bytes: 1<<53 - 1}, {Bytes: 1}}}, "2^53"},
		"large detail":         {Data{Places: place, Details: []Detail{{Packets: 1 << 60}}}, "2^53"},
		"backward detail":      {Data{Places: place, Details: []Detail{{First: 2, Last: 1}}}, "bins 2 to 1"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Encode(new(bytes.Buffer), &tc.d)
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "encode page: ") {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestEncodeEmptyAndOddPlaces(t *testing.T) {
	if got, err := decode(encode(t, &Data{})); err != nil || len(got.Rows)+len(got.Places)+len(got.Details) != 0 {
		t.Errorf("empty data gave %+v, %v", got, err)
	}
	d := &Data{Places: []Place{{Latitude: math.NaN(), Longitude: 1e9, HasCoordinates: true, City: "a\x00b\xff"}}, Rows: []Row{{Packets: 1}}}
	got, err := decode(encode(t, d))
	if err != nil {
		t.Fatal(err)
	}
	want := []Place{{Longitude: 180, HasCoordinates: true, City: "a\ufffdb\ufffd"}}
	if diff := cmp.Diff(want, got.Places, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func BenchmarkEncode(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	d := &Data{}
	for i := range 5000 {
		d.Places = append(d.Places, Place{Latitude: float64(i%170) - 85, Longitude: float64(i%360) - 180, HasCoordinates: true})
	}
	for range 100_000 {
		p := uint64(math.Exp(2 + r.NormFloat64()))
		d.Rows = append(d.Rows, Row{Bin: uint32(r.IntN(360)), Place: uint32(r.IntN(5000)), Proto: uint8(r.IntN(3)), Out: r.IntN(2) == 0, Packets: p, Bytes: p * uint64(60+r.IntN(1400))})
	}
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := Encode(&out, d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len())/float64(len(d.Rows)), "B/row")
}

// FuzzMagnitudes reads back what columns write, for any numbers.
func FuzzMagnitudes(f *testing.F) {
	f.Add(uint64(0), uint64(1), uint64(2), 3)
	f.Add(uint64(1)<<53-1, uint64(1)<<32, uint64(65_535), 40)
	f.Fuzz(func(t *testing.T, a, b, c uint64, n int) {
		var v []uint64
		for i := range min(max(n, 0), 100) {
			v = append(v, []uint64{a, b, c, a ^ b, b >> (i % 64)}[i%5]&(1<<53-1))
		}
		var col columns
		col.magnitudes(1, v)
		got, ok := bitwise(col.buf.Bytes()[12:], len(v))
		if !ok {
			t.Fatal("numbers are damaged")
		}
		if diff := cmp.Diff(v, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("numbers (-want +got):\n%s", diff)
		}
	})
}
