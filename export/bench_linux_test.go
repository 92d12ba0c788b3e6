package export

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// busy is a Reader with an hour of a busy gateway: 2,000 points a tick, conversations
// of some ticks in both directions between 60 hosts and 20,000 addresses, a few of
// them very frequent, at 2,000 places.
type busy struct {
	fakeReader
	random *rand.Rand
	talks  []talk
	ticks  [][]store.Point
	counts []uint64
}

type talk struct {
	point store.Point
	rate  uint64
	left  int // ticks
}

func newBusy(ticks int) *busy {
	r := &busy{random: rand.New(rand.NewPCG(1, 2))}
	for range 1000 {
		r.talks = append(r.talks, r.talk())
	}
	for range ticks {
		r.tick()
	}
	return r
}

// zipf is roughly: small values are far more frequent, up to n.
func (r *busy) zipf(n int) uint32 {
	return uint32(float64(n) * r.random.Float64() * r.random.Float64() * r.random.Float64())
}

func (r *busy) talk() talk {
	server := r.zipf(20_000)
	place, asn := server*7919%2000, server*7919%500
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], server*2654435761|1<<28)
	p := store.Point{Interval: tick, Sensor: "gw1", Addr: netip.PrefixFrom(netip.AddrFrom4(a), 32),
		Peer:  netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 1, byte(1 + r.zipf(60))}), 32),
		Proto: 6, Port: 443, HasPort: true, ASN: 1000 + asn, ASOrg: fmt.Sprint("Organisation ", asn),
		Place: store.Place{Latitude: float64(place%1700)/10 - 85, Longitude: float64(place%360) - 179.5, Precision: store.City,
			Country: string([]byte{'A' + byte(asn%26), 'A' + byte(asn/26)}), Region: fmt.Sprint("Region ", place%300),
			City: fmt.Sprint("City ", place), AccuracyKM: uint16(place % 100)}}
	switch r.random.IntN(10) {
	case 0:
		p.Proto, p.Port = 17, 53
	case 1:
		p.Proto = 17
	case 2:
		p.Port = uint16(r.random.IntN(10_000))
	case 3:
		p.Proto, p.Port, p.HasPort = 1, 0, false
	}
	return talk{p, 1 << r.random.IntN(10), 1 + int(r.zipf(100))}
}

// tick adds the points of one tick, in order of address.
func (r *busy) tick() {
	var points []store.Point
	for i := range r.talks {
		t := &r.talks[i]
		if t.left--; t.left <= 0 {
			*t = r.talk()
		}
		for _, d := range []store.Direction{store.In, store.Out} {
			p := t.point
			p.Time, p.Direction = noon.Add(time.Duration(len(r.ticks))*tick), d
			p.Packets = 1 + r.random.Uint64N(t.rate)
			p.Bytes = p.Packets * (60 + r.random.Uint64N(400))
			points = append(points, p)
		}
	}
	slices.SortStableFunc(points, func(a, b store.Point) int { return a.Addr.Addr().Compare(b.Addr.Addr()) })
	r.ticks = append(r.ticks, points)
	r.counts = append(r.counts, uint64(len(points)))
}

func (r *busy) Points(_ context.Context, f store.Filter, yield func([]store.Point) error) error {
	for i, points := range r.ticks {
		if f.Window.Contains(noon.Add(time.Duration(i) * tick)) {
			if err := yield(points); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *busy) Coverage(_ context.Context, w store.Window) (store.Coverage, error) {
	c := store.Coverage{Tick: tick, Window: w, First: noon, Last: noon.Add(time.Duration(len(r.ticks)) * tick), Sensors: []string{"gw1"}}
	for i, n := range r.counts {
		if w.Contains(noon.Add(time.Duration(i) * tick)) {
			c.Points += n
		}
	}
	return c, nil
}

// cpuOfAll is what all threads have used of all cores: the garbage collector's, too.
func cpuOfAll() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// report reports the median of what each round took, in milliseconds of CPU.
func report(b *testing.B, name string, took []time.Duration) {
	slices.SortFunc(took, func(x, y time.Duration) int { return cmp.Compare(x, y) })
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name)
}

// BenchmarkRewrite rewrites the standing files after each tick, beginning with an
// hour of history.
func BenchmarkRewrite(b *testing.B) {
	r := newBusy(360)
	now := noon.Add(time.Hour)
	f := NewRefresher(RefresherConfig{Reader: r, Dir: b.TempDir(), Share: 1000, Now: func() time.Time { return now }})
	rewrite := func() time.Duration {
		start := cpuOfAll()
		if err := f.rewrite(b.Context()); err != nil {
			b.Fatal(err)
		}
		return cpuOfAll() - start
	}
	first := rewrite()
	clear(r.ticks) // or the garbage collector's work on them would be counted
	var took []time.Duration
	b.ResetTimer()
	for range b.N {
		r.tick()
		now = now.Add(tick)
		took = append(took, rewrite())
	}
	b.StopTimer()
	report(b, "cpu-ms", took)
	report(b, "first-cpu-ms", []time.Duration{first})
	clear(r.ticks)
	runtime.GC()
	var after runtime.MemStats
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc)/(1<<20), "heap-MiB")
	for _, s := range f.Status().Files {
		b.ReportMetric(float64(s.Bytes), s.Format+"-bytes")
		b.ReportMetric(float64(s.Rows), s.Format+"-rows")
	}
	runtime.KeepAlive(f)
}

// BenchmarkBuild collects a page with addresses out of an hour of points.
func BenchmarkBuild(b *testing.B) {
	r := newBusy(360)
	for i := range r.ticks {
		r.points = append(r.points, r.ticks[i]...) // of the fake, which sums cells
	}
	o := Options{Step: time.Minute}
	var took []time.Duration
	for b.Loop() {
		start := cpuOfAll()
		if _, err := Write(b.Context(), io.Discard, r, HTML, o); err != nil {
			b.Fatal(err)
		}
		took = append(took, cpuOfAll()-start)
	}
	report(b, "cpu-ms", took)
}

// BenchmarkSQLite writes 400,000 points of a busy gateway as a database, on a disk.
func BenchmarkSQLite(b *testing.B) {
	r := newBusy(200)
	path := filepath.Join(b.TempDir(), "points.sqlite")
	var rows uint64
	var size int64
	var took []time.Duration
	for b.Loop() {
		start := cpuOfAll()
		rep, err := WriteFile(b.Context(), path, r, SQLite, Options{})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, cpuOfAll()-start)
		rows += rep.Rows
		size = rep.Bytes
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(size)/float64(rows)*float64(len(took)), "B/row")
	report(b, "cpu-ms", took)
}
