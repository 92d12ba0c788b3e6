package sensor

import (
	"math"
	"math/bits"

	"github.com/packetheat/packetheat/sensor/decode"
)

// The bits of key.meta beside protocol (0–7) and port (16–31).
const (
	metaHasPort = 1 << 8
	metaV6      = 1 << 9
	metaFolded  = 1 << 10 // the key is coarser than the packets behind it
	metaOneEnd  = 1 << 11 // src is Addr, dst is folded away; metaOut tells the direction
	metaOut     = 1 << 12
	metaNet     = 1 << 13 // src is a network of foldV4Bits or foldV6Bits
	metaAll     = 1 << 14 // src is folded away too: all that is left is the direction
	metaUsed    = 1 << 15 // the slot is taken; no key has meta 0
	metaPort    = 16
)

// Networks that addresses fold into when even one key an address is too much.
const (
	foldV4Bits = 24
	foldV6Bits = 48
)

// key is what packets are counted under: who sent to whom, on which protocol and
// service port. One packet touches one key even when both its ends are public; the
// two points of such a packet are made when the tick closes.
type key struct {
	src, dst decode.Addr
	meta     uint64
}

// entry is what one key has counted: 64 bytes, a cache line, without pointers, so that
// one packet costs one miss at most and the garbage collector never looks inside.
type entry struct {
	key
	packets uint64
	bytes   uint64
	opens   uint32
	class   class
}

// class says which ends of a key are public.
type class uint8

const (
	localOnly class = iota
	srcPublic
	dstPublic
	bothPublic
)

// table counts packets by key, made for one goroutine (BenchmarkTally compares it with
// Go's map). Entries lie side by side in the order in which their keys came, and an
// open-addressing index of four bytes a slot says where: it stays in the processor's
// second cache where entries among free slots would not, and flows that began together
// mostly go on together, so that their entries are neighbours. Against 64-byte slots
// that halves the time of a packet at 100,000 keys, and closing a tick walks what is
// used and nothing else.
//
// The table never holds more than its limit of exact keys: beyond that, insert folds
// (see fold), so that memory is bounded whatever arrives and totals stay exact.
type table struct {
	entries []entry
	index   []uint32 // 0: free; else the entry's place + 1 in the low bits, above them bits of its hash
	shift   uint     // 64 − log2(len(index))
	limit   int      // sensor.max_keys
	seed    uint64
}

// minSlots is the size an index starts at and returns to after quiet ticks.
const minSlots = 1 << 12

func newTable(limit int, seed uint64) *table {
	t := &table{limit: max(limit, 16), seed: seed | 1}
	t.resize(minSlots)
	return t
}

// resize makes an index of so many slots, a power of two, for the entries there are.
func (t *table) resize(n int) {
	t.index = make([]uint32, n)
	t.shift = uint(64 - bits.TrailingZeros(uint(n)))
	for i := range t.entries {
		hash := t.hash(&t.entries[i].key)
		*t.free(hash) = t.word(hash, i)
	}
}

// word is what the index says about the entry at a place.
func (t *table) word(hash uint64, place int) uint32 {
	return uint32(hash)&^uint32(len(t.index)-1) | uint32(place+1)
}

// free returns the first free slot for a hash.
func (t *table) free(hash uint64) *uint32 {
	mask := uint64(len(t.index) - 1)
	for i := hash >> t.shift; ; i++ {
		if slot := &t.index[i&mask]; *slot == 0 {
			return slot
		}
	}
}

// hash mixes the five words of a key with a seed of the process, so that nobody
// outside can aim at one slot: three 64×64→128 multiplications, in the manner of wyhash.
func (t *table) hash(k *key) uint64 {
	h1, l1 := bits.Mul64(k.src.Hi^k.dst.Lo^t.seed, k.src.Lo^0x9e3779b97f4a7c15)
	h2, l2 := bits.Mul64(k.dst.Hi^k.meta^0xa0761d6478bd642f, k.dst.Lo^t.seed)
	h, l := bits.Mul64(h1^l1^0xe7037ed1a0b428db, h2^l2^t.seed)
	return h ^ l
}

// find returns the entry of k, whose hash is known, or nil. Keys that share a slot and
// the bits of their hash in the index, one in some thousands, are told apart by the key.
func (t *table) find(hash uint64, k *key) *entry {
	mask := uint64(len(t.index) - 1)
	tag := uint32(hash) &^ uint32(mask)
	for i := hash >> t.shift; ; i++ {
		word := t.index[i&mask]
		if word == 0 {
			return nil
		}
		if word&^uint32(mask) != tag {
			continue
		}
		if e := &t.entries[word&uint32(mask)-1]; e.is(k) {
			return e
		}
	}
}

