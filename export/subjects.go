package export

import (
	"cmp"
	"math"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

const (
	subjectsOfFlow = 4  // address, peer, port, network
	partsOfSubject = 16 // protocol classes × directions, of big clouds and not
	sureRanks      = 3  // of each place and kind, in the page before all others
)

// amount is what a flow, or a part of a subject, did in the window.
type amount struct {
	store.Sum
	first, last uint32 // bins
}

func (a *amount) add(s store.Sum, first, last uint32) {
	if a.Packets == 0 {
		a.first, a.last = first, last
	} else {
		a.first, a.last = min(a.first, first), max(a.last, last)
	}
	a.Add(s)
}

// subjects number those whom details are about: an address, peer, port or network at
// a place. Each has a slot for every protocol class and direction that it was seen
// with; slot 0 is none, and what is added to it is of no subject.
type subjects struct {
	index map[uint64]uint32
	keys  []uint64 // by number: see subjectKey
	slots [][partsOfSubject]uint32
	extra []uint32 // by slot: AS number of an address, number of a network's name
	fixed bool     // no new ones
}

func newSubjects() *subjects {
	return &subjects{index: map[uint64]uint32{}, extra: make([]uint32, 1)}
}

// subjectKey has a place's number, a kind, and the number of an address or peer, a
// port or an AS number.
func subjectKey(place uint32, kind page.Kind, number uint32) uint64 {
	return uint64(place)<<34 | uint64(kind)<<32 | uint64(number)
}

// ofFlow returns the slots of a flow's subjects.
func (s *subjects) ofFlow(t *tables, flow uint32) (slots [subjectsOfFlow]uint32) {
	k, part := &t.flows.list[flow], t.part(flow)
	net := &t.nets.list[k.net]
	if k.addr != 0 {
		slots[0] = s.slot(subjectKey(k.place, page.Address, k.addr), part, net.asn)
	}
	if k.peer != 0 {
		slots[1] = s.slot(subjectKey(k.place, page.Peer, k.peer), part, 0)
	}
	if k.bits&bitPort != 0 {
		slots[2] = s.slot(subjectKey(k.place, page.Port, uint32(k.port)), part, 0)
	}
	if net.asn != 0 {
		slots[3] = s.slot(subjectKey(k.place, page.AS, net.asn), part, k.net)
	}
	return slots
}

func (s *subjects) slot(key uint64, part uint8, extra uint32) uint32 {
	i, ok := s.index[key]
	if !ok {
		if s.fixed {
			return 0
		}
		i = uint32(len(s.keys))
		s.index[key] = i
		s.keys = append(s.keys, key)
		s.slots = append(s.slots, [partsOfSubject]uint32{})
	}
	slot := s.slots[i][part]
	if slot == 0 {
		slot = uint32(len(s.extra))
		s.slots[i][part] = slot
		s.extra = append(s.extra, 0)
	}
	s.extra[slot] = extra
	return slot
}

// ranked is a subject with its packets.
type ranked struct {
	packets uint64
	key     uint64
	subject uint32
}

// rank lists the first n subjects that have packets: first the top few of every
// place and kind, so that no place is without any, then all others; both by packets.
func (s *subjects) rank(t *tables, amounts []amount, n int) []ranked {
	all := make([]ranked, 0, len(s.keys))
	for i := range s.slots {
		r := ranked{key: s.keys[i], subject: uint32(i)}
		for _, slot := range s.slots[i] {
			if slot != 0 && int(slot) < len(amounts) {
				r.packets += amounts[slot].Packets
			}
		}
		if r.packets > 0 {
			all = append(all, r)
		}
	}
	order := func(a, b ranked) int { return t.compareRanked(&a, &b) }
	sure, others := split(all, t.places.len(), order)
	slices.SortFunc(sure, order)
	if len(sure) < n {
		others = biggest(others, n-len(sure))
		slices.SortFunc(others, order)
		sure = append(sure, others...)
	}
	return sure[:min(n, len(sure))]
}

// split takes the top few of every place and kind out of all.
func split(all []ranked, places int, order func(a, b ranked) int) (sure, others []ranked) {
	tops := make([][sureRanks]int32, 4*places) // 1 + index into all, in order
	for i := range all {
		top := &tops[all[i].key>>32]
		at := int32(i + 1)
		for k, other := range top {
			if other == 0 || order(all[at-1], all[other-1]) < 0 {
				top[k], at = at, other
			}
			if at == 0 {
				break
			}
		}
	}
	taken := make([]bool, len(all))
	for i := range tops {
		for _, at := range tops[i] {
			if at != 0 {
				sure = append(sure, all[at-1])
				taken[at-1] = true
			}
		}
	}
	others = all[:0]
	for i := range all {
		if !taken[i] {
			others = append(others, all[i])
		}
	}
	return sure, others
}

// biggest drops most of those that are not among the n biggest, in one pass: by the
// first bits of their packets as a floating-point number.
func biggest(all []ranked, n int) []ranked {
	if len(all) <= n {
		return all
	}
	bucket := func(packets uint64) int { return int(math.Float64bits(float64(packets)) >> 50) }
	counts := make([]int32, 1<<13)
	for i := range all {
		counts[bucket(all[i].packets)]++
	}
	least := len(counts)
	for had := 0; had < n; {
		least--
		had += int(counts[least])
	}
	return slices.DeleteFunc(all, func(r ranked) bool { return bucket(r.packets) < least })
}

// compareRanked orders by packets, and where they are equal so that the order is
// always the same.
func (t *tables) compareRanked(a, b *ranked) int {
	if a.packets != b.packets {
		return cmp.Compare(b.packets, a.packets)
	}
	kind := page.Kind(a.key >> 32 & 3)
	if other := page.Kind(b.key >> 32 & 3); other != kind {
		return cmp.Compare(kind, other)
	}
	if x, y := uint32(a.key), uint32(b.key); x != y {
		if kind == page.Port || kind == page.AS {
			return cmp.Compare(x, y)
		}
		return comparePrefixes(t.ends.list[x], t.ends.list[y])
	}
	return cmp.Compare(a.key, b.key)
}

// comparePrefixes is Prefix.Compare, which allocates.
func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}

