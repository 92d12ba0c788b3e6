package store

import (
	"math"
	"net/netip"
	"slices"
	"strings"
)

// spotTolerance is half of the last of the 4 decimals that places keep, in degrees.
const spotTolerance = 0.00005

// Match reports whether the term holds for p.
func (t *Term) Match(p *Point) bool {
	return t.holds(p) != t.Not
}

// holds is the term without its negation.
func (t *Term) holds(p *Point) bool {
	switch t.Key {
	case KeyProto:
		return t.inRanges(uint32(p.Proto))
	case KeyPort:
		return p.HasPort && t.inRanges(uint32(p.Port))
	case KeyASN:
		return p.ASN != 0 && t.inRanges(p.ASN)
	case KeyIP:
		return t.inNetworks(p.Addr)
	case KeyPeer:
		return t.inNetworks(p.Peer)
	case KeyHost:
		return t.inNetworks(p.Addr) || t.inNetworks(p.Peer)
	case KeyDir:
		return slices.Contains(t.Dirs, p.Direction)
	case KeyOpened:
		return p.Opens > 0 && (slices.Contains(t.Dirs, p.Direction) || t.Unanswered && t.Answered != nil && !t.Answered(p))
	case KeyPlace:
		return t.atSpot(p.Place)
	case KeyLabel:
		return t.hasLabel(p)
	}
	return t.hasWord(p)
}

func (t *Term) hasWord(p *Point) bool {
	word := ""
	switch t.Key {
	case KeyCountry:
		word = p.Place.Country
	case KeyRegion:
		word = p.Place.Region
	case KeyCity:
		word = p.Place.City
	case KeySensor:
		word = p.Sensor
	}
	return word != "" && slices.Contains(t.Words, strings.ToLower(word))
}

func (t *Term) inRanges(n uint32) bool {
	for _, r := range t.Ranges {
		if r.Low <= n && n <= r.High {
			return true
		}
	}
	return false
}

// inNetworks reports whether all of p lies in one of the term's networks: a folded
// or masked endpoint matches only if every address it may stand for does.
func (t *Term) inNetworks(p netip.Prefix) bool {
	if !p.IsValid() {
		return false
	}
	p = unmap(p)
	for _, n := range t.Networks {
		if n.Bits() <= p.Bits() && n.Contains(p.Addr()) {
			return true
		}
	}
	return false
}

// unmap turns a v4-mapped IPv6 network (::ffff:0:0/96, RFC 4291 section 2.5.5.2) into
// the IPv4 network, so that either notation finds it.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

func (t *Term) atSpot(p Place) bool {
	if !p.HasCoordinates() {
		return false
	}
	for _, s := range t.Spots {
		if math.Abs(s.Latitude-p.Latitude) <= spotTolerance && math.Abs(s.Longitude-p.Longitude) <= spotTolerance {
			return true
		}
	}
	return false
}
