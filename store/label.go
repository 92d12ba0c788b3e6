package store

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Labels knows which endpoints have which label. Package geo provides one; it may be
// asked by many goroutines.
type Labels interface {
	// Names returns the names of all labels, sorted.
	Names() []string
	// Matcher returns what decides about a label, whatever the case of its name; its
	// Match is nil where there is no such label.
	Matcher(name string) (match func(addr, peer netip.Prefix, asn uint32) bool, peers bool)
}

// Matcher decides whether a point has a label. It does not change.
type Matcher struct {
	// Match is given the point's address, peer and AS number; either address may be
	// the zero Prefix, and the number 0, where they are not known.
	Match func(addr, peer netip.Prefix, asn uint32) bool
	Peers bool // the peer has a say
}

// addLabel looks a label up.
func (t *Term) addLabel(name string, labels Labels) error {
	if labels == nil {
		return fmt.Errorf("there are no labels here")
	}
	match, peers := labels.Matcher(name)
	if match == nil {
		names := labels.Names()
		for i := range names {
			names[i] = quote(names[i])
		}
		return fmt.Errorf("label %q is unknown: use one of %s (geo.labels adds some)", name, strings.Join(names, ", "))
	}
	t.Labels = append(t.Labels, Matcher{match, peers})
	return nil
}

// AsksPeer reports whether a term about labels depends on the peer of a point.
func (t *Term) AsksPeer() bool {
	return slices.ContainsFunc(t.Labels, func(m Matcher) bool { return m.Peers })
}

func (t *Term) hasLabel(p *Point) bool {
	for i := range t.Labels {
		if t.Labels[i].Match(p.Addr, p.Peer, p.ASN) {
			return true
		}
	}
	return false
}

// maxLabels is how many labels a Tagger tells apart: the bits of its answer.
const maxLabels = 32

// Tagger tells all labels of an endpoint at once. It stays at what Labels said when it
// was made; the zero value knows none. It may be used by many goroutines.
type Tagger struct {
	Names    []string // of the bits, lowest first; 32 at most, the first by name
	matchers []Matcher
}

// NewTagger asks labels, which may be nil, for all that it knows.
func NewTagger(labels Labels) *Tagger {
	t := &Tagger{}
	if labels == nil {
		return t
	}
	for _, name := range labels.Names() {
		if match, peers := labels.Matcher(name); match != nil && len(t.Names) < maxLabels {
			t.Names, t.matchers = append(t.Names, name), append(t.matchers, Matcher{match, peers})
		}
	}
	return t
}

// Addr returns a bit for each label of an address on the map; asn is 0 where unknown.
func (t *Tagger) Addr(addr netip.Prefix, asn uint32) (bits uint32) {
	for i := range t.matchers {
		if t.matchers[i].Match(addr, netip.Prefix{}, asn) {
			bits |= 1 << i
		}
	}
	return bits
}

// Peer returns a bit for each label of a peer.
func (t *Tagger) Peer(peer netip.Prefix) (bits uint32) {
	for i := range t.matchers {
		if t.matchers[i].Peers && t.matchers[i].Match(netip.Prefix{}, peer, 0) {
			bits |= 1 << i
		}
	}
	return bits
}

// Row returns the labels of a row of a top: of an address, a peer or an AS. Rows by
// anything else have none.
func (t *Tagger) Row(by Dimension, row *Row) []string {
	switch by {
	case ByIP, ByPeer:
		p, err := parsePrefix(row.Key)
		if err != nil {
			return nil // the row of points without one
		}
		if by == ByPeer {
			return t.Of(t.Peer(p))
		}
		return t.Of(t.Addr(p, row.ASN))
	case ByASN:
		asn, err := strconv.ParseUint(strings.TrimPrefix(row.Key, "AS"), 10, 32)
		if err != nil {
			return nil
		}
		return t.Of(t.Addr(netip.Prefix{}, uint32(asn)))
	}
	return nil
}

// Of returns the names of bits; it is never nil.
func (t *Tagger) Of(bits uint32) []string {
	names := []string{}
	for i, name := range t.Names {
		if bits&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
