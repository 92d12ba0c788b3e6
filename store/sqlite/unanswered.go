package sqlite

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// mostExchanges is how many pairs of endpoints a question about unanswered connections
// remembers: 16 bytes each in a map that is at most half empty, some 100 MB.
const mostExchanges = 2 << 20

// tcp is its IP protocol number.
const tcp = 6

// exchange is who spoke with whom, whichever way. Its hash stands for it: among two
// million, one in a million questions meets two that are the same.
type exchange struct {
	addr, peer netip.Prefix
	port       uint16
	proto      uint8
	hasPort    bool
}

func (t *exchange) hash(seed maphash.Seed) uint64 { return maphash.Comparable(seed, *t) }

func exchangeOf(p *store.Point) exchange {
	return exchange{addr: p.Addr, peer: p.Peer, port: p.Port, proto: p.Proto, hasPort: p.HasPort}
}

// spoke returns the bit of a direction.
func spoke(d store.Direction) uint8 { return 1 << d }

// Answered returns f with what opened:unanswered needs to know about all of f's window,
// so that questions about parts of it judge by the whole. Other filters are returned as
// they are.
func (s *Store) Answered(ctx context.Context, f store.Filter) (store.Filter, error) {
	out, err := steadily(func() (*store.Filter, error) { return s.answered(ctx, &f) })
	if err != nil {
		return f, err
	}
	return *out, nil
}

// answered gives the terms of f about unanswered connections what they need to know:
// in which directions there was anything between two endpoints in the window. f itself
// is not changed; it is returned where it has no such terms.
func (s *Store) answered(ctx context.Context, f *store.Filter) (*store.Filter, error) {
	wants := func(t store.Term) bool { return t.Unanswered && t.Answered == nil }
	if !slices.ContainsFunc(f.Terms, wants) {
		return f, nil
	}
	seed, heard := maphash.MakeSeed(), make(map[uint64]uint8)
	err := s.flows(ctx, store.Filter{Window: f.Window, Terms: eitherWay(f.Terms)}, 0, func(points []store.Point) error {
		for i := range points {
			t := exchangeOf(&points[i])
			heard[t.hash(seed)] |= spoke(points[i].Direction)
		}
		if len(heard) > mostExchanges {
			return fmt.Errorf("more than %d pairs of endpoints spoke in this window, too many to say which were unanswered: ask for a shorter window, or add terms (ip:, peer:, port:) to the filter", mostExchanges)
		}
		return nil
	}, 1)
	if err != nil {
		return nil, err
	}
	out := *f
	out.Terms = slices.Clone(f.Terms)
	for i := range out.Terms {
		if wants(out.Terms[i]) {
			out.Terms[i].Answered = func(p *store.Point) bool {
				if p.Proto != tcp {
					return true // it opens nothing
				}
				t := exchangeOf(p)
				return heard[t.hash(seed)]&^spoke(p.Direction) != 0
			}
		}
	}
	return &out, nil
}

// eitherWay returns the terms that hold for both directions of an exchange alike: what is
// left out by them needs no remembering. Connections are TCP's.
func eitherWay(terms []store.Term) []store.Term {
	out := []store.Term{{Key: store.KeyProto, Values: []string{"tcp"}, Ranges: []store.Range{{Low: tcp, High: tcp}}}}
	for _, t := range terms {
		switch t.Key {
		case store.KeyIP, store.KeyPeer, store.KeyHost, store.KeyPort:
			out = append(out, t)
		}
	}
	return out
}
