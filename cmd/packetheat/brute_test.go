package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// This test asks the program, on the command line and over HTTP, about random windows
// and filters, and adds up the same by hand from the points that are in the store: two
// sensors, seven hours in ticks of a minute, tiers of all levels, late batches in them
// and late ones that are not in them yet.

// bruteRounds is how many windows and filters are asked over HTTP; the command line,
// which is a process each time, is asked every commandEvery-th.
func bruteRounds() (rounds, commandEvery int) {
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		return 10_000, 50
	}
	return 60, 15
}

var bruteStart = time.Date(2026, 11, 17, 19, 30, 0, 0, time.UTC)

const bruteMinutes = 7 * 60

// brute is what the store holds.
type brute struct {
	*rand.Rand
	points []store.Point
	seen   map[string]bool
}

func (b *brute) point(batch *store.Batch) {
	places := []store.Place{{}, {Country: "BR", Precision: store.Country},
		{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", City: "Paris", Precision: store.City},
		{Latitude: 52.5244, Longitude: 13.4105, Country: "DE", City: "Berlin", Precision: store.City, AccuracyKM: 20},
		{Latitude: 33.6609, Longitude: -95.5555, Country: "US", Region: "Texas", City: "Paris", Precision: store.City}}
	n := b.IntN(40)
	addr := netip.AddrFrom4([4]byte{9, 9, 9, byte(n)})
	p := store.Point{Time: batch.Tick, Interval: batch.Interval, Sensor: batch.Sensor, Addr: netip.PrefixFrom(addr, 32),
		Peer: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(b.IntN(4))}), 32), Place: places[n%len(places)],
		Direction: store.Direction(b.IntN(2)), Proto: []uint8{6, 6, 17, 1}[b.IntN(4)], Packets: 1 + b.Uint64N(50)}
	p.Bytes = p.Packets * (60 + b.Uint64N(1400))
	if p.Proto != 1 {
		p.HasPort, p.Port = true, []uint16{443, 53, 22}[b.IntN(3)]
	}
	if p.Proto == 6 && b.IntN(3) == 0 {
		p.Opens = 1 + b.Uint64N(p.Packets)
	}
	if n%3 == 0 {
		p.ASN, p.ASOrg = uint32(64500+n%2), "Example"
	}
	// The same key twice in a tick is one point, which the store adds up: opened: may
	// then hold of both of its parts.
	key := pointKey(&p)
	if b.seen[key] {
		return
	}
	b.seen[key] = true
	book(batch, p)
	b.points = append(b.points, p)
}

