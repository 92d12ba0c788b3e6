package livetest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
)

// TestExact sends every kind of traffic, stops the sensor right behind the last frame,
// and holds all its answers against what was sent.
func TestExact(t *testing.T) {
	link := capturetest.Veth(t)
	sent := mix(t, 6000)
	s := start(t, link, options{})
	s.ready()
	const rounds = 3
	transmit(t, link, link.Peer.Sender(t), sent.frames, rounds*len(sent.frames))
	s.stop()

	want := make(sums)
	for k, v := range sent.points {
		want.add(k, rounds*v.Packets, rounds*v.Bytes, rounds*v.Opens)
	}
	t.Logf("sent %d frames in %d keys", rounds*len(sent.frames), len(want))
	checkBooks(t, balanced(t, s.dir+"/data"), sent, rounds)
	same(t, "export csv", want, readCSV(t, strings.NewReader(ask(t, s.dir, "export", "csv", "-o", "-"))))
	same(t, "export ndjson", want, readNDJSON(t, strings.NewReader(ask(t, s.dir, "export", "ndjson", "-o", "-"))))
	same(t, "export geojson", want, readGeoJSON(t, strings.NewReader(ask(t, s.dir, "export", "geojson", "-o", "-"))))
	ask(t, s.dir, "export", "sqlite", "-o", "points.sqlite")
	same(t, "export sqlite", want, readSQLite(t, filepath.Join(s.dir, "points.sqlite")))
	ask(t, s.dir, "export", "html", "-o", "page.html")
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
