package packaging

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/packetheat/packetheat/cmd/internal/metrics"
)

// panel is what the test looks at of a panel of a Grafana dashboard.
type panel struct {
	ID                       int
	Type, Title, Description string
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []struct{ Expr string }
}

// expressions are all questions of the dashboard, as Prometheus would get them.
func expressions(t *testing.T) (panels []panel, list []string) {
	t.Helper()
	text, err := os.ReadFile("grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title       string
		Panels      []panel
		Annotations struct{ List []struct{ Expr string } }
	}
	if err := json.Unmarshal(text, &d); err != nil || d.Title != "packetheat" {
		t.Fatalf("dashboard %q: %v", d.Title, err)
	}
	filled := strings.NewReplacer("$__rate_interval", "5m", "$job", "packetheat", "$instance", ".*")
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			list = append(list, filled.Replace(target.Expr))
		}
	}
	for _, a := range d.Annotations.List {
		list = append(list, filled.Replace(a.Expr))
	}
	return d.Panels, list
}

// rule is one of the alerting rules.
type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) (list []rule) {
	t.Helper()
	text, err := os.ReadFile("grafana/rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(text, &file); err != nil || len(file.Groups) != 1 {
		t.Fatalf("%d groups, %v", len(file.Groups), err)
	}
	return file.Groups[0].Rules
}

var (
	name     = regexp.MustCompile(`\b(packetheat|go|process|up)(_[a-z0-9_]+)?\b(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*=`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([^)]*)\)`)
)

// known holds the metrics and labels of an expression to those that there are. It returns
// the names.
func known(t *testing.T, expr string) (names []string) {
	t.Helper()
	all := map[string][]string{"up": nil, "process_cpu_seconds_total": nil, "process_resident_memory_bytes": nil, "process_start_time_seconds": nil, "go_memstats_heap_inuse_bytes": nil}
	for _, m := range metrics.All() {
		all[m.Name] = m.Labels
	}
	given := []string{"job", "instance"} // by Prometheus
	quoted := regexp.MustCompile(`"[^"]*"`)
	for _, m := range name.FindAllStringSubmatch(quoted.ReplaceAllString(expr, `""`), -1) {
		metric, labels := m[1]+m[2], m[3]
		has, ok := all[metric]
		if !ok {
			t.Errorf("%s: there is no metric %s", expr, metric)
		}
		for _, l := range matcher.FindAllStringSubmatch(labels, -1) {
			if !slices.Contains(has, l[1]) && !slices.Contains(given, l[1]) {
				t.Errorf("%s: %s has no label %s", expr, metric, l[1])
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
			for _, l := range strings.Split(g[1], ",") {
				if l = strings.TrimSpace(l); !slices.Contains(has, l) && !slices.Contains(given, l) {
					t.Errorf("%s: %s has no label %s", expr, metric, l)
				}
			}
		}
		names = append(names, metric)
	}
	if len(names) == 0 {
		t.Errorf("%s asks for no metric", expr)
	}
	return names
}

// TestDashboard holds the Grafana dashboard to the metrics that there are, and its panels
// to places of their own.
func TestDashboard(t *testing.T) {
	panels, exprs := expressions(t)
	ids := map[int]bool{}
	taken := map[[2]int]string{}
	for _, p := range panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("panel %d %q: %q, %d targets", p.ID, p.Title, p.Description, len(p.Targets))
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" || x >= 24 {
					t.Errorf("%q lies on %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
	asked := map[string]bool{}
	for _, expr := range exprs {
		for _, n := range known(t, expr) {
			asked[n] = true
		}
	}
	if len(asked) < 30 {
		t.Errorf("only %d metrics are shown: %q", len(asked), slices.Sorted(maps.Keys(asked)))
	}
}

// TestRules holds the alerting rules to the metrics that there are, and each to words
// that say what to do.
func TestRules(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules(t) {
		known(t, r.Expr)
		if seen[r.Alert] || !strings.HasPrefix(r.Alert, "Packetheat") || !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) ||
			!strings.HasPrefix(r.Annotations["summary"], "{{ $labels.instance }}: ") || !strings.HasSuffix(r.Annotations["description"], ".") {
			t.Errorf("%+v", r)
		}
		seen[r.Alert] = true
	}
	if len(seen) < 15 {
		t.Errorf("%d rules", len(seen))
	}
}

// TestPromtool lets Prometheus read the rules, try them on made-up series, and read the
// dashboard's expressions. It is skipped where Debian's package prometheus is not installed:
// that would run a server on the machine of whoever tests.
func TestPromtool(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("promtool is missing: it is in Debian's package prometheus")
	}
	dir := t.TempDir()
	for _, file := range []string{"rules.yml", "rules_test.yml"} {
		text, err := os.ReadFile("grafana/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, nil, "promtool", "check", "rules", filepath.Join(dir, "rules.yml"))
	run(t, nil, "promtool", "test", "rules", filepath.Join(dir, "rules_test.yml"))
	_, exprs := expressions(t)
	type record struct{ Record, Expr string }
	var records []record
	for i, expr := range exprs {
		records = append(records, record{fmt.Sprintf("dashboard:%d", i), expr})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": records}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "dashboard.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, nil, "promtool", "check", "rules", "--lint=none", file)
}
