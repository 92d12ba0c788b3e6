package clickhouse

import "fmt"

// tiers are the lengths of the rollups' intervals in seconds, the coarsest first, with
// the names that their tables end in.
var tiers = [...]struct {
	seconds int64
	name    string
}{{86400, "1d"}, {3600, "1h"}, {600, "10m"}}

// withPoints is the index of points in kept.begin.
const withPoints = len(tiers)

// kept says where each kind of data begins: rollups of each of tiers and, last, points.
// Each start is moved forward to where an interval of the next coarser tier begins, so
// that what lies before it can be read from that tier alone. The zero value is that of
// a database that keeps everything.
type kept struct {
	begin  [len(tiers) + 1]int64
	points uint64 // how many there were when somebody looked
}

// finest returns the index of the finest data kept at t.
func (k *kept) finest(t int64) int {
	for i := withPoints; i >= 0; i-- {
		if t >= k.begin[i] {
			return i
		}
	}
	return -1
}

// widen moves the ends of a window outward to the finest intervals kept there. Open ends
// stay.
func (k *kept) widen(from, to int64) (int64, int64) {
	if i := k.finest(from); from > openFrom && i >= 0 && i < withPoints {
		from = floorTo(from, tiers[i].seconds)
	}
	if to <= openFrom || to >= openTo {
		return from, to
	}
	if i := k.finest(to - 1); i >= 0 && i < withPoints {
		to = ceilTo(to, tiers[i].seconds)
	}
	return from, to
}

// part is a stretch of time that is read from one table.
type part struct {
	from, to int64
	tier     int    // index in tiers; withPoints: from the points
	points   uint64 // about how many are in it, if that has been asked
}

// cover cuts [from, to), which has been widened, into parts: the coarsest tiers that lie
// wholly in it and in bins of step (0: in one bin), and points at the ragged edges. With
// fine set, tiers stand in only for points that are gone; without rollups not even there.
func (k *kept) cover(from, to, step int64, rollups, fine bool) (parts []part) {
	for i := 0; i <= withPoints; i++ {
		zone := part{from: max(from, k.begin[i]), to: to, tier: i}
		if i < withPoints {
			zone.to = min(to, k.begin[i+1])
		}
		if zone.from >= zone.to || i < withPoints && !rollups {
			continue
		}
		gaps := []part{zone}
		for tier := 0; tier < withPoints && rollups && tier <= i; tier++ {
			seconds := tiers[tier].seconds
			if tier != i && (fine || step != 0 && step%seconds != 0) {
				continue
			}
			gaps, parts = fill(gaps, parts, tier, seconds)
		}
		if i == withPoints {
			parts = append(parts, gaps...)
		}
	}
	return joined(parts)
}

// fill takes from gaps what whole intervals of a tier cover.
func fill(gaps, parts []part, tier int, seconds int64) (left, taken []part) {
	taken = parts
	for _, gap := range gaps {
		lo, hi := ceilTo(gap.from, seconds), floorTo(gap.to, seconds)
		if lo >= hi {
			left = append(left, gap)
			continue
		}
		taken = append(taken, part{from: lo, to: hi, tier: tier})
		for _, edge := range []part{{from: gap.from, to: lo, tier: gap.tier}, {from: hi, to: gap.to, tier: gap.tier}} {
			if edge.from < edge.to {
				left = append(left, edge)
			}
		}
	}
	return left, taken
}

// joined makes one of parts of the same tier that follow each other.
func joined(parts []part) (all []part) {
	for _, p := range parts {
		if n := len(all); n > 0 && all[n-1].tier == p.tier && all[n-1].to == p.from {
			all[n-1].to = p.to
			continue
		}
		all = append(all, p)
	}
	return all
}

// relation is the table that a part is read from.
type relation struct {
	sql         string // its name
	time        string // the column that a part is about
	first, last string // of a row: start of the first tick, end of the last one, seconds
}

// relationOf returns where a part is read from; kind is place, asn or port.
func (s *Store) relationOf(p *part, kind string) relation {
	if p.tier == withPoints {
		return relation{s.table("points"), "time", "toUInt32(time)", "(toUInt32(time) + seconds)"}
	}
	return relation{s.table(kind + "_" + tiers[p.tier].name), "start", "toUInt32(first)", "toUInt32(last)"}
}

// binOf is the expression of the bin that a row lies in, as seconds; 0 for one bin.
func (t *relation) binOf(step int64) string {
	if step == 0 {
		return "toInt64(0)"
	}
	return fmt.Sprintf("toInt64(intDiv(toUInt32(%s), %d)) * %[2]d", t.time, step)
}

// rollupOf returns which rollup knows so much of traffic, "" if none does.
func rollupOf(p props) string {
	switch {
	case p&^propCountry == 0, p&^(propCountry|propASN) == 0:
		return "asn"
	case p&^(propCountry|propPlace) == 0:
		return "place"
	case p&^(propCountry|propPort) == 0:
		return "port"
	}
	return ""
}