// seek says for each of some packets where its entry most probably is. It does so in
// two rounds of loads that depend on nothing before them, so that the processor waits
// for all of them at once: the slots of the index, then the entries. What it returns
// is only there so that the loads are not optimised away.
func (t *table) seek(batch []waiting) (sum uint64) {
	mask := uint64(len(t.index) - 1)
	for i := range batch {
		sum += uint64(t.index[batch[i].hash>>t.shift&mask])
	}
	for i := range batch {
		w := &batch[i]
		tag := uint32(w.hash) &^ uint32(mask)
		for slot := w.hash >> t.shift; ; slot++ {
			word := t.index[slot&mask]
			if word == 0 {
				w.place = 0
				break
			}
			if word&^uint32(mask) == tag {
				w.place = word & uint32(mask)
				sum += t.entries[w.place-1].meta
				break
			}
		}
	}
	return sum
}

// at returns the entry that seek has found for a packet, nil where it is not the right
// one or there was none.
func (t *table) at(w *waiting) *entry {
	if w.place == 0 {
		return nil
	}
	if e := &t.entries[w.place-1]; e.is(&w.key) {
		return e
	}
	return nil
}

// is compares word by word: == on a struct of this size is a call.
func (e *entry) is(k *key) bool {
	return e.src.Lo == k.src.Lo && e.dst.Lo == k.dst.Lo && e.meta == k.meta &&
		e.src.Hi == k.src.Hi && e.dst.Hi == k.dst.Hi
}

// put makes the entry of k, which has none. The index grows at half full, but not
// beyond twice the limit: folded to the last it is three quarters full. Only ticks that
// had to be absorbed into one another need more.
func (t *table) put(hash uint64, k *key, c class) *entry {
	used := len(t.entries)
	if used == cap(t.entries) {
		t.grow()
	}
	t.entries = append(t.entries, entry{key: *k, class: c})
	if n := len(t.index); 2*(used+1) > n && n < 2*t.limit || 8*(used+1) > 7*n {
		t.resize(2 * n)
	} else {
		*t.free(hash) = t.word(hash, used)
	}
	return &t.entries[used]
}

// grow makes room for twice as many entries, but not for more than fold leaves.
func (t *table) grow() {
	used := len(t.entries)
	room := max(2*used, minSlots/2)
	if most := t.limit + t.limit/2 + 4; used < most {
		room = min(room, most)
	}
	entries := make([]entry, 0, room)
	adviseHuge(entries)
	t.entries = append(entries, t.entries...)
}

// add counts packets under an entry.
func (e *entry) add(n count) {
	e.packets += n.packets
	e.bytes += n.bytes
	e.opens += n.opens
}

// count is what one frame adds: its true packets, their octets, and its opens.
type count struct {
	packets, bytes uint64
	opens          uint32
}

// insert counts a packet whose exact key is not in the table, and reports whether
// its key had to be coarsened.
func (t *table) insert(hash uint64, k *key, c class, n count) (folded bool) {
	if len(t.entries) < t.limit {
		t.put(hash, k, c).add(n)
		return false
	}
	t.fold(k, c, n)
	return true
}

// fold counts under a coarser key. Each level may fill an eighth of the limit more
// (networks: a quarter) before the next is used; the last has two keys in all, so
// the table never grows beyond 1.5 times its limit whatever arrives.
func (t *table) fold(k *key, c class, n count) {
	step := t.limit / 8
	pair := *k
	pair.meta = pair.meta&0xff | pair.meta&metaV6 | metaFolded | metaUsed
	if t.put1(&pair, c, n, t.limit+step) {
		return
	}
	if c != dstPublic {
		t.foldEnd(pair.src, pair.meta, srcPublic, n, step)
	}
	if c != srcPublic {
		t.foldEnd(pair.dst, pair.meta|metaOut, dstPublic, n, step)
	}
}

// foldEnd counts under one public end alone, then under its network, then under
// nothing but the direction.
func (t *table) foldEnd(a decode.Addr, meta uint64, c class, n count, step int) {
	end := key{src: a, meta: meta | metaOneEnd}
	if t.put1(&end, c, n, t.limit+2*step) {
		return
	}
	end.meta = end.meta&^0xff | metaNet
	prefix := 96 + foldV4Bits
	if meta&metaV6 != 0 {
		prefix = foldV6Bits
	}
	maskHi, maskLo := masks(prefix)
	end.src = decode.Addr{Hi: a.Hi & maskHi, Lo: a.Lo & maskLo}
	if t.put1(&end, c, n, t.limit+4*step) {
		return
	}
	all := key{meta: metaFolded | metaUsed | metaOneEnd | metaAll | meta&(metaOut|metaV6)}
	t.put1(&all, c, n, math.MaxInt)
}

// put1 counts under k if it is there, or if there is room below the bound.
func (t *table) put1(k *key, c class, n count, bound int) bool {
	hash := t.hash(k)
	e := t.find(hash, k)
	if e == nil {
		if len(t.entries) >= bound {
			return false
		}
		e = t.put(hash, k, c)
	}
	e.add(n)
	return true
}

// reset empties the table for the next tick. A table that was mostly empty goes
// back to a quarter of its size, so that a flood's memory is returned.
func (t *table) reset() {
	used, n := len(t.entries), len(t.index)
	t.entries = t.entries[:0]
	if 16*used >= n || n == minSlots {
		clear(t.index)
		return
	}
	n = max(n/4, minSlots)
	if cap(t.entries) > n/2 {
		t.entries = make([]entry, 0, n/2)
	}
	t.resize(n)
}
