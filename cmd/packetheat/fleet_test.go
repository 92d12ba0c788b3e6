package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store/clickhouse/chtest"
)

// eachServer runs f on the old server, and in long runs on the current engine, too: what
// is about these is tested in package store/clickhouse.
func eachServer(t *testing.T, f func(*testing.T, *chtest.Server)) {
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		chtest.Each(t, f)
		return
	}
	f(t, chtest.Old(t))
}

// fleetCall is a command in a folder whose fleet is a test's server.
func fleetCall(server *chtest.Server, database, dir string, args ...string) call {
	return call{dir: dir, args: args, env: []string{"PACKETHEAT_FLEET_CLICKHOUSE_DSN=" + server.DSN, "PACKETHEAT_FLEET_CLICKHOUSE_DATABASE=" + database}}
}

// TestFleet goes the way that the manual tells: tables, a store that is imported, twice,
// and both on one map: answers of the server are those of the store.
func TestFleet(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, server *chtest.Server) {
		dir, database := t.TempDir(), server.Database()
		if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(sharedStore(t), "data"))); err != nil {
			t.Fatal(err)
		}
		run := func(status int, args ...string) result {
			t.Helper()
			r := fleetCall(server, database, dir, args...).run(t)
			if r.status != status {
				t.Fatalf("packetheat %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.out, r.err)
			}
			return r
		}
		if r := run(exitFailed, "fleet", "status"); !strings.Contains(r.err, "packetheat fleet init") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("without tables it says %q", r.err)
		}
		if r := run(exitDone, "fleet", "init", "--print"); !strings.Contains(r.out, "CREATE TABLE IF NOT EXISTS `"+database+"`.`points`") {
			t.Errorf("the SQL is %q", r.out)
		}
		run(exitDone, "fleet", "init")
		run(exitDone, "fleet", "init")
		if r := run(exitDone, "fleet", "status"); !strings.Contains(r.err, "nothing has arrived yet") {
			t.Errorf("of nothing it says %q", r.err)
		}
		first := run(exitDone, "fleet", "import")
		if again := run(exitDone, "fleet", "import"); again.err != first.err || !strings.Contains(first.err, "are at the server") {
			t.Errorf("the first import says %q, the second %q", first.err, again.err)
		}
		var stats statsJSON
		if err := json.Unmarshal([]byte(run(exitDone, "db", "stats", "--json").out), &stats); err != nil {
			t.Fatal(err)
		}
		var status fleetJSON
		if err := json.Unmarshal([]byte(run(exitDone, "fleet", "status", "--json").out), &status); err != nil {
			t.Fatal(err)
		}
		if len(status.Sensors) != 1 || status.Waiting != nil {
			t.Fatalf("%+v", status)
		}
		if s := status.Sensors[0]; s.Sensor != stats.Sensors[0] || s.Points != uint64(stats.Points) || !s.Newest.Equal(stats.Newest) || s.State != "silent" || len(s.Origin) != 32 {
			t.Errorf("%+v of %+v", s, stats)
		}
		if r := run(exitDone, "fleet", "status"); !strings.Contains(r.out, stats.Sensors[0]) || !strings.Contains(r.out, "silent") {
			t.Errorf("the table is %q", r.out)
		}
		run(exitDone, "fleet", "upgrade")
		sameAnswers(t, serving(t, dir), servingAs(t, fleetCall(server, database, dir, "serve", "--fleet", "--listen", "127.0.0.1:0")), stats.Sensors[0])
		for _, args := range [][]string{{"serve"}, {"top", "place"}, {"map"}, {"export", "csv", "-o", "-"}} {
			if r := run(exitUsage, append(args, "--fleet", "--data", "data")...); !strings.Contains(r.err, "give one of them") {
				t.Errorf("%v: %s", args, r.err)
			}
		}
		sameCommands(t, run)
		r := run(exitDone, "fleet", "selftest", "--questions", "2", "--seed", "7")
		if !strings.Contains(r.out, "are equal to SQLite's") || !strings.Contains(r.err, "seed 7") {
			t.Errorf("selftest says %q, %q", r.out, r.err)
		}
		forgets(t, run)
	})
}

