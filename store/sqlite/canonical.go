package sqlite

import (
	"slices"

	"github.com/packetheat/packetheat/store"
)

// canonical puts points into the one order that they are shipped in, with those of the
// same key as one: a batch that is made again of a tier is then, point by point, the one
// that was made of its block.
func canonical(points []store.Point) []store.Point {
	slices.SortFunc(points, func(a, b store.Point) int { return comparePoints(&a, &b) })
	kept := points[:0]
	for i := range points {
		if n := len(kept); n > 0 && comparePoints(&kept[n-1], &points[i]) == 0 {
			kept[n-1].Packets += points[i].Packets
			kept[n-1].Bytes += points[i].Bytes
			kept[n-1].Opens += points[i].Opens
			continue
		}
		kept = append(kept, points[i])
	}
	return kept
}

// comparePoints orders points of a batch by all but their amounts, as blocks do.
func comparePoints(a, b *store.Point) int {
	if c := compareEndpoints(a.Addr, b.Addr); c != 0 {
		return c
	}
	return compareRest(a, b)
}
