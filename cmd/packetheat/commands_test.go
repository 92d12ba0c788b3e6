package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/store"
)

// TestUsage shows the exit status and the one line of what is wrong on the command line.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args string
		said string
	}{
		{"bogus", `unknown command "bogus"`},
		{"run --bogus", "unknown flag: --bogus (see: packetheat run --help)"},
		{"run extra", `packetheat run takes no arguments, and "extra" is one`},
		{"top", "write one of " + strings.Join(store.Dimensions(), "|")},
		{"top nonsense", "packetheat top nonsense is not possible: write one of place|country|city|"},
		{"top country city", `"city" is one more`},
		{"export", "write one of html|csv|geojson|ndjson|sqlite"},
		{"export pdf", "packetheat export pdf is not possible"},
		{"top country -n many", `--limit "many" is not possible: write a whole number`},
		{"replay x --speed fast", `--speed "fast" is not possible: write a number`},
		{"run --print=perhaps", `--print "perhaps" is not possible: write true or false`},
		{"interfaces --wait 5", `--wait: duration "5" is not one`},
		{"run --open perhaps", "use auto, always or never"},
		{"run --duration soon", `duration "soon" is not one`},
		{"run --listen nowhere", "dashboard.listen"},
		{"run --interface a/b", "sensor.interfaces"},
		{"geo bogus", `unknown command "bogus": packetheat geo has lookup, status, update`},
		{"geo lookup", "name addresses, or - for"},
		{"geo lookup 1.2.3", `"1.2.3" is no IP address`},
		{"tail -n -1", "-n -1 is not possible"},
		{"interfaces --wait 1h", "--wait 1h0m0s is not possible"},
		{"man bogus", "there is no command"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := call{args: strings.Fields(c.args)}.run(t)
			if r.status != exitUsage || !strings.HasPrefix(r.err, "packetheat: ") || !strings.Contains(r.err, c.said) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
			}
		})
	}
}

// TestHelp holds every command to a description, and its examples to flags that exist.
func TestHelp(t *testing.T) {
	p := &program{}
	for _, c := range p.root().Commands() {
		if c.Name() == "help" || c.Name() == "completion" || !c.Runnable() {
			continue
		}
		r := packetheat(t, "", append(strings.Fields(c.Name()), "--help")...)
		if c.Short == "" || !strings.Contains(r.out, "Usage:") || r.err != "" {
			t.Errorf("%s: help is\n%s%s", c.Name(), r.out, r.err)
		}
	}
	all := packetheat(t, "").out
	for _, name := range []string{"run", "demo", "replay", "export", "top", "tail", "serve", "status", "geo", "db", "fleet", "interfaces", "config", "doctor", "version", "completion", "man"} {
		if !strings.Contains(all, "\n  "+name+" ") {
			t.Errorf("help does not list %s", name)
		}
	}
}

