package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
)

var asText = cmpopts.EquateComparable(netip.Prefix{}, time.Time{})

// everything is all addresses.
var everything = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// seenIn is what Seen must find of points, by brute force.
func seenIn(points history, networks []netip.Prefix, w store.Window, tick time.Duration) (rows []SeenAddress) {
	ask := newAsked(networks)
	at := make(map[netip.Prefix]*SeenAddress)
	for i := range points {
		p := &points[i]
		if !w.Contains(p.Time) {
			continue
		}
		if !slices.ContainsFunc(networks, func(n netip.Prefix) bool {
			return n.Overlaps(p.Addr.Masked()) || n.Addr().Is4() && p.Addr.Addr().Is4In6() &&
				netip.PrefixFrom(netip.AddrFrom16(n.Masked().Addr().As16()), n.Bits()+96).Overlaps(p.Addr.Masked()) ||
				n.Addr().Is4() && p.Addr.Addr().Is6() && netip.PrefixFrom(netip.AddrFrom16(n.Masked().Addr().As16()), n.Bits()+96).Overlaps(p.Addr.Masked())
		}) {
			if ask.has(p.Addr) {
				panic("asked has " + p.Addr.String())
			}
			continue
		}
		r := at[p.Addr]
		if r == nil {
			r = &SeenAddress{Addr: p.Addr, First: p.Time, Last: p.Time.Add(tick)}
			at[p.Addr] = r
		}
		if p.Time.Before(r.First) {
			r.First = p.Time
		}
		if end := p.Time.Add(tick); end.After(r.Last) {
			r.Last = end
		}
		r.Sum.Add(p.Sum())
	}
	for _, r := range at {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b SeenAddress) int { return compareEndpoints(a.Addr, b.Addr) })
	return rows
}

// seen asks the tiered store and returns the rows.
func (p *past) seen(networks []netip.Prefix, w store.Window) Seen {
	p.t.Helper()
	got, err := p.tiered.Seen(context.Background(), networks, w)
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// someNetworks are single addresses that were seen or not, and networks of all lengths.
func (p *past) someNetworks() (list []netip.Prefix) {
	for range 1 + p.IntN(4) {
		a := p.addr()
		if p.IntN(2) == 0 && len(p.points) > 0 {
			a = p.points[p.IntN(len(p.points))].Addr.Addr()
		}
		bits := a.BitLen()
		if p.IntN(3) == 0 {
			bits = p.IntN(bits + 1)
		}
		list = append(list, netip.PrefixFrom(a, bits).Masked())
	}
	return list
}

func (p *past) checkSeen(name string, times int) {
	p.t.Helper()
	for i := range times {
		networks, w := everything, store.Window{}
		if i > 0 {
			networks, w = p.someNetworks(), p.window()
			if w.Check() != nil {
				continue
			}
		}
		got := p.seen(networks, w)
		if diff := cmp.Diff(seenIn(p.points, networks, w, p.tiered.Tick()), got.Rows, asText); diff != "" {
			p.t.Fatalf("%s: %v in %s: %s", name, networks, w, diff)
		}
		if got.Damaged != 0 || got.Cut {
			p.t.Errorf("%s: %+v", name, got)
		}
	}
}

// runs returns how many summaries of so many days there are.
func (p *past) runs(days int) int64 {
	return count(p.t, p.tiered, fmt.Sprintf("SELECT count(*) FROM addresses WHERE days = %d", days))
}

// TestSeen compares random questions about random histories with brute force, while days
// are open, closed, written again for what comes late, and read only.
func TestSeen(t *testing.T) {
	t.Parallel()
	for seed := range tortured[uint64](2, 3) {
		p := newPast(t, 700+seed, 5*24*time.Hour)
		p.tiered.maint.seenRows = 5 // several passes a day
		for range 4 {
			p.grow(12)
			p.maintain(p.IntN(2) == 0)
			p.checkSeen("growing", tortured(6, 12))
		}
		p.maintain(true)
		if p.runs(seenDay) == 0 {
			t.Fatal("no day has been summed up")
		}
		p.checkSeen("closed", tortured(15, 30))
		p.checkFound("closed", 0)
	}
}

// checkFound runs Check and wants so many findings.
func (p *past) checkFound(name string, want int64) {
	p.t.Helper()
	c, err := p.tiered.Check(context.Background(), false, nil)
	if err != nil || c.Wrong != want {
		p.t.Errorf("%s: %v %+v", name, err, c.Findings)
	}
}

// TestSeenLong asks a store of months, whose days have been summed up to 30 and 360 days,
// and again when the points of all but the last day are gone.
func TestSeenLong(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 901)
	if months, years := p.runs(seenMonth), p.runs(seenYear); months < 3 || years != 0 {
		t.Errorf("%d months, %d years", months, years)
	}
	p.checkSeen("months", 20)
	p.maintain(true)
	if p.runs(seenYear) == 0 {
		t.Error("no year has been summed up")
	}
	p.checkSeen("years", 20)

	ctx := context.Background()
	p.tiered.SetRetention(Retention{Points: 24 * time.Hour, Addresses: -1})
	if err := p.tiered.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	if n := count(t, p.tiered, "SELECT count(*) FROM tiers WHERE chunks > 0 AND level = 86400"); n > 4 {
		t.Fatalf("points of %d days are left", n)
	}
	all := p.seen(everything, store.Window{})
	if diff := cmp.Diff(seenIn(p.points, everything, store.Window{}, p.tiered.Tick()), all.Rows, asText); diff != "" {
		t.Error("without points:", diff)
	}
	for i := range 20 { // windows of whole days
		w := store.Window{From: time.Unix(levelMonth*int64(i%3)+level1d*p.Int64N(30), 0).UTC()}
		w.To = w.From.Add(time.Duration(1+p.IntN(40)) * 24 * time.Hour)
		if i%5 == 0 {
			w.To = time.Time{}
		}
		networks := p.someNetworks()
		if diff := cmp.Diff(seenIn(p.points, networks, w, p.tiered.Tick()), p.seen(networks, w).Rows, asText); diff != "" {
			t.Fatalf("%s of days: %s", w, diff)
		}
	}
	w := store.Window{From: time.Unix(level1d*3+700, 0).UTC(), To: time.Unix(level1d*3+800, 0).UTC()}
	wide := store.Window{From: time.Unix(level1d*3, 0).UTC(), To: time.Unix(level1d*4, 0).UTC()}
	got := p.seen(everything, w)
	if diff := cmp.Diff(seenIn(p.points, everything, wide, p.tiered.Tick()), got.Rows, asText); diff != "" || got.Window != wide {
		t.Errorf("a part of a day is about %s: %s", got.Window, diff)
	}
	p.checkFound("without points", 0)

	p.tiered.SetRetention(Retention{Points: 24 * time.Hour, Addresses: 10 * 24 * time.Hour})
	if err := p.tiered.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	last := time.Unix(count(t, p.tiered, "SELECT max(tick) FROM batches"), 0)
	kept := store.Window{From: time.Unix(floorTo(last.Add(-10*24*time.Hour).Unix(), level1d), 0).UTC()}
	got = p.seen(everything, store.Window{})
	if diff := cmp.Diff(seenIn(p.points, everything, kept, p.tiered.Tick()), got.Rows, asText); diff != "" {
		t.Error("after ten days:", diff)
	}
	if n := count(t, p.tiered, "SELECT count(*) FROM address_chunks c WHERE NOT EXISTS (SELECT 1 FROM addresses a WHERE a.id = c.id / 65536 AND a.days > 0)"); n != 0 {
		t.Errorf("%d chunks are left of what was given up", n)
	}
}

