package sqlite

import (
	"testing"

	"github.com/packetheat/packetheat/store"
)

// BenchmarkPlaceView decodes and sums the view by place of a busy day.
func BenchmarkPlaceView(b *testing.B) {
	r := newRandom(5)
	var views viewSums
	rows := 0
	for place := range uint32(20000) {
		for _, k := range []kind{{proto: 6}, {proto: 6, direction: store.In}, {proto: 6, direction: store.Out}, {proto: 17, direction: store.In}, {proto: 17, direction: store.Out}, {proto: 1, direction: store.In}, {proto: 1, direction: store.Out}} {
			if r.IntN(10) < 3 {
				continue
			}
			packets := uint64(1 + r.IntN(1<<(1+r.IntN(15))))
			sum := tierSum{store.Sum{Packets: packets, Bytes: packets * (60 + r.Uint64N(400)), Opens: uint64(r.IntN(30))}, uint32(r.IntN(4000)), 8000}
			views.tables[0].add(place, k, &sum)
		}
	}
	enc, err := newEncoder()
	if err != nil {
		b.Fatal(err)
	}
	rows = len(views.tables[0].sums)
	views.tables[0].fill(enc)
	var blobs tierBlobs
	enc.encodeTier(&blobs, sourcePlace, false)
	s := openNew(b, Options{NoMaintenance: true})
	s.dicts.sensors.values = make([]string, 2)
	s.dicts.places.values = make([]store.Place, 20001)
	p := &plan{filter: newFilter(nil), source: sourcePlace, tick: 10, damage: &s.damage}
	w, err := s.newView(p)
	if err != nil {
		b.Fatal(err)
	}
	v := &cellVisitor{}
	it := &item{piece: &piece{tierRef: tierRef{id: 1, level: level1d, sensor: 1, points: 1}, source: sourcePlace, to: level1d}, blobs: &blobs}
	b.ResetTimer()
	for range b.N {
		if err := s.show(w, it, v); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
	b.ReportMetric(float64(len(blobs[5]))/float64(rows), "bytes/row")
	b.ReportMetric(float64(rows), "rows")
}
