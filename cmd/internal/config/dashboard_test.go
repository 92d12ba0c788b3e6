package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecretsLieOpen warns of a file with a token that everybody may read.
func TestSecretsLieOpen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "config.yaml")
	text := "dashboard: {token: 0123456789abcdef}\nalerts: {webhook: {secret: \"\"}}\n"
	if err := os.WriteFile(name, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[os.FileMode]int{0o640: 0, 0o600: 0, 0o644: 1} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
		warnings := load(t, Options{File: name}).Warnings
		if len(warnings) != want || want > 0 && !strings.Contains(warnings[0], "config.yaml:1: dashboard.token: everybody on this machine may read it: chmod o-r ") {
			t.Errorf("mode %o: %q", mode, warnings)
		}
	}
}

// TestTokenFromFile takes tokens from the files that variables name.
func TestTokenFromFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"admin": "0123456789abcdef\n", "read": "fedcba9876543210"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PACKETHEAT_DASHBOARD_TOKEN_FILE", filepath.Join(dir, "admin"))
	t.Setenv("PACKETHEAT_DASHBOARD_READ_TOKEN_FILE", filepath.Join(dir, "read"))
	l := load(t, nothing())
	if l.Dashboard.Token != "0123456789abcdef" || l.Dashboard.ReadToken != "fedcba9876543210" || len(l.Warnings) > 0 {
		t.Errorf("%+v %q", l.Dashboard, l.Warnings)
	}
	var b strings.Builder
	if err := l.Dump(&b, true); err != nil || strings.Contains(b.String(), "0123456789") || strings.Contains(b.String(), "fedcba") {
		t.Errorf("%v: the dump tells\n%s", err, &b)
	}
}
