package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/packetheat/packetheat/cmd/internal/config"
)

// TestPathsOf: a sensor reads the folders of the files that are named, also of what they
// are links to, and writes to its own only.
func TestPathsOf(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll("archive", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"archive/key1.pem", "own.mmdb"} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("archive/key1.pem", "key.pem"); err != nil {
		t.Fatal(err)
	}
	var c config.Loaded
	c.Store.Path, c.Export.Dir, c.File = "data", "out", "/etc/x/config.yaml"
	c.Dashboard.Key = "key.pem"
	c.Geo.City = "/city.mmdb"
	c.Geo.Labels = []config.Label{{File: "lists/mine.txt"}}
	p := pathsOf(&c, []string{"PACKETHEAT_DASHBOARD_TOKEN_FILE=/run/secrets/token", "OTHER_FILE=/secret/x", "PACKETHEAT_X_FILE="})
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/etc/x", dir, dir + "/archive", "/city.mmdb", dir + "/lists", "/run/secrets", "own.mmdb", "/proc", "data/geoip", "/var/lib/GeoIP"} {
		if !slices.Contains(p.Read, want) {
			t.Errorf("%s is not read", want)
		}
	}
	for _, wrong := range []string{"/", "/secret", "/etc", ""} {
		if slices.Contains(p.Read, wrong) {
			t.Errorf("%q is read", wrong)
		}
	}
	if want := []string{"data", "out", os.TempDir()}; !slices.Equal(p.Write, want) {
		t.Errorf("written are %q, want %q", p.Write, want)
	}
	c.Geo.Update = true
	if p := pathsOf(&c, nil); !slices.Contains(p.Write, "data/geoip") {
		t.Errorf("the update does not write to %q", p.Write)
	}
}

// TestTemporary keeps to a folder that somebody has chosen.
func TestTemporary(t *testing.T) {
	store := t.TempDir()
	t.Setenv("TMPDIR", store)
	if err := temporary(store); err != nil || os.TempDir() != store {
		t.Errorf("%q, %v", os.TempDir(), err)
	}
	t.Setenv("TMPDIR", "")
	if err := temporary(store); err != nil || os.TempDir() != filepath.Join(store, "tmp") {
		t.Errorf("%q, %v", os.TempDir(), err)
	}
	if info, err := os.Stat(os.TempDir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
}
