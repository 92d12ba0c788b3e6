package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/oschwald/geoip2-golang/v2"
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
	labels, err := geo.ReadLabels(nil, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
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
			l := &lookup{program: &program{out: io.Discard, err: io.Discard}, db: db, tags: newLabelling(labels), asJSON: asJSON}
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

// BenchmarkBulk locates random public IPv4 addresses by GeoLite2 City, and by nothing
// else, from a file to lines of JSON: with "geo lookup -", with geoip2-golang's City()
// and encoding/json, and with mmdblookup, which takes one address a process. Processor
// time, that of starting included.
func BenchmarkBulk(b *testing.B) {
	dir := os.Getenv("PACKETHEAT_TEST_CACHE")
	if user, err := os.UserCacheDir(); dir == "" && err == nil {
		dir = filepath.Join(user, "packetheat-test")
	}
	city := filepath.Join(dir, "GeoLite2-City.mmdb")
	if _, err := os.Stat(city); err != nil {
		b.Skipf("%s is not there: run geo/testdata/fetch.sh", city)
	}
	var in bytes.Buffer
	rnd := rand.New(rand.NewPCG(9, 9))
	var addrs []netip.Addr
	for range 1 << 19 {
		x := rnd.Uint32()
		addrs = append(addrs, netip.AddrFrom4([4]byte{1 + byte(x)%223, byte(x >> 8), byte(x >> 16), byte(x >> 24)}))
		fmt.Fprintln(&in, addrs[len(addrs)-1])
	}
	report := func(b *testing.B, used time.Duration, n int) {
		b.ReportMetric(float64(n)/used.Seconds(), "addresses/cpu-s")
		b.ReportMetric(0, "ns/op")
	}
	b.Run("packetheat", func(b *testing.B) {
		asn := filepath.Join(b.TempDir(), "asn.mmdb")
		if err := writeASN(asn); err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command(binary, "geo", "lookup", "-", "--json")
		cmd.Env = append(neutral(), "PACKETHEAT_GEO_CITY="+city, "PACKETHEAT_GEO_ASN="+asn)
		cmd.Stdin = bytes.NewReader(in.Bytes())
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		report(b, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), len(addrs))
	})
	b.Run("geoip2", func(b *testing.B) {
		before := processorTime(b)
		if err := bulkByLibrary(city, bytes.NewReader(in.Bytes())); err != nil {
			b.Fatal(err)
		}
		report(b, processorTime(b)-before, len(addrs))
	})
	b.Run("mmdblookup", func(b *testing.B) {
		path, err := exec.LookPath("mmdblookup")
		if err != nil {
			b.Skip("mmdblookup (package mmdb-bin) is not there")
		}
		var used time.Duration
		const few = 200
		for _, addr := range addrs[:few] {
			cmd := exec.Command(path, "--file", city, "--ip", addr.String())
			_ = cmd.Run() // its status says whether the address is there
			used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		report(b, used, few)
	})
}

// bulkByLibrary is what one would write with geoip2-golang.
func bulkByLibrary(city string, in io.Reader) error {
	db, err := geoip2.Open(city)
	if err != nil {
		return err
	}
	defer db.Close()
	lines, out := bufio.NewScanner(in), bufio.NewWriter(io.Discard)
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		addr, err := netip.ParseAddr(lines.Text())
		if err != nil {
			return err
		}
		rec, err := db.City(addr)
		if err != nil {
			return err
		}
		f := foundJSON{IP: addr.String(), Latitude: rec.Location.Latitude, Longitude: rec.Location.Longitude, Country: rec.Country.ISOCode,
			City: rec.City.Names.English, AccuracyKM: rec.Location.AccuracyRadius}
		if len(rec.Subdivisions) > 0 {
			f.Region = rec.Subdivisions[0].Names.English
		}
		if err := encoder.Encode(f); err != nil {
			return err
		}
	}
	return out.Flush()
}
