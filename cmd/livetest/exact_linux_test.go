package livetest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
)

// TestExact sends every kind of traffic, stops the sensor right behind the last frame,
// and holds all its answers against what was sent.
func TestExact(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	sent := mix(t, 6000)
	s := start(t, link, options{})
	s.ready()
	const rounds = 3
	sender := link.Peer.Sender(t)
	transmit(t, link, sender, sent.frames, (rounds-1)*len(sent.frames))
	checkLive(t, s, sent.times(rounds-1))
	transmit(t, link, sender, sent.frames, len(sent.frames))
	s.stop()

	want := sent.times(rounds)
	t.Logf("sent %d frames in %d keys", rounds*len(sent.frames), len(want))
	checkBooks(t, balanced(t, s.dir+"/data"), sent, rounds)
	same(t, "export csv", want, readCSV(t, strings.NewReader(ask(t, s.dir, "export", "csv", "-o", "-"))))
	same(t, "export ndjson", want, readNDJSON(t, strings.NewReader(ask(t, s.dir, "export", "ndjson", "-o", "-"))))
	same(t, "export geojson", want, readGeoJSON(t, strings.NewReader(ask(t, s.dir, "export", "geojson", "-o", "-"))))
	ask(t, s.dir, "export", "sqlite", "-o", "points.sqlite")
	same(t, "export sqlite", want, readSQLite(t, filepath.Join(s.dir, "points.sqlite")))
	ask(t, s.dir, "export", "html", "-o", "page.html")
	for _, by := range []string{"ip", "peer", "port", "proto", "dir", "country", "city", "asn"} {
		checkTop(t, "top "+by+" --json", by, want, []byte(ask(t, s.dir, "top", by, "--json", "-n", "0")))
	}
	for _, name := range []string{"page.html", "out/ip_heatmap.html"} {
		html, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.layers(), readPage(t, html)); diff != "" {
			t.Errorf("%s by layer (-sent +got):\n%s", name, diff)
		}
	}
	standing, err := os.ReadFile(filepath.Join(s.dir, "out/ip_heatmap.csv"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "out/ip_heatmap.csv", want, readCSV(t, bytes.NewReader(standing)))
	if left, err := filepath.Glob(filepath.Join(s.dir, "out", "*")); err != nil || len(left) != 2 {
		t.Errorf("files in out: %v, %v; want the two and nothing half-written", left, err)
	}
}

// checkLive holds the API against what was sent, once it says that all is committed.
func checkLive(t *testing.T, s *sensor, want sums) {
	t.Helper()
	got := make(sums)
	for deadline := time.Now().Add(patience); got.total().Packets < want.total().Packets && time.Now().Before(deadline); {
		got = readCSV(t, bytes.NewReader(s.get("/api/v1/points.csv")))
	}
	same(t, "/api/v1/points.csv", want, got)
	same(t, "/api/v1/points.ndjson", want, readNDJSON(t, bytes.NewReader(s.get("/api/v1/points.ndjson"))))
	for _, by := range []string{"ip", "peer", "port", "proto", "dir", "country", "city", "asn"} {
		path := "/api/v1/top?n=10000&by=" + by
		checkTop(t, path, by, want, s.get(path))
	}
	var answer struct {
		Cells []struct {
			Protocol, Direction   string
			Packets, Bytes, Opens uint64
		}
	}
	if err := json.Unmarshal(s.get("/api/v1/cells"), &answer); err != nil {
		t.Fatal(err)
	}
	cells := make(map[layer]store.Sum)
	for _, c := range answer.Cells {
		l := map[string]layer{"tcp": 0, "udp": 2, "icmp": 4, "other": 6}[c.Protocol] + map[string]layer{"in": 0, "out": 1}[c.Direction]
		total := cells[l]
		total.Add(store.Sum{Packets: c.Packets, Bytes: c.Bytes, Opens: c.Opens})
		cells[l] = total
	}
	if diff := cmp.Diff(want.layers(), cells); diff != "" {
		t.Errorf("/api/v1/cells by layer (-sent +got):\n%s", diff)
	}
}

// checkTop holds a top, as JSON, against what was sent. Where it sums by what only a
// GeoIP database knows, or by a port, which some packets have not, the total must do.
func checkTop(t *testing.T, what, by string, want sums, answer []byte) {
	t.Helper()
	type amounts struct{ Packets, Bytes, Opens uint64 }
	var top struct {
		Total amounts
		Rows  []struct {
			Key, Proto, Protocol string
			amounts
		}
	}
	if err := json.Unmarshal(answer, &top); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got := store.Sum(top.Total); got != want.total() {
		t.Errorf("%s: total %v, sent %v", what, got, want.total())
	}
	name := map[string]func(key) string{
		"ip":    func(k key) string { return k.addr },
		"peer":  func(k key) string { return k.peer },
		"proto": func(k key) string { return k.proto },
		"dir":   func(k key) string { return k.direction },
		"port": func(k key) string {
			if k.port == "" {
				return ""
			}
			return k.port + "/" + k.proto
		},
	}[by]
	if name == nil {
		return
	}
	got := make(map[string]store.Sum)
	for _, r := range top.Rows {
		if by == "port" && r.Key != "" {
			r.Key += "/" + r.Proto + r.Protocol
		}
		total := got[r.Key]
		total.Add(store.Sum(r.amounts))
		got[r.Key] = total
	}
	if diff := cmp.Diff(want.by(name), got); diff != "" {
		t.Errorf("%s (-sent +got):\n%.3000s", what, diff)
	}
}

// checkBooks holds the counters of the whole way against what was sent.
func checkBooks(t *testing.T, b store.Books, sent *ledger, rounds uint64) {
	t.Helper()
	type books struct{ Frames, Drops, Captured, NonIP, Undecodable, LocalOnly, OnePublic, TwoPublic uint64 }
	want := books{
		Frames: rounds * uint64(len(sent.frames)), Captured: rounds * uint64(len(sent.frames)),
		NonIP: rounds * sent.books.nonIP, Undecodable: rounds * sent.books.bad,
		LocalOnly: rounds * sent.books.local, OnePublic: rounds * sent.books.one, TwoPublic: rounds * sent.books.two,
	}
	got := books{b.Frames, b.Drops, b.Captured.Packets, b.NonIP.Packets, b.Undecodable.Packets,
		b.LocalOnly.Packets, b.OnePublic.Packets, b.TwoPublic.Packets}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("books (-sent +stored):\n%s", diff)
	}
}
