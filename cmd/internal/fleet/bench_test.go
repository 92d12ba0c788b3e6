package fleet

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
	"github.com/packetheat/packetheat/store/sqlite"
)

// benchTicks makes ticks of a gateway: conversations that go on, with some thousand places.
type benchTicks struct {
	*rand.Rand
	sensor string
	talks  []store.Point
}

func newBenchTicks(sensor string, seed uint64, points int) *benchTicks {
	b := &benchTicks{Rand: rand.New(rand.NewPCG(seed, 10)), sensor: sensor}
	for range points {
		b.talks = append(b.talks, b.talk())
	}
	return b
}

func (b *benchTicks) talk() store.Point {
	server := uint32(200_000 * b.Float64() * b.Float64() * b.Float64())
	place := server * 7919 % 5000
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], server*2654435761)
	p := store.Point{
		Sensor: b.sensor, Interval: 10 * time.Second, Addr: netip.PrefixFrom(netip.AddrFrom4(a), 32), Direction: store.Direction(b.IntN(2)),
		Peer:  netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(b.IntN(60))}), 32),
		Proto: 6, Port: 443, HasPort: true, ASN: 1000 + place%900, ASOrg: fmt.Sprintf("Organisation %d", place%900),
		Place: store.Place{Latitude: float64(place%1700)/10 - 85, Longitude: float64(place)/15 - 166, Country: string([]byte{'A' + byte(place%26), 'A' + byte(place/26%26)}),
			City: fmt.Sprintf("City %d", place), Precision: store.City, AccuracyKM: 20},
	}
	if b.IntN(5) == 0 {
		p.Proto, p.Port = 17, uint16(b.IntN(5000))
	}
	return p
}

