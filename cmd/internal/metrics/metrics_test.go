package metrics

import (
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/geo"
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
					{Name: "eth0", Shards: 2, RingBytes: 1 << 20, Losses: sensor.Losses{RxMissed: 11}, Books: store.Books{Ring: 10, Drops: 3, Frames: 7}},
					{Name: "wg0", Books: store.Books{Ring: 1, Frames: 1}},
				},
				Books:    store.Books{Captured: store.Count{Packets: 8, Bytes: 800}, OnePublic: store.Count{Packets: 5, Bytes: 500}},
				Losses:   sensor.Losses{BacklogDrops: 12},
				Points:   4,
				LastTick: time.Unix(1000, 5e8),
			}
		},
		Refresher:  func() export.RefreshStatus { return export.RefreshStatus{Rewrites: 6, Seconds: 0.25, Used: 1.5} },
		Databases:  func() []store.GeoSource { return []store.GeoSource{{Kind: "city", Name: "x", Built: time.Unix(77, 0)}} },
		Faults:     func() uint64 { return 9 },
		Geo:        func() geo.Stats { return geo.Stats{Hits: 3, Misses: 2, Decoded: 1, Searching: 1500 * time.Millisecond} },
		StoreBytes: func() int64 { return 4096 },
		Store: func() Store {
			return Store{Known: true, Unused: 5, Log: 6, Tiers: [3]int64{7, 8, 9}, Open: 10, Late: 11, Oldest: 12, PrunedPoints: 13, PrunedBytes: 14, PruneSeconds: 1.5, Sealed: 15, UpkeepSeconds: 16.5}
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
		`packetheat_export_rewrites_total 6`,
		`packetheat_export_rewrite_seconds 0.25`,
		`packetheat_export_rewrite_seconds_total 1.5`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

// TestNames holds every name of ours to the rule in the package's comment.
func TestNames(t *testing.T) {
	rule := regexp.MustCompile(`^packetheat_(build|capture|decode|sensor|store|geo|export)_[a-z_]+$`)
	ours := 0
	for _, line := range strings.Split(scrape(t, some()), "\n") {
		words := strings.Fields(line)
		if len(words) != 4 || words[1] != "TYPE" || !strings.HasPrefix(words[2], "packetheat_") {
			continue
		}
		ours++
		if !rule.MatchString(words[2]) || strings.HasSuffix(words[2], "_total") != (words[3] == "counter") {
			t.Errorf("%s of type %s breaks the rule", words[2], words[3])
		}
	}
	if ours < 20 {
		t.Errorf("%d metrics of ours", ours)
	}
}
