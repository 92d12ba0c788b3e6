package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigCheckOpensFiles finds what run could not start with, all at once.
func TestConfigCheckOpensFiles(t *testing.T) {
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir)
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("list.txt", "nonsense\n")
	env := []string{"PACKETHEAT_GEO_CITY=none.mmdb"} // tests have a database of their own there
	check := func(text string, args ...string) result {
		write("config.yaml", text)
		return call{dir: dir, env: env, args: append([]string{"config", "check"}, args...)}.run(t)
	}
	r := check(`
dashboard: {listen: "0.0.0.0:8080", token: 0123456789abcdef, tls: {certificate: ` + key + `, key: ` + certificate + `}}
geo: {labels: [{file: list.txt, label: mine}]}
`)
	for _, want := range []string{"dashboard.tls: read TLS certificate", "geo.labels: ", "list.txt:1", "geo.city, geo.asn: ", "none.mmdb"} {
		if r.status != exitFailed || !strings.Contains(r.err, want) {
			t.Errorf("status %d, no %q in\n%s", r.status, want, r.err)
		}
	}
	if n := strings.Count(r.err, "\n"); n != 3 {
		t.Errorf("%d lines for three mistakes:\n%s", n, r.err)
	}
	write("list.txt", "192.0.2.1\n")
	env = nil
	good := `
dashboard: {listen: "0.0.0.0:8080", token: 0123456789abcdef, tls: {certificate: ` + certificate + `, key: ` + key + `}}
geo: {labels: [{file: list.txt, label: mine}]}
alerts: {labels: [mine]}
export: {jobs: [{name: a, last: 1h, filter: "label:mine"}]}
`
	if r := check(good); r.status != 0 || !strings.Contains(r.out, "is good") {
		t.Errorf("status %d: %s", r.status, r.err)
	}
	if r := check(strings.ReplaceAll(good, "label:mine", "label:theirs")); r.status != exitFailed || !strings.Contains(r.err, "export.jobs[0].filter: ") {
		t.Errorf("status %d: %s", r.status, r.err)
	}
	if r := check(`dashboard: {listen: ":8080"}`); r.status != exitFailed || !strings.Contains(r.err, "dashboard.listen: ") {
		t.Errorf("open to all: %d %s", r.status, r.err)
	}
	if r := check(`dashboard: {listen: ":8080"}`, "--insecure"); r.status != 0 {
		t.Errorf("insecure, as asked: %s", r.err)
	}
}

// TestExposureFindings holds what doctor says of the dashboard against what run does.
func TestExposureFindings(t *testing.T) {
	dir := t.TempDir()
	certificate, key := selfSigned(t, dir) // for an hour
	for text, want := range map[string]string{
		`{listen: "127.0.0.1:0"}`: "good only this machine",
		`{listen: ":0"}`:          "failure everybody who reaches",
		`{listen: "127.0.0.1:0", trusted_proxies: [127.0.0.1]}`:                                                     "warning no token",
		`{listen: "0.0.0.0:0", token: 0123456789abcdef, trusted_proxies: [192.0.2.1]}`:                              "good not encrypted",
		`{listen: "0.0.0.0:0", token: 0123456789abcdef, tls: {certificate: ` + certificate + `, key: ` + key + `}}`: "good by TLS",
	} {
		name := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(name, []byte("dashboard: "+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := &program{configFile: name}
		c, err := p.load(p.doctorCommand())
		if err != nil {
			t.Fatal(err)
		}
		e := &examination{c: c}
		e.exposure()
		level, words, _ := strings.Cut(want, " ")
		if f := e.findings[0]; f.Level != level || !strings.Contains(f.Found, words) {
			t.Errorf("%s: %+v", text, f)
		}
		if c.Dashboard.Certificate != "" && (len(e.findings) != 2 || e.findings[1].Level != warning || !strings.Contains(e.findings[1].Found, "map.example")) {
			t.Errorf("certificate of an hour: %+v", e.findings)
		}
	}
}
