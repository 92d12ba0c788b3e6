package clickhouse

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

func TestInit(t *testing.T) {
	t.Parallel()
	servers.Each(t, func(t *testing.T, server *chtest.Server) {
		ctx := context.Background()
		o := Options{DSN: server.DSN, Database: server.Database()}
		if _, err := Open(ctx, o); !errors.Is(err, ErrNoSchema) {
			t.Errorf("without a database: %v", err)
		}
		s := connect(t, server, o)
		if err := s.Upgrade(ctx); !errors.Is(err, ErrNoSchema) {
			t.Errorf("upgrade without a database: %v", err)
		}
		for range 2 {
			if err := s.Init(ctx); err != nil {
				t.Fatal(err)
			}
		}
		list := someTicks(2)
		appendAll(t, s, "o", list...)
		if err := s.Upgrade(ctx); err != nil {
			t.Error(err)
		}
		reopened, err := Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		defer reopened.Close()
		wantOnce(t, reopened, "after an upgrade of what is new", list...)

		for version, want := range map[int]string{schemaVersion + 1: "use a newer packetheat", 0: "its schema is"} {
			setVersion(t, s, strconv.Itoa(version))
			if _, err := Open(ctx, o); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("tables of version %d: %v, want %q", version, err, want)
			}
			if err := s.Init(ctx); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("init over tables of version %d: %v, want %q", version, err, want)
			}
		}
	})
}

// setVersion says that the tables are of a version. The table goes by seconds.
func setVersion(t *testing.T, s *Store, version string) {
	t.Helper()
	forget(t, s, "about")
	if err := s.setAbout(context.Background(), map[string]string{aboutSchema: version, aboutLayout: layoutOf(s.caps)}); err != nil {
		t.Fatal(err)
	}
}

// TestNewServer puts a new server in the place of an old one: the tables stay as they were
// made until they are upgraded.
func TestNewServer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := servers.Modern(t)
	database := server.Database()
	s := connect(t, server, Options{Database: database})
	s.caps.Tokens = false
	if err := s.Init(ctx); err != nil {
		t.Fatal(err)
	}
	s = connect(t, server, Options{Database: database})
	if err := s.Init(ctx); err != nil || s.caps.Tokens {
		t.Fatalf("tokens are %t, %v", s.caps.Tokens, err)
	}
	list := append(someTicks(3), someBatch("gw1", noon.AddDate(0, 0, 1), 0, 5))
	appendAll(t, s, "o", list...)
	forget(t, s, "batches")
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "tables of an old server", list...)

	late := someBatch("gw1", noon, 1, 7)
	if err := s.sendPoints(ctx, "o", []*store.Batch{late}); err != nil { // and no answer came
		t.Fatal(err)
	}
	if sql, err := s.UpgradeStatements(ctx); err != nil || !strings.Contains(strings.Join(sql, "\n"), "points_rows` FINAL") {
		t.Errorf("what is printed: %v, %q", err, sql)
	}
	if err := s.conn.Exec(ctx, s.moveAside()); err != nil { // an upgrade that was interrupted
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Upgrade(ctx); err != nil {
			t.Fatal(err)
		}
		wantOnce(t, s, "upgraded", list...)
	}
	s = connect(t, server, Options{Database: database})
	if err := s.checkSchema(ctx); err != nil || !s.caps.Tokens {
		t.Fatalf("after the upgrade: tokens are %t, %v", s.caps.Tokens, err)
	}
	list = append(list, late)
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "sent again after the upgrade", list...)
	if left, err := s.hasTable(ctx, rowsTable); left || err != nil {
		t.Errorf("points are still aside: %t, %v", left, err)
	}
}

// TestAges checks that the server has the ages that were asked for, and changes them.
func TestAges(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := servers.Modern(t)
	const day = 24 * time.Hour
	s := open(t, server, Options{Retention: Retention{Points: 30 * day, Views10m: 90*day + 1}})
	ages := func() string {
		rows, err := s.conn.Query(ctx, "SELECT name, extract(engine_full, 'toIntervalDay\\((\\d+)\\)') FROM system.tables"+
			" WHERE database = "+quoteText(s.o.Database)+" AND match(engine_full, 'TTL') ORDER BY name")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var list []string
		for rows.Next() {
			var name, days string
			if err := rows.Scan(&name, &days); err != nil {
				t.Fatal(err)
			}
			list = append(list, name+" "+days)
		}
		return strings.Join(list, ", ")
	}
	if got, want := ages(), "asn_10m 91, place_10m 91, points 30, port_10m 91"; got != want {
		t.Errorf("ages are %s, want %s", got, want)
	}
	s.o.Retention = Retention{Views10m: 91 * day, Views1h: 2 * 365 * day}
	if err := s.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := ages(), "asn_10m 91, asn_1h 730, place_10m 91, place_1h 730, port_10m 91, port_1h 730"; got != want {
		t.Errorf("ages are %s, want %s", got, want)
	}
}

// TestOldDays checks that days are dropped on a server that knows no ages.
func TestOldDays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const day = 24 * time.Hour
	today := time.Now().UTC().Truncate(day)
	young, old := someBatch("gw1", today.Add(-2*day), 0, 4), someBatch("gw1", today.Add(-4*day), 0, 4)
	s := open(t, servers.Old(t), Options{Retention: Retention{Points: 3 * day}})
	appendAll(t, s, "o", young, old)
	if err := s.Upgrade(ctx); err != nil {
		t.Fatal(err)
	}
	if got := totalOf(t, s, "points").rows; got != 4 {
		t.Errorf("%d points are left, want those of one of two days", got)
	}
	appendAll(t, s, "o", young, old) // what was counted once is not sent again
	if got := totalOf(t, s, "points").rows; got != 4 {
		t.Errorf("%d points after all was sent again", got)
	}
	s.o.Retention = Retention{}
	if err := s.Upgrade(ctx); err != nil || totalOf(t, s, "points").rows != 4 {
		t.Errorf("kept for ever, and dropped (%v)", err)
	}
}
