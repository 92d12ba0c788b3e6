package sensor

import (
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

// entry is a slot of the table: 64 bytes, a cache line, without pointers, so that
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

// table counts packets by key. It is an open-addressing hash table with linear
// probing, made for one goroutine (BenchmarkTally compares it with Go's map). It
// never holds more than its limit of exact keys: beyond that, insert folds (see
// fold), so that memory is bounded whatever arrives and totals stay exact.
type table struct {
	slots []entry
	shift uint // 64 − log2(len(slots))
	used  int
	limit int // sensor.max_keys
	seed  uint64
}

// minSlots is the size a table starts at and returns to after quiet ticks.
const minSlots = 1 << 12

func newTable(limit int, seed uint64) *table {
	t := &table{limit: max(limit, 16), seed: seed | 1}
	t.resize(minSlots)
	return t
}

func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]entry, n)
	adviseHuge(t.slots)
	t.shift = uint(64 - bits.TrailingZeros(uint(n)))
	for i := range old {
		if old[i].meta != 0 {
			*t.slot(&old[i].key) = old[i]
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

// slot returns the slot that holds k, or the free one where it belongs.
func (t *table) slot(k *key) *entry { return t.slotAt(t.hash(k), k) }

// slotAt is slot for a key whose hash is known.
func (t *table) slotAt(hash uint64, k *key) *entry {
	mask := uint64(len(t.slots) - 1)
	for i := hash >> t.shift; ; i++ {
		e := &t.slots[i&mask]
		if e.meta == 0 || e.is(k) {
			return e
		}
	}
}

// touch reads the slots that hashes lead to first. The loads depend on nothing, so the
// processor waits for all of them at once; slotAt, one key after the other, would wait
// for each. What it returns is only there so that the loads are not optimised away.
func (t *table) touch(waiting []waiting) (sum uint64) {
	mask := uint64(len(t.slots) - 1)
	for i := range waiting {
		sum += t.slots[waiting[i].hash>>t.shift&mask].meta
	}
	return sum
}

// is compares word by word: == on a struct of this size is a call.
func (e *entry) is(k *key) bool {
	return e.src.Lo == k.src.Lo && e.dst.Lo == k.dst.Lo && e.meta == k.meta &&
		e.src.Hi == k.src.Hi && e.dst.Hi == k.dst.Hi
}

// find returns the entry of k, or nil.
func (t *table) find(k *key) *entry {
	if e := t.slot(k); e.meta != 0 {
		return e
	}
	return nil
}

// put returns the entry of k, made if missing. The table grows at half full, but not
// beyond twice its limit: folded to the last it is three quarters full, so that a
// flood costs memory for its keys and not for the room between them. Only ticks that
// had to be absorbed into one another need more.
func (t *table) put(k *key, c class) *entry {
	e := t.slot(k)
	if e.meta != 0 {
		return e
	}
	if n := len(t.slots); 2*(t.used+1) > n && n < 2*t.limit || 8*(t.used+1) > 7*n {
		t.resize(2 * n)
		e = t.slot(k)
	}
	t.used++
	e.key, e.class = *k, c
	return e
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
func (t *table) insert(k *key, c class, n count) (folded bool) {
	if t.used < t.limit {
		t.put(k, c).add(n)
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
	t.put(&all, c).add(n)
}

// put1 counts under k if it is there, or if there is room below the bound.
func (t *table) put1(k *key, c class, n count, bound int) bool {
	e := t.find(k)
	if e == nil {
		if t.used >= bound {
			return false
		}
		e = t.put(k, c)
	}
	e.add(n)
	return true
}

// reset empties the table for the next tick. A table that was mostly empty goes
// back to a quarter of its size, so that a flood's memory is returned.
func (t *table) reset() {
	n := len(t.slots)
	if 16*t.used < n {
		n = max(n/4, minSlots)
	}
	t.used = 0
	if n == len(t.slots) {
		clear(t.slots)
		return
	}
	t.slots = nil
	t.resize(n)
}
