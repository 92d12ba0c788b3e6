package sqlite

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// BenchmarkSeen asks 400 days of one sensor, without any points, for 5,000 addresses, and
// for one. A day has 20,000 addresses of two million, few of them every day; more days
// with PACKETHEAT_BENCH_DAYS.
func BenchmarkSeen(b *testing.B) {
	days := int64(400)
	if n, err := strconv.Atoi(os.Getenv("PACKETHEAT_BENCH_DAYS")); err == nil {
		days = int64(n)
	}
	const perDay, pool = 20_000, 2_000_000
	s, err := Open(b.TempDir(), Options{NoMaintenance: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if _, err := s.w.ExecContext(ctx, "PRAGMA synchronous = OFF; INSERT INTO sensors (id, name) VALUES (1, 'gw1')"); err != nil {
		b.Fatal(err)
	}
	if s.maint.sealer, err = newSealer(s); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	addr := func(n uint64) netip.Prefix {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], uint32(n*2654435761))
		return netip.PrefixFrom(netip.AddrFrom4(a), 32)
	}
	for day := range days {
		seen := make(map[netip.Prefix]*seenRow, perDay)
		for len(seen) < perDay {
			n := uint64(math.Pow(float64(pool), r.Float64()))
			a := addr(n)
			first := day*level1d + r.Int64N(8000)*10
			seen[a] = &seenRow{addr: a, first: first, last: first + r.Int64N(600)*10, Sum: store.Sum{Packets: 1 + r.Uint64N(100), Bytes: 60 + r.Uint64N(100_000)}}
		}
		w := s.newSeenWriter(s.maint.sealer.enc, seenRun{days: seenDay, start: day * level1d, sensor: 1, upto: (day + 1) * level1d})
		for _, row := range sortedSeen(seen) {
			if err := w.add(ctx, row); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.finish(ctx); err != nil {
			b.Fatal(err)
		}
	}
	for _, of := range []int64{seenMonth, seenYear} {
		if err := s.settleLong(ctx, of, math.MaxInt64); err != nil {
			b.Fatal(err)
		}
	}
	for of, name := range map[int]string{1: "day", 30: "month", 360: "year"} {
		bytes := count(b, s, "SELECT sum(length(ends) + length(sums)) FROM address_chunks c JOIN addresses a ON a.id = c.id / 65536 WHERE a.days = "+strconv.Itoa(of))
		b.Logf("all of a %s: %.1f MB, %.1f bytes an address of each of %d days", name, float64(bytes)/1e6, float64(bytes)/float64(days*perDay), days)
	}
	list := make([]netip.Prefix, 5000)
	for i := range list {
		list[i] = addr(uint64(math.Pow(2*pool, r.Float64())))
	}
	slices.SortFunc(list, compareEndpoints)
	for _, n := range []int{1, 5000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for range b.N {
				got, err := s.Seen(ctx, list[:n], store.Window{})
				if err != nil || len(got.Rows) == 0 {
					b.Fatal(err, len(got.Rows))
				}
			}
		})
	}
}
