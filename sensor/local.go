package sensor

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/sensor/decode"
)

// Networks says which addresses are local: ours, or nobody's. It is immutable and
// safe for concurrent use; a change makes a new one. The zero value is not usable.
type Networks struct {
	v4, v6 family
}

// family decides for one IP version. Most addresses are settled by their first 16
// bits, one load from a table; the others by the longest matching rule.
type family struct {
	verdict [1 << 16]uint8
	rules   []packed // longest prefix first
}

const (
	verdictPublic uint8 = iota
	verdictLocal
	verdictCloser // rules longer than 16 bits lie in here
)

// rule makes a network local or, inside a local one, public.
type rule struct {
	network netip.Prefix
	local   bool
}

// packed is a rule as words that compare without branches on the address family.
type packed struct {
	hi, lo, maskHi, maskLo uint64
	bits                   int
	local                  bool
}

// NewNetworks returns the networks that are local beside the IANA special-purpose
// ranges, which always are: local adds some, mapped takes some out (they are on the
// map though private). The longest prefix wins; between equals mapped, then local.
func NewNetworks(local, mapped []netip.Prefix) *Networks {
	var rules []rule
	for _, p := range mapped {
		rules = append(rules, rule{p.Masked(), false})
	}
	for _, p := range local {
		rules = append(rules, rule{p.Masked(), true})
	}
	rules = append(rules, specialRules()...)
	n := &Networks{}
	n.v4.build(rules, true)
	n.v6.build(rules, false)
	return n
}

// Local reports whether the address is local.
func (n *Networks) Local(a netip.Addr) bool {
	a = a.Unmap()
	return n.local(decode.AddrFrom(a), a.Is6())
}

// local is Local on the words of a packet. An IPv4 address is in the low 32 bits.
func (n *Networks) local(a decode.Addr, v6 bool) bool {
	f, top := &n.v4, uint16(a.Lo>>16)
	if v6 {
		f, top = &n.v6, uint16(a.Hi>>48)
	}
	v := f.verdict[top]
	if v != verdictCloser {
		return v == verdictLocal
	}
	return f.match(a)
}

// match walks the rules; the first is the longest.
func (f *family) match(a decode.Addr) bool {
	for i := range f.rules {
		r := &f.rules[i]
		if a.Hi&r.maskHi == r.hi && a.Lo&r.maskLo == r.lo {
			return r.local
		}
	}
	return false
}

func (f *family) build(rules []rule, v4 bool) {
	for _, r := range rules {
		if r.network.IsValid() && r.network.Addr().Is4() == v4 {
			f.rules = append(f.rules, pack(r))
		}
	}
	slices.SortStableFunc(f.rules, func(a, b packed) int { return cmp.Compare(b.bits, a.bits) })
	// Painted from the shortest rule to the longest, and among equals from the last to
	// the first, so that what decides comes last.
	for i := len(f.rules) - 1; i >= 0; i-- {
		f.paint(&f.rules[i], v4)
	}
}

// paint settles all addresses that share their first 16 bits and lie in a rule.
func (f *family) paint(r *packed, v4 bool) {
	first, bits := int(r.hi>>48), r.bits
	if v4 {
		first, bits = int(r.lo>>16&0xffff), r.bits-96
	}
	if bits > 16 {
		f.verdict[first] = verdictCloser
		return
	}
	v := verdictPublic
	if r.local {
		v = verdictLocal
	}
	for i := first; i < first+1<<(16-bits); i++ {
		f.verdict[i] = v
	}
}

func pack(r rule) packed {
	bits := r.network.Bits()
	if r.network.Addr().Is4() {
		bits += 96
	}
	a := decode.AddrFrom(r.network.Addr())
	p := packed{bits: bits, local: r.local}
	p.maskHi, p.maskLo = masks(bits)
	p.hi, p.lo = a.Hi&p.maskHi, a.Lo&p.maskLo
	return p
}

// masks returns the two words of a netmask of so many bits.
func masks(bits int) (hi, lo uint64) {
	if bits >= 64 {
		return ^uint64(0), ^uint64(0) << (128 - bits)
	}
	return ^uint64(0) << (64 - bits), 0
}
