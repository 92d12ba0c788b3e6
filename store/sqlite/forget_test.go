package sqlite

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
)

// secrets are networks of which newRandom has many, as addresses and as peers.
var secrets = []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("2001:db8::/126")}

// without is a history without the points that Forget takes out.
func (h history) without(networks []netip.Prefix) (left history) {
	f := forgetter{networks: networks}
	for _, p := range h {
		if !f.out(p.Addr, p.Peer) {
			left = append(left, p)
		}
	}
	return left
}

// blobs returns the content of everything that may hold an address, by table and id.
func blobs(t *testing.T, s *Store) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	rows, err := s.readers.Query("SELECT 'part ' || id, data FROM parts UNION ALL SELECT 'block ' || id, ends FROM blocks UNION ALL SELECT 'sums ' || id, sums FROM blocks")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var data []byte
		if err := rows.Scan(&name, &data); err != nil {
			t.Fatal(err)
		}
		all[name] = data
	}
	return all
}

// TestForget takes addresses out of a store in every state of its upkeep: nothing of
// them is in any answer, everything else is as it was, and the bytes that they were in
// are in none of the store's files.
func TestForget(t *testing.T) {
	for _, state := range []string{"with late batches", "all sealed", "points given up"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s, all := tiered(t, 5)
			var f store.Filter
			switch state {
			case "all sealed":
				maintain(t, s, true)
			case "points given up":
				before := benchStart.Truncate(24 * time.Hour).Add(22 * time.Hour)
				if err := s.PruneBefore(t.Context(), before); err != nil {
					t.Fatal(err)
				}
				f.Window.From = before
				all = all.match(f)
			}
			same(t, "points before", inOrder(all), inOrder(pointsOf(t, s, f)))
			coverage, err := s.Coverage(t.Context(), f.Window)
			if err != nil {
				t.Fatal(err)
			}
			before := blobs(t, s)
			seen, pieces, files := 0, 0, content(t, s)
			for _, data := range before { // or the search afterwards would prove nothing
				if piece := pieceOf(data); piece != nil {
					if pieces++; bytes.Contains(files, piece) {
						seen++
					}
				}
			}
			if seen < pieces*9/10 {
				t.Fatalf("the files have %d of %d blobs in one piece", seen, pieces)
			}
			tried, err := s.Forget(t.Context(), secrets, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			done := int64(0)
			gone, err := s.Forget(t.Context(), secrets, false, func(n, _ int64) { done = n })
			want := all.without(secrets)
			if err != nil || gone.Points == 0 || gone.Sum != tried.Sum || gone.Damaged != 0 || done == 0 {
				t.Fatalf("%+v, tried %+v, %v", gone, tried, err)
			}
			same(t, "points", inOrder(want), inOrder(pointsOf(t, s, f)))
			for _, step := range []time.Duration{0, time.Minute} {
				cells, err := s.Cells(t.Context(), f, step)
				if err != nil {
					t.Fatal(err)
				}
				same(t, "cells", want.cells(step), cells)
			}
			after, err := s.Coverage(t.Context(), f.Window)
			if err != nil || after.Books != coverage.Books {
				t.Errorf("the books have changed: %+v, %v", after.Books, err)
			}
			if c := checked(t, s, false); c.Wrong != 0 {
				t.Errorf("check: %+v", c)
			}
			search(t, s, before)
			again, err := s.Forget(t.Context(), secrets, false, nil)
			if err != nil || again.Points != 0 || again.Tiers != 0 || again.Blocks != 0 {
				t.Errorf("once more: %+v, %v", again, err)
			}
			maintain(t, s, true)
			same(t, "points after upkeep", inOrder(want), inOrder(pointsOf(t, s, f)))
			if c := checked(t, s, false); c.Wrong != 0 {
				t.Errorf("check after upkeep: %+v", c)
			}
		})
	}
}

