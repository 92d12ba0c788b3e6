package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLinks(t *testing.T) {
	c := load(t, write(t, `
dashboard:
  links:
    - {name: who, url: "https://example.net/{ip}"}
    - {name: our logs, url: "http://logs.example.net:8080/?q={ip}&from={from}&to={to}#x"}
`))
	want := []Link{{"who", "https://example.net/{ip}"}, {"our logs", "http://logs.example.net:8080/?q={ip}&from={from}&to={to}#x"}}
	if diff := cmp.Diff(want, c.Dashboard.Links); diff != "" {
		t.Error(diff)
	}
	if got := load(t, nothing()).Dashboard.Links; len(got) != 0 {
		t.Errorf("links that nobody asked for: %v", got)
	}
}

// TestLinksAreSites refuses what would lead elsewhere than to one web site.
func TestLinksAreSites(t *testing.T) {
	for url, want := range map[string]string{
		"javascript:alert('{ip}')":      "no link",
		"data:text/html,{ip}":           "no link",
		"//example.net/{ip}":            "no link",
		"example.net/{ip}":              "no link",
		"https:///{ip}":                 "no link",
		"https://{ip}/":                 "before its path",
		"https://{ip}.example.net/":     "before its path",
		"https://example.net:{ip}":      "no link",
		"https://me:secret@example.net": "password",
		"https://example.net/{addr}":    "{ip}, {from} or {to}",
		"https://example.net/{ip":       "{ip}, {from} or {to}",
		"https://example.net/ip}":       "{ip}, {from} or {to}",
	} {
		_, err := Load(write(t, fmt.Sprintf("dashboard:\n  links: [{name: x, url: %q}]\n", url)))
		var problems Problems
		if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Key != "dashboard.links[0].url" || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", url, err, want)
		}
	}
	many := strings.Repeat("{name: x, url: 'https://example.net'},", mostLinks+1)
	if _, err := Load(write(t, "dashboard:\n  links: ["+many+"]\n")); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("%d links: %v", mostLinks+1, err)
	}
}
