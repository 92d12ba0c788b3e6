package metrics

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

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

// scrape returns what Prometheus would get.
func scrape(t *testing.T, sources Sources) string {
	t.Helper()
	w := httptest.NewRecorder()
	New("1.2.3", sources).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func some() Sources {
	return Sources{
		Sensor: func() sensor.Status {
			return sensor.Status{
				Interfaces: []sensor.InterfaceStatus{
					{Name: "eth0", Shards: 2, State: "capturing", Read: time.Unix(55, 0), RingBytes: 1 << 20, Losses: sensor.Losses{RxMissed: 11}, Books: store.Books{Ring: 10, Drops: 3, Frames: 7}},
					{Name: "wg0", Books: store.Books{Ring: 1, Frames: 1}},
				},
				Books:    store.Books{Captured: store.Count{Packets: 8, Bytes: 800}, OnePublic: store.Count{Packets: 5, Bytes: 500}},
				Losses:   sensor.Losses{BacklogDrops: 12},
				Warnings: []sensor.Warning{{Code: sensor.WarnNAT}},
				Points:   4,
				LastTick: time.Unix(1000, 5e8),
			}
		},
		Refresher: func() export.RefreshStatus {
			return export.RefreshStatus{Rewrites: 6, Seconds: 0.25, Used: 1.5, Files: []export.FileStatus{{Format: "csv", Written: time.Unix(88, 0)}}}
		},
		Databases:  func() []store.GeoSource { return []store.GeoSource{{Kind: "city", Name: "x", Built: time.Unix(77, 0)}} },
		Faults:     func() uint64 { return 9 },
		Geo:        func() geo.Stats { return geo.Stats{Hits: 3, Misses: 2, Decoded: 1, Searching: 1500 * time.Millisecond} },
		StoreBytes: func() int64 { return 4096 },
		Store: func() Store {
			return Store{Known: true, Free: 123, Unused: 5, Log: 6, Tiers: [3]int64{7, 8, 9}, Open: 10, Late: 11, Oldest: 12, PrunedPoints: 13, PrunedBytes: 14, PruneSeconds: 1.5, Sealed: 15, UpkeepSeconds: 16.5}
		},
		Fleet: func() Fleet {
			return Fleet{Ships: true, Up: true, Batches: 21, Points: 22, Shipments: 23, Errors: 24, Waiting: 25, WaitingPoints: 26, Lag: 27.5, LostPoints: 28, Refused: 30, Damaged: 31, Newest: time.Unix(29, 0)}
		},
		Health: func() []health.Check {
			return []health.Check{{Name: "rings", Level: health.Live, OK: true}, {Name: "disk", Level: health.Ready}}
		},
		Dashboard: func() dashboard.Traffic {
			return dashboard.Traffic{Classes: [6]uint64{2: 200, 4: 4}, Questions: 1, Downloads: 2, Streams: 3, Turned: 5, Wrong: 7}
		},
		Alerts: func() alert.Counts {
			return alert.Counts{Said: map[string]uint64{alert.Drops: 2, alert.NewAS: 0}, Lasting: 1, Pending: 5, Failures: 6}
		},
		Log:     func() term.LogCounts { return term.LogCounts{Levels: map[string]uint64{"warn": 7}, Suppressed: 3} },
		Reloads: func() Reloads { return Reloads{Taken: 4, Refused: 1, Failing: true} },
		Updates: func() []update.Status {
			return []update.Status{{Edition: "city", Checked: time.Unix(99, 0), Failures: 2}}
		},
	}
}

func TestValues(t *testing.T) {
	text := scrape(t, some())
	for _, line := range []string{
		`packetheat_build_info{version="1.2.3"} 1`,
		`packetheat_capture_kernel_drops_total{interface="eth0"} 3`,
		`packetheat_capture_kernel_drops_total{interface="wg0"} 0`,
		`packetheat_capture_open_rings{interface="eth0"} 2`,
		`packetheat_capture_ring_bytes{interface="eth0"} 1.048576e+06`,
		`packetheat_capture_interface_missed_frames_total{interface="eth0"} 11`,
		`packetheat_capture_backlog_drops_total 12`,
		`packetheat_sensor_packets_total{state="captured"} 8`,
		`packetheat_sensor_bytes_total{state="one_public"} 500`,
		`packetheat_sensor_points_total 4`,
		`packetheat_sensor_last_tick_timestamp_seconds 1000.5`,
		`packetheat_store_size_bytes 4096`,
		`packetheat_store_wal_bytes 6`,
		`packetheat_store_tiers{level="1d"} 9`,
		`packetheat_store_unsealed_intervals 10`,
		`packetheat_store_oldest_points_timestamp_seconds 12`,
		`packetheat_store_pruned_points_total 13`,
		`packetheat_store_prune_seconds_total 1.5`,
		`packetheat_store_sealed_total{kind="first"} 15`,
		`packetheat_store_maintenance_seconds_total 16.5`,
		`packetheat_geo_database_build_timestamp_seconds{kind="city",name="x"} 77`,
		`packetheat_geo_faults_total 9`,
		`packetheat_geo_lookups_total{result="hit"} 3`,
		`packetheat_geo_lookups_total{result="miss"} 2`,
		`packetheat_geo_decoded_records_total 1`,
		`packetheat_geo_search_seconds_total 1.5`,
		`packetheat_health_ok{check="rings",level="live"} 1`,
		`packetheat_health_ok{check="disk",level="ready"} 0`,
		`packetheat_config_reload_ok 0`,
		`packetheat_config_reloads_total{result="taken"} 4`,
		`packetheat_log_messages_total{level="warn"} 7`,
		`packetheat_log_suppressed_total 3`,
		`packetheat_capture_up{interface="eth0"} 1`,
		`packetheat_capture_up{interface="wg0"} 0`,
		`packetheat_capture_last_read_timestamp_seconds{interface="eth0"} 55`,
		`packetheat_sensor_warnings{code="nat_both_sides"} 1`,
		`packetheat_sensor_warnings{code="duplicates"} 0`,
		`packetheat_store_free_bytes 123`,
		`packetheat_store_recovered 0`,
		`packetheat_geo_update_failures{edition="city"} 2`,
		`packetheat_export_written_timestamp_seconds{format="csv"} 88`,
		`packetheat_dashboard_requests_total{class="2xx"} 200`,
		`packetheat_dashboard_requests_total{class="5xx"} 0`,
		`packetheat_dashboard_open_streams 3`,
		`packetheat_dashboard_turned_away_total 5`,
		`packetheat_dashboard_wrong_tokens_total 7`,
		`packetheat_alert_said_total{kind="drops"} 2`,
		`packetheat_alert_webhook_failures_total 6`,
		`packetheat_fleet_up 1`,
		`packetheat_fleet_waiting_points 26`,
		`packetheat_fleet_lag_seconds 27.5`,
		`packetheat_fleet_shipped_timestamp_seconds 29`,
		`packetheat_fleet_refused_batches_total 30`,
		`packetheat_fleet_damaged_batches_total 31`,
		`packetheat_export_rewrites_total 6`,
		`packetheat_export_rewrite_seconds 0.25`,
		`packetheat_export_rewrite_seconds_total 1.5`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// TestAll holds the list, which the manual prints, to what is really shown: the same names,
// types, words and labels, each once.
func TestAll(t *testing.T) {
	rule := regexp.MustCompile(`^packetheat_(build|health|config|log|capture|decode|sensor|store|geo|export|fleet|dashboard|alert)_[a-z0-9_]+$`)
	listed := map[string]Metric{}
	for _, m := range All() {
		if _, twice := listed[m.Name]; twice {
			t.Errorf("%s is listed twice", m.Name)
		}
		if !rule.MatchString(m.Name) || strings.HasSuffix(m.Name, "_total") == m.Gauge || !strings.HasSuffix(m.Help, ".") {
			t.Errorf("%s, a %s, %q breaks the rule", m.Name, m.Type(), m.Help)
		}
		listed[m.Name] = m
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(scrape(t, some())))
	if err != nil {
		t.Fatal(err)
	}
	for name, family := range families {
		if !strings.HasPrefix(name, "packetheat_") {
			if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
				t.Errorf("%s is of no kind that the manual names", name)
			}
			continue
		}
		m, ok := listed[name]
		delete(listed, name)
		if !ok || family.GetHelp() != m.Help || strings.ToLower(family.GetType().String()) != m.Type() {
			t.Errorf("%s is shown as a %s, %q; listed (%v) as a %s, %q", name, family.GetType(), family.GetHelp(), ok, m.Type(), m.Help)
		}
		for _, one := range family.GetMetric() {
			var labels []string
			for _, pair := range one.GetLabel() {
				labels = append(labels, pair.GetName())
			}
			want := slices.Sorted(slices.Values(m.Labels))
			if !slices.Equal(labels, want) {
				t.Errorf("%s has the labels %q, want %q", name, labels, want)
			}
		}
	}
	for name := range listed {
		t.Errorf("%s is listed, and not shown", name)
	}
}
