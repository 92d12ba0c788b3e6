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
			if e := table.find(table.hash(&k), &k); e != nil {
				e.add(count{packets: 1, bytes: 60})
				continue
			}
			table.insert(table.hash(&k), &k, srcPublic, count{packets: 1, bytes: 60})
		}
		if len(table.entries) != len(want) {
			t.Fatalf("round %d: %d keys, want %d", round, len(table.entries), len(want))
		}
		for k, n := range want {
			e := table.find(table.hash(&k), &k)
			if e == nil || e.packets != n || e.bytes != 60*n {
				t.Fatalf("round %d: key %+v: entry %+v, want %d packets", round, k, e, n)
			}
		}
		table.reset()
		if len(table.entries) != 0 || table.find(0, &key{meta: metaUsed}) != nil {
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
			if e := table.find(table.hash(&k), &k); e != nil {
				e.add(count{packets: 1, bytes: 100, opens: 1})
				continue
			}
			if table.insert(table.hash(&k), &k, srcPublic, count{packets: 1, bytes: 100, opens: 1}) {
				folded++
			}
		}
		if len(table.entries) > limit*3/2+4 {
			t.Errorf("%d addresses: table has %d keys, limit %d", addresses, len(table.entries), limit)
		}
		var sum count
		for i := range table.entries {
			e := &table.entries[i]
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
		if table.find(table.hash(&k), &k) == nil {
			table.insert(table.hash(&k), &k, bothPublic, count{packets: 1, bytes: 1})
		}
	}
	var ends [2]uint64 // in, out
	for i := range table.entries {
		e := &table.entries[i]
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
		table.insert(table.hash(&k), &k, srcPublic, count{packets: 1})
	}
	for range 10 {
		table.reset()
	}
	if len(table.index) != minSlots {
		t.Errorf("table keeps %d slots after quiet ticks, want %d", len(table.index), minSlots)
	}
	k := randomKey(r, 10)
	table.insert(table.hash(&k), &k, srcPublic, count{packets: 1})
	if table.find(table.hash(&k), &k) == nil {
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
// keys that goals are set for: in the order in which the keys came, and in none.
func BenchmarkTally(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"100k", 100_000}} {
		keys := benchmarkKeys(c.n)
		r := rand.New(rand.NewPCG(7, 7))
		shuffled := make([]key, 8*c.n)
		for i := range shuffled {
			shuffled[i] = keys[r.IntN(c.n)]
		}
		for _, order := range []struct {
			name string
			keys []key
		}{{"inTurn", keys}, {"random", shuffled}} {
			b.Run("table/"+c.name+"/"+order.name, func(b *testing.B) { tallyTable(b, keys, order.keys) })
			b.Run("map/"+c.name+"/"+order.name, func(b *testing.B) { tallyMap(b, keys, order.keys) })
		}
	}
}

// tallyTable counts packets by the table, in batches as a shard does.
func tallyTable(b *testing.B, all, keys []key) {
	t := &tally{networks: NewNetworks(nil, nil), table: newTable(1<<18, 1)}
	count := func(k *key) {
		w := &t.waiting[t.waits]
		w.key, w.packets, w.bytes, w.hash = *k, 1, 60, t.table.hash(k)
		if t.waits++; t.waits == maxWaiting {
			t.settle()
		}
	}
	for i := range all {
		count(&all[i])
	}
	b.ResetTimer()
	for i := range b.N {
		count(&keys[i%len(keys)])
	}
}

func tallyMap(b *testing.B, all, keys []key) {
	table := map[key]*count{}
	for _, k := range all {
		table[k] = &count{}
	}
	b.ResetTimer()
	for i := range b.N {
		e := table[keys[i%len(keys)]]
		e.packets++
		e.bytes += 60
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
			hash := from.table.hash(&k)
			if from.table.find(hash, &k) == nil {
				from.table.insert(hash, &k, bothPublic, count{packets: 1})
				want++
			}
		}
		into.absorb(from)
	}
	var got uint64
	for i := range into.table.entries {
		if e := &into.table.entries[i]; e.class&srcPublic != 0 {
			got += e.packets
		}
	}
	if got != want {
		t.Errorf("%d packets after absorbing, want %d", got, want)
	}
	if 8*len(into.table.entries) > 7*len(into.table.index) {
		t.Errorf("%d of %d slots are used", len(into.table.entries), len(into.table.index))
	}
}
