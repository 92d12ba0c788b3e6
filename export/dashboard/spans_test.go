package dashboard

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export/page"
)

func TestSeriesSpans(t *testing.T) {
	got := decode[seriesAnswer](t, get(t, Config{}, "/api/v1/series?from=2026-11-21T11:00:00Z&to=2026-11-21T13:00:00Z")).Spans
	if len(got) == 0 || !got[0].From.Equal(noon.Add(-time.Hour)) || !got[len(got)-1].To.Equal(noon.Add(time.Hour)) {
		t.Fatalf("spans %v do not fill the window", got)
	}
	for i, s := range got[1:] {
		if !s.From.Equal(got[i].To) {
			t.Errorf("a hole before %v", s)
		}
	}
}

// TestCoarser shows that long lists of spans become short ones without a hole, that
// drops stay whole, and long gaps where they were.
func TestCoarser(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var in []page.Span
	states := []string{"off", "idle", "data", "data"}
	var drops uint64
	at := noon
	for len(in) < 20*mostSpans {
		s := page.Span{From: at, To: at.Add(time.Duration(1+r.IntN(30)) * tick), State: states[r.IntN(4)]}
		if s.State != "off" && r.IntN(3) == 0 {
			s.Drops = uint64(r.IntN(100))
		}
		if n := len(in); n > 0 && s.State == "off" && in[n-1].State == "off" {
			continue // neighbours are never the same
		}
		at, drops = s.To, drops+s.Drops
		in = append(in, s)
	}
	const step = time.Minute * 4
	out := coarser(in, step)
	if most := int(at.Sub(noon)/step)*3 + 1; len(out) > most {
		t.Errorf("%d spans of %d are left, want at most %d", len(out), len(in), most)
	}
	gaps := func(spans []page.Span) (n int, total time.Duration) {
		for _, s := range spans {
			if s.State == "off" && s.To.Sub(s.From) >= step {
				n, total = n+1, total+s.To.Sub(s.From)
			}
		}
		return n, total
	}
	was, wasLong := gaps(in)
	is, isLong := gaps(out)
	if was != is || wasLong != isLong || was == 0 {
		t.Errorf("%d long gaps of %s, there were %d of %s", is, isLong, was, wasLong)
	}
	var left uint64
	for i, s := range out {
		left += s.Drops
		if i > 0 && !s.From.Equal(out[i-1].To) {
			t.Fatalf("a hole before %v", s)
		}
	}
	if left != drops || !out[len(out)-1].To.Equal(at) {
		t.Errorf("%d drops until %s, there were %d until %s", left, out[len(out)-1].To, drops, at)
	}
	if few := coarser(in[:100], step); len(few) != 100 {
		t.Errorf("100 spans became %d", len(few))
	}
}
