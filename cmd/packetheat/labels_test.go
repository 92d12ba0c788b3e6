package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export/page"
)

// labelled is a store with traffic of clouds and others, and lists that say so.
func labelled(t *testing.T) string {
	t.Helper()
	dir := put(t, "office.pcap", pcap([][]byte{
		udp(us, "9.9.9.9", 40000, 53), udp("1.1.1.1", us, 53, 40000), udp("93.184.216.34", us, 53, 40000), udp("93.184.216.34", "10.0.0.6", 53, 40000),
		tcp("45.33.32.156", us, 443, 40000, false, 100),
	}))
	for name, text := range map[string]string{
		"config.yaml": "geo:\n  labels: [{file: devices.txt, label: my devices}, {file: bad.txt, label: blocked}]\n",
		"devices.txt": "# ours\n10.0.0.6 printer\n", "bad.txt": "45.33.0.0/16\nAS64500\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packetheat(t, dir, "replay", "office.pcap", "--data", "data")
	return dir
}

// label: in filters of the command line: clouds are built in, lists name the rest.
func TestLabelFilter(t *testing.T) {
	dir := labelled(t)
	for filter, want := range map[string][]string{
		"label:cloud":                       {"1.1.1.1", "9.9.9.9"},
		"-label:cloud":                      {"45.33.32.156", "93.184.216.34", "93.184.216.34"},
		`label:"My devices"`:                {"93.184.216.34"},
		"label:blocked":                     {"45.33.32.156", "9.9.9.9"}, // the latter by its AS
		`-label:cloud,blocked,"my devices"`: {"93.184.216.34"},
		"label:anycast dir:in":              {"1.1.1.1"},
	} {
		var got []string
		for _, row := range rowsOf(t, packetheat(t, dir, "export", "csv", "-o", "-", "--filter", filter).out) {
			got = append(got, strings.Fields(row)[3])
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filter, diff)
		}
	}
	r := call{dir: dir, args: []string{"top", "ip", "--filter", "label:tor"}}.run(t)
	if r.status != exitUsage || !strings.Contains(r.err, `label "tor" is unknown: use one of anycast, blocked, cloud, "my devices" (geo.labels adds some)`) {
		t.Errorf("status %d, %s", r.status, r.err)
	}
	var top topJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, "top", "ip", "--json").out), &top); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, row := range top.Rows {
		got[row.Key] = strings.Join(row.Labels, ",")
	}
	if diff := cmp.Diff(map[string]string{"1.1.1.1": "anycast,cloud", "9.9.9.9": "anycast,blocked,cloud", "45.33.32.156": "blocked", "93.184.216.34": ""}, got); diff != "" {
		t.Errorf("labels of addresses (-want +got):\n%s", diff)
	}
	if r := packetheat(t, dir, "top", "peer"); !strings.Contains(r.out, "my devices") {
		t.Errorf("top peer prints\n%s", r.out)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad.txt"), []byte("45.33.0.0/16\nnonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"tail", "-n", "1", "--filter", "label:cloud"}, {"export", "html", "-o", "x.html"}} {
		if r := (call{dir: dir, args: args}).run(t); r.status != exitFailed || !strings.Contains(r.err, `bad.txt:2: "nonsense" is no address, network or AS number`) {
			t.Errorf("%v: status %d, %s", args, r.status, r.err)
		}
	}
	packetheat(t, dir, "export", "csv", "-o", "-") // asks for no label
}

// A page carries the labels of what is in it, and can hide clouds; a masked one says none.
func TestLabelsInPages(t *testing.T) {
	dir := labelled(t)
	read := func(flags ...string) *page.Saved {
		packetheat(t, dir, append([]string{"export", "html", "-o", "map.html"}, flags...)...)
		file, err := os.ReadFile(filepath.Join(dir, "map.html"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := page.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := read()
	clouds := uint64(0)
	for _, r := range s.Rows {
		if r.Cloud {
			clouds += r.Packets
		}
	}
	if clouds != 2 || !s.Meta.Clouds || !slices.Equal(s.Meta.Labels, []string{"anycast", "blocked", "cloud", "my devices"}) {
		t.Errorf("%d packets of clouds, %v, %v", clouds, s.Meta.Clouds, s.Meta.Labels)
	}
	if s := read("--mask"); s.Meta.Labels != nil || s.Meta.Clouds {
		t.Errorf("a masked page has labels %v", s.Meta.Labels)
	}
	r := call{dir: dir, args: []string{"export", "html", "-o", "map.html", "--mask", "--filter", "label:blocked"}}.run(t)
	if r.status == exitDone || !strings.Contains(r.err, "your own names") {
		t.Errorf("a masked page tells a label: %s", r.err)
	}
}

// Known anycast networks are where the database says only where one wants that.
func TestPlaceAnycast(t *testing.T) {
	for _, c := range []struct{ place string }{{"false"}, {"true"}} {
		dir := put(t, "sample.pcap", sample())
		env := []string{"PACKETHEAT_GEO_PLACE_ANYCAST=" + c.place}
		if r := (call{dir: dir, env: env, args: []string{"replay", "sample.pcap"}}).run(t); r.status != exitDone {
			t.Fatal(r.err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "sample.pcap.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "Berlin") != (c.place == "true") || !strings.Contains(string(text), ",DE,") {
			t.Errorf("with place_anycast %s:\n%s", c.place, text)
		}
	}
}
