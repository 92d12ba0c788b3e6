package sensor

import (
	"fmt"
	"net/netip"
	"strings"
)

// pair is a sampled key of a table both of whose ends are public.
type pair struct {
	src, dst netip.Addr
	packets  uint64
}

const maxPairs = 2048 // of one part

// samplePairs takes a sample of the exact keys with two public ends. It goes by their
// hash: the table is in the order in which they came, which may have a rhythm.
func samplePairs(t *table) (pairs []pair) {
	step := uint64(len(t.entries)/maxPairs + 1)
	for i := range t.entries {
		e := &t.entries[i]
		if e.class != bothPublic || e.meta&metaOneEnd != 0 || step > 1 && t.hash(&e.key)%step != 0 {
			continue
		}
		v6 := e.meta&metaV6 != 0
		pairs = append(pairs, pair{e.src.Netip(v6), e.dst.Netip(v6), e.packets})
		if len(pairs) == maxPairs {
			break
		}
	}
	return pairs
}

// unlisted warns of a public network that nearly all packets with two public ends
// have to do with: it will be ours, and each of its packets is on the map twice.
func (w *watch) unlisted(parts []*part) {
	const (
		least  = 100 // packets in the sample
		others = 8   // ends that it speaks with
		nearly = 0.9 // of the packets with two public ends
		heavy  = 0.1 // these, of all with a public end
		rival  = 0.5 // share of another network, at which it is not clear which is ours
	)
	var pairs []pair
	var two uint64
	for _, p := range parts {
		pairs = append(pairs, p.pairs...)
		two += p.books.TwoPublic.Packets
	}
	v := countEnds(pairs)
	if v.packets < least || float64(two) < heavy*float64(publicPackets(parts)) {
		return
	}
	for _, width := range []func(netip.Addr) netip.Prefix{single, site} {
		best, second := v.leaders(width)
		if v.share(best) < nearly {
			continue
		}
		if v.share(second) >= rival || v.partners(best) < others {
			break // two machines, or two networks, among themselves
		}
		share := 100 * v.share(best)
		if mask := w.sensor.cfg.Mask; mask.Active() {
			best = mask.Network(best) // warnings are shown on the dashboard
		}
		w.saw(Warning{
			Code: WarnUnlisted,
			Text: fmt.Sprintf("%s is an end of %.0f %% of the packets between two public addresses, so it seems to be yours, but it is taken for foreign and every packet is on the map twice",
				best, share),
			Mend: w.mendUnlisted(best),
		})
		return
	}
	w.not(WarnUnlisted)
}

func (w *watch) mendUnlisted(p netip.Prefix) string {
	if !w.live {
		return "--local " + p.String()
	}
	list := []string{}
	for _, have := range append(w.sensor.networks.configured(), p) {
		list = append(list, `"`+have.String()+`"`) // quoted: YAML takes some IPv6 for mappings
	}
	return "sensor.local_networks: [" + strings.Join(list, ", ") + "]"
}

// ends counts the ends of pairs.
type ends struct {
	pairs   []pair
	packets uint64
	count   map[netip.Prefix]uint64 // packets by end and by its site
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// site is the network that one owner mostly has at least: a /24, or a /48 of IPv6.
func site(a netip.Addr) netip.Prefix {
	bits := foldV4Bits
	if a.Is6() {
		bits = foldV6Bits
	}
	return netip.PrefixFrom(a, bits).Masked()
}

func countEnds(pairs []pair) *ends {
	v := &ends{pairs: pairs, count: map[netip.Prefix]uint64{}}
	for _, p := range pairs {
		v.packets += p.packets
		v.count[single(p.src)] += p.packets
		v.count[single(p.dst)] += p.packets
		v.count[site(p.src)] += p.packets
		if site(p.dst) != site(p.src) {
			v.count[site(p.dst)] += p.packets
		}
	}
	return v
}

// leaders returns the two networks of a width that most packets have to do with.
func (v *ends) leaders(width func(netip.Addr) netip.Prefix) (best, second netip.Prefix) {
	for p, n := range v.count {
		if width(p.Addr()) != p {
			continue
		}
		switch {
		case n > v.count[best]:
			best, second = p, best
		case n > v.count[second]:
			second = p
		}
	}
	return best, second
}

func (v *ends) share(p netip.Prefix) float64 {
	return float64(v.count[p]) / float64(max(v.packets, 1))
}

// partners returns how many ends speak with a network.
func (v *ends) partners(p netip.Prefix) int {
	set := map[netip.Addr]bool{}
	for _, pair := range v.pairs {
		if p.Contains(pair.src) {
			set[pair.dst] = true
		} else if p.Contains(pair.dst) {
			set[pair.src] = true
		}
	}
	return len(set)
}
