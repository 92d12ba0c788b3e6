package clickhouse

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata/*.sql")

// TestStatements holds the SQL to what people can read in testdata: a change there is a
// change of the schema, and needs a step in upgrade.go.
func TestStatements(t *testing.T) {
	t.Parallel()
	day := 24 * time.Hour
	keep := Retention{Points: 30 * day, Views10m: 90 * day, Views1h: 2 * 365 * day}
	for name, sql := range map[string][]string{
		"modern":  Statements(Options{Retention: keep}, Modern()),
		"cluster": Statements(Options{Database: "net'flow", Cluster: "eu`1", Retention: keep}, Modern()),
		"old":     Statements(Options{Retention: keep}, capabilitiesOf(18, 16, 1)),
	} {
		got := strings.Join(sql, ";\n\n") + ";\n"
		file := filepath.Join("testdata", name+".sql")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestStatementsRemember checks that nothing that is inserted into forgets tokens, and
// that no sum leaves out whose it is.
func TestStatementsRemember(t *testing.T) {
	t.Parallel()
	for cluster, window := range map[string]string{"": " non_replicated_deduplication_window = ", "c": " replicated_deduplication_window = "} {
		tables, views := 0, 0
		for _, sql := range Statements(Options{Cluster: cluster}, Modern()) {
			switch {
			case strings.Contains(sql, "SummingMergeTree"), strings.Contains(sql, " = MergeTree"), strings.Contains(sql, "ReplicatedMergeTree"):
				tables++
				if !strings.Contains(sql, window) || !strings.Contains(sql, "sensor") || !strings.Contains(sql, "`origin`") {
					t.Errorf("no%s or no sensor in\n%s", window, sql)
				}
			case strings.Contains(sql, "MATERIALIZED VIEW"):
				views++
			}
		}
		if tables != 10 || views != 9 {
			t.Errorf("cluster %q: %d tables and %d views", cluster, tables, views)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version              [3]uint64
		tokens, columns, ttl bool
		says                 string
	}{
		{[3]uint64{18, 16, 1}, false, false, false, "18.16.1: too old for rollups (24.8 has them) and for retention"},
		{[3]uint64{19, 4, 0}, false, true, false, "for retention"},
		{[3]uint64{20, 3, 4}, false, true, true, "too old for rollups (24.8 has them); long"},
		{[3]uint64{24, 7, 9}, false, true, true, "too old for rollups"},
		{[3]uint64{24, 8, 0}, true, true, true, "ClickHouse 24.8.0"},
		{[3]uint64{26, 1, 2}, true, true, true, "ClickHouse 26.1.2"},
	} {
		c := capabilitiesOf(test.version[0], test.version[1], test.version[2])
		if c.Tokens != test.tokens || c.Columns != test.columns || c.TTL != test.ttl || !strings.Contains(c.String(), test.says) {
			t.Errorf("%v: %+v, %q", test.version, c, c)
		}
	}
}
