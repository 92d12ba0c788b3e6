package geo

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"
)

// DefaultCacheEntries is the size of a Cache that is asked for none: 65,536
// addresses, 2 MiB.
const DefaultCacheEntries = 1 << 16

// ways is the number of entries of a set. Four of 32 bytes are two cache
// lines, which the processor fetches as a pair.
const ways = 4

// entry is one cached address. The key is the address as 16 bytes; no valid
// canonical address is ::, which marks an empty entry.
type entry struct {
	hi, lo uint64
	rec    record
}

// Cache remembers what a DB answered for the addresses seen last. It belongs
// to one goroutine. [NewCache] makes one; it needs no closing.
//
// It is a 4-way set-associative table: an address can lie in one of the four
// entries of its set, which are kept in the order of their last use, and a new
// address replaces the last. So a look-up touches one stretch of 128 bytes,
// where an LRU of a map and a list follows four pointers. BenchmarkLocate says
// what that gives: a hit costs a twentieth of a look-up in the database.
type Cache struct {
	db        *DB
	state     *state
	sets      [][ways]entry
	shift     uint // 64 - log2(len(sets))
	hits      uint64
	misses    uint64
	evictions uint64
	reported  [3]uint64 // of these, to the DB
}

// Each reportEvery hits are reported to the DB, and one in sampleEvery misses is
// timed, since the clock costs as much as a hit.
const (
	reportEvery = 256
	sampleEvery = 64
)

// NewCache returns a cache in front of db for about the given number of
// addresses: it is rounded up to a power of two, and is DefaultCacheEntries
// where it is not positive. An entry takes 32 bytes.
func NewCache(db *DB, entries int) *Cache {
	if entries <= 0 {
		entries = DefaultCacheEntries
	}
	log := bits.Len(uint(max((entries+ways-1)/ways, 2) - 1))
	return &Cache{db: db, sets: make([][ways]entry, 1<<log), shift: uint(64 - log)}
}

// Locate returns what db.Locate would. After a reload of the DB nothing of the
// old answers is left.
func (c *Cache) Locate(addr netip.Addr) Location {
	s := c.db.state.Load()
	if s == nil || !addr.IsValid() {
		return Location{}
	}
	if s != c.state {
		clear(c.sets)
		c.state = s
	}
	hi, lo := halves(addr)
	// Fibonacci hashing: the top bits of the product depend on all bits below.
	hash := (hi*0x9e3779b97f4a7c15 ^ lo ^ lo>>32) * 0x9e3779b97f4a7c15
	set := &c.sets[hash>>c.shift]
	for i := range set {
		if set[i].lo == lo && set[i].hi == hi && hi|lo != 0 {
			if c.hits++; c.hits%reportEvery == 0 {
				c.report()
			}
			e := set[i]
			for ; i > 0; i-- {
				set[i] = set[i-1]
			}
			set[0] = e
			return e.rec.location()
		}
	}
	return c.miss(set, entry{hi, lo, c.search(s, addr)})
}

// halves returns an address as two numbers, IPv4 as ::ffff:0:0/96 has it. As16 alone
// would do, and take 10 ns more for IPv4.
func halves(addr netip.Addr) (hi, lo uint64) {
	if addr.Is4() {
		b := addr.As4()
		return 0, 0xffff<<32 | uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := addr.As16()
	return binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])
}

// search asks the databases.
func (c *Cache) search(s *state, addr netip.Addr) record {
	if c.misses%sampleEvery != sampleEvery-1 {
		return s.find(canonical(addr))
	}
	start := time.Now()
	rec := s.find(canonical(addr))
	c.db.counts.searching.Add(uint64(time.Since(start)) * sampleEvery)
	return rec
}

// report adds what has been counted since the last time to the sums of the DB.
func (c *Cache) report() {
	now := [...]uint64{c.hits, c.misses, c.evictions}
	sums := &c.db.counts
	for i, sum := range [...]*atomic.Uint64{&sums.hits, &sums.misses, &sums.evictions} {
		if add := now[i] - c.reported[i]; add > 0 {
			sum.Add(add)
		}
	}
	c.reported = now
}

// miss puts e in front of its set and drops the entry used longest ago.
func (c *Cache) miss(set *[ways]entry, e entry) Location {
	c.misses++
	defer c.report()
	if last := &set[ways-1]; last.hi|last.lo != 0 {
		c.evictions++
	}
	copy(set[1:], set[:ways-1])
	set[0] = e
	return e.rec.location()
}

// Stats counts since NewCache: look-ups answered from the table, those that
// went to the databases, and entries that made room for another address.
func (c *Cache) Stats() (hits, misses, evictions uint64) {
	return c.hits, c.misses, c.evictions
}
