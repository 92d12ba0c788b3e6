package sqlite

import (
	"slices"
	"sync"

	"github.com/packetheat/packetheat/store"
)

// placeRanks remembers the order of places, so that answers need not sort them anew:
// there may be tens of thousands, and they are never changed, only added. The zero
// value knows none.
type placeRanks struct {
	mu    sync.Mutex
	order []uint32 // ids
	ranks []uint32 // by id
}

// of returns the rank of each of places by its id. The result must not be written to.
func (r *placeRanks) of(places []store.Place) []uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := len(r.order)
	if known >= len(places) {
		return r.ranks // of some more
	}
	compare := func(a, b uint32) int { return comparePlaces(places[a], places[b]) }
	added := make([]uint32, 0, len(places)-known)
	for id := known; id < len(places); id++ {
		added = append(added, uint32(id))
	}
	slices.SortFunc(added, compare)
	order := make([]uint32, 0, len(places))
	old := r.order
	for len(old) > 0 && len(added) > 0 {
		if compare(old[0], added[0]) <= 0 {
			order, old = append(order, old[0]), old[1:]
		} else {
			order, added = append(order, added[0]), added[1:]
		}
	}
	r.order = append(append(order, old...), added...)
	r.ranks = make([]uint32, len(places)) // not the old one: it may be in use
	for rank, id := range r.order {
		r.ranks[id] = uint32(rank)
	}
	return r.ranks
}
