package sqlite

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"github.com/packetheat/packetheat/store"
)

// random makes points and batches of every kind that there may be. Values come from
// small sets, so that keys repeat and filters hit.
type random struct{ *rand.Rand }

func newRandom(seed uint64) random { return random{rand.New(rand.NewPCG(seed, 7))} }

var randomPlaces = []store.Place{
	{},
	{Latitude: 52.5244, Longitude: 13.4105, Country: "DE", Region: "Land Berlin", City: "Berlin", Precision: store.City, AccuracyKM: 20},
	{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", Region: "Île-de-France", City: "Paris", Precision: store.City, AccuracyKM: 5},
	{Latitude: 33.6609, Longitude: -95.5555, Country: "US", Region: "Texas", City: "Paris", Precision: store.City},
	{Latitude: 33.6609, Longitude: -95.5555, Country: "US", Region: "Texas", City: "Paris", Precision: store.City, AccuracyKM: 50},
	{Latitude: -33.8678, Longitude: 151.2073, Country: "AU", City: "Sydney", Precision: store.City},
	{Latitude: 40.7143, Longitude: -74.006, Country: "US", Region: "New York", City: "New York", Precision: store.City},
	{Latitude: 60.1, Longitude: 24.9, Country: "FI", Region: "Uusimaa", Precision: store.Region},
	{Country: "BR", Precision: store.Country},
}

var randomSensors = []string{"gw1", "Kiel \"2\"", "ä"}

func pick[T any](r random, of ...T) T { return of[r.IntN(len(of))] }

func (r random) addr() netip.Addr {
	var b [16]byte
	switch r.IntN(6) {
	case 0:
		binary.BigEndian.PutUint32(b[:], uint32(r.Uint64()))
		return netip.AddrFrom4([4]byte(b[:4]))
	case 1:
		binary.BigEndian.PutUint64(b[:], r.Uint64())
		binary.BigEndian.PutUint64(b[8:], r.Uint64())
		return netip.AddrFrom16(b)
	case 2:
		return netip.AddrFrom16(netip.AddrFrom4([4]byte{192, 0, 2, byte(r.IntN(4))}).As16()) // v4-mapped stays IPv6
	case 3:
		b = netip.MustParseAddr("2001:db8::").As16()
		b[15] = byte(r.IntN(5))
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(r.IntN(20))})
}

// prefix is a single address mostly.
func (r random) prefix() netip.Prefix {
	a := r.addr()
	bits := a.BitLen()
	if r.IntN(10) == 0 {
		bits = r.IntN(bits + 1)
	}
	p := netip.PrefixFrom(a, bits)
	if r.IntN(2) == 0 {
		p = p.Masked()
	}
	return p
}

// amount is small mostly, and never so big that a sum of many overflows.
func (r random) amount() uint64 {
	return r.Uint64() >> (20 + r.IntN(44))
}

func (r random) point() store.Point {
	p := store.Point{
		Addr:      r.prefix(),
		Direction: store.Direction(r.IntN(2)),
		Proto:     pick[uint8](r, 6, 6, 17, 1, 58, 132, uint8(r.IntN(256))),
		Place:     pick(r, randomPlaces...),
		Packets:   1 + r.amount(),
		Bytes:     r.amount(),
		Flags:     pick[store.Flags](r, 0, 0, 0, store.Folded, store.Late|store.Masked, 255),
	}
	if r.IntN(5) > 0 {
		p.Peer = r.prefix()
	}
	if r.IntN(3) > 0 {
		p.HasPort, p.Port = true, pick[uint16](r, 443, 53, 0, 65535, uint16(r.IntN(1000)))
	}
	if r.IntN(3) > 0 {
		p.ASN = pick[uint32](r, 15169, 3320, 4294967295, 0)
		p.ASOrg = "AS " + strconv.Itoa(int(p.ASN%7))
	}
	if r.IntN(3) == 0 {
		p.Opens = r.Uint64N(p.Packets) + 1
	}
	return p
}

// batch returns a batch of n points, some of which share their address.
func (r random) batch(sensor string, tick time.Time, interval time.Duration, seq uint32, n int) *store.Batch {
	b := &store.Batch{
		Sensor: sensor, Tick: tick, Interval: interval, Seq: seq,
		From: tick, To: tick.Add(interval), Points: make([]store.Point, n),
	}
	var sum store.Count
	for i := range b.Points {
		p := r.point()
		if i > 0 && r.IntN(2) == 0 {
			p.Addr = b.Points[i-1].Addr
		}
		p.Time, p.Interval, p.Sensor = tick, interval, sensor
		b.Points[i] = p
		sum.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
	}
	b.Books = store.Books{
		Ring: sum.Packets + 3, Frames: sum.Packets + 3, Captured: sum, Decoded: sum, OnePublic: sum,
	}
	return b
}
