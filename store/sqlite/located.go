package sqlite

import (
	"net/netip"

	"github.com/packetheat/packetheat/store"
)

// located remembers where the addresses of the tick before were, with their ids: most
// of them are in the next tick, too, and in the same order, so that few places are
// looked up by all their fields. The zero value remembers none.
type located struct {
	before, now []locatedAddr
	at          int // the first of before that is behind what was asked for last
}

type locatedAddr struct {
	addr           netip.Prefix
	place          store.Place
	as             asOrg
	placeID, asnID uint32
}

// maxLocated is how many addresses are remembered, in some MiB.
const maxLocated = 1 << 15

// begin begins a tick, whose addresses come in order.
func (l *located) begin() {
	l.before, l.now = l.now, l.before[:0]
	l.at = 0
}

// forget forgets all ids: some that were given out are not taken.
func (l *located) forget() { l.before, l.now = l.before[:0], l.now[:0] }

// ids returns the ids of a point's place and AS.
func (l *located) ids(p *store.Point, placeID func(store.Place) uint32, asnID func(asOrg) uint32) (place, asn uint32) {
	for ; l.at < len(l.before); l.at++ {
		b := &l.before[l.at]
		if order := compareEndpoints(b.addr, p.Addr); order > 0 {
			break
		} else if order == 0 && b.place == p.Place && b.as.asn == p.ASN && b.as.org == p.ASOrg {
			l.remember(b)
			l.at++
			return b.placeID, b.asnID
		}
	}
	b := locatedAddr{addr: p.Addr, place: p.Place, as: asOrg{p.ASN, p.ASOrg}}
	b.placeID, b.asnID = placeID(b.place), asnID(b.as)
	l.remember(&b)
	return b.placeID, b.asnID
}

func (l *located) remember(b *locatedAddr) {
	if len(l.now) < maxLocated {
		l.now = append(l.now, *b)
	}
}