func TestSmallCommands(t *testing.T) {
	if out := packetheat(t, "", "version").out; !strings.HasPrefix(out, "packetheat "+release) {
		t.Errorf("version is %q", out)
	}
	var v map[string]string
	if err := json.Unmarshal([]byte(packetheat(t, "", "version", "--json").out), &v); err != nil || v["version"] == "" {
		t.Errorf("%v %v", v, err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := packetheat(t, "", "completion", shell).out; !strings.Contains(out, "packetheat") {
			t.Errorf("completion for %s is %d bytes", shell, len(out))
		}
	}
	if out := packetheat(t, "", "man", "export").out; !strings.Contains(out, ".TH \"PACKETHEAT\" \"1\"") || !strings.Contains(out, "SHA-256") {
		t.Errorf("manual page is\n%.300s", out)
	}
	dir := t.TempDir()
	packetheat(t, dir, "man", "--dir", "m")
	if pages, _ := filepath.Glob(filepath.Join(dir, "m", "packetheat*.1")); len(pages) < 15 {
		t.Errorf("pages are %v", pages)
	}
}

func TestGeo(t *testing.T) {
	r := packetheat(t, "", "geo", "lookup", "9.9.9.9", "4.4.4.4", "10.0.0.1", "--json")
	var got []foundJSON
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatalf("%v\n%s", err, r.out)
	}
	latitude, longitude := 48.8534, 2.3488
	want := []foundJSON{
		{IP: "9.9.9.9", Latitude: &latitude, Longitude: &longitude, Country: "FR", City: "Paris", Precision: "city", ASN: 64500, ASOrg: "Example Net", Labels: []string{"anycast", "cloud"}, Source: "city.mmdb"},
		{IP: "4.4.4.4", Country: "US", Precision: "country", Labels: []string{}, Source: "city.mmdb"},
		{IP: "10.0.0.1", Labels: []string{}, Source: "city.mmdb"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	lines := call{args: []string{"geo", "lookup", "-"}, stdin: "9.9.9.9 seen twice\n\n2620:fe::fe\n"}.run(t)
	if lines.status != exitDone || strings.Count(lines.out, "\n") != 2 || !strings.HasPrefix(lines.out, "9.9.9.9\t48.8534,2.3488\tFR\t\tParis\tcity\t\tAS64500 Example Net\tanycast, cloud\tcity.mmdb\n") {
		t.Errorf("status %d\n%s%s", lines.status, lines.out, lines.err)
	}
	bad := call{args: []string{"geo", "lookup", "-", "--json"}, stdin: "9.9.9.9\nbogus\n"}.run(t)
	if bad.status != exitFailed && strings.Count(bad.out, "\n") != 1 || !strings.Contains(bad.err, `"bogus" is no IP address`) {
		t.Errorf("status %d\n%s%s", bad.status, bad.out, bad.err)
	}
	if out := packetheat(t, "", "geo", "status").out; !strings.Contains(out, "city.mmdb") || !strings.Contains(out, "asn.mmdb") {
		t.Errorf("status is\n%s", out)
	}
}

// TestGeoRefused shows what a wrong database is answered with.
func TestGeoRefused(t *testing.T) {
	files, err := databases()
	if err != nil {
		t.Fatal(err)
	}
	_, asn, _ := strings.Cut(files[1], "=")
	garbage := filepath.Join(t.TempDir(), "garbage.mmdb")
	if err := os.WriteFile(garbage, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, said string }{
		"missing":    {"/none/city.mmdb", "no such file"},
		"corrupt":    {garbage, "geo.city"},
		"wrong type": {asn, "geo.city"},
	} {
		t.Run(name, func(t *testing.T) {
			r := call{env: []string{"PACKETHEAT_GEO_CITY=" + c.path}, args: []string{"geo", "lookup", "9.9.9.9"}}.run(t)
			if r.status != exitFailed || !strings.Contains(r.err, c.said) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("status %d\n%s%s", r.status, r.out, r.err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	dir := put(t, "config.yaml", []byte("sensor:\n  tick: 7s\nstore:\n  paht: x\n"))
	r := call{dir: dir, env: []string{"PACKETHEAT_SENSOR_SHARDS=many"}, args: []string{"config", "check"}}.run(t)
	want := "packetheat: config.yaml:2: sensor.tick: tick 7s is not possible: use 1s, 2s, 5s, 10s, 15s, 30s or 60s\n" +
		"packetheat: config.yaml:4: store.paht: unknown key; did you mean store.path?\n" +
		"packetheat: PACKETHEAT_SENSOR_SHARDS: sensor.shards: \"many\" is not possible: write a whole number from 0 to 256\n"
	if diff := cmp.Diff(result{err: want, status: exitFailed}, r, cmp.AllowUnexported(result{})); diff != "" {
		t.Error(diff)
	}
	dir = put(t, "config.yaml", []byte("store: {retention: {points: 7d, views: {10m: 3d}}}\n"))
	r = packetheat(t, dir, "config", "check")
	if r.out != "configuration is good (config.yaml)\n" || !strings.Contains(r.err, "warning: config.yaml:1: store.retention.views.10m: 3d is shorter than store.retention.points, which it lasts as long as") {
		t.Errorf("says\n%s%s", r.out, r.err)
	}
	r = packetheat(t, dir, "config", "dump", "--sources", "--data", "elsewhere")
	for _, line := range []string{"    points: 7d # file", "  path: elsewhere # flag", "  tick: 10s # default"} {
		if !strings.Contains(r.out, "\n"+line+"\n") {
			t.Errorf("dump lacks %q:\n%s", line, r.out)
		}
	}
	if r := (call{env: []string{"PACKETHEAT_STOER_PATH=x"}, args: []string{"config", "check"}}).run(t); r.status != exitUsage || !strings.Contains(r.err, "did you mean PACKETHEAT_STORE_PATH?") {
		t.Errorf("unknown variable: status %d\n%s", r.status, r.err)
	}
	if r := (call{dir: dir, args: []string{"config", "check", "--config", "none.yaml"}}).run(t); r.status != exitFailed || !strings.Contains(r.err, "none.yaml") {
		t.Errorf("missing file: status %d\n%s", r.status, r.err)
	}
	var keys []map[string]any
	if err := json.Unmarshal([]byte(packetheat(t, dir, "config", "dump", "--json").out), &keys); err != nil || len(keys) < 50 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
}

func TestStatusWithoutSensor(t *testing.T) {
	r := call{dir: sharedStore(t), args: []string{"status"}}.run(t)
	if r.status != exitFailed || r.err != "packetheat: no sensor writes to the store \"data\": start one with packetheat run, or name another store with --data\n" {
		t.Errorf("status %d\n%s", r.status, r.err)
	}
}

func TestInterfacesAndDoctor(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/dev"); err != nil {
		t.Skip("not on Linux")
	}
	var rows []interfaceJSON
	if err := json.Unmarshal([]byte(packetheat(t, "", "interfaces", "--json", "--wait", "0s").out), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) == 0 {
		t.Error("no interface, not even loopback")
	}
	r := call{args: []string{"doctor", "--json", "--trial", "0s"}, env: []string{"PACKETHEAT_DASHBOARD_LISTEN=off"}}.run(t)
	var findings []finding
	if err := json.Unmarshal([]byte(r.out), &findings); err != nil {
		t.Fatalf("%v\n%s%s", err, r.out, r.err)
	}
	levels := map[string]string{}
	failed := false
	for _, f := range findings {
		levels[f.Check] = f.Level
		failed = failed || f.Level == failure
	}
	for _, check := range []string{"configuration", "kernel", "rights", "places", "store", "disk", "output", "page", "clock"} {
		if levels[check] == "" {
			t.Errorf("doctor does not look at %s:\n%s", check, r.out)
		}
	}
	if failed != (r.status == exitFailed) {
		t.Errorf("status %d with\n%s", r.status, r.out)
	}
}
