package main

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store/sqlite"
)

// TestDBBackup backs a store up while it is locked by a writer, and asks the copy.
func TestDBBackup(t *testing.T) {
	dir := coverageStore(t)
	writer, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	want := packetheat(t, dir, "export", "csv", "-o", "-").out
	if err := os.Mkdir(filepath.Join(dir, "backup"), 0o755); err != nil {
		t.Fatal(err)
	}
	r := packetheat(t, dir, "db", "backup", "backup/"+sqlite.FileName)
	if !strings.Contains(r.err, "packetheat serve --data backup") {
		t.Errorf("says\n%s", r.err)
	}
	if diff := cmp.Diff(want, packetheat(t, dir, "export", "csv", "-o", "-", "--data", "backup").out); diff != "" {
		t.Errorf("the backup differs:\n%s", diff)
	}
	for _, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"db backup", exitUsage, "name the file to write"},
		{"db backup a b", exitUsage, `"b" is one more`},
		{"db backup backup", exitFailed, "it is a folder: name a file in it"},
		{"db backup backup/" + sqlite.FileName, exitFailed, "the file is there already (name another, or add --force)"},
		{"db backup none/x", exitFailed, "no such file or directory"},
		{"db backup x --data none", exitFailed, `there is no store in "none"`},
		{"db backup --force backup/" + sqlite.FileName, exitDone, ""},
	} {
		r := call{dir: dir, args: strings.Fields(c.args)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || c.status != exitDone && strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d\n%s", c.args, r.status, r.err)
		}
	}
}

// TestDBLocked: commands that write refuse politely while somebody else does, and say
// what to do; those that only read do not mind.
func TestDBLocked(t *testing.T) {
	dir := coverageStore(t)
	writer, err := sqlite.Open(filepath.Join(dir, "data"), sqlite.Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := os.CopyFS(filepath.Join(dir, "other"), os.DirFS(filepath.Join(dir, "data"))); err != nil {
		t.Fatal(err)
	}
	for args, said := range map[string]string{
		"db check --rewrite":             "without --rewrite it can be checked meanwhile",
		"db prune --yes":                 "kill -HUP",
		"db forget 9.9.9.9 --yes":        "stop the sensor",
		"db merge other":                 "a merge needs the store for itself",
		"db check":                       "",
		"db prune --dry-run":             "",
		"db forget 9.9.9.9 -y --dry-run": "",
	} {
		r := call{dir: dir, args: strings.Fields(args)}.run(t)
		switch {
		case said == "" && r.status != exitDone:
			t.Errorf("%s: status %d\n%s", args, r.status, r.err)
		case said != "" && (r.status != exitFailed || !strings.Contains(r.err, "in use by another writer") || !strings.Contains(r.err, said) || strings.Count(r.err, "\n") != 1):
			t.Errorf("%s: status %d\n%s", args, r.status, r.err)
		}
	}
}

func TestDBUsage(t *testing.T) {
	dir := coverageStore(t)
	for args, said := range map[string]string{
		"db prune":                               "add --yes to do it, or --dry-run",
		"db prune --before soon --yes":           `"soon"`,
		"db prune --before now --keep-points 1d": "give one of them",
		"db prune --keep-points much --yes":      `"much"`,
		"db forget":                              "name the addresses and networks to forget",
		"db forget example.org --yes":            `"example.org" is no address or network`,
		"db forget 9.9.9.9":                      "add --yes",
		"db merge":                               "name the folders of the stores to add",
	} {
		r := call{dir: dir, args: strings.Fields(args)}.run(t)
		if r.status != exitUsage || !strings.Contains(r.err, said) {
			t.Errorf("%s: status %d\n%s", args, r.status, r.err)
		}
	}
	for _, name := range []string{"stats", "check", "prune", "backup", "merge", "forget"} {
		r := packetheat(t, dir, "db", name, "--help")
		if name != "stats" && !strings.Contains(r.out, "packetheat db "+name) || !strings.Contains(r.out, "Usage:") {
			t.Errorf("help of %s:\n%s", name, r.out)
		}
	}
	for _, name := range []string{"check", "prune", "merge", "forget"} {
		if r := packetheat(t, dir, "db", name, "--help"); !strings.Contains(r.out, "Exit status: 0") {
			t.Errorf("help of %s has no exit status:\n%s", name, r.out)
		}
	}
	r := call{dir: dir, args: []string{"db", "check", "--data", "none"}}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, "there is no store") {
		t.Errorf("no store: %d\n%s", r.status, r.err)
	}
}

