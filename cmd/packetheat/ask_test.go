package main

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "github.com/mattn/go-sqlite3"
)

func TestExport(t *testing.T) {
	dir := sharedStore(t)
	out := t.TempDir()
	for _, c := range []struct {
		format string
		check  func(t *testing.T, name string, content []byte)
	}{
		{"csv", func(t *testing.T, _ string, content []byte) {
			if diff := cmp.Diff(sampleRows, rowsOf(t, string(content))); diff != "" {
				t.Error(diff)
			}
		}},
		{"ndjson", func(t *testing.T, _ string, content []byte) {
			if n := strings.Count(strings.TrimSpace(string(content)), "\n") + 1; n != len(sampleRows) {
				t.Errorf("%d lines", n)
			}
		}},
		{"geojson", func(t *testing.T, _ string, content []byte) {
			var collection struct{ Features []json.RawMessage }
			if err := json.Unmarshal(content, &collection); err != nil || len(collection.Features) != len(sampleRows) {
				t.Errorf("%d features, %v", len(collection.Features), err)
			}
		}},
		{"sqlite", func(t *testing.T, name string, _ []byte) {
			db, err := sql.Open("sqlite3", name)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var packets int
			if err := db.QueryRow("SELECT sum(packets) FROM points").Scan(&packets); err != nil || packets != 12 {
				t.Errorf("%d packets, %v", packets, err)
			}
		}},
		{"html", func(t *testing.T, _ string, content []byte) {
			if !strings.HasPrefix(strings.ToLower(string(content[:100])), "<!doctype html>") {
				t.Errorf("begins %.100s", content)
			}
		}},
	} {
		t.Run(c.format, func(t *testing.T) {
			name := filepath.Join(out, "file."+c.format)
			r := packetheat(t, dir, "export", c.format, "-o", name)
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, name, content)
			if !strings.Contains(r.err, "12 packets") {
				t.Errorf("says %s", r.err)
			}
			if c.format != "html" {
				return
			}
			sum := sha256.Sum256(content)
			if want := hex.EncodeToString(sum[:]) + "  " + name + "\n"; r.out != want {
				t.Errorf("prints %q, want %q", r.out, want)
			}
		})
	}
	if r := packetheat(t, dir, "export", "csv", "-o", "-"); len(rowsOf(t, r.out)) != len(sampleRows) {
		t.Errorf("standard output has\n%s", r.out)
	}
}