// fill makes the store in dir.
func (b *brute) fill(t *testing.T, dir string) {
	t.Helper()
	s, err := sqlite.Open(dir, sqlite.Options{Tick: time.Minute, NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add := func(sensor string, minute int, seq uint32, n int) {
		batch := newBatch(sensor, bruteStart.Add(time.Duration(minute)*time.Minute), time.Minute)
		batch.Seq = seq
		for range n {
			b.point(batch)
		}
		appendBatch(t, s, batch)
	}
	for minute := range bruteMinutes {
		add("east", minute, 0, b.IntN(9))
		if minute > 100 && minute/30 != 7 {
			add("west", minute, 0, b.IntN(5))
		}
	}
	for round := range uint32(2) {
		if err := s.Maintain(t.Context(), round == 1); err != nil {
			t.Fatal(err)
		}
		for i := range uint32(12) { // of the second round, none is in a tier
			add("east", b.IntN(bruteMinutes), 1+round*12+i, 3)
		}
	}
}

// question returns a random window and filter, in words.
func (b *brute) question(t *testing.T) (f store.Filter, from, to, text string) {
	t.Helper()
	at := func(unit time.Duration) time.Time {
		return bruteStart.Add(time.Duration(b.IntN(bruteMinutes+60)-30) * time.Minute).Truncate(unit)
	}
	unit := []time.Duration{time.Second, 10 * time.Minute, time.Hour, 24 * time.Hour}[b.IntN(4)]
	w := store.Window{From: at(unit), To: at(unit)}
	if w.To.Before(w.From) {
		w.From, w.To = w.To, w.From
	}
	if w.From.Equal(w.To) {
		w.To = w.To.Add(unit)
	}
	switch b.IntN(8) {
	case 0:
		w.From = time.Time{}
	case 1:
		w.To = time.Time{}
	}
	terms := []string{"", "", "proto:tcp", "country:FR", "country:FR,US -proto:udp", "city:Paris", "port:443", "-port:22 proto:tcp", "ip:9.9.9.0/28",
		"peer:10.0.0.1", "asn:64500", "dir:in", "opened:them", "opened:us country:DE", "sensor:west", "sensor:east port:53", "host:9.9.9.3", "-asn:64501"}
	text = terms[b.IntN(len(terms))]
	f, err := store.ParseFilter(text)
	if err != nil {
		t.Fatal(err)
	}
	f.Window = w
	words := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	return f, words(w.From), words(w.To), text
}

// sums adds the matching points up by a key.
func (b *brute) sums(f *store.Filter, key func(*store.Point) string) map[string]store.Sum {
	out := map[string]store.Sum{}
	for i := range b.points {
		if p := &b.points[i]; f.Match(p) {
			addSum(out, key(p), p.Sum())
		}
	}
	return out
}

func addSum(sums map[string]store.Sum, key string, s store.Sum) {
	sum := sums[key]
	sum.Add(s)
	sums[key] = sum
}

func pointKey(p *store.Point) string {
	port := ""
	if p.HasPort {
		port = fmt.Sprint(p.Port)
	}
	return strings.Join([]string{p.Time.Format(time.RFC3339), p.Direction.String(), store.ProtoName(p.Proto), store.PrefixString(p.Addr),
		store.PrefixString(p.Peer), port, p.Place.Country, p.Place.City, p.Sensor}, "|")
}

// csvSums adds the rows of a CSV up by the same key.
func csvSums(t *testing.T, text string) map[string]store.Sum {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	out := map[string]store.Sum{}
	for _, row := range rows[1:] {
		var cells []string
		for _, name := range []string{"time", "direction", "protocol", "ip", "peer", "port", "country", "city", "sensor"} {
			cells = append(cells, row[column[name]])
		}
		var s store.Sum
		if _, err := fmt.Sscan(row[column["packets"]]+" "+row[column["bytes"]]+" "+row[column["opens"]], &s.Packets, &s.Bytes, &s.Opens); err != nil {
			t.Fatal(err)
		}
		addSum(out, strings.Join(cells, "|"), s)
	}
	return out
}

// topKey is the key of a row of a top by a dimension.
func topKey(by string) func(p *store.Point) string {
	return func(p *store.Point) string {
		switch by {
		case "place":
			if p.Place.HasCoordinates() {
				return fmt.Sprintf("%.4f,%.4f|%s", p.Place.Latitude, p.Place.Longitude, p.Place.Country)
			}
			return "|" + p.Place.Country
		case "country":
			return p.Place.Country
		case "ip":
			return store.PrefixString(p.Addr)
		case "peer":
			return store.PrefixString(p.Peer)
		case "sensor":
			return p.Sensor
		case "port":
			if !p.HasPort {
				return "/" + store.ProtoName(p.Proto)
			}
			return fmt.Sprintf("%d/%s", p.Port, store.ProtoName(p.Proto))
		}
		return store.ProtoName(p.Proto)
	}
}

var bruteTops = []string{"place", "country", "ip", "peer", "sensor", "port", "proto"}

// TestBruteForce asks and adds up.
func TestBruteForce(t *testing.T) {
	dir := t.TempDir()
	b := &brute{Rand: rand.New(rand.NewPCG(21, 22)), seen: map[string]bool{}}
	b.fill(t, filepath.Join(dir, "data"))
	base := serving(t, dir)
	rounds, commandEvery := bruteRounds()
	for round := range rounds {
		f, from, to, text := b.question(t)
		values := url.Values{}
		var args []string
		for name, value := range map[string]string{"from": from, "to": to, "filter": text} {
			if value != "" {
				values.Set(name, value)
				args = append(args, "--"+name, value)
			}
		}
		by := bruteTops[round%len(bruteTops)]
		compare := func(what string, want, got map[string]store.Sum) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("round %d, %s of %s: (-points +answer)\n%s", round, what, f.Window, diff)
			}
		}
		b.overHTTP(t, base, values, &f, by, compare)
		if round%commandEvery == 0 {
			compare("export "+text, b.sums(&f, pointKey), csvSums(t, packetheat(t, dir, append([]string{"export", "csv", "-o", "-"}, args...)...).out))
			var top topJSON
			out := packetheat(t, dir, append([]string{"top", by, "-n", "0", "--json"}, args...)...).out
			if err := json.Unmarshal([]byte(out), &top); err != nil {
				t.Fatal(err)
			}
			got := map[string]store.Sum{}
			for _, r := range top.Rows {
				addSum(got, rowKey(by, r.Key, r.Protocol, r.Country), store.Sum{Packets: r.Packets, Bytes: r.Bytes, Opens: r.Opens})
			}
			compare("top "+by+" "+text, b.sums(&f, b.portless(by)), got)
		}
	}
}

// portless is topKey, but for points without a port, whose row has the protocol only
// where the answer names it.
func (b *brute) portless(by string) func(p *store.Point) string {
	key := topKey(by)
	return func(p *store.Point) string {
		if by == "port" && !p.HasPort {
			return ""
		}
		return key(p)
	}
}

// rowKey is what topKey is of the points of a row.
func rowKey(by, key, proto, country string) string {
	switch {
	case by == "place":
		return key + "|" + country
	case by == "port" && key != "":
		return key + "/" + proto
	}
	return key
}
