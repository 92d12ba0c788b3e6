package sensor

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"net/netip"
	"slices"
	"strings"

	"github.com/packetheat/packetheat/store"
)

// flow is what the two sides of a NAT have in common: the public end, the direction,
// protocol and service port.
type flow struct {
	addr      netip.Prefix
	direction store.Direction
	proto     uint8
	port      uint16
}

// side is what one interface has of a flow.
type side struct {
	packets uint64
	peer    netip.Prefix // of the largest point
	most    uint64       // its packets
}

const (
	maxFlows  = 4096 // sampled of a tick
	leastFlow = 8    // packets, below which equal numbers say nothing
	maxSides  = 16   // interfaces that are compared
)

// match adds up the flows that two interfaces have in common.
type match struct {
	flows   int
	packets uint64
}

// twice warns of packets that are counted on two interfaces: with the same ends, or
// with another peer, as inside and outside of a NAT.
func (w *watch) twice(parts []*part) {
	names := sources(parts)
	if len(names) < 2 || !w.live {
		return
	}
	names = names[:min(len(names), maxSides)]
	flows := w.flows(parts, names)
	totals := make([]uint64, len(names))
	same, nat := map[[2]int]match{}, map[[2]int]match{}
	for _, sides := range flows {
		for a := range sides {
			if sides[a].packets >= leastFlow {
				totals[a] += sides[a].packets
			}
			for b := range sides {
				if a == b || !near(sides[a].packets, sides[b].packets) {
					continue
				}
				switch {
				case sides[a].peer == sides[b].peer && a < b:
					same[[2]int{a, b}] = same[[2]int{a, b}].with(sides[a])
				case w.behind(sides[a].peer, sides[b].peer):
					nat[[2]int{a, b}] = nat[[2]int{a, b}].with(sides[a])
				}
			}
		}
	}
	for k, m := range nat {
		if share, ok := m.verdict(totals[k[0]], totals[k[1]]); ok {
			w.sawNAT(names, names[k[0]], names[k[1]], share)
		}
	}
	for k, m := range same {
		if share, ok := m.verdict(totals[k[0]], totals[k[1]]); ok {
			less := k[1]
			if totals[k[0]] < totals[less] {
				less = k[0]
			}
			w.sawTwice(names, names[k[0]+k[1]-less], names[less], share)
		}
	}
}

func (m match) with(s side) match { return match{m.flows + 1, m.packets + s.packets} }

// verdict says whether enough of the smaller interface's packets are on the other, too.
func (m match) verdict(a, b uint64) (share float64, ok bool) {
	const (
		flows   = 5
		packets = 200
		half    = 0.5
	)
	share = float64(m.packets) / float64(max(min(a, b), 1))
	return min(share, 1), m.flows >= flows && m.packets >= packets && share >= half
}

// near reports whether two numbers of packets may be of the same packets: some are
// on their way when a tick ends.
func near(a, b uint64) bool {
	if min(a, b) < leastFlow {
		return false
	}
	return max(a, b)-min(a, b) <= max(2, max(a, b)/20)
}

// behind reports whether an inner and an outer peer can be those of one NAT: the
// inner is private and not of this machine, the outer public or this machine's.
func (w *watch) behind(inner, outer netip.Prefix) bool {
	if !inner.IsSingleIP() || !outer.IsSingleIP() || inner == outer {
		return false
	}
	return inner.Addr().IsPrivate() && !w.sensor.isOwn(inner.Addr()) &&
		(!outer.Addr().IsPrivate() || w.sensor.isOwn(outer.Addr()))
}

// flows samples the flows of a tick, the same ones on every interface: by their hash.
func (w *watch) flows(parts []*part, names []string) map[flow][]side {
	total := 0
	for _, p := range parts {
		total += len(p.points)
	}
	mask := uint64(1)<<bits.Len(uint(total/maxFlows)) - 1
	seed := maphash.MakeSeed()
	flows := map[flow][]side{}
	for _, p := range parts {
		at := slices.Index(names, p.source)
		for i := range p.points {
			q := &p.points[i]
			f := flow{q.Addr, q.Direction, q.Proto, q.Port}
			if at < 0 || q.Flags&store.Folded != 0 || mask != 0 && maphash.Comparable(seed, f)&mask != 0 {
				continue
			}
			if flows[f] == nil {
				flows[f] = make([]side, len(names))
			}
			s := &flows[f][at]
			s.packets += q.Packets
			if q.Packets > s.most {
				s.peer, s.most = q.Peer, q.Packets
			}
		}
	}
	return flows
}

func (w *watch) sawNAT(names []string, inside, outside string, share float64) {
	w.saw(Warning{
		Code: WarnNAT,
		Text: fmt.Sprintf("%s and %s are inside and outside of a NAT: %.0f %% of the packets on %s are counted on %s, too",
			inside, outside, 100*share, inside, outside),
		Mend: interfacesBut(names, inside),
	})
}

func (w *watch) sawTwice(names []string, kept, other string, share float64) {
	w.saw(Warning{
		Code: WarnTwice,
		Text: fmt.Sprintf("%.0f %% of the packets on %s are counted on %s, too", 100*share, other, kept),
		Mend: interfacesBut(names, other),
	})
}

// interfacesBut is the line that captures on all of names but one.
func interfacesBut(names []string, but string) string {
	kept := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == but })
	slices.Sort(kept)
	return "sensor.interfaces: [" + strings.Join(kept, ", ") + "]"
}

// isOwn reports whether an address is one of this machine's.
func (s *Sensor) isOwn(a netip.Addr) bool {
	own := s.own.Load()
	return own != nil && (*own)[a]
}

// setOwn takes the single addresses of the host's networks for this machine's.
func (s *Sensor) setOwn(host []netip.Prefix) {
	own := map[netip.Addr]bool{}
	for _, p := range host {
		if p.IsSingleIP() {
			own[p.Addr()] = true
		}
	}
	s.own.Store(&own)
}
