package sqlite

import (
	"context"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// TestPointsGone: of the time before, answers that need no keys are those about the
// effective window; others have nothing from it. From then on all is as it was.
func TestPointsGone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for seed, before := range []time.Duration{30 * time.Hour, 25*time.Hour + 50*time.Minute} {
		p := newPast(t, uint64(500+seed), 3*24*time.Hour)
		p.grow(14)
		p.maintain(true)
		if err := p.tiered.PruneBefore(ctx, p.first.Add(before)); err != nil {
			t.Fatal(err)
		}
		if seed == 1 { // tiers of ten minutes go, too
			mark := floorTo(p.first.Unix()+int64(20*time.Hour/time.Second), level1h)
			p.exec("DELETE FROM tiers WHERE level = 600 AND start < ?", mark)
			p.exec("INSERT INTO kept VALUES ('600', ?)", mark)
			p.exec("UPDATE kept SET start = start + 1 WHERE what = 'generation'")
		}
		for range tortured(12, 25) {
			f := store.Filter{Window: p.window()}
			c, err := p.tiered.Coverage(ctx, f.Window)
			if err != nil {
				t.Fatal(err)
			}
			if c.PointsFrom.IsZero() || c.Effective.From.After(c.Window.From) || c.Effective.To.Before(c.Window.To) {
				t.Fatalf("window %s became %s, points from %s", c.Window, c.Effective, c.PointsFrom)
			}
			p.compareGone(f, c)
			if t.Failed() {
				t.Fatalf("seed %d: window %s, effective %s, points from %s", seed, f.Window, c.Effective, c.PointsFrom)
			}
		}
	}
}

func (p *past) exec(query string, args ...any) {
	p.t.Helper()
	onWriter(p.t, p.tiered, query, args...)
}

func (p *past) compareGone(f store.Filter, c store.Coverage) {
	p.t.Helper()
	ctx := context.Background()
	all := p.points.match(store.Filter{Window: c.Effective})
	if c.Effective.From.Equal(c.Effective.To) {
		all = nil
	}
	rows := history(pointsOf(p.t, p.tiered, f))
	sum := func(h history) (s store.Sum) {
		for i := range h {
			s.Add(h[i].Sum())
		}
		return s
	}
	if sum(rows) != sum(all) {
		p.t.Errorf("points have %v, want %v", sum(rows), sum(all))
	}
	var old, kept history
	for _, r := range rows {
		if r.Time.Before(c.PointsFrom) {
			old = append(old, r)
			if r.Addr.IsValid() || r.Peer.IsValid() || r.HasPort || r.ASN != 0 || r.Interval < 10*time.Minute {
				p.t.Errorf("a point that is gone: %+v", r)
			}
			continue
		}
		kept = append(kept, r)
	}
	same(p.t, "points", inOrder(all.match(store.Filter{Window: store.Window{From: c.PointsFrom}})), inOrder(kept))
	same(p.t, "cells of what is gone", all.match(store.Filter{Window: store.Window{To: c.PointsFrom}}).cells(0), old.cells(0))
	cells, err := p.tiered.Cells(ctx, f, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	same(p.t, "cells", all.cells(0), cells)
	series, err := p.tiered.Series(ctx, f, 24*time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	same(p.t, "series", all.series(24*time.Hour), series)
	for _, by := range []store.Dimension{store.ByCountry, store.ByASN, store.ByPort, store.ByDirection, store.BySensor} {
		top, err := p.tiered.Top(ctx, f, by, 0)
		if err != nil {
			p.t.Fatal(err)
		}
		if want := all.top(by, 0); want.Total != top.Total || want.Count != top.Count {
			p.t.Errorf("top %s: %v of %d rows, want %v of %d", by, top.Total, top.Count, want.Total, want.Count)
		}
	}
	keyed, err := store.ParseFilter("-ip:255.255.255.255")
	if err != nil {
		p.t.Fatal(err)
	}
	keyed.Window = f.Window
	same(p.t, "points by address", inOrder(kept), inOrder(pointsOf(p.t, p.tiered, keyed)))
}

// TestDamagedTiers breaks parts of tiers. Where another source knows the same it takes
// the damaged one's place; what nothing knows is left out and counted.
func TestDamagedTiers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	level := func(seconds string, parts string) string {
		return "UPDATE parts SET data = substr(data, 1, length(data) - 2) || x'0000' WHERE (id & 15) IN (" + parts +
			") AND id / 65536 IN (SELECT id FROM tiers WHERE level IN (" + seconds + "))"
	}
	for _, test := range []struct {
		name, statement string
		points          bool // whether anything may be missing of points and filtered answers
	}{
		{"places of days", level("86400", "5,6"), true},
		{"all of days", level("86400", "1,2,3,5,6,7,8,9,10,11,12"), true},
		{"all of days and hours", level("86400,3600", "1,2,3,5,6,7,8,9,10,11,12"), true},
		{"views everywhere", level("86400,3600,600", "5,6,7,8,9,10,11,12"), true},
		{"keys of days and hours", level("86400,3600", "1"), true},
		{"samples", level("600", "4"), false},
	} {
		p := newPast(t, 700, 2*24*time.Hour)
		p.grow(8)
		p.maintain(true)
		p.exec(test.statement)
		for _, text := range []string{"", "country:US,DE", "port:443", "opened:them"} {
			f, err := store.ParseFilter(text)
			if err != nil {
				t.Fatal(err)
			}
			want := p.points.match(f)
			if test.points {
				compareAnswers(t, p.tiered, f, want, test.name+" "+text, p.random)
			}
			cells, err := p.tiered.Cells(ctx, f, 0)
			if err != nil {
				t.Fatal(err)
			}
			same(t, test.name+": cells", want.cells(0), cells)
		}
		if c, err := p.tiered.Coverage(ctx, store.Window{}); err != nil || c.Damaged == 0 {
			t.Errorf("%s: %d damaged, %v", test.name, c.Damaged, err)
		}
		if t.Failed() {
			return
		}
	}
}
