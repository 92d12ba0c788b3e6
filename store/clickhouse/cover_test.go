package clickhouse

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestCover cuts random windows: the parts are the window, each once, tiers lie wholly in
// bins and are kept there, and as much as possible is of the coarsest.
func TestCover(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		k := randomKept(r)
		from, to := k.widen(randomWindow(r))
		step := []int64{0, 10, 600, 1800, 3600, 7200, 86400, 7 * 86400}[r.IntN(8)]
		fine := r.IntN(4) == 0
		parts := k.cover(from, to, step, true, fine)
		seen := int64(0)
		for i, p := range parts {
			if p.from >= p.to || p.from < from || p.to > to {
				t.Fatalf("%+v of %d to %d", p, from, to)
			}
			seen += p.to - p.from
			for _, o := range parts[:i] {
				if p.from < o.to && o.from < p.to {
					t.Fatalf("%+v and %+v of %d to %d", p, o, from, to)
				}
			}
			finest := k.finest(p.from)
			if p.tier == withPoints {
				if finest != withPoints {
					t.Fatalf("%+v, where points are gone: %+v", p, k)
				}
				continue
			}
			seconds := tiers[p.tier].seconds
			if p.from%seconds != 0 || p.to%seconds != 0 || p.tier > finest || p.tier != finest && (fine || step%seconds != 0) {
				t.Fatalf("%+v with step %d, fine %v, %+v", p, step, fine, k)
			}
		}
		if kept := max(from, k.begin[0]); from < to && kept < to && seen != to-kept {
			t.Fatalf("%d of %d seconds: %+v of %d to %d, %+v", seen, to-kept, parts, from, to, k)
		}
	}
}

func randomKept(r *rand.Rand) (k kept) {
	if r.IntN(2) == 0 {
		return k
	}
	at := noon.Unix() - 40*86400
	for i, unit := range []int64{86400, 86400, 3600, 600} {
		at += r.Int64N(12 * 86400)
		k.begin[i] = ceilTo(at, unit)
	}
	k.begin[0] *= r.Int64N(2)
	for i := range k.begin[1:] {
		k.begin[i+1] = max(k.begin[i], k.begin[i+1])
	}
	return k
}

func randomWindow(r *rand.Rand) (from, to int64) {
	edge := func() int64 {
		return floorTo(noon.Unix()-r.Int64N(50*86400), []int64{1, 10, 600, 3600, 86400}[r.IntN(5)])
	}
	if from, to = edge(), edge(); from > to {
		from, to = to, from
	}
	switch r.IntN(5) {
	case 0:
		from = openFrom
	case 1:
		to = openTo
	}
	return from, to
}

// TestCoverExamples: the middle of a window is of the coarsest tier, its edges finer.
func TestCoverExamples(t *testing.T) {
	day := noon.Truncate(24 * time.Hour).Unix()
	var k kept
	parts := k.cover(day-600-10, day+86400+3600+20, 0, true, false)
	want := []part{{from: day, to: day + 86400}, {from: day + 86400, to: day + 86400 + 3600, tier: 1}, {from: day - 600, to: day, tier: 2},
		{from: day - 610, to: day - 600, tier: 3}, {from: day + 86400 + 3600, to: day + 86400 + 3620, tier: 3}}
	if len(parts) != len(want) {
		t.Fatalf("%+v", parts)
	}
	for i := range want {
		if parts[i] != want[i] {
			t.Errorf("part %d: %+v, want %+v", i, parts[i], want[i])
		}
	}
	if parts := k.cover(day, day+86400, 0, false, false); len(parts) != 1 || parts[0].tier != withPoints {
		t.Errorf("without rollups: %+v", parts)
	}
	if parts := k.cover(openFrom, openTo, 0, true, false); len(parts) != 1 || parts[0].tier != 0 {
		t.Errorf("of all time: %+v", parts)
	}
}

func TestTickRange(t *testing.T) {
	for _, c := range []struct {
		window   store.Window
		from, to int64
		sql      string
	}{
		{store.Window{}, openFrom, openTo, ""},
		{store.Window{From: time.Unix(10, 1), To: time.Unix(20, 0)}, 11, 20, "t >= toDateTime(11) AND t < toDateTime(20)"},
		{store.Window{From: time.Unix(-5, 0)}, 0, openTo, ""},
		{store.Window{To: time.Unix(-5, 0)}, 0, 0, "t < toDateTime(0)"},
		{store.Window{From: time.Unix(1<<33, 0)}, openTo, openTo, "0"},
	} {
		from, to := tickRange(c.window)
		if from != c.from || to != c.to || between("t", from, to) != c.sql {
			t.Errorf("%v: %d to %d, %q", c.window, from, to, between("t", from, to))
		}
	}
}
