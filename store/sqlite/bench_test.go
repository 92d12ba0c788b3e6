package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// traffic makes ticks as a busy gateway sees them: activePoints points a tick
// between some local hosts and far servers, most conversations going on from tick to
// tick, two directions each, a few new scanners all the time. 20,000 places.
type traffic struct {
	random
	talks []talk
}

type talk struct {
	point store.Point
	rate  uint64
	left  int // ticks
}

const activePoints = 2000

func newTraffic(seed uint64) *traffic {
	t := &traffic{random: newRandom(seed)}
	for range activePoints / 2 {
		t.talks = append(t.talks, t.talk())
	}
	return t
}

func (t *traffic) talk() talk {
	const places, orgs = 20000, 3000
	server := t.zipf(200000)
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], server*2654435761) // spread over all of IPv4
	place := server * 7919 % places
	asn := place % orgs
	p := store.Point{
		Addr:  netip.PrefixFrom(netip.AddrFrom4(a), 32),
		Peer:  netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(1 + t.zipf(60))}), 32),
		Proto: 6, Port: 443, HasPort: true,
		Place: store.Place{
			Latitude: float64(place%1700)/10 - 85, Longitude: float64(place)/60 - 170,
			Country: string([]byte{'A' + byte(asn%26), 'A' + byte(asn/26%26)}), City: "City " + string(rune('A'+place%26)),
			Precision: store.City, AccuracyKM: uint16(place % 100),
		},
		ASN: 1000 + asn, ASOrg: "Organisation " + string(rune('A'+asn%26)),
	}
	switch t.IntN(10) {
	case 0:
		p.Proto, p.Port = 17, 53
	case 1:
		p.Proto, p.Port = 17, 443
	case 2:
		p.Port = uint16(t.IntN(10000))
	case 3:
		p.Proto, p.Port, p.HasPort = 1, 0, false
	}
	return talk{point: p, rate: 1 << t.IntN(10), left: 1 + int(t.zipf(500))}
}

// zipf is roughly: small values are far more frequent, up to n.
func (t *traffic) zipf(n int) uint32 {
	v := 1.0
	for range 3 {
		v *= t.Float64()
	}
	return uint32(v * float64(n))
}

func (t *traffic) batch(tick time.Time, interval time.Duration) *store.Batch {
	b := &store.Batch{Sensor: "gw1", Tick: tick, Interval: interval, From: tick, To: tick.Add(interval)}
	for i := range t.talks {
		k := &t.talks[i]
		if k.left--; k.left <= 0 {
			*k = t.talk()
			k.point.Opens = 1
		}
		for _, d := range []store.Direction{store.In, store.Out} {
			p := k.point
			p.Time, p.Interval, p.Sensor, p.Direction = tick, interval, b.Sensor, d
			p.Packets = 1 + t.Uint64N(k.rate)
			p.Bytes = p.Packets * (60 + t.Uint64N(400))
			b.Points = append(b.Points, p)
			b.Books.Captured.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
		}
		k.point.Opens = 0
	}
	b.Books.Decoded, b.Books.OnePublic = b.Books.Captured, b.Books.Captured
	return b
}

var benchStart = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func BenchmarkAppend(b *testing.B) {
	s := openNew(b, Options{})
	onWriter(b, s, "PRAGMA synchronous = FULL")
	t := newTraffic(1)
	batches := make([]*store.Batch, 200)
	for i := range batches {
		batches[i] = t.batch(benchStart.Add(time.Duration(i)*s.Tick()), s.Tick())
	}
	b.ResetTimer()
	for i := range b.N {
		batch := *batches[i%len(batches)]
		if i >= len(batches) { // again, as late packets
			batch.Seq = uint32(i / len(batches))
		}
		appendAll(b, s, &batch)
	}
	b.StopTimer()
	var size, points float64
	if err := s.readers.QueryRow("SELECT sum(length(sums) + length(ends)) FROM blocks").Scan(&size); err != nil {
		b.Fatal(err)
	}
	points = float64(b.N * activePoints)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/points, "ns/point")
	b.ReportMetric(size/points, "bytes/point")
}

// BenchmarkEncode is BenchmarkAppend without SQLite and the disk.
func BenchmarkEncode(b *testing.B) {
	e, err := newEncoder()
	if err != nil {
		b.Fatal(err)
	}
	batch := newTraffic(1).batch(benchStart, defaultTick)
	d := newDicts()
	d.index()
	for b.Loop() {
		if _, _, err := e.encode(batch.Points, d.places.id, d.asns.id); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*activePoints), "ns/point")
}

// fillHours appends hours of traffic, quickly: the same quarter of an hour again
// and again, without waiting for the disk.
func fillHours(b *testing.B, s *Store, hours float64, also func(*store.Batch)) {
	b.Helper()
	quick(b, s)
	t := newTraffic(2)
	ticks := int(hours * 360)
	batches := make([]*store.Batch, min(ticks, 90))
	for i := range batches {
		batches[i] = t.batch(benchStart, s.Tick())
	}
	for i := range ticks {
		batch := *batches[i%len(batches)]
		batch.Tick = benchStart.Add(time.Duration(i) * s.Tick())
		batch.From, batch.To = batch.Tick, batch.Tick.Add(s.Tick())
		for j := range batch.Points {
			batch.Points[j].Time = batch.Tick
		}
		appendAll(b, s, &batch)
		if also != nil {
			also(&batch)
		}
	}
}

