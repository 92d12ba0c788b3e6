package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/metrics"
)

// TestTopics shows each topic as help and as a page of section 7.
func TestTopics(t *testing.T) {
	all := packetheat(t, "", "help").out
	for _, topic := range topics() {
		help := packetheat(t, "", "help", topic.name).out
		if !strings.Contains(all, "packetheat "+topic.name+" ") || !strings.HasPrefix(help, topic.short+"\n\n") || strings.Contains(help, "**") {
			t.Errorf("help of %s is\n%.300s", topic.name, help)
		}
		for i, line := range strings.Split(help, "\n") {
			if len([]rune(line)) > 105 {
				t.Errorf("%s:%d is %d characters long", topic.name, i, len([]rune(line)))
			}
		}
		page := call{args: []string{"man", topic.name}, env: []string{"SOURCE_DATE_EPOCH=1800000000"}}.run(t)
		if !strings.Contains(page.out, ".TH") || !strings.Contains(page.out, `"Jan 2027"`) || !strings.Contains(page.out, ".SH") {
			t.Errorf("page of %s is\n%.300s", topic.name, page.out)
		}
	}
	dir := t.TempDir()
	packetheat(t, dir, "man", "--dir", ".")
	if pages, _ := filepath.Glob(filepath.Join(dir, "packetheat-*.7")); len(pages) != len(topics()) {
		t.Errorf("pages are %v", pages)
	}
}

// TestManualMetrics: the manual has every metric with its labels, and /metrics' words.
func TestManualMetrics(t *testing.T) {
	help := packetheat(t, "", "help", "metrics").out
	for _, m := range metrics.All() {
		line := m.Name
		if len(m.Labels) > 0 {
			line += "{" + strings.Join(m.Labels, ", ") + "}"
		}
		_, after, found := strings.Cut(help, "\n    "+line+"  "+m.Type()+"\n")
		if !found || !strings.HasPrefix(strings.Join(strings.Fields(after), " "), m.Help) {
			t.Errorf("%s is not in the manual", line)
		}
	}
}

// TestManualCommands parses every command that a topic shows: it is one, with flags that
// there are; and every key of the configuration that a topic names is one.
func TestManualCommands(t *testing.T) {
	comment := regexp.MustCompile(`\s+#.*`)
	key := regexp.MustCompile(`\b(sensor|geo|store|export|dashboard|fleet|alerts|log)\.[a-z_.]*[a-z]`)
	keys := map[string]bool{}
	var dumped []struct{ Key string }
	if err := json.Unmarshal([]byte(packetheat(t, t.TempDir(), "config", "dump", "--json").out), &dumped); err != nil {
		t.Fatal(err)
	}
	for _, k := range dumped {
		for at := k.Key; at != ""; at = at[:max(strings.LastIndexByte(at, '.'), 0)] {
			keys[at] = true
		}
	}
	commands := 0
	for _, topic := range topics() {
		for line := range strings.Lines(topic.text) {
			for _, k := range key.FindAllString(line, -1) {
				if !keys[k] && !strings.HasSuffix(k, ".db") {
					t.Errorf("%s: %q is no key of the configuration", topic.name, k)
				}
			}
			example, ok := strings.CutPrefix(line, "    ")
			if !ok {
				continue
			}
			for _, command := range strings.Split(comment.ReplaceAllString(strings.TrimSpace(example), ""), "&&") {
				words := strings.Fields(strings.TrimSpace(command))
				if len(words) == 0 || words[0] != "packetheat" {
					continue
				}
				commands++
				found, rest, err := (&program{}).root().Find(words[1:])
				if err == nil {
					err = found.ParseFlags(rest)
				}
				if err != nil || !found.Runnable() {
					t.Errorf("%s: %q: %v", topic.name, command, err)
				}
			}
		}
	}
	if commands < 8 {
		t.Errorf("only %d commands were found", commands)
	}
	if _, err := os.Stat("packaging/grafana/dashboard.json"); err != nil {
		t.Error(err) // which the manual names
	}
}
