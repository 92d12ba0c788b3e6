package sqlite

import (
	"net/netip"
	"testing"
)

// TestNumbers compares with a map, through growth, collisions and resets.
func TestNumbers(t *testing.T) {
	t.Parallel()
	r := newRandom(80)
	var n numbers[uint64]
	hashes := map[string]func(uint64) uint64{
		"mixed":     mix,
		"collision": func(k uint64) uint64 { return k % 5 << 1 },
		"high bits": func(k uint64) uint64 { return k << 32 }, // which are not looked at
	}
	before := 0
	for name, hash := range hashes {
		for _, size := range []int{1, 3000, 2, 40, 700, 0, 33} {
			n.reset()
			want := make(map[uint64]uint32)
			for range size * 2 {
				key := r.Uint64N(uint64(size))
				if r.IntN(8) == 0 {
					key = ^key
				}
				number, known := want[key]
				if !known {
					number = uint32(len(want))
					want[key] = number
				}
				if got := n.of(key, hash(key)); got != number {
					t.Fatalf("%s, %d keys: %d is %d, want %d", name, size, key, got, number)
				}
			}
			if len(n.list) != len(want) || len(n.slots) > max(leastSlots, 4*before, 4*len(want)) {
				t.Errorf("%s, %d keys behind %d: %d in %d slots", name, len(want), before, len(n.list), len(n.slots))
			}
			before = len(want)
			for number, key := range n.list {
				if want[key] != uint32(number) {
					t.Errorf("%s: number %d is %d", name, number, key)
				}
			}
		}
	}
}

// TestEndpointHashes looks for endpoints that are told apart by one field alone and
// whose hashes are equal, and for addresses in a row that share slots more than chance
// would have it.
func TestEndpointHashes(t *testing.T) {
	seen := make(map[uint64]netip.Prefix)
	for _, text := range []string{"1.2.3.4/32", "1.2.3.4/24", "1.2.3.0/24", "::ffff:1.2.3.4/128", "2001:db8::1/128", "2001:db8::1/64",
		"2001:db8:0:1::1/128", "2001:db8:1::/48", "::/0", "0.0.0.0/0"} {
		p := netip.MustParsePrefix(text)
		if other, known := seen[hashOf(p)]; known && !(other.Addr().Unmap() == p.Addr().Unmap()) {
			t.Errorf("%s hashes as %s", p, other)
		}
		seen[hashOf(p)] = p
	}
	var used [1 << 12]bool
	free := len(used)
	addr := netip.MustParseAddr("10.0.0.0")
	for range len(used) {
		if slot := &used[uint32(hashOf(netip.PrefixFrom(addr, 32)))%uint32(len(used))]; !*slot {
			*slot = true
			free--
		}
		addr = addr.Next()
	}
	if free > len(used)*45/100 { // 1/e of them, by chance
		t.Errorf("%d addresses leave %d of as many slots free", len(used), free)
	}
}
