// Command sample writes a saved page with made-up traffic, for the browser tests
// and for looking at. The same flags give the same file.
//
//	go run ./export/page/testdata/sample -rows 10000 -o map.html
package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"github.com/packetheat/packetheat/export/page"
)

// city is somewhere traffic plausibly comes from; weight is its share.
type city struct {
	lat, lon              float64
	country, region, name string
	weight                float64
}

var cities = []city{
	{39.0438, -77.4874, "US", "Virginia", "Ashburn", 30}, {37.3541, -121.9552, "US", "California", "Santa Clara", 14},
	{45.5946, -121.1787, "US", "Oregon", "The Dalles", 9}, {41.8781, -87.6298, "US", "Illinois", "Chicago", 6},
	{32.7767, -96.797, "US", "Texas", "Dallas", 6}, {40.7128, -74.006, "US", "New York", "New York", 5},
	{43.6532, -79.3832, "CA", "Ontario", "Toronto", 4}, {19.4326, -99.1332, "MX", "Mexico City", "Mexico City", 2},
	{-23.5505, -46.6333, "BR", "São Paulo", "São Paulo", 5}, {-34.6037, -58.3816, "AR", "Buenos Aires", "Buenos Aires", 1.5},
	{51.5074, -0.1278, "GB", "England", "London", 11}, {53.3498, -6.2603, "IE", "Leinster", "Dublin", 12},
	{52.3676, 4.9041, "NL", "North Holland", "Amsterdam", 14}, {50.1109, 8.6821, "DE", "Hesse", "Frankfurt am Main", 22},
	{48.8566, 2.3522, "FR", "Île-de-France", "Paris", 8}, {40.4168, -3.7038, "ES", "Madrid", "Madrid", 2},
	{45.4642, 9.19, "IT", "Lombardy", "Milan", 3}, {59.3293, 18.0686, "SE", "Stockholm", "Stockholm", 4},
	{60.1699, 24.9384, "FI", "Uusimaa", "Helsinki", 2}, {52.2297, 21.0122, "PL", "Mazovia", "Warsaw", 2},
	{55.7558, 37.6173, "RU", "Moscow", "Moscow", 4}, {41.0082, 28.9784, "TR", "Istanbul", "Istanbul", 1.5},
	{25.2048, 55.2708, "AE", "Dubai", "Dubai", 1}, {30.0444, 31.2357, "EG", "Cairo", "Cairo", 0.5},
	{6.5244, 3.3792, "NG", "Lagos", "Lagos", 0.4}, {-1.2921, 36.8219, "KE", "Nairobi", "Nairobi", 0.3},
	{-26.2041, 28.0473, "ZA", "Gauteng", "Johannesburg", 1}, {19.076, 72.8777, "IN", "Maharashtra", "Mumbai", 5},
	{12.9716, 77.5946, "IN", "Karnataka", "Bengaluru", 3}, {1.3521, 103.8198, "SG", "", "Singapore", 9},
	{-6.2088, 106.8456, "ID", "Jakarta", "Jakarta", 2}, {13.7563, 100.5018, "TH", "Bangkok", "Bangkok", 1},
	{21.0278, 105.8342, "VN", "Hanoi", "Hanoi", 1.5}, {22.3193, 114.1694, "HK", "", "Hong Kong", 4},
	{31.2304, 121.4737, "CN", "Shanghai", "Shanghai", 4}, {39.9042, 116.4074, "CN", "Beijing", "Beijing", 3},
	{37.5665, 126.978, "KR", "Seoul", "Seoul", 5}, {35.6762, 139.6503, "JP", "Tokyo", "Tokyo", 9},
	{-33.8688, 151.2093, "AU", "New South Wales", "Sydney", 3}, {-36.8485, 174.7633, "NZ", "Auckland", "Auckland", 0.4},
	{64.1466, -21.9426, "IS", "Capital Region", "Reykjavik", 0.3}, {-17.7134, 178.065, "FJ", "Central", "Suva", 0.05},
	{4.711, -74.0721, "CO", "Bogotá", "Bogotá", 0.8}, {-12.0464, -77.0428, "PE", "Lima", "Lima", 0.4},
	{50.4501, 30.5234, "UA", "Kyiv City", "Kyiv", 1.2}, {51.1694, 71.4491, "KZ", "Astana", "Astana", 0.3},
}

var networks = []struct {
	asn  uint32
	name string
}{{15169, "Google LLC"}, {16509, "Amazon.com, Inc."}, {13335, "Cloudflare, Inc."}, {3320, "Deutsche Telekom AG"}, {8075, "Microsoft Corporation"}, {24940, "Hetzner Online GmbH"}, {4134, "Chinanet"}, {14061, "DigitalOcean, LLC"}}

