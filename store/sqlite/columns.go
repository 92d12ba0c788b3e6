package sqlite

import (
	"net/netip"

	"github.com/packetheat/packetheat/store"
)

// maxPoints bounds the points of a block, so that a damaged length cannot make a
// reader allocate without bound. 1 M distinct sources in a tick fit many times.
const maxPoints = 1 << 25

// columns are the points of one block, one slice a property. Points are sorted by
// address; those with the same address, place and AS are a group, so that these
// three are kept once a group. The slices are reused from block to block.
type columns struct {
	groups, points int

	// From the part "sums".
	kinds  []kind
	place  []uint32 // id of the group's place; 0: unlocated
	count  []uint32 // points of the group
	kind   []uint32 // index into kinds, a point
	amount [3][]uint64

	// From the part "ends"; filled where needed.
	addr  []netip.Prefix // a group
	asn   []uint32       // id of the group's AS; 0: unknown
	peers []netip.Prefix // distinct peers, sorted
	peer  []uint32       // index into peers, a point
	ports []uint16       // distinct ports, by first use
	port  []uint32       // index into ports, a point; 0 where the kind has no port

	// From the part "times" of a tier: ticks since the start of its interval, a point.
	first, last []uint32

	// From the part "samples" of a tier of 10m: the ticks that a point is the sum of.
	// Those of point i are [sampleStart[i], sampleStart[i+1]).
	sampleStart  []uint32
	sampleTick   []uint16 // ticks since the start of the interval, rising
	sampleAmount [3][]uint64
}

// The columns of columns.amount.
const (
	packets = iota
	octets
	opens
)

// kind is what few distinct values of are in a block.
type kind struct {
	proto     uint8
	direction store.Direction
	hasPort   bool
	flags     store.Flags
}

// slot is the kind's place among the eight sums of a cell: layer, then direction.
func (k kind) slot() int { return int(store.ClassOf(k.proto))*2 + int(k.direction) }

// sum returns the amounts of point i.
func (c *columns) sum(i int) store.Sum {
	return store.Sum{Packets: c.amount[packets][i], Bytes: c.amount[octets][i], Opens: c.amount[opens][i]}
}

// need says which columns a query reads beside those of the part "sums".
type need uint8

const (
	needAddr need = 1 << iota
	needASN
	needPeer
	needPort
	needTimes   // first and last
	needSamples // of a tier of 10m

	needAll = needAddr | needASN | needPeer | needPort
)
