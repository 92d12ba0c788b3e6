package geo

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
	"golang.org/x/sys/unix"
)

// processorTime is what this process has used so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(unix.TimevalToNsec(use.Utime) + unix.TimevalToNsec(use.Stime))
}

// loop is b.Loop's loop with the processor's time beside the clock's, which says little
// on a machine that others are using.
func loop(b *testing.B, f func(i int)) {
	b.Helper()
	b.ReportAllocs()
	start := processorTime(b)
	for i := 0; b.Loop(); i++ {
		f(i)
	}
	b.ReportMetric(float64(processorTime(b)-start)/float64(b.N), "cpu-ns/op")
}

// BenchmarkLocate times a look-up over GeoLite2 City where the cache folder has
// it, over the built-in databases otherwise, in four ways and with
// geoip2-golang's City() beside them. One core, all fields that are stored.
//
// Measured in one run on two cores that twenty other processes wanted too, in ns of
// processor time, over GeoLite2 with the built-in systems: City() 3,975; first 3,617 (with
// so few rounds, pages of the file are first touched in them; 2,345 in a longer run beside
// City()'s 3,855); no cache 1,717; hit 32; Zipf mix 775.
func BenchmarkLocate(b *testing.B) {
	b.Run("GeoLite2", func(b *testing.B) {
		path := cached(b, "GeoLite2-City.mmdb")
		reader, err := geoip2.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer reader.Close()
		addrs := public(rand.New(rand.NewPCG(1, 1)), 1<<20)
		b.Run("geoip2", func(b *testing.B) {
			loop(b, func(i int) {
				if _, err := reader.City(addrs[i&(1<<20-1)]); err != nil {
					b.Fatal(err)
				}
			})
		})
		benchmarkDB(b, open(b, Config{City: path}), addrs)
	})
	b.Run("builtin", func(b *testing.B) {
		benchmarkDB(b, open(b, Config{}), public(rand.New(rand.NewPCG(1, 1)), 1<<20))
	})
}

func benchmarkDB(b *testing.B, db *DB, addrs []netip.Addr) {
	run := func(name string, locate func(netip.Addr) Location, addrs []netip.Addr) {
		b.Run(name, func(b *testing.B) {
			loop(b, func(i int) { locate(addrs[i&(len(addrs)-1)]) })
		})
	}
	run("first", db.Locate, addrs) // most records are decoded on the way
	for _, addr := range addrs {
		db.Locate(addr)
	}
	run("nocache", db.Locate, addrs)

	// 1,024 addresses that stay in the cache.
	cache, few := NewCache(db, DefaultCacheEntries), addrs[:1024]
	for _, addr := range few {
		cache.Locate(addr)
	}
	run("hit", cache.Locate, few)

	// A million addresses drawn by Zipf's law, 65,536 entries: as in goals.md.
	zipf := rand.NewZipf(rand.New(rand.NewPCG(2, 2)), 1.01, 1, uint64(len(addrs)-1))
	mixed := make([]netip.Addr, len(addrs))
	for i := range mixed {
		mixed[i] = addrs[zipf.Uint64()]
	}
	cache = NewCache(db, DefaultCacheEntries)
	run("zipf", cache.Locate, mixed)
	hits, misses, _ := cache.Stats()
	b.Logf("zipf: %.1f %% hits", 100*float64(hits)/float64(hits+misses))
}