func main() {
	rows := flag.Int("rows", 10_000, "rows")
	places := flag.Int("places", 0, "places besides the 46 cities")
	out := flag.String("o", "sample.html", "file to write")
	perPlace := flag.Int("details", 20_000, "details at most; 0 none")
	empty := flag.Bool("empty", false, "no traffic at all")
	refresh := flag.Int("refresh", 0, "seconds after which the page reloads itself")
	columns := flag.Bool("columns", false, "write the columns alone, as the API answers them")
	start := flag.String("start", "2026-11-17T14:00:00Z", "begin of the window")
	bins := flag.Int("bins", 180, "ticks of 10 s in the window")
	home := flag.Bool("home", false, "the sensor says where it stands: in Frankfurt")
	live := flag.Bool("live", false, "write the page as it is served, and print its policy")
	points := flag.String("points", "", "also write the rows that have a place to this file: latitude,longitude,protocol,packets")
	flag.Parse()
	at, err := time.Parse(time.RFC3339, *start)
	if err != nil {
		log.Fatal(err)
	}
	d := traffic(*rows, *places, at, *bins)
	d.Details = d.Details[:min(len(d.Details), *perPlace)]
	d.Meta.Refresh = *refresh
	if *empty {
		d = &page.Data{Meta: d.Meta}
		d.Meta.Totals, d.Meta.Drops, d.Meta.Coverage = page.Totals{}, 0, nil
	}
	if *home {
		d.Meta.Home = &page.Home{Latitude: 50.11, Longitude: 8.68, Name: "Frankfurt"}
	}
	if *points != "" {
		if err := writePoints(*points, d); err != nil {
			log.Fatal(err)
		}
	}
	f, err := os.Create(*out)
	if err != nil {
		log.Fatal(err)
	}
	switch {
	case *live:
		_, err = f.Write(page.Live())
		fmt.Println(page.CSP(true))
	case *columns:
		err = page.Encode(f, d)
	default:
		err = page.WriteSaved(f, d)
	}
	if err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
	if st, err := os.Stat(*out); err == nil && !*live {
		fmt.Printf("%d rows, %d places, %d details: %d bytes\n", len(d.Rows), len(d.Places), len(d.Details), st.Size())
	}
}

// writePoints writes the same rows for other programs that draw maps, with four
// digits of a degree, as GeoIP databases have them.
func writePoints(name string, d *page.Data) error {
	var text bytes.Buffer
	for _, r := range d.Rows {
		if p := d.Places[r.Place]; p.HasCoordinates {
			fmt.Fprintf(&text, "%.4f,%.4f,%s,%d\n", p.Latitude, p.Longitude, [...]string{"TCP", "UDP", "ICMP", "other"}[r.Proto], r.Packets)
		}
	}
	return os.WriteFile(name, text.Bytes(), 0o644)
}

// traffic makes so many rows: cities by their weight, a sweep of small places
// around them, in long windows a pause in the middle. All rows have different
// keys, so that a file of n rows is one.
func traffic(n, scattered int, start time.Time, bins int) *page.Data {
	r := rand.New(rand.NewPCG(7, 11))
	d := &page.Data{}
	var weights []float64
	for _, c := range cities {
		d.Places = append(d.Places, page.Place{Latitude: c.lat, Longitude: c.lon, HasCoordinates: true, Country: c.country, Region: c.region, City: c.name, Precision: "city", AccuracyKM: 20})
		weights = append(weights, c.weight)
	}
	for i := range scattered {
		c := cities[r.IntN(len(cities))]
		d.Places = append(d.Places, page.Place{
			Latitude: c.lat + r.NormFloat64()*3.2, Longitude: c.lon + r.NormFloat64()*4.5, HasCoordinates: true,
			Country: c.country, Region: c.region, City: fmt.Sprintf("%s %d", c.name, i), Precision: "city", AccuracyKM: 50,
		})
		weights = append(weights, c.weight*math.Exp(r.NormFloat64()*1.2)/float64(scattered)*8)
	}
	d.Places = append(d.Places, page.Place{Country: "BR", Precision: "country"}, page.Place{Country: "RO", Precision: "country"}, page.Place{})
	weights = append(weights, 1, 0.6, 0.8)
	pick := chooser(r, weights)
	off, on := bins*8/15, bins*9/15
	if bins < 30 {
		on = off
	}
	type key struct {
		bin, place uint32
		proto      uint8
		out        bool
	}
	taken := map[key]bool{}
	var totals page.Totals
	for len(d.Rows) < n {
		bin := uint32(r.IntN(bins))
		if int(bin) >= off && int(bin) < on {
			continue // the sensor did not run
		}
		p := pick()
		row := page.Row{Bin: bin, Place: uint32(p), Proto: [16]uint8{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3}[r.IntN(16)], Out: r.IntN(5) < 2}
		if k := (key{row.Bin, row.Place, row.Proto, row.Out}); taken[k] {
			continue
		} else {
			taken[k] = true
		}
		row.Packets = 1 + uint64(math.Exp(2.5+1.4*r.NormFloat64())*(1+math.Sqrt(weights[p]))*(1.3+math.Sin(float64(bin)/14)))
		row.Bytes = row.Packets * uint64(60+r.IntN(1300))
		if row.Proto == page.TCP {
			row.Opens = row.Packets / 24
		}
		row.Cloud = cloud(row.Place)
		d.Rows = append(d.Rows, row)
		totals.Packets, totals.Bytes = totals.Packets+row.Packets, totals.Bytes+row.Bytes
		if d.Places[p].Country == "" {
			totals.Unlocated += row.Packets
		}
	}
	totals.Located, totals.Points = totals.Packets-totals.Unlocated, uint64(len(d.Rows))
	details(r, d)
	at := func(bin int) time.Time { return start.Add(time.Duration(bin) * 10 * time.Second) }
	d.Meta = page.Meta{
		Version: "0.1.0", Sensor: "gw1", From: start, To: at(bins), Written: at(bins).Add(20 * time.Second), Start: start, Step: 10, Tick: 10,
		Totals: totals, Drops: 42, Detail: "addresses", Command: "packetheat export html --from 2026-11-17T14:00:00Z --to 2026-11-17T14:30:00Z -o map.html",
		Coverage: []page.Span{{From: start, To: at(bins / 3), State: "data"}, {From: at(bins / 3), To: at(bins/3 + 1), State: "data", Drops: 42}, {From: at(bins/3 + 1), To: at(off), State: "data"}, {From: at(off), To: at(on), State: "off"}, {From: at(on), To: at(bins), State: "data"}},
		Labels:   []string{"cloud", "my devices"}, Clouds: true,
		Geo: []page.Geo{{Name: "DB-IP City Lite", Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Attribution: "IP Geolocation by DB-IP", URL: "https://db-ip.com"}},
	}
	return d
}

