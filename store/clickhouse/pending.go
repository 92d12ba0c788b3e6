package clickhouse

import (
	"slices"
	"sync"

	"github.com/packetheat/packetheat/store"
)

// pending remembers, for every origin, the shipment that was begun and not acknowledged.
// It is sent again as it was before anything else: what the caller sends then may be put
// together in other ways, and a replica that answers may not know yet what another took.
// After a restart of this program the points themselves tell: see complete. The zero
// value remembers nothing; goroutines may share it.
type pending struct {
	mu     sync.Mutex
	groups map[string][]*store.Batch
}

// begin remembers a shipment.
func (p *pending) begin(origin string, group []*store.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.groups == nil {
		p.groups = map[string][]*store.Batch{}
	}
	p.groups[origin] = group
}

// done forgets the shipment of an origin.
func (p *pending) done(origin string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.groups, origin)
}

// take returns the shipment to send again, if one of its batches is among those that are
// to be sent, and the others of those.
func (p *pending) take(origin string, batches []*store.Batch) (again, others []*store.Batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := map[key]bool{}
	for _, b := range p.groups[origin] {
		of[keyOf(b)] = true
	}
	others = slices.DeleteFunc(slices.Clone(batches), func(b *store.Batch) bool { return of[keyOf(b)] })
	if len(others) == len(batches) { // acknowledged after all, by another connection
		return nil, others
	}
	return p.groups[origin], others
}
