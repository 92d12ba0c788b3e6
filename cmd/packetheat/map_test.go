package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// TestMap draws the sample at several sizes into a pipe: the answer, a world, heat, a
// legend with its unit, and the list.
func TestMap(t *testing.T) {
	dir := sharedStore(t)
	for _, c := range []struct {
		name string
		env  []string
		args []string
		says []string
	}{
		{"plain", []string{"LANG=C.UTF-8"}, nil, []string{"sample · Tue 17 Nov 2026 15:00–16:30 CET · 12 packets, 4.80 kB", "packets within", "Places by packets", "Paris, FR", "⣿", "█"}},
		{"bytes by network", []string{"LANG=C.UTF-8"}, []string{"--unit", "bytes", "--by", "asn"}, []string{"bytes within", "Networks by bytes", "Example Net AS64500"}},
		{"ASCII", []string{"LANG=C"}, nil, []string{"sample | Tue 17 Nov 2026 15:00-16:30 CET", ":::", "@"}},
		{"wide", []string{"LANG=C.UTF-8", "COLUMNS=140", "LINES=40"}, nil, []string{"100 % located", "   1 Paris, FR"}},
		{"colours into a pipe", []string{"LANG=C.UTF-8", "COLORTERM=truecolor"}, []string{"--color", "always"}, []string{"\x1b[38;2;"}},
		{"a filter", []string{"LANG=C.UTF-8"}, []string{"--filter", "proto:udp"}, []string{"2 packets, 200 B", "proto:udp"}},
		{"a filter that matches nothing", []string{"LANG=C.UTF-8"}, []string{"--filter", "country:AQ"}, []string{"Nothing matches the filter"}},
		{"another year", []string{"LANG=C.UTF-8"}, []string{"--at", "2020-01-01"}, []string{"No data in this window: the store has Tue 17 Nov 2026"}},
		{"several stores", []string{"LANG=C.UTF-8"}, []string{"--data", "data"}, []string{"12 packets"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{dir: dir, env: c.env, args: append([]string{"map"}, c.args...)}.run(t)
			if r.status != exitDone {
				t.Fatalf("status %d: %s", r.status, r.err)
			}
			for _, text := range c.says {
				if !strings.Contains(r.out, text) {
					t.Errorf("does not say %q:\n%s", text, r.out)
				}
			}
			if c.name != "colours into a pipe" && strings.Contains(r.out, "\x1b") {
				t.Errorf("a pipe gets colours: %q", r.out)
			}
			wide := 80
			if c.name == "wide" {
				wide = 140
			}
			for _, line := range strings.Split(r.out, "\n") {
				if !strings.Contains(line, "\x1b") && utf8.RuneCountInString(line) > wide {
					t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
				}
			}
		})
	}
}

// TestMapJSON shows that the map's places add up to what the store has.
func TestMapJSON(t *testing.T) {
	dir := sharedStore(t)
	r := packetheat(t, dir, "map", "--json", "--unit", "bytes")
	var m mapJSON
	if err := json.Unmarshal([]byte(r.out), &m); err != nil {
		t.Fatal(err)
	}
	var top topJSON
	if err := json.Unmarshal([]byte(packetheat(t, dir, "top", "place", "--json", "-n", "0").out), &top); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(top.Total, m.Total); diff != "" || m.Total.Packets != 12 {
		t.Error(diff)
	}
	sum, last := m.Unlocated, ^uint64(0)
	for _, c := range m.Cells {
		sum.Packets, sum.Bytes, sum.Opens = sum.Packets+c.Packets, sum.Bytes+c.Bytes, sum.Opens+c.Opens
		if c.Bytes > last {
			t.Errorf("not in order of bytes: %+v", m.Cells)
		}
		last = c.Bytes
		if c.In.Packets+c.Out.Packets != c.Packets {
			t.Errorf("%+v does not add up", c)
		}
	}
	if sum != m.Total || len(m.Cells) == 0 || m.Unit != "bytes" {
		t.Errorf("cells add up to %+v, the total is %+v", sum, m.Total)
	}
}

func TestMapWrong(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"--unit bits", exitUsage, `--unit "bits" is not possible: use packets or bytes`},
		{"--by nonsense", exitUsage, `cannot sum by "nonsense"`},
		{"--color perhaps", exitUsage, "use auto, always or never"},
		{"--theme grey", exitUsage, "use auto, dark or light"},
		{"--last soon", exitUsage, `duration "soon" is not one`},
		{"--filter prot:tcp", exitUsage, `filter key "prot" is unknown`},
		{"--data none", exitFailed, `there is no store in "none"`},
		{"extra", exitUsage, "takes no arguments"},
	} {
		r := call{args: append([]string{"map"}, strings.Fields(c.args)...)}.run(t)
		if r.status != c.status || !strings.Contains(r.err, c.said) || r.out != "" {
			t.Errorf("%s: status %d\n%s%s", c.args, r.status, r.out, r.err)
		}
	}
}

// copyStore copies the shared store, for tests that write to it.
func copyStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	from := filepath.Join(sharedStore(t), "data")
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return dir
}
