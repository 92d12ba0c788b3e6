package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/alert"
	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/store"
)

// newAlerts makes what watches for alerts, nil where nobody wants them.
func (r *live) newAlerts(c *config.Loaded) (*alert.Watcher, error) {
	a := &c.Alerts
	r.rules.Store(a)
	if !a.Enabled {
		return nil, nil
	}
	if _, err := r.alertRules(); err != nil {
		return nil, err
	}
	cfg := alert.Config{Reader: r.store.Alone(), Dir: r.c.Store.Path, Sensor: r.c.Sensor.Name, Rules: r.alertRules, Learning: a.Learning,
		Keep: retentionOf(c).Points, Logger: r.log.Logger}
	if a.Trouble {
		cfg.Trouble = r.trouble()
	}
	if a.WebhookURL != "" {
		cfg.Webhook = &alert.Webhook{URL: a.WebhookURL, Secret: a.WebhookSecret}
	}
	return alert.New(cfg)
}

// alertsTask is the name of the task that watches.
const alertsTask = "alerts"

func (r *live) startAlerts() {
	if w := r.alerts.Load(); w != nil {
		r.task(alertsTask, w.Run)
	}
}

// restartAlerts watches as another configuration wants it, or goes on as before. The one
// that ends leaves what it knows, and what the webhook has not taken yet, to the next.
func (r *live) restartAlerts(next *config.Loaded) error {
	rules := r.rules.Load()
	if err := r.endTask(alertsTask); err != nil {
		r.log.Warn("alerts", "error", err)
	}
	w, err := r.newAlerts(next)
	if err == nil {
		r.alerts.Store(w)
	} else {
		r.rules.Store(rules)
	}
	r.startAlerts()
	return err
}

// alertRules reads the rules that are in force, with the lists as they are now.
func (r *live) alertRules() (rules alert.Rules, err error) {
	return readRules(r.rules.Load(), r.labels)
}

func readRules(a *config.Alerts, labels store.Labels) (rules alert.Rules, err error) {
	f, err := store.ParseFilterWith(a.Filter, labels)
	if err != nil {
		return rules, fmt.Errorf("alerts.filter: %w", err)
	}
	rules.Filter, rules.New, rules.Labels = f.Terms, a.New, map[string]alert.Match{}
	for i, text := range a.Allow {
		f, err := store.ParseFilterWith(text, labels)
		if err == nil && len(f.Terms) == 0 {
			err = errors.New("empty conditions allow everything: leave the entry out")
		}
		if err != nil {
			return rules, fmt.Errorf("alerts.allow[%d]: %w", i, err)
		}
		rules.Allow = append(rules.Allow, f)
	}
	for _, name := range a.Labels {
		match, peers := labels.Matcher(name)
		if match == nil {
			return rules, fmt.Errorf("alerts.labels: there is no label %q (geo.labels adds some)", name)
		}
		rules.Labels[name] = alert.Match{Match: match, Peers: peers}
	}
	return rules, nil
}

// trouble returns what looks for trouble: it compares with what was when it looked last,
// or when it was made.
func (r *live) trouble() func() []alert.Trouble {
	drops := r.sensor.Status().Books.Drops
	idle := 0
	return func() (list []alert.Trouble) {
		s := r.sensor.Status()
		add := func(kind, format string, args ...any) {
			list = append(list, alert.Trouble{Kind: kind, Text: term.Clean(fmt.Sprintf(format, args...))})
		}
		if n := s.Books.Drops; n > drops {
			add(alert.Drops, "the kernel has dropped %s since the last look: raise sensor.ring.total, or see packetheat doctor", counted(n-drops, "frame"))
			drops = n
		}
		if idle++; !s.Capturing.IsZero() {
			idle = 0
		}
		if idle >= gapLooks {
			add(alert.Gap, "nothing is captured: every interface is down or away (packetheat interfaces)")
		}
		if s.CommitError != "" {
			add(alert.Disk, "ticks cannot be stored: %s", s.CommitError)
		} else if k := r.retentionStatus(); k != nil && k.Message != "" {
			add(alert.Disk, "%s", k.Message)
		}
		for _, g := range geoJSON(r.geo, r.c) {
			if g.InUse && g.Warning != "" {
				add(alert.Database, "%s: %s (packetheat geo status)", g.Name, g.Warning)
				break
			}
		}
		if s.Held != "" {
			add(alert.Clock, "%s", s.Held)
		}
		return list
	}
}

// gapLooks is how many looks without capture in a row are a gap: an interface may be
// opened anew.
const gapLooks = 6

// alertList is what the dashboard says about alerts.
func (r *live) alertList() alert.List {
	w := r.alerts.Load()
	if w == nil {
		return alert.List{Alerts: []alert.Alert{}}
	}
	return w.List()
}

// servedAlerts reads what sensors have left beside stores, the newest first.
func servedAlerts(folders []string) alert.List {
	all := alert.List{Alerts: []alert.Alert{}}
	for _, dir := range folders {
		if l, err := alert.Read(dir); err == nil {
			all.Alerts = append(all.Alerts, l.Alerts...)
		}
	}
	alert.Sort(all.Alerts)
	return all
}

// alertLine is what status says about alerts.
func alertLine(list []alert.Alert, now time.Time) string {
	recent, lasting := 0, []string{}
	for i := range list {
		if now.Sub(list[i].Time) < 24*time.Hour {
			recent++
		}
		if list[i].Trouble() && list[i].Ended.IsZero() {
			lasting = append(lasting, list[i].Text)
		}
	}
	line := fmt.Sprintf("%d in the last 24 hours", recent)
	if len(lasting) > 0 {
		line += "; now: " + strings.Join(lasting, "; ")
	}
	return line
}
