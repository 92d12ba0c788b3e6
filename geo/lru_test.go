package geo

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// spread is a database with a place of its own for each of n networks.
func spread(n int) fixture {
	records := make(map[string]mmdbtype.Map, n)
	for i := range n {
		network := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(i>>16) + 1, byte(i >> 8), byte(i), 0}), 24)
		records[network.String()] = nested("DE", "x", network.String(), 1+float64(i)/100, 2, 3)
	}
	return fixture{kind: "GeoLite2-City", records: records}
}

func v4(u uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], u)
	return netip.AddrFrom4(b)
}

// TestCacheAgrees asks a cache that is far too small the same as the database,
// with addresses of all kinds, over reloads.
func TestCacheAgrees(t *testing.T) {
	db := open(t, Config{City: spread(1000).write(t, t.TempDir(), "c.mmdb")})
	cache := NewCache(db, 256)
	rnd := rand.New(rand.NewPCG(1, 2))
	const rounds = 20_000
	for i := range rounds {
		addr := v4(1<<24 | rnd.Uint32N(1200)<<8 | rnd.Uint32N(2))
		switch rnd.IntN(8) {
		case 0:
			addr = netip.AddrFrom16(addr.As16())
		case 1:
			b := [16]byte{0x20, 0x02}
			copy(b[2:], addr.AsSlice())
			addr = netip.AddrFrom16(b)
		case 2:
			addr = netip.IPv6Unspecified()
		case 3:
			addr = netip.AddrFrom16([16]byte{0x26, 0, 15: byte(i)}).WithZone("eth0")
		}
		if got, want := cache.Locate(addr), db.Locate(addr); got != want {
			t.Fatalf("%s: cache %+v, database %+v", addr, got, want)
		}
		if i == rounds/2 {
			if err := db.Reload(); err != nil {
				t.Fatal(err)
			}
		}
	}
	hits, misses, evictions := cache.Stats()
	if hits+misses != rounds || hits == 0 || evictions == 0 || evictions >= misses {
		t.Errorf("%d hits, %d misses, %d evictions in %d look-ups", hits, misses, evictions, rounds)
	}
	if got := cache.Locate(netip.Addr{}); got != (Location{}) {
		t.Errorf("zero address is %+v", got)
	}
}

// TestCacheOrder keeps a set in the order of use: a model with a list says
// which of the addresses of one set are still there.
func TestCacheOrder(t *testing.T) {
	db := open(t, Config{City: spread(1).write(t, t.TempDir(), "c.mmdb")})
	cache := NewCache(db, 1) // two sets, the fewest there are
	set := func(addr netip.Addr) int {
		probe := NewCache(db, 1)
		probe.Locate(addr)
		return slices.IndexFunc(probe.sets, func(s [ways]entry) bool { return s[0].lo != 0 })
	}
	var one []netip.Addr
	for i := uint32(1); len(one) < 7; i++ {
		if addr := v4(i << 7); set(addr) == 0 {
			one = append(one, addr)
		}
	}
	var model []netip.Addr // the last used first
	rnd := rand.New(rand.NewPCG(3, 4))
	var wantHits, wantEvictions uint64
	for range 2000 {
		addr := one[rnd.IntN(len(one))]
		if i := slices.Index(model, addr); i >= 0 {
			wantHits++
			model = slices.Delete(model, i, i+1)
		}
		model = slices.Insert(model, 0, addr)
		if len(model) > ways {
			wantEvictions++
			model = model[:ways]
		}
		cache.Locate(addr)
		hits, _, evictions := cache.Stats()
		if hits != wantHits || evictions != wantEvictions {
			t.Fatalf("%d hits and %d evictions, want %d and %d", hits, evictions, wantHits, wantEvictions)
		}
	}
}

func TestCacheSize(t *testing.T) {
	for entries, want := range map[int]int{-1: 65536, 0: 65536, 1: 8, 8: 8, 9: 16, 1000: 1024, 1024: 1024, 1025: 2048} {
		if got := len(NewCache(nil, entries).sets) * ways; got != want {
			t.Errorf("%d entries asked, %d given, want %d", entries, got, want)
		}
	}
}

// TestCacheGeneration checks that a reload drops everything that is cached.
func TestCacheGeneration(t *testing.T) {
	path := version("A").write(t, t.TempDir(), "c.mmdb")
	db := open(t, Config{City: path})
	cache, addr := NewCache(db, 64), netip.MustParseAddr("1.0.0.1")
	for range 3 {
		cache.Locate(addr)
	}
	swap(t, path, version("B").bytes(t))
	if got := cache.Locate(addr).City; got != "A" {
		t.Errorf("before the reload the city is %q", got)
	}
	if err := db.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := cache.Locate(addr).City; got != "B" {
		t.Errorf("after the reload the city is %q", got)
	}
	if hits, misses, _ := cache.Stats(); hits != 3 || misses != 2 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

// TestAllocations holds what the sensor relies on: neither a hit nor a miss on
// a record that is decoded already allocates.
func TestAllocations(t *testing.T) {
	dir := t.TempDir()
	db := open(t, Config{City: cityFixture().write(t, dir, "c.mmdb"), ASN: asnFixture().write(t, dir, "a.mmdb")})
	cache := NewCache(db, 64)
	addrs := []netip.Addr{
		netip.MustParseAddr("1.0.0.1"), netip.MustParseAddr("2a00:1450::1"), netip.MustParseAddr("9.9.9.9"),
		netip.MustParseAddr("::ffff:1.0.0.2"), netip.MustParseAddr("2002:100:7::1"),
	}
	var sink Location
	for name, locate := range map[string]func(netip.Addr) Location{"DB": db.Locate, "Cache": cache.Locate} {
		n := testing.AllocsPerRun(100, func() {
			for _, addr := range addrs {
				sink = locate(addr)
			}
		})
		if n != 0 {
			t.Errorf("%s.Locate allocates %.1f times in %d look-ups", name, n, len(addrs))
		}
	}
	next := uint32(0)
	n := testing.AllocsPerRun(1000, func() {
		next += 977
		sink = cache.Locate(v4(next))
	})
	if n != 0 {
		t.Errorf("a miss allocates %.2f times", n)
	}
	_ = sink
}

// TestRecordsBounded fills the decoded records of a table beyond their bound.
func TestRecordsBounded(t *testing.T) {
	var r records
	const n = 2 * recordShards * recordsPerPart
	for i := range uintptr(n) {
		first := r.put(i*7, Location{ASN: uint32(i)})
		if again := r.put(i*7, Location{}); again != first || r.get(i*7) != first {
			t.Fatalf("record %d is not kept", i)
		}
	}
	total := 0
	for i := range r.shards {
		if got := len(r.shards[i].m); got > recordsPerPart || got == 0 {
			t.Errorf("shard %d has %d records", i, got)
		}
		total += len(r.shards[i].m)
	}
	if total < recordShards*recordsPerPart/4 {
		t.Errorf("%d records kept", total)
	}
}
