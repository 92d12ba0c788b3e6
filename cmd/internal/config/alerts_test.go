package config

import (
	"strings"
	"testing"
)

// TestAlerts shows what is wrong with the section alerts, each with its place.
func TestAlerts(t *testing.T) {
	for text, want := range map[string]string{
		"{new: [as, city]}":                       `alerts.new`,
		"{filter: 'prot:tcp'}":                    `filter key "prot" is unknown`,
		"{allow: ['country:DE', 'port:x']}":       `alerts.allow`,
		"{webhook: {url: 'ftp://x/'}}":            "is no address of a webhook",
		"{webhook: {url: 'https://me:pw@host/'}}": "alerts.webhook.secret signs",
		"{learning: soon}":                        "alerts.learning",
		"{quiet: true}":                           "alerts.quiet",
	} {
		_, err := Load(write(t, "alerts: "+text+"\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c := load(t, write(t, "alerts: {new: [], allow: ['label:cloud', 'asn:1 port:443'], labels: [botnet], webhook: {url: 'http://127.0.0.1:9/x', secret: s}}\n"))
	if a := c.Alerts; len(a.New) != 0 || len(a.Allow) != 2 || a.Labels[0] != "botnet" || a.WebhookURL == "" || a.WebhookSecret != "s" {
		t.Errorf("%+v", a)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("warns of %q", c.Warnings)
	}
}
