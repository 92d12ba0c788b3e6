package selftest

import (
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/packetheat/packetheat/store"
)

// places are of every precision; some share coordinates, a name or a country.
var places = [...]store.Place{
	{},
	{Latitude: 52.5244, Longitude: 13.4105, Country: "DE", Region: "Land Berlin", City: "Berlin", Precision: store.City, AccuracyKM: 20},
	{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", Region: "Île-de-France", City: "Paris", Precision: store.City, AccuracyKM: 5},
	{Latitude: 33.6609, Longitude: -95.5555, Country: "US", Region: "Texas", City: "Paris", Precision: store.City},
	{Latitude: 33.6609, Longitude: -95.5555, Country: "US", Region: "Texas", City: "Paris", Precision: store.City, AccuracyKM: 50},
	{Latitude: -33.8678, Longitude: 151.2073, Country: "AU", City: "Sydney", Precision: store.City},
	{Latitude: 40.7143, Longitude: -74.006, Country: "US", Region: "New York", City: "New York", Precision: store.City},
	{Latitude: 60.1, Longitude: 24.9, Country: "FI", Region: "Uusimaa", Precision: store.Region},
	{Latitude: 41.0138, Longitude: 28.9497, Country: "TR", Region: "İstanbul", City: "İstanbul", Precision: store.City, AccuracyKM: 65535},
	{Latitude: -34.61, Longitude: -58.37, Country: "AR", Region: "d'\\Or\x00\xff", City: `L'"Aqu\'ila` + "`\n\t%", Precision: store.City},
	{Country: "BR", Precision: store.Country},
}

func pick[T any](p *Past, of ...T) T { return of[p.IntN(len(of))] }

func (p *Past) addr() netip.Addr {
	var b [16]byte
	switch p.IntN(6) {
	case 0:
		binary.BigEndian.PutUint32(b[:], uint32(p.Uint64()))
		return netip.AddrFrom4([4]byte(b[:4]))
	case 1:
		binary.BigEndian.PutUint64(b[:], p.Uint64())
		binary.BigEndian.PutUint64(b[8:], p.Uint64())
		return netip.AddrFrom16(b)
	case 2:
		return netip.AddrFrom16(netip.AddrFrom4([4]byte{203, 0, 113, byte(p.IntN(4))}).As16()) // v4-mapped stays IPv6
	case 3:
		b = netip.MustParseAddr("2001:db8::").As16()
		b[15] = byte(p.IntN(5))
		return netip.AddrFrom16(b)
	}
	return netip.AddrFrom4([4]byte{203, 0, 113, byte(p.IntN(20))})
}

// prefix is a single address mostly, else a network, with bits beyond its length or
// without.
func (p *Past) prefix() netip.Prefix {
	a := p.addr()
	bits := a.BitLen()
	if p.IntN(10) == 0 {
		bits = p.IntN(bits + 1)
	}
	n := netip.PrefixFrom(a, bits)
	if p.IntN(2) == 0 {
		n = n.Masked()
	}
	return n
}

// amount is small mostly, and never so big that a sum of many overflows.
func (p *Past) amount() uint64 { return p.Uint64() >> (20 + p.IntN(44)) }

func (p *Past) point() store.Point {
	x := store.Point{
		Addr:      p.prefix(),
		Direction: store.Direction(p.IntN(2)),
		Proto:     pick[uint8](p, 6, 6, 17, 1, 58, 132, uint8(p.IntN(256))),
		Place:     places[p.IntN(len(places))],
		Packets:   1 + p.amount(),
		Bytes:     p.amount(),
		Flags:     pick[store.Flags](p, 0, 0, 0, store.Folded, store.Late|store.Masked, 255),
	}
	if p.IntN(5) > 0 {
		x.Peer = p.prefix()
	}
	if p.IntN(3) > 0 {
		x.HasPort, x.Port = true, pick[uint16](p, 443, 53, 0, 65535, uint16(p.IntN(1000)))
	}
	if p.IntN(3) > 0 {
		x.ASN = pick[uint32](p, 15169, 3320, 4294967295, 0)
		x.ASOrg = pick(p, "Google LLC", "it's \"quoted\"\\", "Ürümqi\x00 Net", "") + strconv.Itoa(int(x.ASN%7))
	}
	if p.IntN(3) == 0 {
		x.Opens = p.Uint64N(x.Packets) + 1
	}
	return x
}
