package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// shards remembers which shards of a cluster there are, and which do not answer. A server
// may leave out a shard without a living replica, and says nothing of it: it is asked to
// only after a Coverage has told that shards are missing. Until then, and again when all
// answer, a question that a shard does not answer fails. The zero value knows of none.
type shards struct {
	mu      sync.Mutex
	known   []string // names: their macro shard
	told    []string // those that the last Coverage said were missing
	sensors []string // of all shards, when they were last seen
}

// toldMissing reports whether answers may be partial, which somebody has been told.
func (s *Store) toldMissing() bool {
	s.shards.mu.Lock()
	defer s.shards.mu.Unlock()
	return len(s.shards.told) > 0
}

// silent asks which shards do not answer. Of one that has never answered the name is not
// known: it is told by number.
func (s *Store) silent(ctx context.Context) (names []string, of int, err error) {
	if s.o.Cluster == "" {
		return nil, 0, nil
	}
	var answered []string
	text := func(into *[]string) func(driver.Rows) error {
		return func(rows driver.Rows) error {
			var name string
			err := rows.Scan(&name)
			*into = append(*into, name)
			return err
		}
	}
	if err := s.read(ctx, question{sql: "SELECT DISTINCT substitution FROM cluster(" + quoteText(s.o.Cluster) + ", system.macros) WHERE macro = 'shard'", partial: true}, text(&answered)); err != nil {
		return nil, 0, err
	}
	var numbers []string
	if err := s.read(ctx, question{sql: "SELECT DISTINCT toString(shard_num) FROM system.clusters WHERE cluster = " + quoteText(s.o.Cluster)}, text(&numbers)); err != nil {
		return nil, 0, err
	}
	s.shards.mu.Lock()
	defer s.shards.mu.Unlock()
	for _, name := range answered {
		if !slices.Contains(s.shards.known, name) {
			s.shards.known = append(s.shards.known, name)
		}
	}
	for _, name := range s.shards.known {
		if !slices.Contains(answered, name) {
			names = append(names, name)
		}
	}
	for n := len(answered) + len(names); n < len(numbers); n++ {
		names = append(names, unnamed(answered, numbers))
	}
	slices.Sort(names)
	return names, len(numbers), nil
}

// unnamed tells of a shard that has never answered: its number, where shards are called
// by their numbers.
func unnamed(answered, numbers []string) string {
	for _, n := range numbers {
		if !slices.Contains(answered, n) {
			return n
		}
	}
	return "?"
}

// partial says what is missing, "" where nothing is.
func partial(names []string, of int, cluster string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("shard %s of the %d of cluster %q does not answer", names[0], of, cluster)
	}
	return fmt.Sprintf("shards %s of the %d of cluster %q do not answer", strings.Join(names, ", "), of, cluster)
}

// tell finds out which shards are missing, after err of asking all of them, and returns
// what a Coverage has to say. From then on they are left out.
func (s *Store) tell(ctx context.Context, err error) (string, error) {
	names, of, e := s.silent(ctx)
	if e != nil || len(names) == 0 {
		return "", err // it is something else, or over: who asks again will know
	}
	s.shards.mu.Lock()
	defer s.shards.mu.Unlock()
	s.shards.told = names
	return partial(names, of, s.o.Cluster), nil
}

// noteSensors remembers the sensors of all shards, or adds those that are remembered to
// the ones of the shards that answer.
func (s *Store) noteSensors(sensors []string, whole bool) []string {
	s.shards.mu.Lock()
	defer s.shards.mu.Unlock()
	if whole {
		s.shards.sensors, s.shards.told = sensors, nil
		return sensors
	}
	all := slices.Concat(sensors, s.shards.sensors)
	slices.Sort(all)
	return slices.Compact(all)
}