// BenchmarkCellsHour answers the map of one hour (720,000 points) from blocks and,
// in the same run, from a plain table with one row a point by SQL GROUP BY.
func BenchmarkCellsHour(b *testing.B) {
	s := openNew(b, Options{})
	rows := newRowTable(b)
	fillHours(b, s, 1, rows.add)
	rows.commit()
	ctx := context.Background()
	var sum, plain store.Sum
	b.Run("blocks", func(b *testing.B) {
		for b.Loop() {
			cells, err := s.Cells(ctx, store.Filter{}, 0)
			if err != nil {
				b.Fatal(err)
			}
			sum = store.Sum{}
			for i := range cells {
				sum.Add(cells[i].Sum)
			}
		}
		took := b.Elapsed() / time.Duration(b.N)
		start := time.Now()
		plain = rows.cells()
		b.ReportMetric(float64(time.Since(start))/float64(took), "rowtable/blocks")
		b.ReportMetric(float64(took.Nanoseconds())/(360*activePoints), "ns/point")
	})
	if sum.Packets != plain.Packets || sum.Bytes != plain.Bytes {
		b.Errorf("blocks have %v, rows %v", sum, plain)
	}
	b.Run("by tick", func(b *testing.B) { // as the dashboard asks
		for b.Loop() {
			if _, err := s.Cells(ctx, store.Filter{}, s.Tick()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, text := range []string{"country:AA", "port:443 -country:AA", "ip:10.0.0.0/8", "opened:them"} {
		b.Run(strings.ReplaceAll(text, " ", "+"), func(b *testing.B) {
			f, err := store.ParseFilter(text)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.Cells(ctx, f, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCellsDay is the map of 8,640 ticks, 17.3 M points. Making them takes half
// a minute, so it runs only with PACKETHEAT_BENCH_DAY=1.
func BenchmarkCellsDay(b *testing.B) {
	if os.Getenv("PACKETHEAT_BENCH_DAY") != "1" {
		b.Skip("set PACKETHEAT_BENCH_DAY=1: it takes half a minute to prepare")
	}
	s := openNew(b, Options{})
	fillHours(b, s, 24, nil)
	for b.Loop() {
		if _, err := s.Cells(context.Background(), store.Filter{}, 0); err != nil {
			b.Fatal(err)
		}
	}
	st, err := s.Stats(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(st.PerPoint, "bytes/point")
}

// BenchmarkOther asks the other questions about an hour.
func BenchmarkOther(b *testing.B) {
	s := openNew(b, Options{})
	fillHours(b, s, 1, nil)
	ctx := context.Background()
	f := store.Filter{}
	for name, ask := range map[string]func() error{
		"points":   func() error { return s.Points(ctx, f, func([]store.Point) error { return nil }) },
		"series":   func() error { _, err := s.Series(ctx, f, time.Minute); return err },
		"coverage": func() error { _, err := s.Coverage(ctx, f.Window); return err },
		"country":  func() error { _, err := s.Top(ctx, f, store.ByCountry, 10); return err },
		"ip":       func() error { _, err := s.Top(ctx, f, store.ByIP, 10); return err },
		"port":     func() error { _, err := s.Top(ctx, f, store.ByPort, 10); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(360*activePoints), "ns/point")
		})
	}
}

// rowTable is what most would have made: a row a point.
type rowTable struct {
	b  *testing.B
	db *sql.DB
	tx *sql.Tx
	in *sql.Stmt
}

func newRowTable(b *testing.B) *rowTable {
	db, err := sql.Open("sqlite3", uri(filepath.Join(b.TempDir(), "rows.db"), "_journal_mode=WAL"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	r := &rowTable{b: b, db: db}
	r.must(db.Exec(`CREATE TABLE points (time INTEGER, addr BLOB, peer BLOB, direction INTEGER, proto INTEGER, port INTEGER,
		latitude REAL, longitude REAL, country TEXT, city TEXT, asn INTEGER, packets INTEGER, bytes INTEGER, opens INTEGER)`))
	if r.tx, err = db.Begin(); err != nil {
		b.Fatal(err)
	}
	if r.in, err = r.tx.Prepare("INSERT INTO points VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"); err != nil {
		b.Fatal(err)
	}
	return r
}

func (r *rowTable) must(_ sql.Result, err error) {
	r.b.Helper()
	if err != nil {
		r.b.Fatal(err)
	}
}

func (r *rowTable) add(batch *store.Batch) {
	for i := range batch.Points {
		p := &batch.Points[i]
		r.must(r.in.Exec(p.Time.Unix(), p.Addr.Addr().AsSlice(), p.Peer.Addr().AsSlice(), p.Direction, p.Proto, p.Port,
			p.Place.Latitude, p.Place.Longitude, p.Place.Country, p.Place.City, p.ASN, p.Packets, p.Bytes, p.Opens))
	}
}

func (r *rowTable) commit() {
	if err := r.tx.Commit(); err != nil {
		r.b.Fatal(err)
	}
}

func (r *rowTable) cells() (sum store.Sum) {
	rows, err := r.db.Query(`SELECT latitude, longitude, country, city, proto, direction, sum(packets), sum(bytes), sum(opens)
		FROM points WHERE time >= ? AND time < ? GROUP BY 1, 2, 3, 4, 5, 6`, benchStart.Unix(), benchStart.Add(time.Hour).Unix())
	if err != nil {
		r.b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s store.Sum
		var skip any
		if err := rows.Scan(&skip, &skip, &skip, &skip, &skip, &skip, &s.Packets, &s.Bytes, &s.Opens); err != nil {
			r.b.Fatal(err)
		}
		sum.Add(s)
	}
	return sum
}
