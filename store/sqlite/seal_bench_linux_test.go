package sqlite

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// partNames are what the parts of a tier are called in benchmarks.
var partNames = [maxPart]string{1: "keys.sums", "keys.ends", "keys.times", "samples", "place", "place.times", "asn", "asn.times",
	"port", "port.times", "kind", "kind.times"}

// cpuTime is what the process has used so far: on a busy machine the clock says
// little.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSeal seals ten minutes of a busy gateway again and again.
func BenchmarkSeal(b *testing.B) {
	s := openNew(b, Options{NoMaintenance: true})
	quick(b, s)
	t := newTraffic(1)
	const ticks = 60
	for i := range ticks {
		appendAll(b, s, t.batch(benchStart.Add(time.Duration(i)*s.Tick()), s.Tick()))
	}
	var row tierRow
	sizes := make(map[int64]int64)
	l, err := newSealer(s)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	iv := interval{level10m, benchStart.Unix(), 1}
	before := cpuTime(b)
	for b.Loop() {
		c, err := l.begin(ctx, iv)
		if err != nil {
			b.Fatal(err)
		}
		rows, err := readBatches(ctx, s.readers, iv, -1)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.account(rows, rows); err != nil {
			b.Fatal(err)
		}
		if err := c.content(ctx, rows); err != nil {
			b.Fatal(err)
		}
		var parts tierBlobs
		if err := c.views.encode(c.enc, c.back, &parts, c.want); err != nil {
			b.Fatal(err)
		}
		if err := c.writer.add(ctx, 0, &parts); err != nil {
			b.Fatal(err)
		}
		clear(sizes)
		for _, p := range c.writer.parts {
			sizes[p.id%chunkRoom] += int64(len(p.data))
		}
		row = c.row
	}
	const points = ticks * activePoints
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N*points), "cpu-ns/point")
	exact := int64(0)
	for n, size := range sizes {
		b.ReportMetric(float64(size)/points, partNames[n]+"-B/point")
		if n <= partKeysSamples {
			exact += size
		}
	}
	b.ReportMetric(float64(exact)/points, "B/point")
	b.ReportMetric(float64(row.keys), "keys")
}

// BenchmarkIngest appends a day of traffic and seals it on the way, as much as there
// is time for, with one core: GOMAXPROCS=1.
func BenchmarkIngest(b *testing.B) {
	s := openNew(b, Options{NoMaintenance: true})
	quick(b, s)
	t := newTraffic(1)
	batches := make([]*store.Batch, 600)
	for i := range batches {
		batches[i] = t.batch(benchStart, s.Tick())
	}
	ctx := context.Background()
	ticks := 0
	var sealing time.Duration
	before := cpuTime(b)
	for b.Loop() { // an hour
		for range 360 {
			batch := *batches[ticks%len(batches)]
			batch.Tick = benchStart.Add(time.Duration(ticks) * s.Tick())
			batch.From, batch.To = batch.Tick, batch.Tick.Add(s.Tick())
			for j := range batch.Points {
				batch.Points[j].Time = batch.Tick
			}
			appendAll(b, s, &batch)
			ticks++
		}
		start := cpuTime(b)
		if err := s.Maintain(ctx, false); err != nil {
			b.Fatal(err)
		}
		sealing += cpuTime(b) - start
	}
	took := cpuTime(b) - before
	if err := s.Maintain(ctx, true); err != nil {
		b.Fatal(err)
	}
	points := float64(ticks * activePoints)
	b.ReportMetric(points/took.Seconds()/1e6, "Mpoints/cpu-s")
	st, err := s.Stats(ctx)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(st.PerPoint, "file-B/point")
	b.ReportMetric(float64(sealing)/points, "sealing-cpu-ns/point")
	for _, level := range levels {
		n, err := number(ctx, s.readers, "SELECT sum(length(data)) FROM parts WHERE id / 65536 IN (SELECT id FROM tiers WHERE level = ?)", level)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(n)/points, (time.Duration(level)*time.Second).String()+"-B/point")
	}
}
