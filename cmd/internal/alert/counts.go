package alert

import "maps"

// Counts is how much was said since the start.
type Counts struct {
	Said     map[string]uint64 // by kind, each kind has an entry; those beyond what is listed, too
	Lasting  int               // trouble that is not over
	Pending  int               // alerts that the webhook has yet to take
	Failures uint64            // attempts to post one that failed
}

// Counts may be called by any goroutine. A nil Watcher has said nothing.
func (w *Watcher) Counts() Counts {
	c := Counts{Said: map[string]uint64{}}
	for _, kind := range Kinds() {
		c.Said[kind] = 0
	}
	if w == nil {
		return c
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.Copy(c.Said, w.said)
	for i := range w.state.Alerts {
		if a := &w.state.Alerts[i]; a.Trouble() && a.Ended.IsZero() {
			c.Lasting++
		}
	}
	c.Pending = len(w.state.Pending)
	if w.hook != nil {
		c.Failures = w.hook.failures
	}
	return c
}