// sealStore writes a store's tiers, as a sensor does.
func sealStore(t *testing.T, dir string) {
	t.Helper()
	s, err := sqlite.Open(dir, sqlite.Options{NoMaintenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Maintain(t.Context(), true); err != nil {
		t.Fatal(err)
	}
}

func TestDBCheck(t *testing.T) {
	dir := coverageStore(t)
	sealStore(t, filepath.Join(dir, "data"))
	if r := packetheat(t, dir, "db", "check"); !strings.HasPrefix(r.out, "all is right: 150 batches") {
		t.Errorf("prints\n%s", r.out)
	}
	db, err := sql.Open("sqlite3", filepath.Join(dir, "data", sqlite.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE parts SET data = x'00' WHERE id = (SELECT 65536 * id + 5 FROM tiers WHERE level = 3600 LIMIT 1)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	r := call{dir: dir, args: []string{"db", "check", "--json"}}.run(t)
	var got checkJSON
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.status != exitFailed || got.Wrong != 1 || len(got.List) != 1 ||
		got.List[0].Where != "tier" || got.List[0].Sensor != "east" || got.List[0].Seconds != 3600 || !strings.Contains(r.err, "db check --rewrite") {
		t.Errorf("status %d, %v, %+v\n%s", r.status, err, got, r.err)
	}
	if r := packetheat(t, dir, "db", "check", "--rewrite"); !strings.Contains(r.out, "its view of places is damaged") || !strings.Contains(r.out, "0 wrong, 1 made anew") {
		t.Errorf("prints\n%s", r.out)
	}
	if r := packetheat(t, dir, "db", "check"); !strings.HasPrefix(r.out, "all is right") {
		t.Errorf("prints\n%s", r.out)
	}
}

func TestDBPrune(t *testing.T) {
	dir := coverageStore(t)
	if r := packetheat(t, dir, "db", "prune", "--keep-points", "1h", "--dry-run"); !strings.Contains(r.err, "would give up 30 points from 2026-11-17 15:00 to 2026-11-17 16:00") {
		t.Errorf("says\n%s", r.err)
	}
	countries := func() (rows []rowJSON) {
		var top topJSON
		if err := json.Unmarshal([]byte(packetheat(t, dir, "top", "country", "--json").out), &top); err != nil {
			t.Fatal(err)
		}
		for _, r := range top.Rows {
			rows = append(rows, rowJSON{Key: r.Key, Packets: r.Packets, Bytes: r.Bytes, In: r.In, Out: r.Out, First: r.First, Last: r.Last})
		}
		return rows
	}
	before := countries()
	if r := packetheat(t, dir, "db", "prune", "--keep-points", "1h", "--yes"); !strings.Contains(r.err, "gave up 30 points") {
		t.Errorf("says\n%s", r.err)
	}
	for _, args := range [][]string{{"top", "ip"}, {"export", "html", "-o", "map.html", "--coverage", "c.json"}} {
		if r := packetheat(t, dir, args...); !strings.Contains(r.err, "addresses before 2026-11-17 16:00 CET are no longer kept") {
			t.Errorf("%v says\n%s", args, r.err)
		}
	}
	var coverage coverageJSON
	content, err := os.ReadFile(filepath.Join(dir, "c.json"))
	if err != nil || json.Unmarshal(content, &coverage) != nil || coverage.PointsFrom != time.Date(2026, 11, 17, 15, 0, 0, 0, time.UTC) || coverage.Effective.From.IsZero() {
		t.Errorf("%v\n%s", err, content)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "map.html")); err != nil || len(page) == 0 {
		t.Error(err)
	}
	if diff := cmp.Diff(before, countries()); diff != "" {
		t.Errorf("countries differ:\n%s", diff)
	}
	for _, row := range rowsOf(t, packetheat(t, dir, "export", "csv", "-o", "-", "--to", "2026-11-17T15:00:00Z").out) {
		if strings.Contains(row, "9.9.9.9") {
			t.Fatalf("an address is left: %s", row)
		}
	}
	if r := packetheat(t, dir, "db", "prune", "--keep-points", "1h", "--dry-run"); !strings.Contains(r.err, "would give up no points") {
		t.Errorf("says\n%s", r.err)
	}
	if r := packetheat(t, dir, "db", "prune", "--yes"); !strings.Contains(r.err, "gave up 0 points") {
		t.Errorf("by retention, says\n%s", r.err)
	}
	if r := packetheat(t, dir, "db", "check"); !strings.HasPrefix(r.out, "all is right") {
		t.Errorf("prints\n%s", r.out)
	}
}

func TestDBForget(t *testing.T) {
	dir := coverageStore(t)
	sealStore(t, filepath.Join(dir, "data"))
	if r := packetheat(t, dir, "db", "forget", "9.9.9.0/24", "--dry-run"); !strings.Contains(r.err, "would take out 80 points with 80 packets and 8.00 kB") {
		t.Errorf("says\n%s", r.err)
	}
	r := packetheat(t, dir, "db", "forget", "9.9.9.0/24", "2001:db8::1", "--yes")
	if !strings.Contains(r.err, "took out 80 points with 80 packets") || !strings.Contains(r.err, "not touched: files in out") {
		t.Errorf("says\n%s", r.err)
	}
	if out := packetheat(t, dir, "export", "csv", "-o", "-").out; strings.Contains(out, "9.9.9.9") || strings.Count(out, "1.1.1.1") != 60 {
		t.Errorf("exports\n%s", out)
	}
	if r := packetheat(t, dir, "db", "forget", "9.9.9.9", "--yes"); !strings.Contains(r.err, "took out 0 points") {
		t.Errorf("again, says\n%s", r.err)
	}
	if r := packetheat(t, dir, "db", "check"); !strings.HasPrefix(r.out, "all is right") {
		t.Errorf("prints\n%s", r.out)
	}
}

func TestDBMerge(t *testing.T) {
	dir := coverageStore(t)
	s, err := sqlite.Open(filepath.Join(dir, "north"), sqlite.Options{Tick: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	b := newBatch("north", time.Date(2026, 11, 17, 14, 0, 0, 0, time.UTC), time.Minute)
	addPoint(b, "8.8.8.8", true)
	appendBatch(t, s, b)
	s.Close()
	fast, err := sqlite.Open(filepath.Join(dir, "fast"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fast.Close()
	for range 2 {
		packetheat(t, dir, "db", "merge", "--data", "all", "north", "data")
		if got := rowsOf(t, packetheat(t, dir, "export", "csv", "-o", "-", "--data", "all").out); len(got) != 141 {
			t.Errorf("%d rows", len(got))
		}
	}
	if r := packetheat(t, dir, "db", "merge", "--data", "all", "north"); !strings.Contains(r.err, "north: added 0 points in 0 batches; 1 batch was there already") {
		t.Errorf("says\n%s", r.err)
	}
	var top topJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, "top", "sensor", "--json", "--data", "all").out), &top); err != nil || len(top.Rows) != 3 {
		t.Errorf("%+v, %v", top.Rows, err)
	}
	for args, said := range map[string]string{
		"db merge --data all fast": "only stores of equal ticks can be one",
		"db merge --data all all":  "they are the same file",
		"db merge --data all none": `there is no store in "none"`,
	} {
		r := call{dir: dir, args: strings.Fields(args)}.run(t)
		if r.status != exitFailed || !strings.Contains(r.err, said) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: status %d\n%s", args, r.status, r.err)
		}
	}
	// A batch of the same sensor where the other has given up what it had.
	packetheat(t, dir, "db", "prune", "--data", "all", "--before", "2026-11-17T15:00:00Z", "--yes")
	late, err := sqlite.Open(filepath.Join(dir, "north"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	more := newBatch("north", b.Tick, time.Minute)
	more.Seq = 1
	addPoint(more, "8.8.8.8", true)
	appendBatch(t, late, more)
	late.Close()
	r := call{dir: dir, args: strings.Fields("db merge --data all north")}.run(t)
	if r.status != exitFailed || !strings.Contains(r.err, "warning: 2 batches of north, Tue 2026-11-17 14:00:00 UTC") || !strings.Contains(r.err, "has given up its points") {
		t.Errorf("status %d\n%s", r.status, r.err)
	}
}

func TestDBStatsOfTiers(t *testing.T) {
	dir := coverageStore(t)
	sealStore(t, filepath.Join(dir, "data"))
	var got statsJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, "db", "stats", "--json").out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Tiers) != 3 || got.Tiers[0].Seconds != 600 || got.Tiers[0].Points != 140 || got.Tiers[0].SampleBytes == 0 || got.Tiers[2].ViewBytes == 0 {
		t.Errorf("%+v", got)
	}
	out := packetheat(t, dir, "db", "stats").out
	for _, want := range []string{"10m      15 tiers since 2026-11-17 15:00: views", "1h ", "1d ", "B a point"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}
