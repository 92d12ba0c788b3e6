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

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/geo"
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

// metric is a name with its meaning and labels.
type metric struct {
	name, help string
	gauge      bool
	labels     []string
}

func counter(name, help string, labels ...string) metric { return metric{name, help, false, labels} }
func gauge(name, help string, labels ...string) metric   { return metric{name, help, true, labels} }

// All metrics, in the order of the way that packets take.
var (
	buildInfo = gauge("packetheat_build_info", "1, labelled with the version.", "version")

	ringFrames   = counter("packetheat_capture_ring_frames_total", "Frames offered to the rings, dropped ones included.", "interface")
	ringDrops    = counter("packetheat_capture_kernel_drops_total", "Frames dropped by the kernel because a ring was full.", "interface")
	ringFreezes  = counter("packetheat_capture_freezes_total", "How often a ring was full.", "interface")
	ringCaptured = counter("packetheat_capture_frames_total", "Frames taken out of the rings.", "interface")
	ringBytes    = gauge("packetheat_capture_ring_bytes", "Memory of the open rings.", "interface")
	rxDropped    = counter("packetheat_capture_interface_dropped_frames_total", "Frames that the interface says it dropped; backlog drops and what no protocol wanted are in it.", "interface")
	rxMissed     = counter("packetheat_capture_interface_missed_frames_total", "Frames that the hardware dropped for want of buffers.", "interface")
	rxFIFO       = counter("packetheat_capture_interface_overrun_frames_total", "Frames lost to overruns of the hardware's queue.", "interface")
	backlog      = counter("packetheat_capture_backlog_drops_total", "Frames of the whole machine that a core's full queue lost before any ring.")
	shards       = gauge("packetheat_capture_open_rings", "Rings that are open.", "interface")

	packets = counter("packetheat_sensor_packets_total", "Packets by what became of them.", "state")
	octets  = counter("packetheat_sensor_bytes_total", "Octets on the wire by what became of their packets.", "state")

	points      = counter("packetheat_sensor_points_total", "Points made.")
	endpoints   = counter("packetheat_sensor_endpoint_packets_total", "Packets of all points: those with two public ends twice.")
	unlocated   = counter("packetheat_sensor_unlocated_packets_total", "Packets of points without any place.")
	tunnelled   = counter("packetheat_decode_tunnelled_packets_total", "Packets with a tunnel inside.")
	lastTick    = gauge("packetheat_sensor_last_tick_timestamp_seconds", "Start of the latest tick committed.")
	queuedTicks = gauge("packetheat_sensor_queued_ticks", "Ticks that wait to be committed.")
	heldTicks   = gauge("packetheat_sensor_held_ticks", "Ticks that wait in memory because the clock leapt ahead.")
	mergedTicks = counter("packetheat_sensor_merged_ticks_total", "Ticks merged because what is behind was slow.")

	commits      = counter("packetheat_store_commits_total", "Batches committed.")
	commitErrors = counter("packetheat_store_commit_errors_total", "Commits that failed and were tried again.")
	storeSize    = gauge("packetheat_store_size_bytes", "Size of the store's files.")

	geoBuilt     = gauge("packetheat_geo_database_build_timestamp_seconds", "When the GeoIP database in use was built.", "kind", "name")
	geoFaults    = counter("packetheat_geo_faults_total", "Look-ups that failed on damaged data.")
	geoLookups   = counter("packetheat_geo_lookups_total", "Look-ups of addresses, by whether the cache of a shard knew the answer.", "result")
	geoEvictions = counter("packetheat_geo_cache_evictions_total", "Addresses that made room for others in the caches.")
	geoDecoded   = counter("packetheat_geo_decoded_records_total", "Records of GeoIP databases that were decoded.")
	geoSearching = counter("packetheat_geo_search_seconds_total", "Time that look-ups took which the caches could not answer, estimated.")

	rewrites       = counter("packetheat_export_rewrites_total", "Rewrites of the standing files.")
	rewriteFails   = counter("packetheat_export_rewrite_failures_total", "Rewrites of the standing files that failed.")
	rewriteSeconds = gauge("packetheat_export_rewrite_seconds", "What the last rewrite of the main files took of a core.")
	rewriteUsed    = counter("packetheat_export_rewrite_seconds_total", "What all rewrites took of a core, those of jobs, too.")
)

func (m metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.name, m.help, m.labels, nil) }

// Describe says nothing: which labels there are depends on the interfaces. Prometheus
// calls such a collector unchecked, and checks what it collects instead.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect asks all sources.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	send := func(m metric, value float64, labels ...string) {
		kind := prometheus.CounterValue
		if m.gauge {
			kind = prometheus.GaugeValue
		}
		ch <- prometheus.MustNewConstMetric(m.desc(), kind, value, labels...)
	}
	send(buildInfo, 1, c.version)
	c.collectSensor(send)
	send(storeSize, float64(c.StoreBytes()))
	kept := c.Store()
	kept.collect(send)
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
	r := c.Refresher()
	send(rewrites, float64(r.Rewrites))
	send(rewriteFails, float64(r.Failures))
	send(rewriteSeconds, r.Seconds)
	send(rewriteUsed, r.Used)
}

func (c *collector) collectSensor(send func(metric, float64, ...string)) {
	s := c.Sensor()
	for _, i := range s.Interfaces {
		send(ringFrames, float64(i.Books.Ring), i.Name)
		send(ringDrops, float64(i.Books.Drops), i.Name)
		send(ringFreezes, float64(i.Books.Freezes), i.Name)
		send(ringCaptured, float64(i.Books.Frames), i.Name)
		send(shards, float64(i.Shards), i.Name)
		send(ringBytes, float64(i.RingBytes), i.Name)
		send(rxDropped, float64(i.Losses.RxDropped), i.Name)
		send(rxMissed, float64(i.Losses.RxMissed), i.Name)
		send(rxFIFO, float64(i.Losses.RxFIFO), i.Name)
	}
	send(backlog, float64(s.Losses.BacklogDrops))
	b := &s.Books
	for _, part := range []struct {
		state string
		count store.Count
	}{
		{"captured", b.Captured}, {"filtered", b.Filtered}, {"non_ip", b.NonIP}, {"undecodable", b.Undecodable}, {"decoded", b.Decoded},
		{"local_only", b.LocalOnly}, {"one_public", b.OnePublic}, {"two_public", b.TwoPublic}, {"folded", b.Folded}, {"late", b.Late},
	} {
		send(packets, float64(part.count.Packets), part.state)
		send(octets, float64(part.count.Bytes), part.state)
	}
	send(points, float64(s.Points))
	send(endpoints, float64(s.Endpoints.Packets))
	send(unlocated, float64(s.Unlocated.Packets))
	send(tunnelled, float64(s.Tunnelled))
	send(lastTick, seconds(s.LastTick))
	send(queuedTicks, float64(s.QueuedTicks))
	send(heldTicks, float64(s.HeldTicks))
	send(mergedTicks, float64(s.MergedTicks))
	send(commits, float64(s.Commits))
	send(commitErrors, float64(s.CommitErrors))
}

// seconds since the Unix epoch; 0 for a time that is not known.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixNano()) / 1e9
}
