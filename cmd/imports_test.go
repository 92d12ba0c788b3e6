// Package cmd_test holds the rules that bind the whole module: which package may
// know which. It lives beside the programs because they alone may import everything.
package cmd_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/packetheat/packetheat"

// stations maps each station of the data's way to the stations it may import. A
// package further down (geo/x) belongs to the nearest station above it, and packages
// of one station may import each other freely. A folder of the module that is below
// none of these is not allowed to hold Go files.
var stations = map[string][]string{
	"cmd":              {"*"},
	"sensor":           {"sensor/capture", "sensor/decode", "geo", "store"},
	"sensor/capture":   {},
	"sensor/decode":    {},
	"geo":              {},
	"store":            {},
	"store/sqlite":     {"store"},
	"store/clickhouse": {"store"},
	"export":           {"store", "export/page"},
	"export/page":      {},
	"export/dashboard": {"export", "export/page", "store"},
}

// testOnly are the packages that exist for tests: nothing else may import them, and
// the tests of every station may.
var testOnly = []string{"sensor/capture/capturetest", "store/sqlite/powerloss", "store/clickhouse/chtest"}

// goFile is what the rules need to know of one file.
type goFile struct {
	name    string   // relative to the top of the module, with slashes
	imports []string // of this module only, relative to its top
}

// TestImports parses the files instead of asking "go list": a cached test would not
// notice that another package's imports have changed, files opened here are noticed.
func TestImports(t *testing.T) {
	files := moduleFiles(t, "..")
	if len(files) < 10 {
		t.Fatalf("found %d Go files in the module: the walk is broken", len(files))
	}
	for _, f := range files {
		for _, broken := range breaches(f) {
			t.Error(broken)
		}
	}
}

// TestBreaches shows that the rules can fail, each in its own way.
func TestBreaches(t *testing.T) {
	for _, c := range []struct {
		name string
		file goFile
		want []string
	}{
		{"allowed", goFile{"sensor/run.go", []string{"store", "geo", "sensor/capture"}}, nil},
		{"everything for commands", goFile{"cmd/internal/demo/x.go", []string{"store/sqlite", "cmd/internal/config"}}, nil},
		{"own subfolder", goFile{"geo/builtin/gen/main.go", []string{"geo"}}, nil},
		{"test helper in a test", goFile{"sensor/run_test.go", []string{"sensor/capture/capturetest"}}, nil},
		{"test helper in a program", goFile{"cmd/packetheat/run.go", []string{"sensor/capture/capturetest"}},
			[]string{"cmd/packetheat/run.go imports sensor/capture/capturetest, which is for tests only"}},
		{"station up the stream", goFile{"store/point.go", []string{"sensor"}},
			[]string{"store/point.go imports sensor: store may import none of ours"}},
		{"export knows no database", goFile{"export/csv_test.go", []string{"store/sqlite"}},
			[]string{"export/csv_test.go imports store/sqlite: export may import only export/page, store"}},
		{"nothing imports commands", goFile{"sensor/run.go", []string{"cmd/internal/config"}},
			[]string{"sensor/run.go imports cmd/internal/config: sensor may import only geo, sensor/capture, sensor/decode, store"}},
		{"no such folder", goFile{"pkg/util/x.go", nil},
			[]string{"pkg/util/x.go is in no folder of the architecture"}},
		{"no package at the top", goFile{"main.go", nil},
			[]string{"main.go is in no folder of the architecture"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, breaches(c.file)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// breaches returns a sentence for every rule that f breaks.
func breaches(f goFile) []string {
	own, ok := stationOf(path.Dir(f.name))
	if !ok {
		return []string{f.name + " is in no folder of the architecture"}
	}
	allowed := stations[own]
	isTest := strings.HasSuffix(f.name, "_test.go") || slices.Contains(testOnly, path.Dir(f.name))
	var broken []string
	for _, imported := range f.imports {
		if slices.Contains(testOnly, imported) {
			if !isTest {
				broken = append(broken, fmt.Sprintf("%s imports %s, which is for tests only", f.name, imported))
			}
			continue
		}
		other, _ := stationOf(imported)
		if other == own || slices.Contains(allowed, "*") || slices.Contains(allowed, other) {
			continue
		}
		broken = append(broken, fmt.Sprintf("%s imports %s: %s may import %s", f.name, imported, own, listed(allowed)))
	}
	return broken
}

func listed(allowed []string) string {
	if len(allowed) == 0 {
		return "none of ours"
	}
	return "only " + strings.Join(slices.Sorted(slices.Values(allowed)), ", ")
}

// stationOf returns the nearest station at or above a folder.
func stationOf(dir string) (string, bool) {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, ok := stations[dir]; ok {
			return dir, true
		}
	}
	return "", false
}

// moduleFiles parses the imports of every Go file below top, whatever its build tags.
func moduleFiles(t *testing.T, top string) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(top, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != top && skipped(entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parseImports(top, name)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// skipped names the folders that hold no package of ours.
func skipped(folder string) bool {
	return folder == "node_modules" || folder == "testdata" || folder == "vendor" || strings.HasPrefix(folder, ".")
}

func parseImports(top, name string) (goFile, error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return goFile{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ImportsOnly)
	if err != nil {
		return goFile{}, err
	}
	relative, err := filepath.Rel(top, name)
	f := goFile{name: filepath.ToSlash(relative)}
	for _, spec := range parsed.Imports {
		imported, unquoteErr := strconv.Unquote(spec.Path.Value)
		if unquoteErr != nil {
			return f, unquoteErr
		}
		if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
			f.imports = append(f.imports, ours)
		}
	}
	return f, err
}
