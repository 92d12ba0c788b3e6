package export

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

const header = "time,latitude,longitude,direction,protocol,ip,peer,port,packets,bytes,opens,country,city,asn,as_org,sensor,interval,precision,accuracy_km,flags"

func TestCSVRows(t *testing.T) {
	full := store.Point{Time: noon.Add(tick), Interval: tick, Addr: netip.MustParsePrefix("203.0.113.7/32"),
		Peer: netip.MustParsePrefix("10.0.0.5/32"), Direction: store.Out, Proto: 6, Port: 443, HasPort: true,
		Place: cities[0], ASN: 15169, ASOrg: "Example, Inc.", Packets: 12, Bytes: 3400, Opens: 1, Sensor: "gw1"}
	tests := map[string]struct {
		change func(*store.Point)
		want   string
	}{
		"full": {func(*store.Point) {},
			`2026-11-21T12:00:10Z,52.5244,13.4105,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,DE,Berlin,15169,"Example, Inc.",gw1,10,city,20,`},
		"country only": {func(p *store.Point) { p.Place = cities[3] },
			`2026-11-21T12:00:10Z,,,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,FJ,,15169,"Example, Inc.",gw1,10,country,,`},
		"unlocated, nothing known": {func(p *store.Point) { p.Place, p.ASN, p.ASOrg = store.Place{}, 0, "" },
			`2026-11-21T12:00:10Z,,,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,,,,,gw1,10,,,`},
		"no port, IPv6, other protocol": {func(p *store.Point) {
			p.Addr, p.Proto, p.Port, p.HasPort, p.Opens = netip.MustParsePrefix("2001:db8::1/128"), 99, 0, false, 0
			p.ASOrg = "x"
		}, `2026-11-21T12:00:10Z,52.5244,13.4105,out,99,2001:db8::1,10.0.0.5,,12,3400,0,DE,Berlin,15169,x,gw1,10,city,20,`},
		"port 0 is a port": {func(p *store.Point) { p.Port, p.ASOrg = 0, "x" },
			`2026-11-21T12:00:10Z,52.5244,13.4105,out,tcp,203.0.113.7,10.0.0.5,0,12,3400,1,DE,Berlin,15169,x,gw1,10,city,20,`},
		"folded, late": {func(p *store.Point) {
			p.Addr, p.Peer, p.ASOrg = netip.MustParsePrefix("203.0.113.0/24"), netip.Prefix{}, "x"
			p.Flags = store.Folded | store.Late
		}, `2026-11-21T12:00:10Z,52.5244,13.4105,out,tcp,203.0.113.0/24,,443,12,3400,1,DE,Berlin,15169,x,gw1,10,city,20,folded;late`},
		"negative numbers are not formulas": {func(p *store.Point) { p.Place, p.ASOrg = cities[1], "x" },
			`2026-11-21T12:00:10Z,-33.8678,151.2073,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,AU,Sydney,15169,x,gw1,10,city,,`},
		"formula": {func(p *store.Point) { p.ASOrg, p.Place.City = `=cmd|' /C calc'!A0`, "@x" },
			`2026-11-21T12:00:10Z,52.5244,13.4105,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,DE,'@x,15169,'=cmd|' /C calc'!A0,gw1,10,city,20,`},
		"zone": {func(p *store.Point) { p.Time, p.ASOrg = p.Time.In(time.FixedZone("CET", 3600)), "x" },
			`2026-11-21T12:00:10Z,52.5244,13.4105,out,tcp,203.0.113.7,10.0.0.5,443,12,3400,1,DE,Berlin,15169,x,gw1,10,city,20,`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := full
			tt.change(&p)
			got := run(t, &fakeReader{points: []store.Point{p}}, CSV, Options{})
			if diff := gocmp.Diff(header+"\n"+tt.want+"\n", got); diff != "" {
				t.Errorf("CSV differs (-want +got):\n%s", diff)
			}
		})
	}
}

