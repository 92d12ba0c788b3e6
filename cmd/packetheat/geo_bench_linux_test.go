package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/geo"
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

// BenchmarkLookup reads random public addresses, half of IPv6, locates them by the
// built-in databases and writes the answers: what "geo lookup -" does on one core. The
// time is the processor's, since others may be using the machine.
func BenchmarkLookup(b *testing.B) {
	db, err := geo.Open(geo.Config{Search: []string{}})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var in bytes.Buffer
	rnd := rand.New(rand.NewPCG(9, 9))
	const lines = 1 << 18
	for i := range lines {
		x := rnd.Uint32()
		addr := netip.AddrFrom4([4]byte{1 + byte(x)%223, byte(x >> 8), byte(x >> 16), byte(x >> 24)})
		if i%2 == 1 {
			addr = netip.AddrFrom16([16]byte{0x24 + 2*byte(x&3), byte(x>>4) & 15, byte(x >> 8), byte(x >> 16), 15: byte(x >> 24)})
		}
		fmt.Fprintln(&in, addr)
	}
	for _, asJSON := range []bool{false, true} {
		b.Run(map[bool]string{false: "rows", true: "json"}[asJSON], func(b *testing.B) {
			l := &lookup{program: &program{out: io.Discard, err: io.Discard}, db: db, asJSON: asJSON}
			before := processorTime(b)
			for b.Loop() {
				if err := l.stream(bytes.NewReader(in.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
			each := (processorTime(b) - before).Seconds() / float64(b.N) / lines
			b.ReportMetric(math.Round(1/each), "addresses/s")
			b.ReportMetric(each*1e9, "cpu-ns/address")
		})
	}
}
