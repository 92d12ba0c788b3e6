// Package metrics shows the counters of a running sensor to Prometheus. Names are
// packetheat_<package>_<thing>_<unit>[_total] in base units; labels never hold
// addresses, or their number would have no bound.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/packetheat/packetheat/cmd/internal/alert"
	"github.com/packetheat/packetheat/cmd/internal/health"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/geo/update"
	"github.com/packetheat/packetheat/sensor"
	"github.com/packetheat/packetheat/store"
)

// Sources are asked whenever the metrics are. All must be set.
type Sources struct {
	Sensor     func() sensor.Status
	Refresher  func() export.RefreshStatus
	Databases  func() []store.GeoSource
	Faults     func() uint64 // look-ups in GeoIP databases that failed
	Geo        func() geo.Stats
	StoreBytes func() int64
	Store      func() Store
	Fleet      func() Fleet
	Health     func() []health.Check
	Dashboard  func() dashboard.Traffic
	Alerts     func() alert.Counts
	Log        func() term.LogCounts
	Reloads    func() Reloads
	Updates    func() []update.Status // of GeoIP databases; none where they are not kept fresh
}

// Reloads are the answers to SIGHUP since the start.
type Reloads struct {
	Taken   uint64 `json:"taken"`
	Refused uint64 `json:"refused"`
	Failing bool   `json:"failing"` // the last one was refused
}

// New returns the handler of /metrics. Nothing is shared with other registries.
func New(version string, sources Sources) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&collector{version, sources},
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// collector makes all values at the time they are asked for; nothing is kept twice.
type collector struct {
	version string
	Sources
}

// Describe says nothing: which labels there are depends on the interfaces. Prometheus
// calls such a collector unchecked, and checks what it collects instead.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect asks all sources.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	send := func(m Metric, value float64, labels ...string) {
		kind := prometheus.CounterValue
		if m.Gauge {
			kind = prometheus.GaugeValue
		}
		ch <- prometheus.MustNewConstMetric(m.desc(), kind, value, labels...)
	}
	send(buildInfo, 1, c.version)
	c.collectProgram(send)
	c.collectSensor(send)
	send(storeSize, float64(c.StoreBytes()))
	kept := c.Store()
	kept.collect(send)
	ships := c.Fleet()
	ships.collect(send)
	c.collectGeo(send)
	c.collectExport(send)
	c.collectReaders(send)
}

// seconds since the Unix epoch; 0 for a time that is not known.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}

func truth(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
