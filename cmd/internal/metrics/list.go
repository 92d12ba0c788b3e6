package metrics

import "github.com/prometheus/client_golang/prometheus"

// Metric is what the manual says of a metric.
type Metric struct {
	Name   string
	Help   string
	Gauge  bool // else a counter
	Labels []string
}

func counter(name, help string, labels ...string) Metric { return Metric{name, help, false, labels} }
func gauge(name, help string, labels ...string) Metric   { return Metric{name, help, true, labels} }

// Type is what Prometheus calls it.
func (m *Metric) Type() string {
	if m.Gauge {
		return "gauge"
	}
	return "counter"
}

func (m Metric) desc() *prometheus.Desc { return prometheus.NewDesc(m.Name, m.Help, m.Labels, nil) }

// The metrics, in the order of the way that packets take. All lists them.
var (
	buildInfo  = gauge("packetheat_build_info", "1, labelled with the version.", "version")
	healthOK   = gauge("packetheat_health_ok", "1 if a check is well, else 0. Level live: only a new start mends it; ready: the sensor does not do all of its work; notice: it does.", "check", "level")
	reloadOK   = gauge("packetheat_config_reload_ok", "1 if the last reload of the configuration (SIGHUP) was taken, or there was none; 0 if the old one stays in force.")
	reloads    = counter("packetheat_config_reloads_total", "Reloads of the configuration, by whether they were taken.", "result")
	logRecords = counter("packetheat_log_messages_total", "Messages of the log, those that were held back as too many alike included.", "level")
	logHeld    = counter("packetheat_log_suppressed_total", "Messages that were held back because too many alike came in a minute.")

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
	captureUp    = gauge("packetheat_capture_up", "1 if the interface is captured on and up, else 0.", "interface")
	lastRead     = gauge("packetheat_capture_last_read_timestamp_seconds", "When the ring that was read longest ago was last read: about now, packets or not.", "interface")
	capturing    = gauge("packetheat_capture_since_timestamp_seconds", "Since when at least one interface is captured without a gap; 0: none is.")

	packets = counter("packetheat_sensor_packets_total", "Packets by what became of them.", "state")
	octets  = counter("packetheat_sensor_bytes_total", "Octets on the wire by what became of their packets.", "state")

	points      = counter("packetheat_sensor_points_total", "Points made.")
	endpoints   = counter("packetheat_sensor_endpoint_packets_total", "Packets of all points: those with two public ends twice.")
	unlocated   = counter("packetheat_sensor_unlocated_packets_total", "Packets of points without any place.")
	tunnelled   = counter("packetheat_decode_tunnelled_packets_total", "Packets with a tunnel inside.")
	lastTick    = gauge("packetheat_sensor_last_tick_timestamp_seconds", "Start of the latest tick committed.")
	queuedTicks = gauge("packetheat_sensor_queued_ticks", "Ticks that wait to be committed.")
	heldTicks   = gauge("packetheat_sensor_held_ticks", "Ticks that wait in memory because the clock leapt ahead.")
	restamped   = counter("packetheat_sensor_restamped_ticks_total", "Ticks that were stored in the time in which they came, because the clock had leapt ahead.")
	lastPacket  = gauge("packetheat_sensor_last_packet_timestamp_seconds", "Time of the latest packet; 0: none came.")
	lastCommit  = gauge("packetheat_sensor_last_commit_timestamp_seconds", "When a tick was last committed; 0: none was.")
	warnings    = gauge("packetheat_sensor_warnings", "Warnings about what makes numbers wrong and a line of the configuration mends.", "code")
	mergedTicks = counter("packetheat_sensor_merged_ticks_total", "Ticks merged because what is behind was slow.")

	commits        = counter("packetheat_store_commits_total", "Batches committed.")
	commitErrors   = counter("packetheat_store_commit_errors_total", "Commits that failed and were tried again.")
	storeSize      = gauge("packetheat_store_size_bytes", "Size of the store's files.")
	storeUnused    = gauge("packetheat_store_unused_bytes", "Room in the store's file that holds nothing and will be given back.")
	storeLog       = gauge("packetheat_store_wal_bytes", "Size of the write-ahead log.")
	storeTiers     = gauge("packetheat_store_tiers", "Sums of whole intervals that the store has.", "level")
	storeOpen      = gauge("packetheat_store_unsealed_intervals", "Intervals of ten minutes that have no sums yet.")
	storeLate      = gauge("packetheat_store_late_batches", "Batches that sums have yet to take in.")
	storeOldest    = gauge("packetheat_store_oldest_points_timestamp_seconds", "Start of the oldest tick whose points are kept.")
	prunedPoints   = counter("packetheat_store_pruned_points_total", "Points deleted because of their age or for want of room.")
	prunedBytes    = counter("packetheat_store_pruned_bytes_total", "Room won by deleting.")
	storeSealed    = counter("packetheat_store_sealed_total", "Sums of intervals written, and written again for what came late.", "kind")
	storeFailed    = counter("packetheat_store_seal_failures_total", "Intervals whose sums could not be made.")
	upkeepTime     = counter("packetheat_store_maintenance_seconds_total", "How long the making of sums took.")
	pruneSeconds   = counter("packetheat_store_prune_seconds_total", "How long deleting took, the waiting for commits included.")
	storeFree      = gauge("packetheat_store_free_bytes", "Room on the store's disk that the sensor may use.")
	storeRecovered = gauge("packetheat_store_recovered", "1 if a damaged store was set aside at the start, else 0.")

	geoBuilt     = gauge("packetheat_geo_database_build_timestamp_seconds", "When the GeoIP database in use was built.", "kind", "name")
	geoFaults    = counter("packetheat_geo_faults_total", "Look-ups that failed on damaged data.")
	geoLookups   = counter("packetheat_geo_lookups_total", "Look-ups of addresses, by whether the cache of a shard knew the answer.", "result")
	geoEvictions = counter("packetheat_geo_cache_evictions_total", "Addresses that made room for others in the caches.")
	geoDecoded   = counter("packetheat_geo_decoded_records_total", "Records of GeoIP databases that were decoded.")
	geoChecked   = gauge("packetheat_geo_update_checked_timestamp_seconds", "When the publisher last said what it has; 0: never. Only where geo.update is enabled.", "edition")
	geoFailing   = gauge("packetheat_geo_update_failures", "Attempts to update that failed since then.", "edition")
	geoSearching = counter("packetheat_geo_search_seconds_total", "Time that look-ups took which the caches could not answer, estimated.")

	rewrites       = counter("packetheat_export_rewrites_total", "Rewrites of the standing files.")
	rewriteFails   = counter("packetheat_export_rewrite_failures_total", "Rewrites of the standing files that failed.")
	rewriteSeconds = gauge("packetheat_export_rewrite_seconds", "What the last rewrite of the main files took of a core.")
	rewriteUsed    = counter("packetheat_export_rewrite_seconds_total", "What all rewrites took of a core, those of jobs, too.")
	rewriteSkips   = counter("packetheat_export_rewrite_skips_total", "Ticks that changed nothing in the standing files.")
	rewritten      = gauge("packetheat_export_written_timestamp_seconds", "When a standing file was last written; 0: it was not yet.", "format")

	fleetUp            = gauge("packetheat_fleet_up", "1 if the fleet's server takes what is shipped, 0 while it is away. This and what follows only where fleet.clickhouse.dsn is set.")
	fleetBatches       = counter("packetheat_fleet_shipped_batches_total", "Batches that have arrived at the fleet's server.")
	fleetPoints        = counter("packetheat_fleet_shipped_points_total", "Points that have arrived there.")
	fleetShipments     = counter("packetheat_fleet_shipments_total", "Times that some were sent together, and arrived.")
	fleetErrors        = counter("packetheat_fleet_errors_total", "Times that they did not, or may not have.")
	fleetWaiting       = gauge("packetheat_fleet_waiting_batches", "Batches in the store that are yet to be shipped.")
	fleetWaitingPoints = gauge("packetheat_fleet_waiting_points", "Points in them.")
	fleetLag           = gauge("packetheat_fleet_lag_seconds", "How long ago the oldest tick that waits began; 0: nothing waits.")
	fleetLost          = counter("packetheat_fleet_lost_points_total", "Points that the store gave up before they were shipped.")
	fleetRefused       = counter("packetheat_fleet_refused_batches_total", "Batches that the server does not take for what is in them; they stay in the sensor's store.")
	fleetDamaged       = counter("packetheat_fleet_damaged_batches_total", "Batches that were shipped without their points, which cannot be read.")
	fleetNewest        = gauge("packetheat_fleet_shipped_timestamp_seconds", "End of the newest tick that has arrived; 0: none has since the start.")

	requests  = counter("packetheat_dashboard_requests_total", "Requests answered, by the class of the status (2xx, 4xx …).", "class")
	questions = gauge("packetheat_dashboard_open_questions", "Questions to the store that are being answered.")
	downloads = gauge("packetheat_dashboard_open_downloads", "Files that are being downloaded.")
	streams   = gauge("packetheat_dashboard_open_streams", "Pages that follow live.")
	turned    = counter("packetheat_dashboard_turned_away_total", "Connections closed at once: there were too many, of all or of one address.")
	wrong     = counter("packetheat_dashboard_wrong_tokens_total", "Wrong tokens, and such as had to wait after them.")

	alertsSaid    = counter("packetheat_alert_said_total", "Alerts, by kind; those that were too many to be listed included.", "kind")
	alertsLasting = gauge("packetheat_alert_lasting", "Trouble that is not over.")
	hookPending   = gauge("packetheat_alert_webhook_pending", "Alerts that the webhook has yet to take.")
	hookFailures  = counter("packetheat_alert_webhook_failures_total", "Attempts to post an alert that failed.")
)

