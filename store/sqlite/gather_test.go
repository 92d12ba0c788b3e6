package sqlite

import (
	"math"
	"slices"
	"testing"

	"github.com/packetheat/packetheat/store"
)

// TestGatherer adds blocks of random points, with amounts of all sizes, and compares
// what comes out with sums in a map, in the order that rows are compared in.
func TestGatherer(t *testing.T) {
	e, d := newCoders(t)
	dicts := newDicts()
	dicts.index()
	r := newRandom(83)
	type at struct {
		key  rowKey
		tick uint32
	}
	want := make(map[at]store.Sum)
	g := newGatherer(10)
	for range 30 {
		points := make([]store.Point, 1+r.IntN(300))
		for i := range points {
			points[i] = r.point()
			switch r.IntN(20) {
			case 0:
				points[i].Bytes = math.MaxUint32 - uint64(r.IntN(3)) + uint64(r.IntN(3))
			case 1:
				points[i].Packets = math.MaxUint32 + uint64(r.IntN(2))
			case 2:
				points[i].Packets, points[i].Opens = math.MaxUint32+9, math.MaxUint32+uint64(r.IntN(2))
			case 3:
				points[i].Packets, points[i].Bytes, points[i].Opens = 1<<63, math.MaxUint64, 0
			}
		}
		sums, ends, err := e.encode(points, dicts.places.id, dicts.asns.id)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.decode(sums, ends, needAll); err != nil {
			t.Fatal(err)
		}
		tick := uint32(r.IntN(6) * 80000)
		g.add(&d.cols, tick, false)
		all := make(map[rowKey]store.Sum)
		for i := range points {
			p := &points[i]
			k := groupOf(p.Addr, dicts.places.id(p.Place), dicts.asns.id(asOrg{p.ASN, p.ASOrg}))
			port := p.Port
			if !p.HasPort {
				port = 0
			}
			k.setRest(kind{p.Proto, p.Direction, p.HasPort, p.Flags}, port, p.Peer)
			sum := all[k]
			sum.Add(p.Sum())
			all[k] = sum
		}
		for k, sum := range all {
			merged := want[at{k, tick}]
			merged.Add(sum)
			want[at{k, tick}] = merged
		}
	}
	var last *rowKey
	seen := 0
	err := g.sorted(t.Context(), func(k *rowKey, samples []sample) error {
		if last != nil && last.compare(k) >= 0 {
			t.Errorf("%v is behind %v", k, last)
		}
		row := *k
		last = &row
		if !slices.IsSortedFunc(samples, func(a, b sample) int { return int(a.tick) - int(b.tick) }) {
			t.Errorf("ticks out of order: %v", samples)
		}
		opened := k[8]&1 != 0
		key := *k
		key.setOpened(false)
		for _, s := range samples {
			if w, ok := want[at{key, s.tick}]; !ok || w != s.Sum || opened != (s.Opens > 0) {
				t.Errorf("%v at %d is %v, want %v", k, s.tick, s.Sum, w)
			}
			seen++
		}
		return nil
	})
	if err != nil || seen != len(want) {
		t.Errorf("%d of %d samples, %v", seen, len(want), err)
	}
}
