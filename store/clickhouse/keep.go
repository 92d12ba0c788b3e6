package clickhouse

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// keptFor is how long what is known of the age of tables, and of ticks, holds.
const keptFor = 30 * time.Second

// keeper remembers where each kind of data begins; the zero value knows nothing yet.
type keeper struct {
	mu    sync.Mutex
	kept  *kept
	until time.Time

	tick      time.Duration
	tickUntil time.Time
}

// keeps says where each kind of data begins: where a table's TTL ends, and not before its
// first row, where batches tell of points before it.
func (s *Store) keeps(ctx context.Context) (*kept, error) {
	if !s.caps.Tokens {
		return &kept{}, nil // it has no rollups, so nothing but points
	}
	s.keeper.mu.Lock()
	defer s.keeper.mu.Unlock()
	if s.keeper.kept != nil && time.Now().Before(s.keeper.until) {
		return s.keeper.kept, nil
	}
	k, err := s.readKept(ctx)
	if err != nil {
		return nil, err
	}
	s.keeper.kept, s.keeper.until = k, time.Now().Add(keptFor)
	return k, nil
}

// keptTables are those that kept.begin is about, in its order.
func keptTables() (names []string) {
	for _, t := range tiers {
		names = append(names, "asn_"+t.name)
	}
	return append(names, "points")
}

// readKept asks. Where nothing has been given up yet, everything is kept: sums stand in
// for no points then, not even in a window that begins before there were any.
func (s *Store) readKept(ctx context.Context) (*kept, error) {
	k, first, err := s.begins(ctx)
	if err != nil {
		return nil, err
	}
	if first >= k.begin[withPoints] {
		k = kept{points: k.points}
	}
	return &k, nil
}

// begins returns where what tables may have begins, and when the first tick with points
// was.
func (s *Store) begins(ctx context.Context) (k kept, first int64, err error) {
	ages, now, err := s.ages(ctx)
	if err != nil {
		return k, 0, err
	}
	var least [len(tiers) + 1]int64 // of each table
	if first, k.points, err = s.leasts(ctx, least[:]); err != nil {
		return k, 0, err
	}
	for i, name := range keptTables() {
		from, unit := first, int64(1)
		if i < withPoints {
			unit = tiers[i].seconds
			from = floorTo(from, unit)
		}
		if age, ok := ages[s.o.local(name)]; ok {
			k.begin[i] = now + int64(keptFor/time.Second) - age // none of it may go meanwhile
		}
		if least[i] > from {
			k.begin[i] = max(k.begin[i], least[i])
		}
		if i > 0 {
			k.begin[i] = max(ceilTo(max(k.begin[i], 0), tiers[i-1].seconds), k.begin[i-1])
		}
	}
	return k, first, nil
}

// leasts reads the first row's time of each of keptTables, the first tick that had points,
// and how many points there are. Without rows a table begins at the end of time.
func (s *Store) leasts(ctx context.Context, least []int64) (begin int64, points uint64, err error) {
	var parts []string
	for i, name := range keptTables() {
		column := "start"
		if i == withPoints {
			column = "time"
		}
		parts = append(parts, "SELECT toUInt8("+strconv.Itoa(i)+") AS n, toInt64(toUInt32(min("+column+"))) AS t, count() AS c FROM "+s.o.table(name))
	}
	parts = append(parts, "SELECT toUInt8(99) AS n, toInt64(toUInt32(min(tick))) AS t, count() AS c FROM "+s.o.table("batches")+" WHERE points > 0")
	begin = openTo
	err = s.each(ctx, strings.Join(parts, " UNION ALL "), false, func(rows driver.Rows) error {
		var n uint8
		var t int64
		var count uint64
		if err := rows.Scan(&n, &t, &count); err != nil {
			return err
		}
		if count == 0 {
			t = openTo
		}
		switch {
		case int(n) >= len(least):
			begin = t
			return nil
		case int(n) == withPoints:
			points = count
		}
		least[n] = t
		return nil
	})
	return begin, points, err
}

// days finds the age in a table's definition, however its TTL was typed.
var days = regexp.MustCompile(`TTL \w+ \+ toInterval(Second|Minute|Hour|Day|Week)\((\d+)\)`)

// ages returns how old rows of tables may get, in seconds, and what time it is there. A
// table without an age, or with one that is not understood, is left out.
func (s *Store) ages(ctx context.Context) (ages map[string]int64, now int64, err error) {
	units := map[string]int64{"Second": 1, "Minute": 60, "Hour": 3600, "Day": 86400, "Week": 7 * 86400}
	ages = map[string]int64{}
	err = s.each(ctx, "SELECT name, engine_full, toInt64(toUInt32(now())) FROM system.tables WHERE database = "+quoteText(s.o.database()), false, func(rows driver.Rows) error {
		var name, engine string
		if err := rows.Scan(&name, &engine, &now); err != nil {
			return err
		}
		if m := days.FindStringSubmatch(engine); m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err == nil {
				ages[name] = n * units[m[1]]
			}
		}
		return nil
	})
	return ages, now, err
}
