package main

import (
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// processCPU is what all threads have used of all cores, the garbage collector's, too.
func processCPU(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// flood is a tick of n addresses that each send one packet to the same peer.
func flood(at time.Time, n int) *store.Batch {
	b := &store.Batch{Sensor: "gw1", Tick: at, Interval: benchTick, From: at, To: at.Add(benchTick)}
	for i := range n {
		b.Points = append(b.Points, store.Point{Time: at, Interval: benchTick, Sensor: "gw1",
			Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{45, byte(i >> 16), byte(i >> 8), byte(i)}), 32),
			Peer: netip.MustParsePrefix("192.168.7.9/32"), Direction: store.In, Proto: 17, Port: 1024, HasPort: true, Packets: 90, Bytes: 5400,
			ASN: uint32(1 + i%900), ASOrg: "Org", Place: store.Place{Latitude: float64(i%120) - 60, Longitude: float64(i%3000)/10 - 150, Country: "FR", City: "X", Precision: store.City}})
	}
	b.Books.OnePublic = store.Count{Packets: uint64(90 * n), Bytes: uint64(5400 * n)}
	b.Books.Decoded, b.Books.Captured = b.Books.OnePublic, b.Books.OnePublic
	return b
}

const benchTick = 10 * time.Second

// BenchmarkStanding rewrites the standing files of a real store after each tick of
// 100,000 flows, as often as they come, and reports what of a core each rewrite took:
// by the process, and by the refresher's own account. A core-second in ten seconds is
// 10 %.
func BenchmarkStanding(b *testing.B) {
	dir := b.TempDir()
	s, err := sqlite.Open(dir, sqlite.Options{Tick: benchTick})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	append := func(n int) {
		if err := s.Append(b.Context(), flood(now, n)); err != nil {
			b.Fatal(err)
		}
		now = now.Add(benchTick)
	}
	for range 360 {
		append(2000)
	}
	r := export.NewRefresher(export.RefresherConfig{Reader: s.Alone(), Dir: filepath.Join(dir, "out"), Every: time.Millisecond, Share: 1000,
		Now: func() time.Time { return now }})
	ctx, cancel := context.WithCancel(b.Context())
	before := processCPU(b)
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	waitFor := func(n uint64) {
		for r.Status().Rewrites < n {
			time.Sleep(5 * time.Millisecond)
		}
	}
	waitFor(1)
	b.Log("first", processCPU(b)-before, r.Status().Seconds)
	var process time.Duration
	var account float64
	b.ResetTimer()
	for i := range b.N {
		append(100_000)
		before = processCPU(b)
		waitFor(uint64(i + 2))
		used := processCPU(b) - before
		process += used
		account += r.Status().Seconds
		b.Log(used, r.Status().Seconds, r.Status().Files[1].Bytes, r.Status().Files[1].Coarsened)
	}
	b.StopTimer()
	b.ReportMetric(process.Seconds()/float64(b.N), "cpu-s/rewrite")
	b.ReportMetric(account/float64(b.N), "account-s/rewrite")
	for _, f := range r.Status().Files {
		b.ReportMetric(float64(f.Bytes), f.Format+"-bytes")
		b.Log(f.Coarsened)
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	_ = os.RemoveAll(dir)
}
