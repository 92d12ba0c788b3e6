package livetest

import (
	"bufio"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"

	"github.com/packetheat/packetheat/store"
)

// This file reads the program's answers into the terms of a ledger, each format with
// a reader that is not the program's.

type sums map[key]store.Sum

func (s sums) add(k key, packets, bytes, opens uint64) {
	total := s[k]
	total.Add(store.Sum{Packets: packets, Bytes: bytes, Opens: opens})
	s[k] = total
}

func (s sums) total() (all store.Sum) {
	for _, p := range s {
		all.Add(p)
	}
	return all
}

// same fails the test unless got is want, and shows the first differences.
func same(t testing.TB, what string, want, got sums) {
	t.Helper()
	if maps.Equal(want, got) {
		return
	}
	var diffs []string
	for k := range got {
		if got[k] != want[k] {
			diffs = append(diffs, fmt.Sprintf("%v: sent %v, answer %v", k, want[k], got[k]))
		}
	}
	for k := range want {
		if _, ok := got[k]; !ok {
			diffs = append(diffs, fmt.Sprintf("%v: sent %v, missing", k, want[k]))
		}
	}
	slices.Sort(diffs)
	t.Errorf("%s: sent %v in %d points, answer %v in %d; %d differ:\n%s", what, want.total(), len(want), got.total(), len(got),
		len(diffs), strings.Join(diffs[:min(10, len(diffs))], "\n"))
}

func number(t testing.TB, text string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// columns that contract.md fixes for CSV.
const columns = "time,latitude,longitude,direction,protocol,ip,peer,port,packets,bytes,opens,country,city,asn,as_org,sensor,interval,precision,accuracy_km,flags"

func readCSV(t testing.TB, r io.Reader) sums {
	t.Helper()
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("read CSV: %d rows, %v", len(rows), err)
	}
	if diff := cmp.Diff(columns, strings.Join(rows[0], ",")); diff != "" {
		t.Fatalf("head of CSV (-want +got):\n%s", diff)
	}
	s := make(sums)
	for _, r := range rows[1:] {
		s.add(key{r[5], r[6], r[3], r[4], r[7]}, number(t, r[8]), number(t, r[9]), number(t, r[10]))
	}
	return s
}

// row is a point as NDJSON and GeoJSON have it.
type row struct {
	IP, Peer, Direction, Protocol string
	Port                          *uint16
	Packets, Bytes, Opens         uint64
}

func (r row) addTo(s sums) {
	port := ""
	if r.Port != nil {
		port = fmt.Sprint(*r.Port)
	}
	s.add(key{r.IP, r.Peer, r.Direction, r.Protocol, port}, r.Packets, r.Bytes, r.Opens)
}

func readNDJSON(t testing.TB, r io.Reader) sums {
	t.Helper()
	s := make(sums)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var r row
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("read NDJSON: %v in %q", err, lines.Text())
		}
		r.addTo(s)
	}
	return s
}

func readGeoJSON(t testing.TB, r io.Reader) sums {
	t.Helper()
	var collection struct {
		Type     string
		Features []struct {
			Type       string
			Geometry   *struct{ Coordinates []float64 }
			Properties row
		}
	}
	if err := json.NewDecoder(r).Decode(&collection); err != nil || collection.Type != "FeatureCollection" {
		t.Fatalf("read GeoJSON: type %q, %v", collection.Type, err)
	}
	s := make(sums)
	for _, f := range collection.Features {
		if f.Geometry != nil && len(f.Geometry.Coordinates) == 2 && f.Geometry.Coordinates[0] == 0 && f.Geometry.Coordinates[1] == 0 {
			t.Errorf("%s is plotted at 0,0", f.Properties.IP)
		}
		f.Properties.addTo(s)
	}
	return s
}

func readSQLite(t testing.TB, path string) sums {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT ip, peer, direction, protocol, ifnull(port, ''), sum(packets), sum(bytes), sum(opens)
		FROM points GROUP BY 1, 2, 3, 4, 5`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	s := make(sums)
	for rows.Next() {
		var k key
		var packets, bytes, opens uint64
		if err := rows.Scan(&k.addr, &k.peer, &k.direction, &k.proto, &k.port, &packets, &bytes, &opens); err != nil {
			t.Fatal(err)
		}
		s.add(k, packets, bytes, opens)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return s
}

// by sums what a function keeps of each key, as "top" does.
func (s sums) by(name func(key) string) map[string]store.Sum {
	out := make(map[string]store.Sum)
	for k, v := range s {
		total := out[name(k)]
		total.Add(v)
		out[name(k)] = total
	}
	return out
}