// TestSeenEndsWithPoints shows that nothing outlives the points unless that is asked for,
// and that what is pruned in the middle of a day is still known where it is.
func TestSeenEndsWithPoints(t *testing.T) {
	t.Parallel()
	for _, outlive := range []bool{false, true} {
		p := newPast(t, 720, 3*24*time.Hour)
		p.grow(30)
		p.maintain(true)
		last := count(t, p.tiered, "SELECT max(tick) FROM batches")
		if outlive {
			p.tiered.SetRetention(Retention{Addresses: -1})
		}
		mark := last - 5*3600
		if err := p.tiered.PruneBefore(context.Background(), time.Unix(mark, 0)); err != nil {
			t.Fatal(err)
		}
		if !outlive {
			p.tiered.SetRetention(Retention{Points: 5 * time.Hour})
			if err := p.tiered.Prune(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		m, err := readMarks(context.Background(), p.tiered.readers)
		if err != nil {
			t.Fatal(err)
		}
		w := store.Window{From: time.Unix(m[markPoints], 0).UTC()}
		if outlive {
			w = store.Window{}
		}
		got := p.seen(everything, store.Window{})
		if diff := cmp.Diff(seenIn(p.points, everything, w, p.tiered.Tick()), got.Rows, asText); diff != "" {
			t.Errorf("outlive %v: %s", outlive, diff)
		}
		// The day goes on, and closes.
		for i := range int64(4) {
			p.add(randomSensors[0], time.Unix(floorTo(last+(i+1)*level1d/3, 10), 0).UTC())
		}
		p.maintain(true)
		got = p.seen(everything, store.Window{})
		if diff := cmp.Diff(seenIn(p.points, everything, w, p.tiered.Tick()), got.Rows, asText); diff != "" {
			t.Errorf("outlive %v, the next day: %s", outlive, diff)
		}
		p.checkFound("pruned", 0)
	}
}

// TestSeenDamaged shows that a summary that cannot be read is made of points again where
// they are there, is left out of long ones, and is counted where nothing takes its place.
func TestSeenDamaged(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 902)
	s := p.tiered
	breakRuns := func(days int) {
		t.Helper()
		onWriter(t, s, `UPDATE address_chunks SET ends = zeroblob(length(ends))
			WHERE id / 65536 IN (SELECT id FROM addresses WHERE days = ?)`, days)
	}
	want := seenIn(p.points, everything, store.Window{}, s.Tick())
	breakRuns(seenMonth)
	if diff := cmp.Diff(want, p.seen(everything, store.Window{}).Rows, asText); diff != "" {
		t.Error("months damaged:", diff)
	}
	if st, err := s.Stats(context.Background()); err != nil || st.Seen.Days != p.runs(seenDay) || st.Seen.Bytes == 0 || st.Seen.Oldest.Unix() != -level1d {
		t.Errorf("%+v, %v", st.Seen, err)
	}
	p.checkFound("months damaged", p.runs(seenMonth))
	c, err := s.Check(context.Background(), true, nil)
	if err != nil || c.Wrong != 0 || c.Fixed == 0 {
		t.Errorf("%v %+v", err, c)
	}
	p.checkFound("rewritten", 0)

	onWriter(t, s, "UPDATE addresses SET days = 0 WHERE days > 1")
	breakRuns(seenDay)
	if got := p.seen(everything, store.Window{}); got.Damaged != uint64(p.runs(seenDay)) {
		t.Errorf("%d damaged, want %d", got.Damaged, p.runs(seenDay))
	}
	if c, err = s.Check(context.Background(), true, nil); err != nil || c.Wrong != 0 {
		t.Errorf("%v %+v", err, c)
	}
	if diff := cmp.Diff(want, p.seen(everything, store.Window{}).Rows, asText); diff != "" {
		t.Error("written from points again:", diff)
	}
}

// TestSeenForgotten takes addresses out of summaries, with and without points.
func TestSeenForgotten(t *testing.T) {
	t.Parallel()
	for _, points := range []bool{true, false} {
		p := newMonths(t, 903)
		ctx := context.Background()
		if !points {
			p.tiered.SetRetention(Retention{Points: time.Hour, Addresses: -1})
			if err := p.tiered.Prune(ctx); err != nil {
				t.Fatal(err)
			}
		}
		gone := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/28")}
		try, err := p.tiered.Forget(ctx, gone, true, nil)
		if err != nil || len(p.seen(gone, store.Window{}).Rows) == 0 {
			t.Fatalf("%+v, %v", try, err)
		}
		f, err := p.tiered.Forget(ctx, gone, false, nil)
		if err != nil || f.Days == 0 {
			t.Fatalf("%+v, %v", f, err)
		}
		rows := p.seen(everything, store.Window{}).Rows
		if len(rows) == 0 {
			t.Error("all is gone")
		}
		for _, r := range rows {
			if gone[0].Bits() <= r.Addr.Bits() && gone[0].Contains(r.Addr.Addr()) {
				t.Errorf("%s is still known", r.Addr)
			}
		}
		p.checkFound("forgotten", 0)
		p.maintain(true)
		if diff := cmp.Diff(rows, p.seen(everything, store.Window{}).Rows, asText); diff != "" && !points {
			t.Error("after upkeep:", diff)
		}
		for _, r := range p.seen(gone, store.Window{}).Rows {
			if gone[0].Bits() <= r.Addr.Bits() && gone[0].Contains(r.Addr.Addr()) {
				t.Errorf("%s has come back", r.Addr)
			}
		}
	}
}

// TestSeenMerged adds a store without points to an empty one, twice.
func TestSeenMerged(t *testing.T) {
	t.Parallel()
	p := newMonths(t, 904)
	ctx := context.Background()
	p.maintain(true)
	p.tiered.SetRetention(Retention{Points: time.Hour, Addresses: -1})
	if err := p.tiered.Prune(ctx); err != nil {
		t.Fatal(err)
	}
	want := p.seen(everything, store.Window{}).Rows
	into := openNew(t, Options{NoMaintenance: true, Retention: Retention{Addresses: -1}})
	for i := range 2 {
		m, err := into.MergeFrom(ctx, p.tiered, nil)
		if err != nil || (m.Days > 0) != (i == 0) {
			t.Fatalf("%+v, %v", m, err)
		}
		got, err := into.Seen(ctx, everything, store.Window{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Rows, asText); diff != "" {
			t.Errorf("merge %d: %s", i, diff)
		}
	}
}

// TestSeenOld asks stores of older formats, and an empty one.
func TestSeenOld(t *testing.T) {
	empty := openNew(t, Options{NoMaintenance: true})
	got, err := empty.Seen(context.Background(), everything, store.Window{})
	if err != nil || len(got.Rows) != 0 || !got.Window.From.IsZero() {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := empty.Seen(context.Background(), everything, store.Window{From: benchStart, To: benchStart}); err == nil {
		t.Error("an empty window is no error")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := empty.Seen(ctx, everything, store.Window{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