// All returns every metric of ours, in the order of the way that packets take.
func All() []Metric {
	return []Metric{
		buildInfo, healthOK, reloadOK, reloads, logRecords, logHeld,
		ringFrames, ringDrops, ringFreezes, ringCaptured, ringBytes, rxDropped, rxMissed, rxFIFO, backlog, shards, captureUp,
		lastRead, capturing,
		packets, octets,
		points, endpoints, unlocated, tunnelled, lastTick, queuedTicks, heldTicks, restamped, lastPacket, lastCommit, warnings,
		mergedTicks,
		commits, commitErrors, storeSize, storeUnused, storeLog, storeTiers, storeOpen, storeLate, storeOldest, prunedPoints,
		prunedBytes, storeSealed, storeFailed, upkeepTime, pruneSeconds, storeFree, storeRecovered,
		geoBuilt, geoFaults, geoLookups, geoEvictions, geoDecoded, geoChecked, geoFailing, geoSearching,
		rewrites, rewriteFails, rewriteSeconds, rewriteUsed, rewriteSkips, rewritten,
		fleetUp, fleetBatches, fleetPoints, fleetShipments, fleetErrors, fleetWaiting, fleetWaitingPoints, fleetLag, fleetLost, fleetRefused, fleetDamaged, fleetNewest,
		requests, questions, downloads, streams, turned, wrong,
		alertsSaid, alertsLasting, hookPending, hookFailures,
	}
}
