package metrics

import "fmt"

// sending is what a part of the collector hands its values to.
type sending = func(m Metric, value float64, labels ...string)

// collectProgram shows what is about the program as a whole.
func (c *collector) collectProgram(send sending) {
	for _, check := range c.Health() {
		send(healthOK, truth(check.OK), check.Name, check.Level.String())
	}
	r := c.Reloads()
	send(reloadOK, truth(!r.Failing))
	send(reloads, float64(r.Taken), "taken")
	send(reloads, float64(r.Refused), "refused")
	log := c.Log()
	for level, n := range log.Levels {
		send(logRecords, float64(n), level)
	}
	send(logHeld, float64(log.Suppressed))
}

func (c *collector) collectGeo(send sending) {
	send(geoFaults, float64(c.Faults()))
	g := c.Geo()
	send(geoLookups, float64(g.Hits), "hit")
	send(geoLookups, float64(g.Misses), "miss")
	send(geoEvictions, float64(g.Evictions))
	send(geoDecoded, float64(g.Decoded))
	send(geoSearching, g.Searching.Seconds())
	for _, d := range c.Databases() {
		send(geoBuilt, seconds(d.Built), d.Kind, d.Name)
	}
	for _, u := range c.Updates() {
		send(geoChecked, seconds(u.Checked), u.Edition)
		send(geoFailing, float64(u.Failures), u.Edition)
	}
}

func (c *collector) collectExport(send sending) {
	r := c.Refresher()
	send(rewrites, float64(r.Rewrites))
	send(rewriteFails, float64(r.Failures))
	send(rewriteSkips, float64(r.Skipped))
	send(rewriteSeconds, r.Seconds)
	send(rewriteUsed, r.Used)
	for i := range r.Files {
		send(rewritten, seconds(r.Files[i].Written), r.Files[i].Format)
	}
}

// collectReaders shows who is told what: the dashboard's pages, and alerts.
func (c *collector) collectReaders(send sending) {
	d := c.Dashboard()
	for class := 2; class < len(d.Classes); class++ {
		send(requests, float64(d.Classes[class]), fmt.Sprintf("%dxx", class))
	}
	send(questions, float64(d.Questions))
	send(downloads, float64(d.Downloads))
	send(streams, float64(d.Streams))
	send(turned, float64(d.Turned))
	send(wrong, float64(d.Wrong))
	a := c.Alerts()
	for kind, n := range a.Said {
		send(alertsSaid, float64(n), kind)
	}
	send(alertsLasting, float64(a.Lasting))
	send(hookPending, float64(a.Pending))
	send(hookFailures, float64(a.Failures))
}
