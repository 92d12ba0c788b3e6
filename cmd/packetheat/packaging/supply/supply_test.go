package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const mit = `MIT License

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`

// page makes the folder of a page whose packages have the given licences.
func page(t *testing.T, licences map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	packages := map[string]any{"": map[string]any{"name": "page"}}
	for name, text := range licences {
		at := filepath.Join("node_modules", name)
		packages[at] = map[string]any{"version": "1.2.3", "dev": strings.HasPrefix(name, "dev-")}
		if err := os.MkdirAll(filepath.Join(dir, at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, at, "LICENSE.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := json.Marshal(map[string]any{"packages": packages})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), lock, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSupply lists what this very test binary and a small page are made from.
func TestSupply(t *testing.T) {
	out := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := page(t, map[string]string{"@scope/good": mit, "dev-only": "all rights reserved"})
	if err := supply(self, dir, out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(out, "packetheat.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ PURL string }
	}
	if err := json.Unmarshal(text, &bom); err != nil || bom.BOMFormat != "CycloneDX" {
		t.Fatalf("the bill of materials: format %q, %v", bom.BOMFormat, err)
	}
	var urls []string
	for _, c := range bom.Components {
		urls = append(urls, c.PURL)
	}
	for _, want := range []string{"pkg:npm/%40scope/good@1.2.3", "pkg:golang/github.com/google/licensecheck@", "pkg:golang/std@"} {
		if !slices.ContainsFunc(urls, func(u string) bool { return strings.HasPrefix(u, want) }) {
			t.Errorf("%s is not in the bill of materials: %q", want, urls)
		}
	}
	if slices.ContainsFunc(urls, func(u string) bool { return strings.Contains(u, "dev-only") }) {
		t.Errorf("a package that is not shipped is in the bill of materials: %q", urls)
	}
	notices, err := os.ReadFile(filepath.Join(out, "THIRD-PARTY.txt"))
	if err != nil || !strings.Contains(string(notices), strings.TrimSpace(mit)) {
		t.Errorf("THIRD-PARTY.txt lacks the text of a licence (%v)", err)
	}
}

// TestRefused wants an error for what may not be shipped, and no file.
func TestRefused(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"unknown": "all rights reserved", "not passable": "SPDX-License-Identifier: AGPL-3.0-only"} {
		out := t.TempDir()
		err := supply(self, page(t, map[string]string{"bad": text}), out)
		if err == nil || !strings.Contains(err.Error(), "bad 1.2.3") {
			t.Errorf("%s: %v, want an error that names the package", name, err)
		}
		if files, _ := os.ReadDir(out); len(files) > 0 {
			t.Errorf("%s: %d files were written all the same", name, len(files))
		}
	}
	if err := supply(filepath.Join(t.TempDir(), "none"), page(t, nil), t.TempDir()); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("a program that is not there: %v", err)
	}
}

// TestSQLite wants the version of the C code, which is not that of the module.
func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	if _, err := amalgamation(dir); err == nil {
		t.Error("a module without the header is taken")
	}
	if err := os.WriteFile(filepath.Join(dir, "sqlite3-binding.h"), []byte("#define SQLITE_VERSION        \"3.99.1\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := amalgamation(dir)
	if err != nil || got.version != "3.99.1" {
		t.Errorf("amalgamation = %q, %v, want 3.99.1", got.version, err)
	}
}

// TestChoice takes what may be passed on, and nothing where nothing is offered.
func TestChoice(t *testing.T) {
	for text, want := range map[string]string{
		"/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only */\n\ntext": "BSD-3-Clause",
		"SPDX-License-Identifier: GPL-2.0-only OR MIT":                        "MIT",
		"SPDX-License-Identifier: GPL-2.0-only OR AGPL-3.0-only\n":            "",
		"SPDX-License-Identifier: GPL-2.0-only\n":                             "",
		mit: "",
	} {
		if got := choice(text); got != want {
			t.Errorf("%.50q: %q, want %q", text, got, want)
		}
	}
}
