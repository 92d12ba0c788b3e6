package main

import (
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"sort"
	"strconv"
)

// Sizes of the committed sample.
const (
	sample4 = 2000 // addresses
	sample6 = 1000 // networks
)

// writeSample writes addresses of the source with their places: of IPv4 any
// address is as likely as any other, of IPv6 any network. The choice stays the
// same as long as the source does.
func writeSample(path string, src *citySource) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintln(f, "# Drawn by geo/gen from DB-IP City Lite: IP Geolocation by DB-IP, https://db-ip.com, CC BY 4.0.")
	w := csv.NewWriter(f)
	rnd := rand.New(rand.NewPCG(4, 6))
	row := func(addr netip.Addr, id int32) {
		p := src.places[id]
		// An error stays with the writer until it is asked for it.
		_ = w.Write([]string{addr.String(), p.country, p.region, p.city,
			strconv.FormatFloat(p.lat, 'f', -1, 64), strconv.FormatFloat(p.lon, 'f', -1, 64)})
	}
	for _, hit := range newLottery(&src.v4).draw(rnd, sample4) {
		row(src.v4.address(hit.key), hit.place)
	}
	for _, hit := range newLottery(&src.v6).draw(rnd, sample6) {
		row(src.v6.address(hit.key), hit.place)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	return f.Close()
}

// lottery draws networks by their votes.
type lottery struct {
	s   *space
	sum []float64 // votes of all networks up to each
}

func newLottery(s *space) *lottery {
	l := &lottery{s: s, sum: make([]float64, len(s.networks))}
	total := 0.0
	for i, n := range s.networks {
		total += s.votes(n)
		l.sum[i] = total
	}
	return l
}

// draw returns n networks, narrowed down to one address in each.
func (l *lottery) draw(rnd *rand.Rand, n int) []network {
	out := make([]network, n)
	for i := range out {
		x := rnd.Float64() * l.sum[len(l.sum)-1]
		hit := l.s.networks[sort.SearchFloat64s(l.sum, x)]
		if hit.bits < 64 {
			hit.key |= rnd.Uint64() >> hit.bits
		}
		hit.bits = 64
		out[i] = hit
	}
	return out
}

// address returns the address of a key, in IPv6 the first but one of its /64.
func (s *space) address(key uint64) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], key)
	if s.version == 4 {
		return netip.AddrFrom4([4]byte(b[:4]))
	}
	b[15] = 1
	return netip.AddrFrom16(b)
}
