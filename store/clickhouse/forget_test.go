package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// forgotten are the networks that the tests of Forget forget.
var forgotten = []netip.Prefix{netip.MustParsePrefix("203.0.113.7/32"), netip.MustParsePrefix("2001:db8:1::/47")}

func doomedPoint(p *store.Point) bool {
	return slices.ContainsFunc([]netip.Prefix{p.Addr, p.Peer}, func(end netip.Prefix) bool {
		return end.IsValid() && slices.ContainsFunc(forgotten, func(n netip.Prefix) bool { return n.Bits() <= end.Bits() && n.Contains(end.Addr()) })
	})
}

// memories are batches of two sensors over two days, and the same without what is to be
// forgotten; some of them have nothing else.
func memories() (with, without []*store.Batch, gone total) {
	for i := range 12 {
		b := someBatch(fmt.Sprintf("100%%d %d'", i%2), noon.Add(time.Duration(i)*4*time.Hour).Truncate(time.Hour), 0, 10+i)
		if i == 5 {
			b.Points = slices.DeleteFunc(b.Points, func(p store.Point) bool { return !doomedPoint(&p) })
		}
		rest := *b
		rest.Points = slices.DeleteFunc(slices.Clone(b.Points), func(p store.Point) bool {
			if !doomedPoint(&p) {
				return false
			}
			gone.rows, gone.packets, gone.bytes, gone.opens = gone.rows+1, gone.packets+p.Packets, gone.bytes+p.Bytes, gone.opens+p.Opens
			return true
		})
		with, without = append(with, b), append(without, &rest)
	}
	return with, without, gone
}

// dump is all that points and rollups say, row by row.
func dump(t *testing.T, s *Store) map[string][]string {
	t.Helper()
	list := map[string]string{"points": "SELECT toString((sensor, time, seq, addr, addr_bits, peer, peer_bits, proto, port, direction, packets, bytes, opens)) AS x FROM " + s.table("points") + " ORDER BY x"}
	if !s.caps.Tokens {
		list["points"] = "SELECT concat(sensor, toString(toUInt32(time)), ' ', toString(row), ' ', toString(packets)) AS x FROM " + s.table("points") + " ORDER BY x"
	} else {
		for _, r := range rollups {
			for _, l := range levels {
				name := r.name + "_" + l.name
				list[name] = fmt.Sprintf("SELECT toString((sensor, origin, start, %s, sum(packets), sum(bytes), sum(opens), sum(points), min(first), max(last))) AS x FROM %s GROUP BY sensor, origin, start, %[1]s ORDER BY x",
					names(r.keys), s.o.table(name))
			}
		}
	}
	all := map[string][]string{}
	for name, sql := range list {
		rows, err := s.conn.Query(context.Background(), sql)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			all[name] = append(all[name], line)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestForget: what is forgotten is in no table, and all else is as if it had never been.
func TestForget(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		ctx := t.Context()
		s, never := open(t, server, Options{}), open(t, server, Options{})
		with, without, gone := memories()
		appendAll(t, s, "o", with...)
		appendAll(t, never, "o", without...)
		before, want := dump(t, s), dump(t, never)
		if !s.caps.Tokens { // there, rows have numbers
			want = map[string][]string{"points": nil}
			for _, b := range with {
				for i := range b.Points {
					if !doomedPoint(&b.Points[i]) {
						want["points"] = append(want["points"], fmt.Sprintf("%s%d %d %d", b.Sensor, b.Tick.Unix(), i, b.Points[i].Packets))
					}
				}
			}
			slices.Sort(want["points"])
		}
		check := func(what string, try bool, points uint64) {
			t.Helper()
			f, err := s.Forget(ctx, forgotten, try)
			if err != nil || f.Points != points || points == gone.rows && (f.Sum != store.Sum{Packets: gone.packets, Bytes: gone.bytes, Opens: gone.opens} || len(f.Sensors) != 2) {
				t.Errorf("%s: %+v of %+v, %v", what, f, gone, err)
			}
			if (f.Sums > 0) != (s.caps.Tokens && !try && points > 0) || f.Old != 0 {
				t.Errorf("%s: %+v", what, f)
			}
		}
		check("only trying", true, gone.rows)
		if diff := cmp.Diff(before, dump(t, s)); diff != "" {
			t.Errorf("trying has changed something: %s", diff)
		}
		if s.caps.Tokens { // a shipment that is not acknowledged stops it before anything is done
			forget(t, s, "batches")
			if _, err := s.Forget(ctx, forgotten, false); !errors.Is(err, errShipping) {
				t.Errorf("with a shipment on its way: %v", err)
			}
			if diff := cmp.Diff(before, dump(t, s)); diff != "" {
				t.Errorf("that has changed something: %s", diff)
			}
			appendAll(t, s, "o", with...)
		}
		check("forgetting", false, gone.rows)
		if diff := cmp.Diff(want, dump(t, s)); diff != "" {
			t.Errorf("-never been +forgotten %s", diff)
		}
		appendAll(t, s, "o", with...)
		check("again, after all was sent again", false, 0)
		if diff := cmp.Diff(want, dump(t, s)); diff != "" {
			t.Errorf("sent again: -never been +forgotten %s", diff)
		}
	})
}

// TestForgetGoesOn: one that ended between points and their sums is finished by the next.
func TestForgetGoesOn(t *testing.T) {
	t.Parallel()
	server := servers.Modern(t)
	s, never := open(t, server, Options{}), open(t, server, Options{})
	with, without, _ := memories()
	appendAll(t, s, "o", with...)
	appendAll(t, never, "o", without...)
	f := forgetter{Store: s}
	doomed := condition(&store.Term{Key: store.KeyHost, Networks: forgotten})
	sums := intervals{}
	if err := errors.Join(f.affected(t.Context(), doomed, sums), f.note(t.Context(), sums), f.delete(t.Context(), "points", doomed)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Forget(t.Context(), []netip.Prefix{netip.MustParsePrefix("192.0.2.200/32")}, false); err != nil || got.Points != 0 || got.Sums == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if diff := cmp.Diff(dump(t, never), dump(t, s)); diff != "" {
		t.Errorf("-never been +forgotten %s", diff)
	}
	if about, err := s.about(t.Context()); err != nil || about[aboutForgetting] != "" {
		t.Errorf("it is still to be done: %v, %v", about, err)
	}
}
