package alert

import (
	"slices"
	"time"
)

// Trouble is something that is wrong with the sensor now.
type Trouble struct {
	Kind string // Drops, Gap, Disk, Database or Clock
	Text string // a sentence without a full stop
}

// calm is how long trouble must have been away to be over: drops come and go.
const calm = 10 * time.Minute

// troubles compares what is wrong with what has been said: each kind is said once, until
// it has been away for a while.
func (w *Watcher) troubles(now []Trouble) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.cfg.Now().UTC()
	for _, t := range now {
		w.troubled[t.Kind] = at
		if w.lasting(t.Kind) == nil {
			w.say(Alert{Time: at, Sensor: w.cfg.Sensor, Kind: t.Kind, Text: t.Text})
		}
	}
	for i := range w.state.Alerts {
		a := &w.state.Alerts[i]
		if !a.Trouble() || !a.Ended.IsZero() || slices.ContainsFunc(now, func(t Trouble) bool { return t.Kind == a.Kind }) {
			continue
		}
		last, known := w.troubled[a.Kind]
		if !known {
			w.troubled[a.Kind] = at // said before a restart
			continue
		}
		if at.Sub(last) >= calm {
			a.Ended = last
			w.dirty = true
			w.cfg.Logger.Info("alert is over: "+a.Text, "kind", a.Kind, "id", a.ID)
			if w.hook != nil {
				w.hook.add(a.ID)
			}
		}
	}
}

// lasting returns the alert about trouble of a kind that is not over, nil if there is none.
func (w *Watcher) lasting(kind string) *Alert {
	for i := range w.state.Alerts {
		if a := &w.state.Alerts[i]; a.Kind == kind && a.Ended.IsZero() {
			return a
		}
	}
	return nil
}
