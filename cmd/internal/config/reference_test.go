package config

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const reference = "../../../config.yaml"

// TestReference holds config.yaml at the top to the list of keys and to the defaults:
// it names every key and, read as it is, changes nothing.
func TestReference(t *testing.T) {
	loaded := load(t, Options{File: reference})
	if diff := cmp.Diff(load(t, nothing()).Config, loaded.Config, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the values of the file are not the defaults: %s", diff)
	}
	if len(loaded.Warnings) > 0 {
		t.Errorf("reading it warns of %q", loaded.Warnings)
	}
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	lines, problems := checkFile(reference, text, loaded.keys())
	if len(problems) > 0 {
		t.Error(problems)
	}
	for _, k := range loaded.keys() {
		if lines[k.name] == 0 {
			t.Errorf("%s is missing in the file", k.name)
		}
		if loaded.Moved(k.name) {
			t.Errorf("%s counts as chosen by the user", k.name)
		}
	}
}

// TestReferenceSoon checks that the file marks exactly the keys that have no effect
// yet: by "(soon)" in the comment above them or above a section they are in.
func TestReferenceSoon(t *testing.T) {
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	var c Config
	lines, _ := checkFile(reference, text, c.keys())
	content := strings.Split(string(text), "\n")
	for _, k := range c.keys() {
		marked := false
		for path := k.name; path != "" && !marked; path = path[:max(strings.LastIndexByte(path, '.'), 0)] {
			marked = strings.Contains(commentAbove(content, lines[path]), "(soon)")
		}
		if marked != (k.later != "") {
			t.Errorf("%s: marked (soon) in the file is %v, later in the list of keys is %q", k.name, marked, k.later)
		}
	}
}

// commentAbove returns the comment that a line stands under; lines of keys that
// follow each other without a comment share one.
func commentAbove(content []string, line int) string {
	var comment []string
	indent := func(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }
	own := indent(content[line-1])
	i := line - 2
	for i >= 0 && content[i] != "" && !strings.HasPrefix(strings.TrimSpace(content[i]), "#") && indent(content[i]) == own {
		i--
	}
	for ; i >= 0 && strings.HasPrefix(strings.TrimSpace(content[i]), "#"); i-- {
		comment = append(comment, content[i])
	}
	slices.Reverse(comment)
	return strings.Join(comment, "\n")
}

// TestKeys checks the list of keys against itself.
func TestKeys(t *testing.T) {
	var c Config
	variables := map[string]string{}
	for _, k := range c.keys() {
		if k.name != strings.ToLower(k.name) {
			t.Errorf("%s: viper folds keys to lower case", k.name)
		}
		if other, ok := variables[envName(k.name)]; ok {
			t.Errorf("%s and %s share the variable %s", other, k.name, envName(k.name))
		}
		variables[envName(k.name)] = k.name
		if k.promises && k.later == "" {
			t.Errorf("%s promises something, but is not later", k.name)
		}
	}
}

// TestDump reads what was dumped again.
func TestDump(t *testing.T) {
	before := load(t, write(t, `
sensor: {interfaces: [eth0], tunnels: outer, local_networks: [10.0.0.0/8], ring: {total: 64MiB}}
geo: {max_age: never, home: {latitude: 1.5, longitude: 2}, networks: [{network: 10.0.0.0/8, latitude: 1, longitude: 2, map: true}]}
store: {retention: {points: forever, views: {10m: 36h}}}
export: {budget: {cpu: 2.5%}, jobs: [{name: a, last: 1h, filter: "port:22", formats: [csv], refresh: 90s, keep: 7}, {name: b, at: yesterday, for: 2h}]}
dashboard: {listen: "off"}
`))
	for _, sources := range []bool{false, true} {
		var b bytes.Buffer
		if err := before.Dump(&b, sources); err != nil {
			t.Fatal(err)
		}
		after, err := Load(write(t, b.String()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, &b)
		}
		if diff := cmp.Diff(before.Config, after.Config, cmpopts.EquateEmpty(), cmp.Comparer(samePrefix)); diff != "" {
			t.Errorf("%s\n%s", diff, &b)
		}
		if sources != strings.Contains(b.String(), "tick: 10s # default") {
			t.Errorf("sources are not as asked:\n%s", &b)
		}
	}
}