// networkOf is the network that all addresses of a place are in.
func networkOf(place uint32) int { return int(place) * 7 % len(networks) }

// cloud reports whether that is one of the big clouds.
func cloud(place uint32) bool {
	n := networks[networkOf(place)].asn
	return n == 15169 || n == 16509 || n == 13335 || n == 8075
}

// labels are those of a detail: bit 0 for clouds, bit 1 for a device of ours.
func labels(kind page.Kind, name string, place uint32) uint32 {
	switch {
	case kind == page.Peer && name == "10.0.0.6":
		return 2
	case kind != page.Peer && kind != page.Port && cloud(place):
		return 1
	}
	return 0
}

// details splits each place's sums among some addresses, peers, ports, networks.
func details(r *rand.Rand, d *page.Data) {
	type key struct {
		place uint32
		proto uint8
		out   bool
	}
	sums := map[key]page.Row{}
	for _, row := range d.Rows {
		k := key{row.Place, row.Proto, row.Out}
		s := sums[k]
		s.Packets, s.Bytes, s.Opens = s.Packets+row.Packets, s.Bytes+row.Bytes, s.Opens+row.Opens
		sums[k] = s
	}
	keys := make([]key, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.proto, b.proto), cmp.Compare(fmt.Sprint(a.out), fmt.Sprint(b.out)))
	})
	ports := [][]uint32{{443, 80, 22, 5432}, {53, 443, 123, 51820}, {0}, {0}}
	for _, k := range keys {
		s := sums[k]
		add := func(kind page.Kind, name string, number uint32, part uint64) {
			if s.Packets/part > 0 {
				d.Details = append(d.Details, page.Detail{Cloud: cloud(k.place), Labels: labels(kind, name, k.place), Place: k.place, Kind: kind, Name: name, Number: number, Proto: k.proto, Out: k.out, Packets: s.Packets / part, Bytes: s.Bytes / part, Opens: s.Opens / part, First: 0, Last: 179})
			}
		}
		net := networks[networkOf(k.place)]
		add(page.AS, net.name, net.asn, 1)
		for i := range uint64(3) {
			add(page.Address, fmt.Sprintf("%d.%d.%d.%d", 11+k.place%180, k.place/180, i*7, 20+i), net.asn, 2+i*2)
			add(page.Peer, fmt.Sprintf("10.0.0.%d", 5+i), 0, 2+i*2)
		}
		for i, p := range ports[k.proto] {
			add(page.Port, "", p, uint64(1+i*2+r.IntN(2)))
		}
	}
}

// chooser draws indexes by weight.
func chooser(r *rand.Rand, weights []float64) func() int {
	sums := make([]float64, len(weights))
	total := 0.0
	for i, w := range weights {
		total += w
		sums[i] = total
	}
	return func() int {
		i, _ := slices.BinarySearch(sums, r.Float64()*total)
		return min(i, len(sums)-1)
	}
}
