package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// newBatch is a batch without points of a tick that was captured as a whole.
func newBatch(sensor string, tick time.Time, interval time.Duration) *store.Batch {
	return &store.Batch{Sensor: sensor, Tick: tick, Interval: interval, From: tick, To: tick.Add(interval)}
}

// addPoint adds a packet of 100 bytes of an address, located or not, and books it.
func addPoint(b *store.Batch, address string, located bool) {
	addr := netip.MustParseAddr(address)
	p := store.Point{Time: b.Tick, Interval: b.Interval, Sensor: b.Sensor, Addr: netip.PrefixFrom(addr, addr.BitLen()),
		Peer: netip.MustParsePrefix("10.0.0.5/32"), Proto: 6, Port: 443, HasPort: true, Packets: 1, Bytes: 100}
	if located {
		p.Place = store.Place{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", City: "Paris", Precision: store.City}
	}
	book(b, p)
}

// book adds a point and its packets' place in the books.
func book(b *store.Batch, p store.Point) {
	b.Points = append(b.Points, p)
	for _, c := range []*store.Count{&b.Books.Captured, &b.Books.Decoded, &b.Books.OnePublic} {
		c.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
}

func appendBatch(t *testing.T, s *sqlite.Store, b *store.Batch) {
	t.Helper()
	if err := s.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}
