package sensor

import (
	"net/netip"
	"time"

	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor/decode"
	"github.com/packetheat/packetheat/store"
)

// part is what one shard contributes to a tick.
type part struct {
	shard  int
	source string // interface or file
	tick   int64
	late   bool
	books  store.Books
	points []store.Point
	pairs  []pair // samples for warnings
	copies copies
	end    bool // no more parts of this shard; nothing else is set
}

// locate turns the shard's tallies into parts until there are no more. It runs
// beside the shard, so that capture does not wait for look-ups.
func (sh *shard) locate(locator Locator, out chan<- *part) {
	for t := range sh.out {
		p := sh.part(t, locator)
		sh.recycle(t.table)
		out <- p
	}
	out <- &part{shard: sh.id, end: true}
}

// part makes the part of one tally.
func (sh *shard) part(t *tally, locator Locator) *part {
	p := &part{shard: sh.id, source: sh.name, tick: t.tick, late: t.late, books: t.books, copies: t.copies}
	p.points = sh.sensor.points(t, locator)
	if t.books.TwoPublic.Packets > 0 {
		p.pairs = samplePairs(t.table)
	}
	return p
}

// points makes the points of a tally, one or two an entry, each public end located
// once (the locator's cache holds it for the entries that follow).
func (s *Sensor) points(t *tally, locator Locator) []store.Point {
	points := make([]store.Point, 0, len(t.table.entries))
	for i := range t.table.entries {
		e := &t.table.entries[i]
		base := s.basePoint(e, t)
		src, dst := e.ends()
		if e.class&srcPublic != 0 {
			points = append(points, located(base, src, dst, store.In, locator))
		}
		if e.class&dstPublic != 0 {
			if e.meta&metaOneEnd != 0 { // a folded entry names its only end src
				src, dst = dst, src
			}
			points = append(points, located(base, dst, src, store.Out, locator))
		}
	}
	return points
}

func (s *Sensor) basePoint(e *entry, t *tally) store.Point {
	p := store.Point{
		Time: tickTime(t.tick), Interval: s.cfg.Tick, Sensor: s.cfg.Name,
		Proto: uint8(e.meta), HasPort: e.meta&metaHasPort != 0,
		Packets: e.packets, Bytes: e.bytes, Opens: uint64(e.opens),
	}
	if p.HasPort {
		p.Port = uint16(e.meta >> metaPort)
	}
	if e.meta&metaFolded != 0 {
		p.Flags |= store.Folded
	}
	if t.late {
		p.Flags |= store.Late
	}
	return p
}

// ends returns the two endpoints of a key as networks; the zero Prefix is folded away.
func (k *key) ends() (src, dst netip.Prefix) {
	v6 := k.meta&metaV6 != 0
	src = prefixOf(k.src, v6, k.meta)
	if k.meta&metaOneEnd == 0 {
		dst = prefixOf(k.dst, v6, 0)
	}
	return src, dst
}

func prefixOf(a decode.Addr, v6 bool, meta uint64) netip.Prefix {
	ip := a.Netip(v6)
	bits := ip.BitLen()
	switch {
	case meta&metaAll != 0:
		if !v6 {
			ip = netip.IPv4Unspecified()
		}
		bits = 0
	case meta&metaNet != 0 && v6:
		bits = foldV6Bits
	case meta&metaNet != 0:
		bits = foldV4Bits
	}
	return netip.PrefixFrom(ip, bits)
}

// located completes a point. Networks that addresses were folded into are located
// by their first address where they are small, else not at all.
func located(p store.Point, addr, peer netip.Prefix, d store.Direction, locator Locator) store.Point {
	p.Addr, p.Peer, p.Direction = addr, peer, d
	if addr.Bits() == 0 {
		return p
	}
	l := locator.Locate(addr.Addr())
	p.Place, p.ASN, p.ASOrg = placeOf(&l), l.ASN, l.ASOrg
	return p
}

// placeOf translates what the database says into what is stored: coordinates only
// where they are those of a place, not of a country's middle.
func placeOf(l *geo.Location) store.Place {
	p := store.Place{Country: l.Country, Region: l.Region, City: l.City, AccuracyKM: l.AccuracyKM}
	switch {
	case l.HasCoordinates:
		p.Latitude, p.Longitude = l.Latitude, l.Longitude
		p.Precision = store.Region
		if l.Precision == geo.City {
			p.Precision = store.City
		}
	case l.Country != "":
		p.Precision = store.Country
	default:
		return store.Place{}
	}
	return p
}

// tickTime returns the start of a tick as a time.
func tickTime(tick int64) time.Time { return time.Unix(0, tick).UTC() }