// content returns all that is in a store's files, which are up to date in the first.
func content(t *testing.T, s *Store) (all []byte) {
	t.Helper()
	write(t, s, "UPDATE kept SET start = start WHERE what = 'generation'")
	onWriter(t, s, "PRAGMA wal_checkpoint(PASSIVE)")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		b, err := os.ReadFile(s.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

// pieceOf is a piece of a blob by which it can be found in a file; nil: it is too short.
func pieceOf(data []byte) []byte {
	if len(data) < 60 {
		return nil
	}
	return data[len(data)/2 : len(data)/2+24]
}

// search looks for the bytes of what was replaced or deleted in the store's files.
func search(t *testing.T, s *Store, before map[string][]byte) {
	t.Helper()
	files := content(t, s)
	var now []byte
	for _, data := range blobs(t, s) {
		now = append(now, data...)
	}
	gone := 0
	for name, data := range before {
		piece := pieceOf(data)
		if piece == nil || bytes.Contains(now, piece) {
			continue
		}
		if gone++; bytes.Contains(files, piece) {
			t.Errorf("%s is gone, and still in the files", name)
		}
	}
	if gone < 20 {
		t.Errorf("only %d of %d blobs are gone", gone, len(before))
	}
}

// TestForgetAll takes out every point there is.
func TestForgetAll(t *testing.T) {
	t.Parallel()
	s, all := tiered(t, 6)
	maintain(t, s, true)
	everything := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	gone, err := s.Forget(t.Context(), everything, false, nil)
	if err != nil || gone.Sum.Packets == 0 {
		t.Fatalf("%+v, %v", gone, err)
	}
	if left := pointsOf(t, s, store.Filter{}); len(left) > 0 {
		t.Errorf("%d of %d points are left", len(left), len(all))
	}
	if c := checked(t, s, false); c.Wrong != 0 {
		t.Errorf("check: %+v", c)
	}
	b := newRandom(1).batch("east", all[0].Time, time.Minute, 500, 9)
	appendAll(t, s, b)
	maintain(t, s, true)
	same(t, "points", inOrder(b.Points), inOrder(pointsOf(t, s, store.Filter{})))
}

// TestForgetFlood has an interval with more keys than are sealed: its blocks stay.
func TestForgetFlood(t *testing.T) {
	s := openNew(t, Options{Tick: time.Minute, NoMaintenance: true})
	l, err := newSealer(s)
	if err != nil {
		t.Fatal(err)
	}
	l.keys = 20
	start := benchStart.Truncate(time.Hour)
	r := newRandom(8)
	var all history
	for minute := range 10 {
		b := r.batch("east", start.Add(time.Duration(minute)*time.Minute), time.Minute, 0, 30)
		appendAll(t, s, b)
		all = append(all, b.Points...)
	}
	if _, err := l.seal(t.Context(), interval{level10m, start.Unix(), 1}); err != nil {
		t.Fatal(err)
	}
	if n, err := number(t.Context(), s.readers, "SELECT count(*) FROM tiers WHERE keys = 0"); err != nil || n != 1 {
		t.Fatalf("%d tiers without keys, %v", n, err)
	}
	if _, err := s.Forget(t.Context(), secrets, false, nil); err != nil {
		t.Fatal(err)
	}
	want := all.without(secrets)
	same(t, "points", inOrder(want), inOrder(pointsOf(t, s, store.Filter{})))
	cells, err := s.Cells(t.Context(), store.Filter{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cells", want.cells(0), cells)
	if c := checked(t, s, false); c.Wrong != 0 {
		t.Errorf("check: %+v", c)
	}
}

// TestForgetWithin says which ends are in which networks.
func TestForgetWithin(t *testing.T) {
	for _, c := range []struct {
		network, end string
		in           bool
	}{
		{"10.0.0.0/8", "10.1.2.3/32", true}, {"10.0.0.0/8", "11.1.2.3/32", false},
		{"10.0.0.0/24", "10.0.0.0/24", true}, {"10.0.0.0/24", "10.0.0.0/16", false}, {"10.0.0.5/32", "10.0.0.0/24", false},
		{"10.0.0.5/32", "::ffff:10.0.0.5/128", true}, {"10.0.0.0/8", "::ffff:10.0.0.0/104", true}, {"10.0.0.0/8", "::ffff:10.0.0.0/100", false},
		{"2001:db8::/32", "2001:db8::1/128", true}, {"2001:db8::/32", "10.0.0.1/32", false}, {"0.0.0.0/0", "2001:db8::1/128", false},
	} {
		f := forgetter{networks: []netip.Prefix{netip.MustParsePrefix(c.network)}}
		if in := f.within(netip.MustParsePrefix(c.end)); in != c.in {
			t.Errorf("%s in %s: %v", c.end, c.network, in)
		}
	}
	if (&forgetter{networks: secrets}).within(netip.Prefix{}) {
		t.Error("no end is in a network")
	}
}

// TestForgetHeldLog says so where a reader keeps the log from being emptied.
func TestForgetHeldLog(t *testing.T) {
	s, _ := tiered(t, 7)
	r, err := OpenReadOnly(strings.TrimSuffix(s.path, FileName), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tx, err := r.readers.BeginTx(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := number(t.Context(), tx, "SELECT count(*) FROM batches"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Forget(t.Context(), secrets, false, nil); err == nil || !strings.Contains(err.Error(), "reading only") {
		t.Errorf("of a reader: %v", err)
	}
	onWriter(t, s, "PRAGMA busy_timeout = 50")
	if _, err := s.Forget(t.Context(), secrets, false, nil); err == nil || !strings.Contains(err.Error(), "somebody reads the store") {
		t.Errorf("beside a reader: %v", err)
	}
}
