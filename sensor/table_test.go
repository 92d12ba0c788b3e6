package sensor

import (
	"math/rand/v2"
	"testing"

	"github.com/packetheat/packetheat/sensor/decode"
)

func randomKey(r *rand.Rand, addresses uint64) key {
	k := key{meta: metaUsed | 17 | metaHasPort | uint64(r.IntN(1000))<<metaPort}
	k.src = decode.Addr{Lo: 0xffff_0000_0000 | r.Uint64N(addresses)}
	k.dst = decode.Addr{Lo: 0xffff_0000_0000 | 0x08080808}
	if r.IntN(4) == 0 {
		k.meta |= metaV6
		k.src = decode.Addr{Hi: 0x2606_4700_0000_0000 | r.Uint64N(addresses), Lo: r.Uint64N(4)}
	}
	return k
}

// The table counts what a map counts.
func TestTableAgainstMap(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	table := newTable(1<<20, r.Uint64())
	for round := range 3 {
		want := map[key]uint64{}
		for range 60000 {
			k := randomKey(r, 3000)
			want[k]++
			table.insert(&k, srcPublic, count{packets: 1, bytes: 60})
		}
		if table.used != len(want) {
			t.Fatalf("round %d: %d keys, want %d", round, table.used, len(want))
		}
		for k, n := range want {
			e := table.find(&k)
			if e == nil || e.packets != n || e.bytes != 60*n {
				t.Fatalf("round %d: key %+v: entry %+v, want %d packets", round, k, e, n)
			}
		}
		table.reset()
		if table.used != 0 || table.find(&key{meta: metaUsed}) != nil {
			t.Fatal("reset left entries")
		}
	}
}

// However many keys arrive, memory is bounded and totals are exact.
func TestTableFolds(t *testing.T) {
	const limit, packets = 2048, 400_000
	for _, addresses := range []uint64{3000, 100_000, 1 << 32} {
		r := rand.New(rand.NewPCG(addresses, 3))
		table := newTable(limit, r.Uint64())
		folded := 0
		for range packets {
			k := randomKey(r, addresses)
			if e := table.find(&k); e != nil {
				e.add(count{packets: 1, bytes: 100, opens: 1})
				continue
			}
			if table.insert(&k, srcPublic, count{packets: 1, bytes: 100, opens: 1}) {
				folded++
			}
		}
		if table.used > limit*3/2+4 {
			t.Errorf("%d addresses: table has %d keys, limit %d", addresses, table.used, limit)
		}
		var sum count
		for i := range table.slots {
			e := &table.slots[i]
			sum.packets += e.packets
			sum.bytes += e.bytes
			sum.opens += e.opens
		}
		if sum != (count{packets, packets * 100, packets}) {
			t.Errorf("%d addresses: sums are %+v, want %d packets", addresses, sum, packets)
		}
		if folded == 0 {
			t.Errorf("%d addresses: nothing was folded", addresses)
		}
	}
}

// A packet between two public ends folds into one key for each of them, so that it
// still makes two points.
func TestTableFoldsBothEnds(t *testing.T) {
	table := newTable(16, 7)
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		k := randomKey(r, 1<<30)
		if table.find(&k) == nil {
			table.insert(&k, bothPublic, count{packets: 1, bytes: 1})
		}
	}
	var ends [2]uint64 // in, out
	for i := range table.slots {
		e := &table.slots[i]
		if e.meta == 0 {
			continue
		}
		if e.class&srcPublic != 0 {
			ends[0] += e.packets
		}
		if e.class&dstPublic != 0 {
			ends[1] += e.packets
		}
	}
	if ends != [2]uint64{5000, 5000} {
		t.Errorf("packets by direction are %v, want 5000 each", ends)
	}
}

func TestTableShrinksAfterFlood(t *testing.T) {
	table := newTable(1<<20, 1)
	r := rand.New(rand.NewPCG(1, 1))
	for range 200_000 {
		k := randomKey(r, 1<<32)
		table.insert(&k, srcPublic, count{packets: 1})
	}
	for range 10 {
		table.reset()
	}
	if len(table.slots) != minSlots {
		t.Errorf("table keeps %d slots after quiet ticks, want %d", len(table.slots), minSlots)
	}
	k := randomKey(r, 10)
	table.insert(&k, srcPublic, count{packets: 1})
	if table.find(&k) == nil {
		t.Error("shrunk table lost a key")
	}
}

func benchmarkKeys(n int) []key {
	r := rand.New(rand.NewPCG(9, 9))
	keys := make([]key, n)
	for i := range keys {
		keys[i] = randomKey(r, 1<<32)
	}
	r.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys
}

// BenchmarkTally compares our table with Go's map, per packet, at the numbers of
// keys that goals are set for.
func BenchmarkTally(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"100k", 100_000}} {
		keys := benchmarkKeys(c.n)
		b.Run("table/"+c.name, func(b *testing.B) {
			table := newTable(1<<18, 1)
			for i := range b.N {
				k := &keys[i%len(keys)]
				e := table.slot(k)
				if e.meta == 0 {
					table.insert(k, srcPublic, count{packets: 1, bytes: 60})
					continue
				}
				e.packets++
				e.bytes += 60
			}
		})
		b.Run("map/"+c.name, func(b *testing.B) {
			table := map[key]*count{}
			for i := range b.N {
				k := &keys[i%len(keys)]
				e := table[*k]
				if e == nil {
					e = &count{}
					table[*k] = e
				}
				e.packets++
				e.bytes += 60
			}
		})
	}
}

// Ticks that are absorbed into one another never fill the table to the last slot, in
// which every look-up would run for ever.
func TestTableAbsorbsFolded(t *testing.T) {
	into := &tally{networks: NewNetworks(nil, nil), table: newTable(2048, 1)}
	var want uint64
	for round := range 6 {
		from := &tally{networks: into.networks, table: newTable(2048, 1)}
		r := rand.New(rand.NewPCG(uint64(round), 1))
		for range 50_000 {
			k := randomKey(r, 1<<32)
			if from.table.find(&k) == nil {
				from.table.insert(&k, bothPublic, count{packets: 1})
				want++
			}
		}
		into.absorb(from)
	}
	var got uint64
	for i := range into.table.slots {
		if e := &into.table.slots[i]; e.meta != 0 && e.class&srcPublic != 0 {
			got += e.packets
		}
	}
	if got != want {
		t.Errorf("%d packets after absorbing, want %d", got, want)
	}
	if 8*into.table.used > 7*len(into.table.slots) {
		t.Errorf("%d of %d slots are used", into.table.used, len(into.table.slots))
	}
}