// forgets takes an address out of the store and of the server, where it was once each.
func forgets(t *testing.T, run func(status int, args ...string) result) {
	t.Helper()
	var top topJSON
	if err := json.Unmarshal([]byte(run(exitDone, "top", "ip", "--json", "-n", "1").out), &top); err != nil || len(top.Rows) != 1 {
		t.Fatalf("%+v, %v", top, err)
	}
	address := top.Rows[0].Key
	one, many := run(exitDone, "db", "forget", address, "--dry-run"), run(exitDone, "fleet", "forget", address, "--dry-run")
	said, _, _ := strings.Cut(strings.TrimSuffix(one.err, "\n"), ", and ") // a store may have alerts, too
	if !strings.Contains(many.err, said+" from 1 sensor\n") || strings.Contains(said, "0 points") {
		t.Errorf("a store says %q, the server %q", one.err, many.err)
	}
	if r := run(exitUsage, "fleet", "forget", address); !strings.Contains(r.err, "--yes") {
		t.Errorf("without an answer it says %q", r.err)
	}
	run(exitUsage, "fleet", "forget", "nobody", "--yes")
	if r := run(exitDone, "fleet", "forget", address, "--yes"); !strings.Contains(r.err, "took out ") || !strings.Contains(r.err, "not touched") {
		t.Errorf("it says %q", r.err)
	}
	if r := run(exitDone, "fleet", "forget", address, "--dry-run"); !strings.Contains(r.err, "would take out 0 points") {
		t.Errorf("after that it says %q", r.err)
	}
}

// sameCommands asks the store and the fleet on the command line; what a page says makes it
// again asks the same of the two.
func sameCommands(t *testing.T, run func(status int, args ...string) result) {
	t.Helper()
	for _, args := range [][]string{
		{"top", "place", "--json"}, {"top", "port", "--filter", "dir:in", "--json"}, {"map", "--json"}, {"export", "csv", "-o", "-"},
		{"top", "proto", "--json", "--from", "2026-11-17T15:00:00Z", "--to", "2026-11-17T16:00:00Z", "--compare", "before"},
	} {
		one, fleet := run(exitDone, args...), run(exitDone, append(args, "--fleet")...)
		if diff := cmp.Diff(one.out, fleet.out); diff != "" {
			t.Errorf("%v: -store +fleet %s", args, diff)
		}
	}
	for _, flags := range [][]string{nil, {"--fleet"}} {
		run(exitDone, append([]string{"export", "html", "-o", "page.html"}, flags...)...)
		want := strings.Join(append([]string{"packetheat export html"}, flags...), " ") + " --from 2026-"
		if told := run(exitDone, "inspect", "page.html"); !strings.Contains(told.out, want) {
			t.Errorf("the page says\n%s\nand not %q", told.out, want)
		}
	}
}

// sameAnswers asks both servers for everything that a page asks for.
func sameAnswers(t *testing.T, one, fleet, sensor string) {
	t.Helper()
	for _, path := range []string{
		"/api/v1/cells", "/api/v1/cells?step=1h", "/api/v1/series?step=10m&filter=proto:tcp", "/api/v1/top?by=country", "/api/v1/top?by=ip&n=3",
		"/api/v1/top?by=asn&filter=sensor:" + sensor, "/api/v1/top?by=port&filter=-port:53", "/api/v1/points.csv", "/api/v1/points.ndjson?filter=dir:in",
		"/api/v1/cells?from=2026-11-17T14:00:00Z&to=2026-11-17T15:00:00Z&filter=opened:us",
	} {
		want, got := fetchText(t, one+path), fetchText(t, fleet+path)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -store +fleet %s", path, diff)
		}
	}
	var answer fleetJSON
	if err := json.Unmarshal([]byte(fetchText(t, fleet+"/api/v1/fleet")), &answer); err != nil || len(answer.Sensors) != 1 || answer.Sensors[0].Sensor != sensor || !strings.Contains(answer.Server, "ClickHouse") {
		t.Errorf("%+v, %v", answer, err)
	}
	if text := fetchText(t, one+"/api/v1/fleet"); !strings.Contains(text, `"sensors":[]`) {
		t.Errorf("a store that is served says %s of the fleet", text)
	}
}

func fetchText(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: patience}
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s, %v", url, r.Status, body, err)
	}
	return string(body)
}

// TestFleetNeedsServer says what to set, and what is wrong with a server that is away.
func TestFleetNeedsServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args, dsn, said string
		status          int
	}{
		{"fleet init", "", "fleet.clickhouse.dsn", exitFailed},
		{"fleet status", "", "fleet.clickhouse.dsn", exitFailed},
		{"fleet import", "", "fleet.clickhouse.dsn", exitFailed},
		{"fleet selftest", "", "fleet.clickhouse.dsn", exitFailed},
		{"fleet forget 203.0.113.7", "", "fleet.clickhouse.dsn", exitFailed},
		{"serve --fleet", "", "fleet.clickhouse.dsn", exitFailed},
		{"fleet status", "clickhouse://127.0.0.1:1", "is the server running", exitFailed},
		{"fleet status", "clickhouse://me:secret@127.0.0.1:1", "fleet.clickhouse.user", exitFailed},
		{"fleet selftest --questions 0", "", "--questions 0 is not possible", exitUsage},
	} {
		start := time.Now()
		r := call{args: strings.Fields(c.args), env: []string{"PACKETHEAT_FLEET_CLICKHOUSE_DSN=" + c.dsn}}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || strings.Contains(r.err, "secret") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s at %q: status %d after %s\n%s", c.args, c.dsn, r.status, time.Since(start), r.err)
		}
	}
}
