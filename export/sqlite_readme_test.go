package export

import (
	"cmp"
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// TestReadme runs the three questions that README asks of this file and holds what
// SQL answers against the same summed in Go.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "```sql\n")
	block, _, found := strings.Cut(block, "```")
	queries := strings.Split(strings.TrimSuffix(strings.TrimSpace(block), ";"), ";")
	if !found || len(queries) != 3 {
		t.Fatalf("README has %d questions: %q", len(queries), block)
	}
	points := somePoints(3000, 100)
	for i := range points {
		p := &points[i]
		p.Time = p.Time.Add(-2 * time.Hour).Add(time.Duration(i/100) * 7 * time.Minute)
		if i%9 == 0 {
			p.Port, p.HasPort = 22, true
		}
		p.Peer = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(i / 400)}), 32)
	}
	db := openSQLite(t, []byte(run(t, &fakeReader{points: points}, SQLite, Options{})))
	for i, want := range [][]string{knocks(points), hours(points), firsts(points)} {
		got := answer(t, db, queries[i])
		if diff := gocmp.Diff(want, got); diff != "" || len(got) < 5 {
			t.Errorf("%s\n%d rows (-points +SQL):\n%s", queries[i], len(got), diff)
		}
	}
}

// answer returns the rows of an answer, their values joined by |.
func answer(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		var cells []string
		for _, v := range values {
			cells = append(cells, v.String)
		}
		out = append(out, strings.Join(cells, "|"))
	}
	return out
}

func knocks(points []store.Point) []string {
	sums := map[string]uint64{}
	names := map[string]string{}
	for _, p := range points {
		if p.HasPort && p.Port == 22 && p.Direction == store.In && p.Opens > 0 {
			ip := p.Addr.Addr().String()
			sums[ip] += p.Opens
			names[ip] = fmt.Sprintf("%s|%s|%s", ip, p.Place.Country, p.ASOrg)
		}
	}
	ips := keysBy(sums, func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
	var out []string
	for _, ip := range ips[:min(10, len(ips))] {
		out = append(out, fmt.Sprintf("%s|%d", names[ip], sums[ip]))
	}
	return out
}

func hours(points []store.Point) []string {
	type key struct{ hour, country string }
	sums := map[key]uint64{}
	for _, p := range points {
		sums[key{p.Time.Format("2006-01-02T15"), p.Place.Country}] += p.Bytes
	}
	var out []string
	for _, k := range keysBy(sums, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.hour, b.hour), cmp.Compare(sums[b], sums[a]), cmp.Compare(a.country, b.country))
	}) {
		out = append(out, fmt.Sprintf("%s|%s|%v", k.hour, k.country, float64(sums[k])/1e6))
	}
	return out
}

func firsts(points []store.Point) []string {
	type key struct{ ip, peer, city string }
	first := map[key]string{}
	for _, p := range points {
		k := key{p.Addr.Addr().String(), p.Peer.Addr().String(), p.Place.City}
		at := p.Time.Format(time.RFC3339)
		if old, seen := first[k]; p.Direction == store.Out && (!seen || at < old) {
			first[k] = at
		}
	}
	var out []string
	for _, k := range keysBy(first, func(a, b key) int {
		return cmp.Or(cmp.Compare(first[a], first[b]), cmp.Compare(a.ip, b.ip), cmp.Compare(a.peer, b.peer))
	}) {
		if first[k] >= "2026-11-21T12:00" {
			out = append(out, fmt.Sprintf("%s|%s|%s|%s", k.ip, k.peer, k.city, first[k]))
		}
	}
	return out
}

func keysBy[K comparable, V any](m map[K]V, order func(a, b K) int) (keys []K) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, order)
	return keys
}
