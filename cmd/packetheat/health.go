package main

import (
	"time"

	"github.com/packetheat/packetheat/cmd/internal/health"
	"github.com/packetheat/packetheat/cmd/internal/metrics"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/geo/update"
)

// checks looks at all there is; it may be called by any goroutine once the sensor is ready.
func (r *live) checks() []health.Check {
	sight := health.Sight{Sensor: r.sensor.Status(), Tick: r.store.Tick(), Now: time.Now(), Free: freeBytes(r.c.Store.Path), Files: r.refresher.Status().LastError}
	if k := r.retentionStatus(); k != nil {
		sight.Short = k.Message
	}
	return health.Look(sight)
}

// alive answers /healthz and the watchdog: an error is one that only a new start mends.
func (r *live) alive() error { return health.Err(r.checks(), health.Live) }

// healthy answers /readyz: packets are counted, and what is counted is committed. While
// every interface is down there is nothing to commit; the rings wait.
func (r *live) healthy() error { return health.Err(r.checks(), health.Ready) }

// freeBytes is the room on a folder's disk; -1 where the system does not tell.
func freeBytes(dir string) int64 {
	free, _, err := diskFree(existing(dir))
	if err != nil {
		return -1
	}
	return free
}

// reloaded counts an answer to SIGHUP.
func (r *live) reloaded(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reloads.Failing = err != nil; err != nil {
		r.reloads.Refused++
	} else {
		r.reloads.Taken++
	}
}

func (r *live) reloadCounts() metrics.Reloads {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reloads
}

// traffic is what the dashboard has answered.
func (r *live) traffic() dashboard.Traffic {
	if r.server == nil {
		return dashboard.Traffic{}
	}
	return r.server.Traffic()
}

// updates is how keeping GeoIP databases fresh goes.
func (r *live) updates() []update.Status {
	if r.updater == nil {
		return nil
	}
	list, err := update.ReadStatus(r.updater.Dir)
	if err != nil {
		return nil // the log has said why
	}
	return list
}

// healthLine says in one line how a sensor is.
func healthLine(checks []health.Check) string {
	switch err := health.Err(checks, health.Notice); {
	case err == nil:
		return "all is well"
	case health.Failed(checks, health.Live):
		return "stands still: " + err.Error()
	case health.Failed(checks, health.Ready):
		return "not ready: " + err.Error()
	default:
		return "ready; " + err.Error()
	}
}

// printChecks prints a line a check. An error says that the sensor does not do its work.
func (p *program) printChecks(checks []health.Check, asJSON bool) error {
	if asJSON {
		if err := p.printJSON(checks); err != nil {
			return err
		}
	} else {
		var l list
		for _, c := range checks {
			word := "ok"
			switch {
			case !c.OK && c.Level == health.Notice:
				word = "notice"
			case !c.OK:
				word = "FAILS"
			}
			l.add(c.Name, "%-6s  %s", word, c.Text)
		}
		if err := l.print(p.out); err != nil {
			return err
		}
	}
	if health.Failed(checks, health.Ready) {
		return errSilent // the checks have said why
	}
	return nil
}
