package clickhouse

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// TestOnce sends batches again in every way that a sensor may.
func TestOnce(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		t.Run("acknowledged", func(t *testing.T) { testAcknowledged(t, open(t, server, Options{})) })
		t.Run("unacknowledged", func(t *testing.T) { testUnacknowledged(t, open(t, server, Options{})) })
		t.Run("rollups missed it", func(t *testing.T) { testMissed(t, open(t, server, Options{})) })
		t.Run("others", func(t *testing.T) { testOthers(t, open(t, server, Options{})) })
	})
}

func appendAll(t *testing.T, s *Store, origin string, batches ...*store.Batch) {
	t.Helper()
	if err := s.Append(context.Background(), origin, batches); err != nil {
		t.Fatal(err)
	}
}

func someTicks(n int) (list []*store.Batch) {
	for i := range n {
		list = append(list, someBatch("gw1", noon.Add(time.Duration(i)*10*time.Second), 0, 16-i))
	}
	return list
}

func testAcknowledged(t *testing.T, s *Store) {
	list := someTicks(4)
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "sent", list...)
	appendAll(t, s, "o", list...)
	appendAll(t, s, "o", list[2], list[0])
	wantOnce(t, s, "sent again", list...)
	appendAll(t, s, "o")
	more := append(list, someBatch("gw1", noon, 1, 3), someBatch("gw1", noon.AddDate(0, 0, 1), 0, 3), someBatch("gw1", noon.Add(time.Hour), 0, 0))
	appendAll(t, s, "o", append(more, more...)...)
	wantOnce(t, s, "some new, some twice in one", more...)
}

// forget makes the server one that got the points and never said so.
func forget(t *testing.T, s *Store, tables ...string) {
	t.Helper()
	for _, name := range tables {
		if err := s.conn.Exec(context.Background(), "TRUNCATE TABLE "+s.o.table(name)); err != nil {
			t.Fatal(err)
		}
	}
}

func testUnacknowledged(t *testing.T, s *Store) {
	list := someTicks(6)
	appendAll(t, s, "o", list[1:4]...)
	forget(t, s, "batches")
	appendAll(t, s, "o", list[1:4]...)
	wantOnce(t, s, "the same", list[1:4]...)
	forget(t, s, "batches")
	appendAll(t, s, "o", list[0], list[1])
	appendAll(t, s, "o", list[2:]...)
	wantOnce(t, s, "in other company", list...)
	forget(t, s, "batches")
	for _, b := range list {
		appendAll(t, s, "o", b)
	}
	wantOnce(t, s, "one by one", list...)
}

// testMissed loses what views had written, as a server does that is killed between the
// points and their sums.
func testMissed(t *testing.T, s *Store) {
	list := someTicks(6)
	list = append(list, someBatch("gw2", noon, 0, 4))
	appendAll(t, s, "o", list[:4]...)
	appendAll(t, s, "o", list[4:]...)
	forget(t, s, append(rollupNames(s.caps)[:len(rollupNames(s.caps))/2], "batches")...)
	appendAll(t, s, "o", list[3:5]...)
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "after half of the rollups were lost", list...)
}

// testOthers has batches that differ in one part of their name only.
func testOthers(t *testing.T, s *Store) {
	list := []*store.Batch{
		someBatch("gw1", noon, 0, 5), someBatch("gw1", noon, 1, 5), someBatch("gw1", noon.Add(10*time.Second), 0, 5),
		someBatch("gw1/", noon, 0, 5), someBatch("it's `me` \\", noon, 0, 5),
	}
	for range 2 {
		for _, b := range list {
			appendAll(t, s, "o", b)
		}
	}
	wantOnce(t, s, "equal points of different batches", list...)
	appendAll(t, s, "another", list...)
	wantOnce(t, s, "of another store", append(list, list...)...)
}

// TestColumns reads back what was written.
func TestColumns(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		s := open(t, server, Options{Program: "9.9"})
		b := someBatch("gw1", noon, 7, 40)
		appendAll(t, s, "store'1", b)
		token := tokenOf("store'1", []*store.Batch{b})
		if token != "store'1/gw1/1795348800/7" {
			t.Errorf("token is %q", token)
		}
		rows, batches, err := s.readShipment(context.Background(), "store'1", shipmentOf(token), day(b))
		if err != nil || len(batches) != 1 {
			t.Fatalf("%d batches, %v", len(batches), err)
		}
		var got []store.Point
		for i := range rows.n {
			got = append(got, rows.point(i))
		}
		less := func(a, b store.Point) bool { return a.Packets < b.Packets }
		if diff := cmp.Diff(b.Points, got, cmpopts.SortSlices(less), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("points (-want +got):\n%s", diff)
		}
	})
}

func TestAppendRefuses(t *testing.T) {
	t.Parallel()
	s := &Store{} // it does not come to sending
	bad := someBatch("", noon, 0, 1)
	if err := s.Append(context.Background(), "o", []*store.Batch{bad}); err == nil {
		t.Error("a batch without a sensor is taken")
	}
	for _, year := range []int{1969, 2107, 9999} {
		b := someBatch("gw1", time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), 0, 1)
		if err := s.Append(context.Background(), "o", []*store.Batch{b}); !errors.Is(err, ErrTime) {
			t.Errorf("a tick of %d: %v", year, err)
		}
	}
}
