package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/sqlite"
)

// store.anonymise shortens addresses before they are stored: nothing that reads the
// store has them, and the books balance.
func TestAnonymise(t *testing.T) {
	for which, want := range map[string][]string{
		"peer": {
			"2026-11-17T14:00:00Z in udp 1.1.1.1 10.0.0.0/24 53 1 100 0 Berlin", "2026-11-17T14:00:00Z out udp 1.1.1.1 10.0.0.0/24 53 1 100 0 Berlin",
			"2026-11-17T14:00:00Z in tcp 9.9.9.9 10.0.0.0/24 443 4 4000 0 Paris", "2026-11-17T14:00:00Z out tcp 9.9.9.9 10.0.0.0/24 443 3 300 1 Paris",
			"2026-11-17T15:30:00Z in icmp 8.8.8.8 10.0.0.0/24  2 200 0 New York", "2026-11-17T15:30:00Z in tcp 2620:fe::fe fd00::/48 22 1 100 1 Tokyo"},
		"both": {
			"2026-11-17T14:00:00Z in udp 1.1.1.0/24 10.0.0.0/24 53 1 100 0 Berlin", "2026-11-17T14:00:00Z out udp 1.1.1.0/24 10.0.0.0/24 53 1 100 0 Berlin",
			"2026-11-17T14:00:00Z in tcp 9.9.9.0/24 10.0.0.0/24 443 4 4000 0 Paris", "2026-11-17T14:00:00Z out tcp 9.9.9.0/24 10.0.0.0/24 443 3 300 1 Paris",
			"2026-11-17T15:30:00Z in icmp 8.8.8.0/24 10.0.0.0/24  2 200 0 New York", "2026-11-17T15:30:00Z in tcp 2620:fe::/48 fd00::/48 22 1 100 1 Tokyo"},
	} {
		t.Run(which, func(t *testing.T) {
			dir := put(t, "sample.pcap", sample())
			env := []string{"PACKETHEAT_STORE_ANONYMISE_ADDRESSES=" + which}
			if r := (call{dir: dir, env: env, args: []string{"replay", "sample.pcap", "--data", "data"}}).run(t); r.status != exitDone {
				t.Fatal(r.err)
			}
			// Without the setting: what was not stored cannot be shown.
			r := packetheat(t, dir, "export", "csv", "-o", "-")
			if diff := cmp.Diff(want, rowsOf(t, r.out)); diff != "" {
				t.Error(diff)
			}
			if n := strings.Count(r.out, ",masked"); n != len(want) {
				t.Errorf("%d rows say that they are masked", n)
			}
		})
	}
}

// export --mask, from flag to file; package export's tests look into every format.
func TestExportMask(t *testing.T) {
	dir := sharedStore(t)
	r := packetheat(t, dir, "export", "csv", "-o", "-", "--mask", "--mask-k", "1")
	want := []string{
		"2026-11-17T14:00:00Z in udp 1.1.1.0/24  53 1 100 0 Berlin", "2026-11-17T14:00:00Z out udp 1.1.1.0/24  53 1 100 0 Berlin",
		"2026-11-17T14:00:00Z in tcp 9.9.9.0/24  443 4 4000 0 Paris", "2026-11-17T14:00:00Z out tcp 9.9.9.0/24  443 3 300 1 Paris",
		"2026-11-17T15:00:00Z in icmp 8.8.8.0/24   2 200 0 New York", "2026-11-17T15:00:00Z in tcp 2620:fe::/48  22 1 100 1 Tokyo"}
	if diff := cmp.Diff(want, rowsOf(t, r.out)); diff != "" {
		t.Error(diff)
	}
	r = packetheat(t, dir, "export", "csv", "-o", "-", "--mask=gone")
	if strings.Contains(r.out, "1.1.1") || strings.Contains(r.out, "Paris") || strings.Contains(r.out, ",FR,") || strings.Count(r.out, ",masked") != 6 {
		t.Errorf("with addresses gone and five a place:\n%s", r.out)
	}
	for format, want := range map[string]string{"csv": "say so where you publish the file", "sqlite": "https://www.maxmind.com\n"} {
		name := filepath.Join(t.TempDir(), "points")
		if r := packetheat(t, dir, "export", format, "-o", name); !strings.Contains(r.err, "places: This product includes GeoLite2 data") || !strings.Contains(r.err, want) {
			t.Errorf("%s: whose places these are is not said:\n%s", format, r.err)
		}
	}
	name := filepath.Join(t.TempDir(), "map.html")
	packetheat(t, dir, "export", "html", "-o", name, "--mask")
	page, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(page), "--mask") {
		t.Errorf("the page does not say how it was made: %v", err)
	}
	for _, c := range []struct {
		args []string
		said string
	}{
		{[]string{"--mask=all"}, "use --mask, or --mask=gone"},
		{[]string{"--mask-k", "3"}, "--mask-k goes with --mask"},
		{[]string{"--mask", "--mask-k", "0"}, "1 shows every place"},
		{[]string{"--mask", "--detail", "full"}, "a masked page has places only"},
		{[]string{"--mask", "--filter", "peer:10.0.0.5"}, `filter term "peer:10.0.0.5" asks for what the mask takes out: peers`},
	} {
		r := call{dir: dir, args: append([]string{"export", "html", "-o", name}, c.args...)}.run(t)
		if r.status != exitUsage || !strings.Contains(r.err, c.said) {
			t.Errorf("%v: status %d, %s", c.args, r.status, r.err)
		}
	}
}

// TestServedMask serves a real store: its one hour that is over, and nothing of the next.
func TestServedMask(t *testing.T) {
	s, err := sqlite.OpenReadOnly(filepath.Join(sharedStore(t), "data"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range []export.Reader{s, s.Alone()} {
		m := export.NewMasked(r, func() export.Mask { return export.Mask{Least: 1} })
		var csv bytes.Buffer
		if _, err := export.Write(t.Context(), &csv, m, export.CSV, export.Options{}); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"2026-11-17T14:00:00Z in udp 1.1.1.0/24  53 1 100 0 Berlin", "2026-11-17T14:00:00Z out udp 1.1.1.0/24  53 1 100 0 Berlin",
			"2026-11-17T14:00:00Z in tcp 9.9.9.0/24  443 4 4000 0 Paris", "2026-11-17T14:00:00Z out tcp 9.9.9.0/24  443 3 300 1 Paris"}
		if diff := cmp.Diff(want, rowsOf(t, csv.String())); diff != "" {
			t.Error(diff)
		}
		next := store.Filter{Window: store.Window{From: time.Date(2026, 11, 17, 15, 0, 0, 0, time.UTC)}}
		if cells, err := m.Cells(t.Context(), next, 0); err != nil || len(cells) != 0 {
			t.Errorf("of the present hour there are %d cells, %v", len(cells), err)
		}
		if c, err := m.Coverage(t.Context(), next.Window); err != nil || c.Points != 0 || c.Last.Minute() != 0 {
			t.Errorf("its coverage is %+v, %v", c, err)
		}
	}
}
