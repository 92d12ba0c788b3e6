package clickhouse

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// talks is traffic of a busy gateway: 2,000 points a tick, most of which go on in the
// next, with servers in 20,000 places, few of which have most of it.
type talks struct {
	*rand.Rand
	sensor string
	list   []talk
}

type talk struct {
	point store.Point
	rate  uint64
	left  int // ticks
}

const talkPoints = 2000

func newTalks(sensor string, seed uint64) *talks {
	t := &talks{Rand: rand.New(rand.NewPCG(seed, 9)), sensor: sensor}
	for range talkPoints / 2 {
		t.list = append(t.list, t.talk())
	}
	return t
}

func (t *talks) talk() talk {
	server := t.skewed(200_000)
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], server*2654435761)
	place := server * 7919 % 20_000
	asn := place % 3000
	p := store.Point{
		Addr:  netip.PrefixFrom(netip.AddrFrom4(a), 32),
		Peer:  netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(1 + t.skewed(60))}), 32),
		Proto: 6, Port: 443, HasPort: true, ASN: 1000 + asn, ASOrg: fmt.Sprint("Organisation ", asn),
		Place: store.Place{
			Latitude: float64(place%1700)/10 - 85, Longitude: float64(place)/60 - 170,
			Country: string([]byte{'A' + byte(asn%26), 'A' + byte(asn/26%8)}), City: fmt.Sprint("City ", place), Precision: store.City, AccuracyKM: uint16(place % 100),
		},
	}
	switch t.IntN(10) {
	case 0:
		p.Proto, p.Port = 17, 53
	case 1:
		p.Proto = 17
	case 2:
		p.Port = uint16(t.IntN(10000))
	case 3:
		p.Proto, p.Port, p.HasPort = 1, 0, false
	}
	return talk{point: p, rate: 1 << t.IntN(10), left: 1 + int(t.skewed(500))}
}

// skewed is below n, and small most of the time.
func (t *talks) skewed(n int) uint32 {
	return uint32(t.Float64() * t.Float64() * t.Float64() * float64(n))
}

func (t *talks) batch(tick time.Time) *store.Batch {
	const interval = 10 * time.Second
	b := &store.Batch{Sensor: t.sensor, Tick: tick, Interval: interval, From: tick, To: tick.Add(interval)}
	for i := range t.list {
		k := &t.list[i]
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
		}
		k.point.Opens = 0
	}
	return b
}

// BenchmarkAppend ships 180 ticks, half an hour, in groups of 1, 6 and 60, and says what
// they take on the server's disk once they are merged.
func BenchmarkAppend(b *testing.B) {
	for name, start := range map[string]func(testing.TB) *chtest.Server{"18.16": chtest.Old, "chdb": chtest.Modern} {
		b.Run(name, func(b *testing.B) {
			server := start(b)
			for _, group := range []int{1, 6, 60} {
				b.Run(fmt.Sprint(group), func(b *testing.B) {
					for b.Loop() {
						benchAppend(b, server, group)
					}
				})
			}
		})
	}
}

func benchAppend(b *testing.B, server *chtest.Server, group int) {
	b.StopTimer()
	ctx, t := context.Background(), newTalks("gw1", 1)
	s, err := Connect(ctx, Options{DSN: server.DSN, Database: server.Database()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.Init(ctx); err != nil {
		b.Fatal(err)
	}
	const ticks = 180
	var list []*store.Batch
	for i := range ticks {
		list = append(list, t.batch(noon.Add(time.Duration(i)*10*time.Second)))
	}
	b.StartTimer()
	start := time.Now()
	for len(list) > 0 {
		if err := s.Append(ctx, "o", list[:group]); err != nil {
			b.Fatal(err)
		}
		list = list[group:]
	}
	seconds := time.Since(start).Seconds()
	b.StopTimer()
	b.ReportMetric(ticks*talkPoints/seconds, "points/s")
	b.ReportMetric(ticks*10/seconds, "×real-time")
	for _, table := range append(rollupNames(s.caps), "points") {
		if err := s.conn.Exec(ctx, "OPTIMIZE TABLE "+s.o.table(table)+" FINAL"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(sizeOf(b, s, "points")/(ticks*talkPoints), "bytes/point")
	if s.caps.Tokens {
		b.ReportMetric(sizeOf(b, s, "%_10m")/(ticks*talkPoints), "rollup-10m-bytes/point")
	}
	b.ReportMetric(sizeOf(b, s, "batches")/ticks, "bytes/batch")
	b.StartTimer()
}

// sizeOf returns the bytes on disk of the tables of a name.
func sizeOf(b *testing.B, s *Store, like string) float64 {
	var n uint64
	err := s.conn.QueryRow(context.Background(), "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = "+
		quoteText(s.o.database())+" AND table LIKE "+quoteText(like)).Scan(&n)
	if err != nil {
		b.Fatal(err)
	}
	return float64(n)
}