func (b *benchTicks) next(tick int) *store.Batch {
	batch := &store.Batch{Sensor: b.sensor, Tick: start.Add(time.Duration(tick) * 10 * time.Second), Interval: 10 * time.Second}
	batch.From, batch.To = batch.Tick, batch.Tick.Add(batch.Interval)
	batch.Points = make([]store.Point, len(b.talks))
	for i := range b.talks {
		if b.IntN(60) == 0 {
			b.talks[i] = b.talk()
		}
		p := b.talks[i]
		p.Time, p.Packets = batch.Tick, 1+b.Uint64N(500)
		p.Bytes = p.Packets * (60 + b.Uint64N(1400))
		batch.Points[i] = p
		batch.Books.OnePublic.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	batch.Books.Captured, batch.Books.Decoded = batch.Books.OnePublic, batch.Books.OnePublic
	return batch
}

// TestBenchFleet prints what a fleet costs: how fast sensors ship, how fast one that was
// cut off catches up, and how long questions take beside SQLite with the same data.
// "make bench-fleet" runs it.
func TestBenchFleet(t *testing.T) {
	if os.Getenv("PACKETHEAT_BENCH_FLEET") == "" {
		t.Skip("a benchmark of minutes: make bench-fleet")
	}
	chtest.Each(t, func(t *testing.T, server *chtest.Server) {
		for _, size := range []struct{ sensors, ticks, points int }{{1, 360, 1000}, {10, 60, 500}, {100, 12, 300}} {
			benchFleet(t, server, size.sensors, size.ticks, size.points)
		}
		fmt.Println()
		benchDrain(t, server)
	})
}

func benchFleet(t *testing.T, server *chtest.Server, sensors, ticks, points int) {
	t.Helper()
	ctx := t.Context()
	o := clickhouse.Options{DSN: server.DSN, Database: server.Database()}
	to, err := clickhouse.Connect(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := to.Init(ctx); err != nil {
		t.Fatal(err)
	}
	one, err := sqlite.Open(filepath.Join(t.TempDir(), "data"), sqlite.Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	box, err := one.Outbox(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []*benchTicks
	for i := range sensors {
		all = append(all, newBenchTicks(fmt.Sprintf("gw%03d", i), uint64(i), points))
	}
	total := sensors * ticks * points
	fmt.Printf("\n%s: %d sensors, %d ticks of %d points each: %d points\n", server.Name, sensors, ticks, points, total)

	// The first half tick by tick, as sensors that keep up ship; the rest waits in the store.
	var single []time.Duration
	live := min(ticks/2, 1+60/sensors)
	for tick := range ticks {
		for i, b := range all {
			batch := b.next(tick)
			if err := one.Append(ctx, batch); err != nil {
				t.Fatal(err)
			}
			if tick >= live {
				continue
			}
			p, err := box.Next(ctx, 1)
			if err != nil || len(p.Batches) != 1 {
				t.Fatalf("%d: %v, %v", i, p, err)
			}
			began := time.Now()
			if err := to.Append(ctx, "bench", p.Batches); err != nil {
				t.Fatal(err)
			}
			single = append(single, time.Since(began))
			if err := box.Shipped(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := one.Maintain(ctx, true); err != nil {
		t.Fatal(err)
	}
	sort.Slice(single, func(i, j int) bool { return single[i] < single[j] })
	fmt.Printf("  a tick alone:  p50 %s, p99 %s; the server takes %.0f of these a second\n", round(single[len(single)/2]), round(single[len(single)*99/100]),
		float64(len(single))/sum(single).Seconds())

	waiting := (ticks - live) * sensors
	began, reading, shipped := time.Now(), time.Duration(0), 0
	for {
		at := time.Now()
		p, err := box.Next(ctx, parcelPoints)
		if err != nil {
			t.Fatal(err)
		}
		reading += time.Since(at)
		if len(p.Batches) == 0 {
			break
		}
		if err := to.Append(ctx, "bench", p.Batches); err != nil {
			t.Fatal(err)
		}
		if err := box.Shipped(ctx, p); err != nil {
			t.Fatal(err)
		}
		shipped += p.Points()
	}
	took := time.Since(began)
	realTime := time.Duration(waiting/sensors) * 10 * time.Second
	fmt.Printf("  catching up:   %d points in %s: %.0f points/s (reading the store %.0f %%), one after the other %.0f times as fast as they came\n",
		shipped, round(took), float64(shipped)/took.Seconds(), 100*reading.Seconds()/took.Seconds(), realTime.Seconds()/took.Seconds()*1)
	benchQuestions(t, one, to, ticks)
}

func sum(list []time.Duration) (d time.Duration) {
	for _, one := range list {
		d += one
	}
	return d
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Microsecond) }

// asker is what is asked of both.
type asker interface {
	Cells(context.Context, store.Filter, time.Duration) ([]store.Cell, error)
	Series(context.Context, store.Filter, time.Duration) ([]store.Bin, error)
	Top(context.Context, store.Filter, store.Dimension, int) (store.Top, error)
}

// benchQuestions prints the best of three times of each.
func benchQuestions(t *testing.T, one, fleet asker, ticks int) {
	t.Helper()
	odd := store.Window{From: start.Add(30 * time.Second), To: start.Add(time.Duration(ticks)*10*time.Second - 20*time.Second)}
	filter := func(text string) store.Filter {
		f, err := store.ParseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		f.Window = odd
		return f
	}
	for _, q := range []struct {
		what string
		ask  func(asker) error
	}{
		{"map of all", func(r asker) error { _, err := r.Cells(t.Context(), filter(""), 0); return err }},
		{"map of one sensor", func(r asker) error { _, err := r.Cells(t.Context(), filter("sensor:gw000"), 0); return err }},
		{"course, 1m", func(r asker) error { _, err := r.Series(t.Context(), filter(""), time.Minute); return err }},
		{"top countries", func(r asker) error { _, err := r.Top(t.Context(), filter(""), store.ByCountry, 20); return err }},
		{"top addresses", func(r asker) error { _, err := r.Top(t.Context(), filter(""), store.ByIP, 20); return err }},
		{"map of port 53", func(r asker) error { _, err := r.Cells(t.Context(), filter("port:53"), 0); return err }},
		{"map of a peer", func(r asker) error {
			_, err := r.Cells(t.Context(), filter("peer:192.168.1.7 proto:udp"), 0)
			return err
		}},
	} {
		fmt.Printf("  %-18s SQLite %-10s fleet %s\n", q.what, best(t, one, q.ask), best(t, fleet, q.ask))
	}
}

func best(t *testing.T, r asker, ask func(asker) error) time.Duration {
	t.Helper()
	least := time.Hour
	for range 3 {
		began := time.Now()
		if err := ask(r); err != nil {
			t.Fatal(err)
		}
		least = min(least, time.Since(began))
	}
	return round(least)
}
