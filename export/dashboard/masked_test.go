package dashboard

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// hidden is a store of two hours with everything in it that a mask takes out.
func hidden() *fakeReader {
	f := &fakeReader{}
	for i := range 720 {
		f.points = append(f.points, store.Point{Time: noon.Add(time.Duration(i) * tick), Interval: tick, Sensor: "gw-secret", Proto: 6, Port: 443, HasPort: true,
			Addr: netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(1 + i%20)}), 32), Peer: netip.MustParsePrefix("10.77.0.5/32"),
			Direction: store.Direction(i & 1), Packets: 1, Bytes: 100, ASN: 64500, ASOrg: "Big Net",
			Place: store.Place{Latitude: 48.8534, Longitude: 2.3488, Country: "FR", City: "Paris", Precision: store.City}})
		if i%100 == 7 {
			p := &f.points[i]
			p.Addr, p.Place = netip.MustParsePrefix("198.51.100.99/32"), store.Place{Latitude: 47.1234, Longitude: 8.5678, Country: "CH", City: "Altdorf", Precision: store.City}
		}
	}
	return f
}

// maskedConfig tells everything it can, were it not for the mask.
func maskedConfig() Config {
	return Config{Reader: hidden(), Sensor: "gw-secret", Version: "v1", Labels: nil,
		Now:     func() time.Time { return noon.Add(2*time.Hour + time.Minute) },
		Home:    func() *page.Home { return &page.Home{Latitude: 12.3456, Longitude: 65.4321, Name: "Nemo Point"} },
		Links:   func() []page.Link { return []page.Link{{Name: "inner", URL: "https://inner.example/{ip}"}} },
		Status:  func() any { return map[string]string{"path": "/var/lib/gw-secret"} },
		Ready:   func() error { return errors.New("the disk of gw-secret is full") },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "gw-secret 1\n") }),
		Mask:    func() *export.Mask { return &export.Mask{} }}
}

// allOf is a body with what is compressed in it beside it.
func allOf(t *testing.T, text string) string {
	if _, data, ok := strings.Cut(text, `id="packetheat-data">`); ok {
		data, _, _ = strings.Cut(data, "<")
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		return text + allOf(t, string(raw))
	}
	if !strings.HasPrefix(text, string(gzipMagic)) {
		return text
	}
	z, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestMaskedServerTellsNothing asks every route, and looks for every secret; without the
// mask each is told somewhere.
func TestMaskedServerTellsNothing(t *testing.T) {
	secrets := []string{"gw-secret", "10.77.0.5", "203.0.113.7", "198.51.100.99", "Altdorf", "Nemo Point", "inner.example"}
	said := func(cfg Config) string {
		var all bytes.Buffer
		for path := range New(cfg).routes {
			if path == "/api/v1/live" || path == "/" || path == "/api/v1/openapi.yaml" {
				continue // the stream has a test of its own; the others are the same for all
			}
			for _, header := range []string{"", page.MediaType, gradualType, "application/x-ndjson"} {
				all.WriteString(allOf(t, body(t, get(t, cfg, path, "Accept", header))) + "\n")
			}
		}
		for _, by := range store.Dimensions() {
			all.WriteString(body(t, get(t, cfg, "/api/v1/top?by="+by)))
		}
		return all.String()
	}
	open := maskedConfig()
	open.Mask = nil
	before, after := said(open), said(maskedConfig())
	for _, secret := range secrets {
		if !strings.Contains(before, secret) {
			t.Errorf("%s is not told without a mask: the test is blind", secret)
		}
		if i := strings.Index(after, secret); i >= 0 {
			t.Errorf("%s is told: …%q…", secret, after[max(0, i-80):i+40])
		}
	}
	if !strings.Contains(after, "203.0.113.0/24") || !strings.Contains(after, "Paris") || !strings.Contains(after, `"masked":true`) {
		t.Error("the masked answers tell nothing at all")
	}
	if r := get(t, maskedConfig(), "/metrics"); r.StatusCode != http.StatusNotFound {
		t.Errorf("metrics of a masked server: %d", r.StatusCode)
	}
}

// TestMaskComesBeforeFilter refuses filters that would probe, and finer times.
func TestMaskComesBeforeFilter(t *testing.T) {
	for query, want := range map[string]string{
		"/api/v1/cells?filter=peer:10.77.0.5":      "peers",
		"/api/v1/series?filter=sensor:gw-secret":   "names of sensors",
		"/api/v1/points.csv?filter=ip:203.0.113.7": "closer than",
		"/api/v1/top?by=peer":                      "no peers",
		"/api/v1/series?step=10":                   "multiple",
		"/api/v1/export.html?detail=full":          "places only",
	} {
		r := get(t, maskedConfig(), query)
		if text := body(t, r); r.StatusCode != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", query, r.StatusCode, text)
		}
	}
	top := decode[topAnswer](t, get(t, maskedConfig(), "/api/v1/top?by=city&filter=city:Altdorf"))
	if len(top.Rows) != 0 || top.Total != (amounts{}) {
		t.Errorf("a place that is masked is found by its name: %+v", top)
	}
	cells := decode[cellsAnswer](t, get(t, maskedConfig(), "/api/v1/cells?from=2026-11-21T12:20:00Z&to=2026-11-21T12:30:00Z"))
	if w := cells.Coverage; cells.Total.Packets != 360 || w.Tick != 3600 {
		t.Errorf("ten minutes of an hour are %+v, covered by %+v", cells.Total, w)
	}
	csv := body(t, get(t, maskedConfig(), "/api/v1/export.csv?mask=gone&mask_k=9"))
	if strings.Contains(csv, "203.0.113") || !strings.Contains(csv, "Paris") {
		t.Errorf("a stricter mask: %.300s", csv)
	}
}

// TestMaskedStream announces no tick.
func TestMaskedStream(t *testing.T) {
	r := hidden()
	server := httptest.NewServer(New(Config{Reader: r, Mask: func() *export.Mask { return &export.Mask{} }}).Handler())
	defer server.Close()
	answer, err := http.Get(server.URL + "/api/v1/live")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for i := range 2 {
		r.announce(store.Commit{Sensor: "gw-secret", Tick: noon.Add(time.Duration(i) * time.Hour), Interval: tick, Points: 3, Public: store.Count{Packets: 77}})
	}
	var got strings.Builder
	piece := make([]byte, 4096)
	for !strings.Contains(got.String(), "event: tick") {
		n, err := answer.Body.Read(piece)
		got.Write(piece[:n])
		if err != nil {
			t.Fatalf("%v after %s", err, &got)
		}
	}
	if text := got.String(); strings.Contains(text, "gw-secret") || strings.Contains(text, "77") || !strings.Contains(text, `"tick":"2026-11-21T12:00:00Z","interval":3600`) {
		t.Errorf("the stream tells %s", text)
	}
}
