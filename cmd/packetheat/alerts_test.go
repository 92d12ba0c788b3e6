package main

import (
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/alert"
	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/geo"
)

// TestReadRules reads alerts.* with the lists that there are.
func TestReadRules(t *testing.T) {
	labels, err := geo.ReadLabels(nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for want, a := range map[string]config.Alerts{
		"":                                       {Filter: "dir:out -label:anycast", Allow: []string{"label:cloud port:443"}, Labels: []string{"anycast"}, New: []string{"as"}},
		`alerts.labels: there is no label "bad"`: {Labels: []string{"bad"}},
		`alerts.allow[1]: `:                      {Allow: []string{"port:1", "label:bad"}},
		`alerts.allow[0]: empty conditions`:      {Allow: []string{" "}},
		`alerts.filter: `:                        {Filter: "label:bad"},
	} {
		rules, err := readRules(&a, labels)
		switch {
		case want == "" && (err != nil || len(rules.Filter) != 2 || len(rules.Allow) != 1 || rules.Labels["anycast"].Match == nil):
			t.Errorf("%+v, %v", rules, err)
		case want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)):
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestAlertLine(t *testing.T) {
	now := tuesday
	list := []alert.Alert{
		{Time: now.Add(-time.Hour), Kind: alert.Drops, Text: "5 frames dropped"},
		{Time: now.Add(-2 * time.Hour), Kind: alert.NewAS},
		{Time: now.Add(-48 * time.Hour), Kind: alert.Clock, Ended: now.Add(-47 * time.Hour)},
	}
	if got := alertLine(list, now); got != "2 in the last 24 hours; now: 5 frames dropped" {
		t.Error(got)
	}
	if got := alertLine(nil, now); got != "0 in the last 24 hours" {
		t.Error(got)
	}
}
