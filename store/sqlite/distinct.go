package sqlite

import "net/netip"

// maxPairs bounds the tables of one query's addressCounters to about 100 MiB each.
const maxPairs = 2 << 20

// addressCounter counts the distinct addresses of each row of a top exactly, until
// there are too many of them.
type addressCounter struct {
	ids   map[netip.Prefix]uint32
	pairs map[uint64]struct{} // number of the row, id of the address
	limit int                 // of pairs
	full  bool                // there were more: nothing is counted any more
}

func newAddressCounter(limit int) addressCounter {
	return addressCounter{ids: make(map[netip.Prefix]uint32), pairs: make(map[uint64]struct{}), limit: limit}
}

// add notes that addr is in the row of that number.
func (c *addressCounter) add(row uint32, addr netip.Prefix) {
	if c.full {
		return
	}
	id, ok := c.ids[addr]
	if !ok {
		id = uint32(len(c.ids))
		c.ids[addr] = id
	}
	c.pairs[uint64(row)<<32|uint64(id)] = struct{}{}
	if len(c.pairs) > c.limit {
		*c = addressCounter{full: true}
	}
}

// merge adds what another counter has; rows gives our number for each of its.
func (c *addressCounter) merge(o *addressCounter, rows []uint32) {
	if o.full {
		*c = addressCounter{full: true}
	}
	addrs := make([]netip.Prefix, len(o.ids))
	for addr, id := range o.ids {
		addrs[id] = addr
	}
	for p := range o.pairs {
		c.add(rows[p>>32], addrs[uint32(p)])
	}
}

// count sets the counts of rows, which are in order of their number.
func (c *addressCounter) count(rows []*tally) {
	for p := range c.pairs {
		rows[p>>32].addrs++
	}
}
