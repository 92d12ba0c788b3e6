package sqlite

import (
	"cmp"
	"slices"
)

// tierRef is what a query knows of a tier before it reads it.
type tierRef struct {
	id, level, start int64
	sensor           uint32
	last             int64
	points, keys     int64
	chunks           int64
}

// piece is what a query reads of a tier: from exact ones, samples of ticks in [from,
// to); else the sums over the whole tier, which is [from, to).
type piece struct {
	tierRef
	source   source // of whole ones
	exact    bool
	from, to int64
}

// unit is what is read of the time from a moment on: some tiers, beside them late
// batches that they do not hold, and the blocks of all other batches up to another
// moment of some sensors.
type unit struct {
	from  int64
	tiers []piece
	late  []int64 // ids of batches

	base   []uint32 // sensors
	baseTo int64
}

// reach is a part of one sensor's time.
type reach struct {
	sensor   uint32
	from, to int64
}

// plain reports whether u is blocks alone.
func (u *unit) plain() bool { return len(u.tiers) == 0 && len(u.late) == 0 && len(u.base) > 0 }

// reaches returns what the units are about, for covering it anew.
func reaches(units []unit) (list []reach) {
	for i := range units {
		u := &units[i]
		for _, t := range u.tiers {
			list = append(list, reach{t.sensor, t.from, t.to})
		}
		for _, sensor := range u.base {
			list = append(list, reach{sensor, u.from, u.baseTo})
		}
	}
	slices.SortFunc(list, func(a, b reach) int {
		return cmp.Or(cmp.Compare(a.sensor, b.sensor), cmp.Compare(a.from, b.from))
	})
	n := 0
	for _, r := range list {
		if n > 0 && list[n-1].sensor == r.sensor && list[n-1].to >= r.from {
			list[n-1].to = max(list[n-1].to, r.to)
			continue
		}
		list[n] = r
		n++
	}
	return list[:n]
}
