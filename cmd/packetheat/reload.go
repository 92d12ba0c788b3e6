package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/term"
)

// The keys that SIGHUP changes in a sensor that runs; the others need a restart.
const (
	keyInclude  = "sensor.include"
	keyExclude  = "sensor.exclude"
	keyBPF      = "sensor.bpf"
	keyNetworks = "sensor.local_networks"
	keyPlaces   = "geo.networks"
	keyHome     = "geo.home"
	keyCity     = "geo.city"
	keyASN      = "geo.asn"
	keyLabels   = "geo.labels"
	keyLevel    = "log.level"
	keysShown   = "dashboard."       // what follows
	keysAlerts  = "alerts."          // what follows
	keysKept    = "store.retention." // and what follows
)

// reload answers SIGHUP: it reads the configuration and opens the GeoIP databases
// anew. What cannot be read, or not be used, leaves the running one as it is.
func (r *live) reload() {
	r.system.reloading()
	defer func() { r.system.ready(r.statusText()) }()
	if r.again != nil {
		err := r.outOfReach(r.reloadConfig(reloadable))
		r.reloaded(err)
		if err != nil {
			r.log.Error("configuration not reloaded, the running one stays", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	if err := r.outOfReach(r.labels.Reload()); err != nil {
		r.log.Error("labels not reloaded, the old ones stay", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if err := r.outOfReach(r.geo.Reload()); err != nil {
		r.log.Error("GeoIP databases not reloaded, the old ones stay", "error", err)
		return
	}
	r.log.Info("GeoIP databases reloaded")
}

// reloadServed is reload where nothing is captured.
func (r *live) reloadServed() {
	r.system.reloading()
	defer func() { r.system.ready("dashboard " + r.door.url()) }()
	can := func(key string) bool {
		return contains([]string{keyPlaces, keyLabels, keyHome, keyLevel}, key) || strings.HasPrefix(key, keysShown)
	}
	if err := r.reloadConfig(can); err != nil {
		r.log.Error("configuration not reloaded, the running one stays", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if err := r.labels.Reload(); err != nil {
		r.log.Error("labels not reloaded, the old ones stay", "error", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

// sayMoved tells people and commands where the dashboard is now.
func (r *live) sayMoved() {
	if r.sensor != nil {
		r.announce()
	}
	s := r.door.served()
	r.log.Info("dashboard", "url", r.door.url(), "tls", s.TLS, "token", s.Token)
	if s.Insecure {
		r.log.Warn(insecureText(s.Listen), "mend", insecureMend)
	}
}

// reloadConfig puts those changed keys in force that can be.
func (r *live) reloadConfig(can func(key string) bool) error {
	next, err := r.again()
	switch {
	case err != nil:
		return err
	case r.c.File != "" && next.File == "":
		return fmt.Errorf("read configuration: %q is gone: put it back, or start packetheat anew", r.c.File)
	}
	changed := next.Differs(r.latest)
	applied := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return !can(key) })
	if err := r.apply(next, applied); err != nil {
		return err
	}
	r.latest = next
	if anyOf(applied, keysShown) {
		r.sayMoved()
	}
	r.log.Info("configuration reloaded", "file", next.File, "changed", joined(applied))
	restart := slices.DeleteFunc(next.Differs(r.c), can)
	if len(restart) > 0 {
		r.log.Warn("changed keys that need a restart: packetheat goes on with the values it was started with", "keys", joined(restart))
	}
	for _, warning := range next.Warnings {
		if !contains(r.c.Warnings, warning) {
			r.log.Warn(warning)
		}
	}
	r.log.level.Set(term.Level(next.Log.Level)) // what it was like until now decides on these lines
	return nil
}

func reloadable(key string) bool {
	return contains([]string{keyInclude, keyExclude, keyBPF, keyNetworks, keyPlaces, keyLabels, keyHome, keyCity, keyASN, keyLevel}, key) ||
		strings.HasPrefix(key, keysKept) || strings.HasPrefix(key, keysShown) ||
		strings.HasPrefix(key, keysAlerts) || contains(reloadableFleet(), key)
}

// anyOf reports whether one of the keys is one of those wanted, or begins with it.
func anyOf(keys []string, wanted ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return key == w || strings.HasSuffix(w, ".") && strings.HasPrefix(key, w) })
	})
}

// watcherKeys are the keys of alerts that a watcher is made from; the others it reads anew
// at every commit.
func watcherKeys() []string {
	return []string{"alerts.enabled", "alerts.learning", "alerts.trouble", "alerts.webhook.url", "alerts.webhook.secret"}
}

// apply changes the running sensor where the named keys ask for it. What can fail comes
// first, so that either all is changed or nothing.
func (r *live) apply(next *config.Loaded, keys []string) (err error) {
	if anyOf(keys, keysShown) {
		undo, e := r.door.change(next)
		if e != nil {
			return e
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, undo())
			}
		}()
	}
	if anyOf(keys, keyCity, keyASN) {
		if err := r.geo.SetPaths(next.Geo.City, next.Geo.ASN); err != nil {
			return err
		}
		defer func() {
			if err != nil { // back to files that were fit for use
				err = errors.Join(err, r.geo.SetPaths(r.latest.Geo.City, r.latest.Geo.ASN))
			}
		}()
	}
	if anyOf(keys, keyLabels, keyPlaces) {
		if err := r.labels.Set(labelFiles(next), ownNetworks(next)); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, r.labels.Set(labelFiles(r.latest), ownNetworks(r.latest)))
			}
		}()
	}
	if anyOf(keys, keysAlerts) {
		if _, err := readRules(&next.Alerts, r.labels); err != nil {
			return err
		}
	}
	if anyOf(keys, watcherKeys()...) {
		if err := r.restartAlerts(next); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, r.restartAlerts(r.latest))
			}
		}()
	}
	if anyOf(keys, keyInclude, keyExclude, keyBPF) {
		if err := r.sensor.SetFilter(next.Sensor.CaptureFilter()); err != nil {
			return err
		}
	}
	if anyOf(keys, keysAlerts) {
		r.rules.Store(&next.Alerts)
	}
	if contains(keys, keyPlaces) && r.geo != nil { // nil: nothing is captured
		r.geo.SetNetworks(ownNetworks(next))
	}
	if anyOf(keys, keyNetworks, keyPlaces) && r.sensor != nil {
		r.sensor.SetNetworks(next.Sensor.LocalNetworks, mappedNetworks(next))
	}
	if anyOf(keys, keyHome, keyPlaces, keyLabels, keysShown) {
		r.setOwn(next)
	}
	if r.shipper != nil && anyOf(keys, keysFleet) {
		r.shipper.SetOpen(fleetOpener(next, r.log.Logger))
	}
	if anyOf(keys, keysKept) {
		r.setRetention(next)
	}
	return nil
}
