package main

import (
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licensecheck"
)

// part is something that is shipped inside of the program.
type part struct {
	name, version string
	url           string // package URL, unique among parts
	kind          cdx.ComponentType
	dir           string   // where its licence lies; "" where text is known already
	licences      []string // SPDX identifiers
	text          string   // of the licence
}

// passable are the licences of what may be in the program: whoever gets it only has to
// be given their texts, which THIRD-PARTY.txt does.
func passable() []string {
	return []string{"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "Unlicense", "0BSD", "CC0-1.0", "CC-BY-4.0", "MIT-0"}
}

// goModules reads out of a program which modules it was linked from, and its version.
func goModules(program string) (parts []part, version string, err error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, "", fmt.Errorf("read modules of %q: %w (make build writes it)", program, err)
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, "", fmt.Errorf("ask go where it is: %w", err)
	}
	parts = append(parts, part{name: "Go standard library", version: info.GoVersion, kind: cdx.ComponentTypeLibrary,
		url: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"), dir: strings.TrimSpace(string(goroot))})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", m.Path).Output()
		if err != nil {
			return nil, "", fmt.Errorf("find module %q: %w", m.Path, err)
		}
		parts = append(parts, part{name: m.Path, version: m.Version, kind: cdx.ComponentTypeLibrary,
			url: "pkg:golang/" + m.Path + "@" + m.Version, dir: strings.TrimSpace(string(dir))})
		if m.Path == "github.com/mattn/go-sqlite3" {
			sqlite, err := amalgamation(strings.TrimSpace(string(dir)))
			if err != nil {
				return nil, "", err
			}
			parts = append(parts, sqlite)
		}
	}
	return parts, info.Main.Version, nil
}

// amalgamation is SQLite itself, whose C code go-sqlite3 carries: advisories name its
// version, not that of the Go module.
func amalgamation(dir string) (part, error) {
	header, err := os.ReadFile(filepath.Join(dir, "sqlite3-binding.h"))
	if err != nil {
		return part{}, fmt.Errorf("find the version of SQLite: %w", err)
	}
	match := regexp.MustCompile(`#define SQLITE_VERSION\s+"([0-9.]+)"`).FindSubmatch(header)
	if match == nil {
		return part{}, errors.New("find the version of SQLite: sqlite3-binding.h names none")
	}
	version := string(match[1])
	return part{name: "SQLite", version: version, kind: cdx.ComponentTypeLibrary, url: "pkg:generic/sqlite@" + version,
		licences: []string{"blessing"}, text: "SQLite is in the public domain: https://www.sqlite.org/copyright.html"}, nil
}

// npmPackages lists what the page's bundle is made from: everything that its lock file
// does not mark as for development, and world-atlas, whose data is built in.
func npmPackages(page string) (parts []part, err error) {
	text, err := os.ReadFile(filepath.Join(page, "package-lock.json"))
	if err != nil {
		return nil, fmt.Errorf("read packages of the page: %w", err)
	}
	var lock struct {
		Packages map[string]struct {
			Version     string
			Dev         bool
			Optional    bool
			DevOptional bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("read packages of the page: %w", err)
	}
	for path, p := range lock.Packages {
		_, name, found := strings.Cut(path, "node_modules/")
		if !found || (p.Dev || p.Optional || p.DevOptional) && name != "world-atlas" {
			continue
		}
		parts = append(parts, part{name: name, version: p.Version, kind: cdx.ComponentTypeLibrary,
			url: "pkg:npm/" + strings.Replace(name, "@", "%40", 1) + "@" + p.Version, dir: filepath.Join(page, path)})
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.url, b.url) })
	return parts, nil
}

// data are the parts that no package manager knows.
func data() []part {
	return []part{
		{name: "DB-IP City Lite and ASN Lite", version: "2026-06", kind: cdx.ComponentTypeData, url: "pkg:generic/dbip-lite@2026-06",
			licences: []string{"CC-BY-4.0"}, text: "IP Geolocation by DB-IP, https://db-ip.com\nCreative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/\nReduced and repacked for packetheat: see \"geo status\"."},
		{name: "Natural Earth", version: "4.1.0", kind: cdx.ComponentTypeData, url: "pkg:generic/natural-earth@4.1.0",
			licences: []string{"CC0-1.0"}, text: "Made with Natural Earth, https://www.naturalearthdata.com. Public domain."},
	}
}

// readLicence finds the text of a part's licence and recognises it.
func (p *part) readLicence() error {
	if p.dir == "" {
		return nil
	}
	entries, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("find the licence of %s: %w (npm ci and go mod download fetch what is shipped)", p.name, err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !isLicence(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(p.dir, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("read the licence of %s: %w", p.name, err)
		}
		p.text += strings.TrimSpace(string(text)) + "\n\n"
		if chosen := choice(string(text)); chosen != "" {
			p.licences = append(p.licences, chosen)
			continue
		}
		for _, match := range licensecheck.Scan(text).Match {
			if !match.IsURL && !slices.Contains(p.licences, match.ID) {
				p.licences = append(p.licences, match.ID)
			}
		}
	}
	if len(p.licences) == 0 {
		return fmt.Errorf("licence of %s %s is not known (looked in its LICENSE, COPYING and NOTICE files)", p.name, p.version)
	}
	for _, id := range p.licences {
		if !slices.Contains(passable(), id) {
			return fmt.Errorf("licence %s of %s %s is none that packetheat may pass on", id, p.name, p.version)
		}
	}
	return nil
}

// isLicence says whether a file of that name may hold a licence or what goes with one.
func isLicence(name string) bool {
	name = strings.ToLower(name)
	for _, prefix := range []string{"license", "licence", "copying", "notice", "unlicense"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// choice is the licence that we take where a text leaves it to us, by a line such as
// "SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-only": the first that we may pass on.
// It is empty where there is no such line.
func choice(text string) string {
	_, rest, found := strings.Cut(text, "SPDX-License-Identifier:")
	line, _, _ := strings.Cut(rest, "\n")
	offered := strings.Split(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), "*/")), " OR ")
	if !found || len(offered) < 2 {
		return ""
	}
	for _, id := range offered {
		if slices.Contains(passable(), id) {
			return id
		}
	}
	return ""
}