// details turns the first subjects into at most n details, the big ones of each
// place before the small ones.
func (s *subjects) details(t *tables, amounts []amount, n int) []page.Detail {
	out := make([]page.Detail, 0, min(n, len(amounts)))
	for _, r := range s.rank(t, amounts, n) {
		had := len(out)
		for part, slot := range s.slots[r.subject] {
			if slot == 0 || int(slot) >= len(amounts) || amounts[slot].Packets == 0 {
				continue
			}
			if len(out) == n {
				return out[:had]
			}
			a := &amounts[slot]
			out = append(out, page.Detail{Place: uint32(r.key >> 34), Kind: page.Kind(r.key >> 32 & 3),
				Proto: uint8(part >> 1 & 3), Out: part&1 == 1, Cloud: part&partCloud != 0, Packets: a.Packets, Bytes: a.Bytes, Opens: a.Opens,
				First: a.first, Last: a.last})
			s.name(&out[len(out)-1], t, uint32(r.key), s.extra[slot])
		}
	}
	return out
}

// name fills in who a detail is about.
func (s *subjects) name(d *page.Detail, t *tables, number, extra uint32) {
	switch d.Kind {
	case page.Address:
		d.Name, d.Number = store.PrefixString(t.ends.list[number]), extra
		d.Labels = t.tags.addr(t.ends.list[number], extra)
	case page.Peer:
		d.Name = store.PrefixString(t.ends.list[number])
		d.Labels = t.tags.peer(t.ends.list[number])
	case page.AS:
		d.Name, d.Number = t.nets.list[extra].org, number
		d.Labels = t.tags.addr(netip.Prefix{}, number)
	default:
		d.Number = number
	}
}
