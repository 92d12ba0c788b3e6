package sqlite

import (
	"context"
	"math"
	"strings"
)

// kept is what the table of that name says: where each kind of data begins.
type kept struct {
	generation int64 // -1: the store is of format 1 and has no tiers

	// From when on there are tiers of each of levels and, last, points. Each start is
	// moved forward to where an interval of the next coarser level begins, so that
	// what lies before it can be read from that level alone.
	begin [len(levels) + 1]int64
}

// withPoints is the index of points in kept.begin.
const withPoints = len(levels)

// readKept reads the table kept.
func readKept(ctx context.Context, q queryer) (kept, error) {
	k := kept{generation: -1}
	for i := range k.begin {
		k.begin[i] = math.MinInt64
	}
	rows, err := q.QueryContext(ctx, "SELECT what, start FROM kept")
	if err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return k, nil
		}
		return k, err
	}
	defer rows.Close()
	for rows.Next() {
		var what string
		var start int64
		if err := rows.Scan(&what, &start); err != nil {
			return k, err
		}
		switch what {
		case "generation":
			k.generation = start
		case "points":
			k.begin[3] = ceilTo(start, level10m)
		case "600":
			k.begin[2] = ceilTo(start, level1h)
		case "3600":
			k.begin[1] = ceilTo(start, level1d)
		case "86400":
			k.begin[0] = start
		}
	}
	for i := range k.begin[1:] {
		k.begin[i+1] = max(k.begin[i], k.begin[i+1])
	}
	return k, rows.Err()
}

// readGeneration is readKept for the generation alone.
func readGeneration(ctx context.Context, q queryer) (int64, error) {
	n, err := number(ctx, q, "SELECT start FROM kept WHERE what = 'generation'")
	if err != nil && strings.Contains(err.Error(), "no such table") {
		return -1, nil
	}
	return n, err
}

// finest returns the index in begin of the finest data kept at t, -1 for none.
func (k *kept) finest(t int64) int {
	for i := len(k.begin) - 1; i >= 0; i-- {
		if t >= k.begin[i] {
			return i
		}
	}
	return -1
}

// widen moves the ends of a window outward to the finest intervals kept there. Open
// ends stay.
func (k *kept) widen(from, to int64) (int64, int64) {
	if i := k.finest(from); from != math.MinInt64 && i >= 0 && i < withPoints {
		from = floorTo(from, levels[i])
	}
	if to == math.MinInt64 || to == math.MaxInt64 {
		return from, to
	}
	if i := k.finest(to - 1); i >= 0 && i < withPoints {
		to = ceilTo(to, levels[i])
	}
	return from, to
}

// ceilTo moves t forward to a multiple of step.
func ceilTo(t, step int64) int64 {
	floor := floorTo(t, step)
	if floor == t || floor > math.MaxInt64-step {
		return t
	}
	return floor + step
}
