package sqlite

import (
	"context"
	"testing"
	"time"
)

// TestTierStats compares what is told about tiers with what the tables have.
func TestTierStats(t *testing.T) {
	p := newPast(t, 900, 24*time.Hour)
	p.grow(6)
	p.maintain(true)
	ctx := context.Background()
	if err := p.tiered.PruneBefore(ctx, p.first.Add(12*time.Hour)); err != nil {
		t.Fatal(err)
	}
	p.add("gw1", time.Unix(floorTo(p.first.Unix(), 10)+48*3600, 0).UTC())
	p.add("gw1", time.Unix(floorTo(p.first.Unix(), 10)+49*3600, 0).UTC())
	st, err := p.tiered.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mark := time.Unix(floorTo(p.first.Add(12*time.Hour).Unix(), level10m), 0)
	if len(st.Tiers) != len(levels) || st.PointsFrom.Before(mark) || !st.Oldest.Before(mark) {
		t.Errorf("%d levels, of all from %s, points from %s, want %s", len(st.Tiers), st.Oldest, st.PointsFrom, mark)
	}
	check := func(what string, got int64, query string, args ...any) {
		t.Helper()
		want, err := number(ctx, p.tiered.readers, query, args...)
		if err != nil || got != want {
			t.Errorf("%s: %d, want %d: %v", what, got, want, err)
		}
	}
	check("blocks", st.Blocks, "SELECT sum(length(sums) + length(ends)) FROM blocks")
	for _, l := range st.Tiers {
		level := int64(l.Level / time.Second)
		const parts = " FROM parts WHERE id / 65536 IN (SELECT id FROM tiers WHERE level = ?)"
		check("tiers", l.Tiers, "SELECT count(*) FROM tiers WHERE level = ?", level)
		check("points", l.Points, "SELECT sum(points) FROM tiers WHERE level = ?", level)
		check("keys", l.Keys, "SELECT sum(keys) FROM tiers WHERE level = ?", level)
		check("bytes of views", l.ViewBytes, "SELECT sum(length(data))"+parts+" AND (id & 15) >= 5", level)
		check("bytes", l.ViewBytes+l.KeyBytes+l.SampleBytes, "SELECT sum(length(data))"+parts, level)
		if l.ViewBytes == 0 || l.Points == 0 || (l.SampleBytes > 0) != (level == level10m) || l.Oldest.Unix()%level != 0 || !l.Newest.After(l.Oldest) {
			t.Errorf("%+v", l)
		}
	}
}
