package sqlite

import (
	"context"
	"database/sql"
	"path/filepath"
	"time"

	"github.com/packetheat/packetheat/store"
)

// compareRows keeps an hour as plain rows and a month as rows a day, place, protocol
// and direction, and has SQL sum them.
func (b *benchStore) compareRows() {
	db, err := sql.Open("sqlite3", uri(filepath.Join(b.t.TempDir(), "rows.db"), "_journal_mode=WAL&_synchronous=OFF"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	must := func(_ sql.Result, err error) {
		b.t.Helper()
		if err != nil {
			b.t.Fatal(err)
		}
	}
	must(db.Exec("CREATE TABLE points (time INTEGER, addr BLOB, peer BLOB, direction INTEGER, proto INTEGER, port INTEGER, " +
		"latitude REAL, longitude REAL, country TEXT, city TEXT, asn INTEGER, packets INTEGER, bytes INTEGER, opens INTEGER)"))
	must(db.Exec("CREATE TABLE days (time INTEGER, latitude REAL, longitude REAL, country TEXT, city TEXT, proto INTEGER, direction INTEGER, packets INTEGER, bytes INTEGER, opens INTEGER)"))
	must(db.Exec("BEGIN"))
	n := 0
	w := store.Window{From: benchDay, To: benchDay.Add(time.Hour)}
	err = b.s.Points(context.Background(), store.Filter{Window: w}, func(points []store.Point) error {
		for i := range points {
			p := &points[i]
			n++
			_, err := db.Exec("INSERT INTO points VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", p.Time.Unix(), p.Addr.Addr().AsSlice(), p.Peer.Addr().AsSlice(), p.Direction, p.Proto, p.Port,
				p.Place.Latitude, p.Place.Longitude, p.Place.Country, p.Place.City, p.ASN, p.Packets, p.Bytes, p.Opens)
			if err != nil {
				return err
			}
		}
		return nil
	})
	must(nil, err)
	cells, err := b.s.Cells(context.Background(), store.Filter{Window: store.Window{From: benchDay, To: benchDay.Add(24 * time.Hour)}}, 0)
	must(nil, err)
	for _, c := range cells {
		must(db.Exec("INSERT INTO days VALUES (0,?,?,?,?,?,?,?,?,?)", c.Place.Latitude, c.Place.Longitude, c.Place.Country, c.Place.City, c.Class, c.Direction, c.Packets, c.Bytes, c.Opens))
	}
	must(db.Exec("INSERT INTO days SELECT d.n, latitude, longitude, country, city, proto, direction, packets, bytes, opens FROM days, " +
		"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < 11) SELECT n FROM c) d"))
	must(db.Exec("COMMIT"))
	group := func(table string) time.Duration {
		start := time.Now()
		rows, err := db.Query("SELECT latitude, longitude, country, city, proto, direction, sum(packets), sum(bytes), sum(opens) FROM " + table + " WHERE time >= 0 GROUP BY 1, 2, 3, 4, 5, 6")
		if err != nil {
			b.t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
		}
		return time.Since(start)
	}
	hour, days := group("points"), group("days")
	b.t.Logf("plain rows: an hour (%d rows) %.0f ms, so 24 h %.1f s (scaled): %.0fx ours; 12 days of daily rows (%d a day) %.0f ms, so 1 y %.1f s (scaled): %.0fx ours",
		n, ms(hour), 24*hour.Seconds(), float64(24*hour)/float64(b.took["cells 24h"]),
		len(cells), ms(days), days.Seconds()*365/12, float64(days)*365/12/float64(b.took["cells 1y"]))
}
