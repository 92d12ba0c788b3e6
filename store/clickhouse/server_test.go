package clickhouse

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// connect connects to a server, in a database of the test's own unless o names one.
func connect(t *testing.T, server *chtest.Server, o Options) *Store {
	t.Helper()
	o.DSN = server.DSN
	if o.Database == "" {
		o.Database = server.Database()
	}
	s, err := Connect(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// open is connect with tables.
func open(t *testing.T, server *chtest.Server, o Options) *Store {
	t.Helper()
	s := connect(t, server, o)
	if err := s.Init(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// noon is the first tick of tests.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// someBatch is a batch of n points that differ in every column.
func someBatch(sensor string, tick time.Time, seq uint32, n int) *store.Batch {
	b := &store.Batch{
		Sensor: sensor, Tick: tick, Interval: 10 * time.Second, Seq: seq,
		From: tick.Add(time.Second), To: tick.Add(10 * time.Second),
		Geo: []store.GeoSource{{Kind: "city", Name: "A", Built: noon, Attribution: "by 'A'", URL: "a.example"}},
	}
	for i := range n {
		p := somePoint(i)
		p.Time, p.Interval, p.Sensor = tick, b.Interval, sensor
		b.Points = append(b.Points, p)
		b.Books.OnePublic.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	b.Books.Drops, b.Books.Ring = 3, 1<<63+5
	return b
}

func somePoint(i int) store.Point {
	ends := []string{"203.0.113.7/32", "198.51.100.0/22", "2001:db8::1/128", "2001:db8:1::/48", "::ffff:192.0.2.1/128", "::/0", "0.0.0.0/0", "192.0.2.77/24"}
	p := store.Point{
		Addr: netip.MustParsePrefix(ends[i%len(ends)]), Direction: store.Direction(i % 2), Proto: uint8(6 + i%3*11),
		ASN: uint32(1<<32 - 1 - i), ASOrg: fmt.Sprintf("Org '%d'", i%4), Packets: uint64(i + 1), Bytes: 1<<50 + uint64(i), Opens: uint64(i % 2),
		Flags: store.Flags(i),
	}
	if i%3 > 0 {
		p.Peer = netip.MustParsePrefix(ends[(i+3)%len(ends)])
		p.Port, p.HasPort = uint16(65535*(i%2)), true
	}
	switch i % 4 {
	case 1:
		p.Place = store.Place{Country: "BR", Precision: store.Country}
	case 2:
		p.Place = store.Place{Latitude: -33.8678, Longitude: 151.2073, Country: "AU", Region: "N\"SW\"", City: "Sydney", Precision: store.City, AccuracyKM: 65535}
	case 3:
		p.Place = store.Place{Latitude: 1e-4, Longitude: -179.9999, Country: "FI", Region: "Åland", Precision: store.Region, AccuracyKM: 1}
	}
	return p
}

// total is what a table's rows add up to.
type total struct{ rows, packets, bytes, opens uint64 }

func totalOf(t *testing.T, s *Store, table string) (n total) {
	t.Helper()
	err := s.conn.QueryRow(context.Background(), "SELECT count(), sum(packets), sum(bytes), sum(opens) FROM "+s.table(table)).
		Scan(&n.rows, &n.packets, &n.bytes, &n.opens)
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	return n
}

// wantOnce checks that points, rollups and batches have each of the batches once.
func wantOnce(t *testing.T, s *Store, what string, batches ...*store.Batch) {
	t.Helper()
	var want total
	for _, b := range batches {
		want.rows += uint64(len(b.Points))
		sum := sumsOf(b.Points).points
		want.packets, want.bytes, want.opens = want.packets+sum.Packets, want.bytes+sum.Bytes, want.opens+sum.Opens
	}
	if got := totalOf(t, s, "points"); got != want {
		t.Errorf("%s: points have %+v, want %+v", what, got, want)
	}
	for _, name := range rollupNames(s.caps) {
		got := totalOf(t, s, name)
		got.rows = want.rows // how many there are depends on what is merged already
		if got != want {
			t.Errorf("%s: %s has %+v, want %+v", what, name, got, want)
		}
	}
	var n, points uint64
	if err := s.conn.QueryRow(context.Background(), "SELECT count(), sum(points) FROM "+s.table("batches")).Scan(&n, &points); err != nil {
		t.Fatal(err)
	}
	if n != uint64(len(batches)) || points != want.rows {
		t.Errorf("%s: %d batches with %d points, want %d with %d", what, n, points, len(batches), want.rows)
	}
}

// rollupNames returns the tables that views feed.
func rollupNames(caps Capabilities) (list []string) {
	if !caps.Tokens {
		return nil
	}
	for _, r := range rollups {
		for _, l := range levels {
			list = append(list, r.name+"_"+l.name)
		}
	}
	return list
}
