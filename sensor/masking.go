package sensor

import "github.com/packetheat/packetheat/store"

// maskPoints shortens the addresses of the parts' points, which are located by now and
// go no further in full. Points of a part that have become the same add up, so that
// sums stay exact. Points of one network whose places or networks (AS) differ stay apart.
func maskPoints(mask store.Mask, lists [][]store.Point) {
	if !mask.Active() {
		return
	}
	for i, list := range lists {
		index := newPointIndex(len(list))
		kept := list[:0]
		for _, p := range list {
			mask.Apply(&p)
			if at := index.add(kept, &p); at < 0 {
				kept = append(kept, p)
			} else {
				same := &kept[at]
				same.Packets += p.Packets
				same.Bytes += p.Bytes
				same.Opens += p.Opens
			}
		}
		lists[i] = kept
	}
}
