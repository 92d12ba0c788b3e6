package export

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

const (
	topDetails  = 20_000  // in a page, of detail "addresses"
	fullDetails = 250_000 // of detail "full"
	sureRanks   = 3       // of each place and kind, in the page before all others
)

// subject is whom a detail is about: an address, peer, port or network at a place.
type subject struct {
	place  uint32
	kind   page.Kind
	number uint32       // port or AS
	prefix netip.Prefix // address or peer
}

// part is what a subject did on one protocol class in one direction.
type part struct {
	key uint8 // class × 2 + (1 when out)
	store.Sum
	first, last uint32 // bins
}

// sums are a subject's amounts. Most subjects have one part or two.
type sums struct {
	parts []part
	name  string // organisation of a network
	asn   uint32 // of an address
}

func (s *sums) packets() (n uint64) {
	for i := range s.parts {
		n += s.parts[i].Packets
	}
	return n
}

// add adds p to the part that it belongs to.
func (s *sums) add(p *store.Point, first, last uint32) {
	key := uint8(store.ClassOf(p.Proto))<<1 | uint8(p.Direction&1)
	i := 0
	for i < len(s.parts) && s.parts[i].key != key {
		i++
	}
	if i == len(s.parts) {
		s.parts = append(s.parts, part{key: key, first: first, last: last})
	}
	t := &s.parts[i]
	t.Add(p.Sum())
	t.first, t.last = min(t.first, first), max(t.last, last)
}

// detailer sums points by subject. At most most subjects are kept: beyond that, the
// smaller half is dropped, so that what remains are candidates, whose exact sums a
// second pass over the points collects (only is set).
type detailer struct {
	b       *builder
	all     map[subject]*sums
	most    int
	only    bool // take no new subjects
	dropped bool
	points  uint64
}

// collectDetails fills b.details and, as the coverage knows no filter, b.points.
func (b *builder) collectDetails(ctx context.Context) error {
	if b.o.Detail == DetailPlaces {
		return nil // b.points stays 0: counting them would read every point
	}
	keep := topDetails
	if b.o.Detail == DetailFull {
		keep = fullDetails
	}
	keep = cmp.Or(b.o.maxDetails, keep)
	d := &detailer{b: b, all: map[subject]*sums{}, most: 12 * keep}
	if b.o.binned {
		d.most /= 2 // in the sensor's own memory, and a second pass costs little there
	}
	if err := d.pass(ctx); err != nil {
		return err
	}
	b.points = d.points
	if d.dropped {
		d.shrink(2 * keep)
		for s := range d.all {
			d.all[s] = &sums{}
		}
		d.only = true
		if err := d.pass(ctx); err != nil {
			return err
		}
	}
	b.details = d.choose(keep)
	return nil
}

func (d *detailer) pass(ctx context.Context) error {
	d.points = 0
	each := func(points []store.Point) error {
		d.points += uint64(len(points))
		for i := range points {
			d.add(&points[i])
		}
		return ctx.Err()
	}
	var err error
	if c, ok := d.b.r.(*recent); ok {
		err = c.merged(each)
		d.points = c.points()
	} else {
		err = d.b.r.Points(ctx, d.b.f, each)
	}
	if err != nil {
		return fmt.Errorf("read points: %w", err)
	}
	return nil
}

func (d *detailer) add(p *store.Point) {
	place := d.b.place(p.Place)
	first := d.b.bin(p.Time)
	last := max(first, min(d.b.bin(p.Time.Add(p.Interval-1)), d.b.bin(d.b.window.To.Add(-1))))
	if p.Addr.IsValid() {
		if s := d.sum(subject{place: place, kind: page.Address, prefix: p.Addr}, p, first, last); s != nil {
			s.asn = p.ASN
		}
	}
	if p.Peer.IsValid() {
		d.sum(subject{place: place, kind: page.Peer, prefix: p.Peer}, p, first, last)
	}
	if p.HasPort {
		d.sum(subject{place: place, kind: page.Port, number: uint32(p.Port)}, p, first, last)
	}
	if p.ASN != 0 {
		if s := d.sum(subject{place: place, kind: page.AS, number: p.ASN}, p, first, last); s != nil {
			s.name = p.ASOrg
		}
	}
}

func (d *detailer) sum(key subject, p *store.Point, first, last uint32) *sums {
	s := d.all[key]
	if s == nil {
		if d.only {
			return nil
		}
		if len(d.all) >= d.most {
			d.shrink(d.most / 2)
			d.dropped = true
		}
		s = &sums{}
		d.all[key] = s
	}
	s.add(p, first, last)
	return s
}

// shrink drops the smallest subjects until n are left.
func (d *detailer) shrink(n int) {
	if len(d.all) <= n {
		return
	}
	order := d.ranked()
	for _, s := range order[n:] {
		delete(d.all, s.subject)
	}
}

// ranked lists the subjects: first the top few of every place and kind, so that no
// place is without any, then all others; both by packets.
func (d *detailer) ranked() []rankedSubject {
	order := make([]rankedSubject, 0, len(d.all))
	for k, s := range d.all {
		order = append(order, rankedSubject{subject: k, sums: s, packets: s.packets()})
	}
	slices.SortFunc(order, func(a, b rankedSubject) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.kind, b.kind), byPackets(a, b))
	})
	rank := 0
	for i := range order {
		if rank++; i == 0 || order[i].place != order[i-1].place || order[i].kind != order[i-1].kind {
			rank = 0
		}
		order[i].later = rank >= sureRanks
	}
	slices.SortFunc(order, func(a, b rankedSubject) int {
		if a.later != b.later {
			if b.later {
				return -1
			}
			return 1
		}
		return cmp.Or(byPackets(a, b), cmp.Compare(a.place, b.place), cmp.Compare(a.kind, b.kind))
	})
	return order
}

type rankedSubject struct {
	subject
	*sums
	packets uint64
	later   bool
}

func byPackets(a, b rankedSubject) int {
	return cmp.Or(cmp.Compare(b.packets, a.packets), cmp.Compare(a.number, b.number),
		a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.prefix.Bits(), b.prefix.Bits())) // Prefix.Compare allocates
}

// choose turns the first subjects into at most n details, the big ones of each
// place before the small ones.
func (d *detailer) choose(n int) []page.Detail {
	var out []page.Detail
	for _, s := range d.ranked() {
		if len(out)+len(s.parts) > n {
			break
		}
		for _, t := range s.parts {
			detail := page.Detail{Place: s.place, Kind: s.kind, Number: s.number, Proto: t.key >> 1, Out: t.key&1 == 1,
				Packets: t.Packets, Bytes: t.Bytes, Opens: t.Opens, First: t.first, Last: t.last}
			switch s.kind {
			case page.Address:
				detail.Name, detail.Number = store.PrefixString(s.prefix), s.asn
			case page.Peer:
				detail.Name = store.PrefixString(s.prefix)
			case page.AS:
				detail.Name = s.name
			}
			out = append(out, detail)
		}
	}
	return out
}
