package export

import (
	"bytes"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// oddPoints are points of every kind, with evil names, in no order.
func oddPoints() []store.Point {
	points := somePoints(500, 70)
	for i := range points {
		p := &points[i]
		name := evil[i%len(evil)]
		p.Place.City, p.Place.Country = name, evil[(i/3)%len(evil)]
		p.ASOrg, p.Sensor = evil[(i/5)%len(evil)], evil[(i/100)%len(evil)]
		p.Flags = store.Flags(i % 8)
		p.Proto = uint8(i)
		p.Place.Latitude = float64(i)/3 - 80
		switch i % 7 {
		case 0:
			p.Addr = netip.MustParsePrefix("2001:db8::/48")
		case 1:
			p.Peer = netip.Prefix{}
		case 2:
			p.Interval = 1500 * time.Millisecond
		case 3:
			p.Bytes = math.MaxInt64
		case 4:
			p.Peer = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 32)
		}
	}
	return points
}

// TestPiecesAreTheColumns compares rows put together from what many share with rows
// made column by column: of the CSV from points, of the CSV from a recent, of SQLite.
func TestPiecesAreTheColumns(t *testing.T) {
	points := oddPoints()
	cols, cache := rowColumns(), newRowCache()
	var fast, slow bytes.Buffer
	c := newCSVWriter(&fast)
	if err := c.write(points); err != nil {
		t.Fatal(err)
	}
	if err := c.end(); err != nil {
		t.Fatal(err)
	}
	var want [][]any
	for i := range points {
		row := appendCells(nil, cols, "time", "flags", cache, &points[i])
		slow.Write(append(row[:len(row)-1], '\n'))
		values := make([]any, len(cols))
		for k, col := range cols {
			values[k] = value(col.sql, string(col.append(nil, cache, &points[i])))
		}
		want = append(want, values)
	}
	if diff := gocmp.Diff(want, sqliteRows(t, points, len(cols))); diff != "" {
		t.Errorf("rows of SQLite differ (-columns +pieces):\n%.2000s", diff)
	}
	if diff := gocmp.Diff(slow.String(), fast.String()); diff != "" {
		t.Errorf("rows differ (-columns +pieces):\n%.2000s", diff)
	}
}

// sqliteRows writes points as a database and returns the n columns of its rows.
func sqliteRows(t *testing.T, points []store.Point, n int) (out [][]any) {
	t.Helper()
	db := openSQLite(t, []byte(run(t, &fakeReader{points: points}, SQLite, Options{})))
	rows, err := db.Query("SELECT * FROM points ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		values, targets := make([]any, n), make([]any, n)
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		out = append(out, values)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPiecesOfManyPlaces has more places than a writer keeps.
func TestPiecesOfManyPlaces(t *testing.T) {
	var points []store.Point
	for i := range 1<<16 + 500 {
		points = append(points, store.Point{Time: noon, Interval: tick, Addr: netip.MustParsePrefix("8.8.8.8/32"), Packets: 1,
			Place: store.Place{AccuracyKM: uint16(i), City: fmt.Sprint(i), Country: "DE", Precision: store.City}})
	}
	r := &fakeReader{points: points}
	rows := strings.Split(run(t, r, CSV, Options{}), "\n")[1:]
	for i := range points {
		if want := fmt.Sprintf(",DE,%d,,,,10,city,%s,", i, strings.TrimPrefix(fmt.Sprint(i%(1<<16)), "0")); !strings.HasSuffix(rows[i], want) {
			t.Fatalf("row %d is %q, want %q at its end", i, rows[i], want)
		}
	}
}

func TestSplitAndBiggest(t *testing.T) {
	var all []ranked
	for i := range 4000 {
		all = append(all, ranked{packets: uint64(i*7919%4001) + 1, key: subjectKey(uint32(i%50), 2, uint32(i)), subject: uint32(i)})
	}
	order := newTables().compareRanked
	sure, others := split(all, 50, func(a, b ranked) int { return order(&a, &b) })
	if len(sure) != 50*sureRanks || len(others) != 4000-len(sure) {
		t.Fatalf("%d sure ones and %d others", len(sure), len(others))
	}
	least := map[uint64]uint64{}
	for _, r := range sure {
		if n, ok := least[r.key>>32]; !ok || r.packets < n {
			least[r.key>>32] = r.packets
		}
	}
	for _, r := range others {
		if r.packets > least[r.key>>32] {
			t.Fatalf("%d packets are not among the first of their place, %d are", r.packets, least[r.key>>32])
		}
	}
	for _, n := range []int{1, 10, 1000, 5000} {
		some := biggest(append([]ranked(nil), others...), n)
		in := map[uint32]bool{}
		for _, r := range some {
			in[r.subject] = true
		}
		if len(some) < min(n, len(others)) {
			t.Errorf("%d of %d asked for", len(some), n)
		}
		bigger := 0
		for _, r := range others {
			if !in[r.subject] {
				bigger = max(bigger, int(r.packets))
			}
		}
		for _, r := range some {
			if int(r.packets) < bigger {
				t.Fatalf("%d packets are among the %d biggest, %d are not", r.packets, n, bigger)
			}
		}
	}
}