// TestExportFails shows that a failed export leaves no file, not even a part of one.
func TestExportFails(t *testing.T) {
	dir := sharedStore(t)
	out := t.TempDir()
	for _, c := range []struct {
		name   string
		args   []string
		status int
		said   string
	}{
		{"no such folder", []string{"export", "csv", "-o", filepath.Join(out, "none", "x.csv")}, exitFailed, "choose another with -o"},
		{"a folder", []string{"export", "csv", "-o", out}, exitFailed, "is a folder"},
		{"no store", []string{"export", "csv", "-o", filepath.Join(out, "x.csv"), "--data", out}, exitFailed, "there is no store in"},
		{"bad filter", []string{"export", "csv", "-o", filepath.Join(out, "x.csv"), "--filter", "prot:tcp"}, exitUsage, `filter key "prot" is unknown`},
		{"bad window", []string{"export", "csv", "-o", filepath.Join(out, "x.csv"), "--last", "soon"}, exitUsage, `duration "soon" is not one`},
		{"no output", []string{"export", "csv"}, exitUsage, "say where to write: -o FILE"},
		{"no format", []string{"export", "-o", filepath.Join(out, "x")}, exitUsage, "write one of html|csv"},
		{"bad format", []string{"export", "pdf", "-o", filepath.Join(out, "x")}, exitUsage, "export pdf is not possible"},
		{"bad detail", []string{"export", "html", "-o", filepath.Join(out, "x"), "--detail", "much"}, exitUsage, "use places, addresses or full"},
		{"detail of CSV", []string{"export", "csv", "-o", filepath.Join(out, "x"), "--detail", "full"}, exitUsage, "--detail is for html only"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{dir: dir, args: c.args}.run(t)
			lines := strings.Split(strings.TrimSpace(r.err), "\n")
			last := lines[len(lines)-1]
			if r.status != c.status || !strings.Contains(last, c.said) || !strings.HasPrefix(last, "packetheat: ") || r.out != "" {
				t.Errorf("status %d:\n%s%s", r.status, r.out, r.err)
			}
			if left, _ := os.ReadDir(out); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// TestWindows shows what the window flags let through, and what is echoed.
func TestWindows(t *testing.T) {
	dir := sharedStore(t)
	for _, c := range []struct {
		name string
		args []string
		rows int
		said string
	}{
		{"all", nil, 6, "window: Tue 2026-11-17 15:00:00 CET – Tue 2026-11-17 16:30:10 CET (Tue 2026-11-17 14:00:00 UTC – Tue 2026-11-17 15:30:10 UTC)"},
		{"at, in the system's zone", []string{"--at", "2026-11-17 15:00"}, 4, "window: Tue 2026-11-17 15:00:00 CET – Tue 2026-11-17 15:30:00 CET"},
		{"at, in UTC", []string{"--at", "2026-11-17 15:00", "--utc", "--for", "1h"}, 2, "window: Tue 2026-11-17 15:00:00 UTC – Tue 2026-11-17 16:00:00 UTC\n"},
		{"at, elsewhere", []string{"--at", "2026-11-17 23:00", "--tz", "Asia/Tokyo"}, 4, "JST"},
		{"half-open", []string{"--from", "2026-11-17T14:00:00Z", "--to", "2026-11-17T15:30:00Z"}, 4, ""},
		{"open to one side", []string{"--from", "2026-11-17T14:00:01Z"}, 2, ""},
		{"nothing there", []string{"--at", "2020-01-01"}, 0, `no data in this window: the store "data" has Tue 2026-11-17`},
		{"filtered", []string{"--filter", "opened:them,us -country:JP"}, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := packetheat(t, dir, append([]string{"export", "csv", "-o", "-"}, c.args...)...)
			if n := len(rowsOf(t, r.out)); n != c.rows || !strings.Contains(r.err, c.said) {
				t.Errorf("%d rows, want %d; says\n%s", n, c.rows, r.err)
			}
		})
	}
	for _, args := range [][]string{
		{"--last", "1h", "--from", "yesterday"}, {"--for", "1h"}, {"--from", "now", "--to", "-1h"}, {"--tz", "Mars/Base", "--last", "1h"}, {"--tz", "UTC", "--utc"},
	} {
		if r := (call{dir: dir, args: append([]string{"top", "ip"}, args...)}).run(t); r.status != exitUsage || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%v: status %d\n%s", args, r.status, r.err)
		}
	}
}

func TestTop(t *testing.T) {
	dir := sharedStore(t)
	r := packetheat(t, dir, "top", "ip")
	want := `ip                     network              packets   share    bytes       in    out  opens  addresses  labels
9.9.9.9      Paris, FR     AS64500 Example Net        7  58.3 %  4.30 kB  4.00 kB  300 B      1          1  anycast, cloud
1.1.1.1      Berlin, DE                               2  16.7 %    200 B    100 B  100 B                 1  anycast, cloud
8.8.8.8      New York, US                             2  16.7 %    200 B    200 B    0 B                 1  anycast, cloud
2620:fe::fe  Tokyo, JP     AS64500 Example Net        1   8.3 %    100 B    100 B    0 B      1          1  anycast, cloud
`
	if diff := cmp.Diff(strings.Fields(want), strings.Fields(r.out)); diff != "" {
		t.Errorf("%s\n%s", diff, r.out)
	}
	for _, c := range []struct{ args, want string }{
		{"country", "FR DE US JP"}, {"city", "Paris Berlin New_York Tokyo"}, {"asn", "AS64500 –"}, {"port", "443/tcp – 53/udp 22/tcp"},
		{"proto", "tcp icmp udp"}, {"peer", "10.0.0.5 fd00::5"}, {"ip -n 1", "9.9.9.9"}, {"ip --sort opens -n 2", "9.9.9.9 2620:fe::fe"},
		{"ip --filter proto:icmp", "8.8.8.8"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := packetheat(t, dir, append([]string{"top"}, strings.Fields(c.args)...)...)
			var got []string
			for _, line := range strings.Split(strings.TrimSpace(r.out), "\n")[1:] {
				name := strings.ReplaceAll(line, "New York", "New_York")
				got = append(got, strings.Fields(name)[0])
			}
			if diff := cmp.Diff(strings.Fields(c.want), got); diff != "" {
				t.Errorf("%s\n%s", diff, r.out)
			}
		})
	}
	for _, args := range [][]string{{"top"}, {"top", "planet"}, {"top", "ip", "--sort", "name"}, {"top", "ip", "-n", "-1"}} {
		if r := (call{dir: dir, args: args}).run(t); r.status != exitUsage {
			t.Errorf("%v: status %d\n%s", args, r.status, r.err)
		}
	}
}

func TestTopJSON(t *testing.T) {
	r := packetheat(t, sharedStore(t), "top", "country", "--json", "--utc")
	var got topJSON
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, r.out)
	}
	if got.Count != 4 || got.Total.Packets != 12 || got.Rows[0].Key != "FR" || got.Rows[0].In.Bytes != 4000 ||
		got.Window.From.IsZero() || got.Rows[0].First != "2026-11-17T14:00:00Z" {
		t.Errorf("%+v", got)
	}
}

func TestTail(t *testing.T) {
	dir := sharedStore(t)
	r := packetheat(t, dir, "tail", "-n", "3", "--utc")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), r.out)
	}
	if diff := cmp.Diff([]string{"15:30:00", "in", "8.8.8.8", "icmp", "2", "200", "B", "40.7143,-74.0060", "New", "York,", "US"}, strings.Fields(lines[1])); diff != "" {
		t.Errorf("%s\n%s", diff, r.out)
	}
	r = packetheat(t, dir, "tail", "-n", "0", "--json", "--filter", "ip:9.9.9.9")
	var points []pointJSON
	decoder := json.NewDecoder(strings.NewReader(r.out))
	for decoder.More() {
		var point pointJSON
		if err := decoder.Decode(&point); err != nil {
			t.Fatal(err)
		}
		points = append(points, point)
	}
	if len(points) != 2 || points[0].City != "Paris" || points[0].ASOrg != "Example Net" || *points[0].Port != 443 || points[0].Bytes+points[1].Bytes != 4300 {
		t.Errorf("%+v", points)
	}
}

func TestDBStats(t *testing.T) {
	dir := sharedStore(t)
	var got statsJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, "db", "stats", "--json").out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Points != 6 || got.TickSeconds != 10 || len(got.Sensors) != 1 || got.Sensors[0] != "sample" || got.Bytes == 0 {
		t.Errorf("%+v", got)
	}
	if out := packetheat(t, dir, "db", "stats").out; !strings.Contains(out, "points   6 in") || !strings.Contains(out, "sensors  sample") {
		t.Errorf("prints\n%s", out)
	}
}
