package sqlite

import (
	"testing"

	"github.com/packetheat/packetheat/store"
)

// BenchmarkAddViews adds 30 views by place up, as a month of days does: most rows are
// in each of them.
func BenchmarkAddViews(b *testing.B) {
	const days = 30
	e, d := newCoders(b)
	r := newRandom(87)
	var day [days]tierBlobs
	rows := 0
	for n := range day {
		var v viewSums
		for place := uint32(1); place <= 20000; place++ {
			for _, k := range []kind{{proto: 1}, {proto: 6}, {proto: 6, direction: store.Out}, {proto: 17, direction: store.Out}} {
				if r.IntN(20) > 0 {
					v.tables[0].add(place, k, &tierSum{store.Sum{Packets: 1 + r.Uint64N(1000), Bytes: r.Uint64N(1 << 20)}, 1, 8000})
				}
			}
		}
		rows += len(v.tables[0].sums)
		v.tables[0].fill(e)
		e.encodeTier(&day[n], sourcePlace, false)
	}
	for b.Loop() {
		var v viewSums
		for n := range day {
			if err := d.decodeTier(&day[n], sourcePlace, needTimes); err != nil {
				b.Fatal(err)
			}
			v.addView(0, &d.cols, uint32(n)*8640)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
}