// run writes to a string.
func run(t testing.TB, r Reader, f Format, o Options) string {
	t.Helper()
	var b bytes.Buffer
	rep, err := Write(t.Context(), &b, r, f, o)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Bytes != int64(b.Len()) || (len(rep.SHA256) == 64) != (f == HTML) {
		t.Errorf("report says %d bytes, hash %q of %d", rep.Bytes, rep.SHA256, b.Len())
	}
	return b.String()
}

// evil are names as an attacker might get them into a GeoIP database.
var evil = []string{`=cmd`, `+1`, `-1`, `@SUM(A1)`, "\t=x", `"`, `a"b`, `a,b`, "a\nb", "\n", "=1\n,\"", `</script>`, `<!--`,
	`São Paulo`, `東京`, " lead", "trail ", `'quoted'`, "\x00", "bad \xff utf-8", "-", ";", "a\\b", "\u2028"}

// TestCSVParsesBack holds our encoder against encoding/csv.
func TestCSVParsesBack(t *testing.T) {
	points := somePoints(len(evil), 1000)
	for i, name := range evil {
		points[i].ASOrg, points[i].Place.City, points[i].Sensor = name, name, name+"x"
	}
	got := run(t, &fakeReader{points: points}, CSV, Options{})
	if !utf8.ValidString(got) {
		t.Error("CSV is not UTF-8")
	}
	records, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(records) != len(points)+1 {
		t.Fatalf("%d records for %d points", len(records)-1, len(points))
	}
	for i, name := range evil {
		rec, want := records[i+1], toValid([]byte(name))
		if strings.ContainsAny(want[:1], "=+-@\t") {
			want = "'" + want
		}
		for _, col := range []int{12, 14} {
			if rec[col] != want {
				t.Errorf("name %q became %q, want %q", name, rec[col], want)
			}
		}
		if rec[8] != strconv.FormatUint(points[i].Packets, 10) {
			t.Errorf("name %q shifts the columns: %q", name, rec)
		}
	}
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range evil {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := quoteCell([]byte("x,"+s), 2)
		got, err := csv.NewReader(bytes.NewReader(append(b, ",y\n"...))).Read()
		if err != nil || len(got) != 3 || got[2] != "y" {
			t.Fatalf("%q became %q: %q, %v", s, b, got, err)
		}
		want := toValid([]byte(s))
		if want != "" && strings.ContainsAny(want[:1], "=+-@\t") {
			want = "'" + want
		}
		// encoding/csv reads \r\n inside of quotes as \n.
		if got[1] != strings.ReplaceAll(want, "\r\n", "\n") {
			t.Errorf("%q reads back as %q", s, got[1])
		}
	})
}

func TestDegrees(t *testing.T) {
	city := store.Place{Precision: store.City}
	for _, deg := range []float64{0, 1, -1, 0.5, -0.0001, 51.5074, -179.9999, 180, 90, 12.34567, 1e-9, -33.8678, math.Pi, 0.1} {
		got := string(appendDegrees(nil, deg, city))
		if want := strconv.FormatFloat(deg, 'f', -1, 64); got != want {
			t.Errorf("%v is printed %q, want %q", deg, got, want)
		}
	}
	if got := appendDegrees(nil, 10, store.Place{Country: "DE", Precision: store.Country}); len(got) != 0 {
		t.Errorf("a country has coordinates %q", got)
	}
}

func TestRowAllocatesNothing(t *testing.T) {
	c := newCSVWriter(io.Discard)
	points := somePoints(100, 50)
	if n := testing.AllocsPerRun(20, func() {
		if err := c.write(points); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations in 100 rows", n)
	}
}

// BenchmarkCSV says how many rows a second one core writes.
func BenchmarkCSV(b *testing.B) {
	points := somePoints(20_000, 2000)
	c := newCSVWriter(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		if err := c.write(points); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(points))/b.Elapsed().Seconds(), "rows/s")
}
