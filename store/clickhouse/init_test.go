package clickhouse

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

func TestInit(t *testing.T) {
	t.Parallel()
	chtest.Each(t, func(t *testing.T, server *chtest.Server) {
		ctx := context.Background()
		o := Options{DSN: server.DSN, Database: "a"}
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

// TestLayoutStays puts a new server in the place of an old one: the tables stay as they
// were made.
func TestLayoutStays(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := chtest.Modern(t)
	s := connect(t, server, Options{Database: "a"})
	s.caps.Tokens = false
	if err := s.Init(ctx); err != nil {
		t.Fatal(err)
	}
	s = connect(t, server, Options{Database: "a"})
	if err := s.Init(ctx); err != nil || s.caps.Tokens {
		t.Fatalf("tokens are %t, %v", s.caps.Tokens, err)
	}
	list := someTicks(3)
	for range 2 {
		appendAll(t, s, "o", list...)
		forget(t, s, "batches")
	}
	appendAll(t, s, "o", list...)
	wantOnce(t, s, "tables of an old server", list...)
}

// TestAges checks that the server has the ages that were asked for, and changes them.
func TestAges(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := chtest.Modern(t)
	const day = 24 * time.Hour
	s := open(t, server, Options{Database: "a", Retention: Retention{Points: 30 * day, Views10m: 90*day + 1}})
	ages := func() string {
		rows, err := s.conn.Query(ctx, "SELECT name, extract(engine_full, 'toIntervalDay\\((\\d+)\\)') FROM system.tables"+
			" WHERE database = 'a' AND match(engine_full, 'TTL') ORDER BY name")
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
