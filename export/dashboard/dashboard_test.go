package dashboard

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// get asks a server whose clock stands at the end of the points.
func get(t *testing.T, cfg Config, target string, header ...string) *http.Response {
	t.Helper()
	if cfg.Reader == nil {
		cfg.Reader = &fakeReader{points: somePoints()}
	}
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon.Add(time.Minute) }
	}
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(header); i += 2 {
		switch header[i] {
		case "Method":
			r.Method = header[i+1]
		case "Host":
			r.Host = header[i+1]
		default:
			r.Header.Set(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	New(cfg).Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func decode[T any](t *testing.T, r *http.Response) (v T) {
	t.Helper()
	text := body(t, r)
	if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s: %s", r.StatusCode, r.Header.Get("Content-Type"), text)
	}
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func total(f store.Filter) (a amounts) {
	for _, p := range somePoints() {
		if f.Match(&p) {
			a.add(p.Sum())
		}
	}
	return a
}

// TestSumsAgree asks every route about the same window and filter.
func TestSumsAgree(t *testing.T) {
	f, err := store.ParseFilter("proto:tcp,udp")
	if err != nil {
		t.Fatal(err)
	}
	f.Window = store.Window{From: noon.Add(10 * time.Second), To: noon.Add(40 * time.Second)}
	want := total(f)
	const query = "filter=proto:tcp,udp&from=2026-11-21T12:00:10Z&to=2026-11-21T12:00:40Z"
	for _, path := range []string{"/api/v1/cells?", "/api/v1/cells?step=10&", "/api/v1/cells?step=1m&"} {
		a := decode[cellsAnswer](t, get(t, Config{}, path+query))
		var sum amounts
		for _, c := range a.Cells {
			sum.add(store.Sum(c.amounts))
			if (c.Latitude == nil) != (c.City == "") {
				t.Errorf("%s: %+v", path, c)
			}
		}
		if sum != want || a.Total != want || !a.Window.From.Equal(f.Window.From) || a.Filter != "proto:tcp,udp" || a.Coverage.Drops != 3 {
			t.Errorf("%s adds up to %+v and says %+v, points to %+v; about %+v", path, sum, a.Total, want, a.about)
		}
	}
	series := decode[seriesAnswer](t, get(t, Config{}, "/api/v1/series?"+query))
	var sum amounts
	for _, b := range series.Bins {
		sum.add(store.Sum(b.amounts))
	}
	if sum != want || series.Step != 10 {
		t.Errorf("series adds up to %+v in steps of %g, points to %+v", sum, series.Step, want)
	}
	for _, by := range []string{"country", "ip", "port"} {
		top := decode[topAnswer](t, get(t, Config{}, "/api/v1/top?n=1&by="+by+"&"+query))
		if top.Total != want || len(top.Rows) != 1 || top.By != by || top.Count < 1 {
			t.Errorf("top %s: %+v", by, top)
		}
		row := top.Rows[0]
		in := row.In
		in.add(store.Sum(row.Out))
		if in != row.amounts {
			t.Errorf("top %s: in and out are not the row: %+v", by, row)
		}
	}
	for path, accept := range map[string]string{"/api/v1/points.csv?": "", "/api/v1/points?": "text/html", "/api/v1/export.csv?": ""} {
		records, err := csv.NewReader(get(t, Config{}, path+query, "Accept", accept).Body).ReadAll()
		if err != nil || len(records) != 1+countMatching(f) || strings.Join(records[0], ",") != strings.Join(export.Columns(), ",") {
			t.Errorf("%s: %d records, %v", path, len(records), err)
		}
	}
	for path, accept := range map[string]string{"/api/v1/points.ndjson?": "", "/api/v1/points?": "application/x-ndjson"} {
		if n := strings.Count(body(t, get(t, Config{}, path+query, "Accept", accept)), "\n"); n != countMatching(f) {
			t.Errorf("%s: %d lines", path, n)
		}
	}
}

func countMatching(f store.Filter) (n int) {
	for _, p := range somePoints() {
		if f.Match(&p) {
			n++
		}
	}
	return n
}

func TestColumns(t *testing.T) {
	r := get(t, Config{Version: "v1"}, "/api/v1/cells?last=1h", "Accept", page.MediaType, "Accept-Encoding", "gzip")
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != page.MediaType || r.Header.Get("Content-Encoding") != "" {
		t.Fatalf("%d %v", r.StatusCode, r.Header)
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || !bytes.HasPrefix(raw, []byte("PHCOLS")) || !bytes.Contains(raw, []byte(`"version":"v1"`)) {
		t.Errorf("%d bytes, %v", len(raw), err)
	}
	again := get(t, Config{Version: "v1"}, "/api/v1/cells?last=1h", "Accept", page.MediaType, "If-None-Match", r.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body(t, again) != "" {
		t.Errorf("the same columns again: %d", again.StatusCode)
	}
}

func TestPage(t *testing.T) {
	r := get(t, Config{}, "/", "Accept-Encoding", "gzip")
	if got := r.Header.Get("Content-Security-Policy"); got != page.CSP(true) || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("policy is %q", got)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	plain := body(t, get(t, Config{}, "/"))
	if plain != string(page.Live()) {
		t.Error("the page is another one")
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(z); err != nil || string(b) != plain {
			t.Errorf("the compressed page is another one: %v", err)
		}
	} else if len(plain) > worth {
		t.Error("the page is not compressed")
	}
	if again := get(t, Config{}, "/", "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same page again: %d", again.StatusCode)
	}
}

// TestProblems are questions that are refused, each with what to do.
func TestProblems(t *testing.T) {
	for _, tt := range []struct {
		target string
		header []string
		status int
		detail string
	}{
		{"/api/v1/cells?filter=prot:tcp", nil, 400, "proto"},
		{"/api/v1/cells?filter=443", nil, 400, "port:443"},
		{"/api/v1/cells?last=1h&from=now", nil, 400, "give one of them"},
		{"/api/v1/cells?last=soon", nil, 400, "24h"},
		{"/api/v1/cells?lst=1h", nil, 400, "last"},
		{"/api/v1/cells?last=1h&last=2h", nil, 400, "once"},
		{"/api/v1/cells?tz=Mars/Olympus", nil, 400, "Europe/Berlin"},
		{"/api/v1/cells?tz=../../etc/passwd", nil, 400, "UTC"},
		{"/api/v1/cells?step=15", nil, 400, "multiple"},
		{"/api/v1/cells?step=-1", nil, 400, "seconds"},
		{"/api/v1/cells?detail=addresses", nil, 400, "/api/v1/top"},
		{"/api/v1/cells?detail=everything", nil, 400, "places"},
		{"/api/v1/top?by=colour", nil, 400, "country"},
		{"/api/v1/top?n=100000", nil, 400, "10000"},
		{"/api/v1/points.csv?filter=x:y", nil, 400, "sensor"},
		{"/api/v1/export.html?detail=all", nil, 400, "places"},
		{"/api/v1/nothing", nil, 404, "openapi"},
		{"/metrics", nil, 404, "openapi"},
		{"/../etc/passwd", nil, 404, "openapi"},
		{"/api/v1/top", []string{"Method", "POST"}, 405, "GET"},
		{"/", []string{"Host", "evil.example:8080"}, 403, "dashboard.hosts"},
		{"/api/v1/cells", []string{"Host", "evil.example"}, 403, "dashboard.hosts"},
		{"/api/v1/cells", []string{"Host", "localhost.evil.example"}, 403, "dashboard.hosts"},
		{"/api/v1/cells", []string{"Host", ""}, 403, "dashboard.hosts"},
		{"/api/v1/cells?filter=" + strings.Repeat("x", longest), nil, 414, "8 KiB"},
	} {
		r := get(t, Config{}, tt.target, tt.header...)
		var p problem
		err := json.Unmarshal([]byte(body(t, r)), &p)
		if r.StatusCode != tt.status || p.Status != tt.status || r.Header.Get("Content-Type") != "application/problem+json" ||
			p.Title == "" || p.Type == "" || !strings.Contains(p.Detail, tt.detail) || err != nil {
			t.Errorf("%.60s %v: %d %+v, %v; want %d, %q", tt.target, tt.header, r.StatusCode, p, err, tt.status, tt.detail)
		}
	}
}

func TestKnownHosts(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST:8080", "localhost.", "x.localhost:1", "127.0.0.1", "[::1]:8080", "::1", "192.0.2.7:80",
		"gw1.example", "GW1.example:8080"} {
		guard := access.New(access.Rules{Hosts: []string{"gw1.example"}}, nil)
		if r := get(t, Config{Guard: guard}, "/api/v1/status", "Host", host); r.StatusCode != 200 {
			t.Errorf("host %q: %d", host, r.StatusCode)
		}
	}
	if r := get(t, Config{}, "/healthz", "Host", "probe.example"); r.StatusCode != 200 {
		t.Errorf("health check by name: %d", r.StatusCode)
	}
}

func TestHealthAndReady(t *testing.T) {
	if r := get(t, Config{}, "/readyz"); r.StatusCode != 200 {
		t.Errorf("ready: %d", r.StatusCode)
	}
	r := get(t, Config{Ready: func() error { return errors.New("no tick yet: wait two ticks") }}, "/readyz")
	if text := body(t, r); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(text, "no tick yet") {
		t.Errorf("not ready: %d %s", r.StatusCode, text)
	}
	r = get(t, Config{Health: func() error { return errors.New("a ring of eth0 was last read 61s ago") }}, "/healthz")
	if text := body(t, r); r.StatusCode != 503 || !strings.Contains(text, "eth0") || r.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("not healthy: %d %s", r.StatusCode, text)
	}
	r = get(t, Config{Mask: func() *export.Mask { return &export.Mask{} }, Health: func() error { return errors.New("eth0") }}, "/healthz")
	if text := body(t, r); r.StatusCode != 503 || strings.Contains(text, "eth0") {
		t.Errorf("masked: %d %s", r.StatusCode, text)
	}
	m := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	if text := body(t, get(t, Config{Metrics: m}, "/metrics")); text != "up 1\n" {
		t.Errorf("metrics: %q", text)
	}
}

func TestStatus(t *testing.T) {
	type own struct {
		State string `json:"state"`
		Big   uint64 `json:"big"`
		Ready bool   `json:"ready"`
	}
	got := body(t, get(t, Config{Version: "v1", Status: func() any { return own{"capturing", 1<<63 + 1, false} }}, "/api/v1/status"))
	for _, want := range []string{`"state":"capturing"`, `"big":9223372036854775809`, `"ready":true`, `"version":"v1"`, `"sensor":"gw1"`,
		`"first":"2026-11-21T12:00:00Z"`, `"drops":3`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	broken := &fakeReader{err: errors.New("disk on fire")}
	if got := body(t, get(t, Config{Reader: broken, Status: func() any { return nil }}, "/api/v1/status")); !strings.Contains(got, `"store_error":"disk on fire"`) {
		t.Errorf("status of a broken store: %s", got)
	}
}

func TestHead(t *testing.T) {
	for path := range New(Config{Reader: &fakeReader{}}).routes {
		r := get(t, Config{}, path, "Method", "HEAD")
		if text := body(t, r); r.StatusCode > 204 && r.StatusCode != 303 || text != "" {
			t.Errorf("HEAD %s: %d %q", path, r.StatusCode, text)
		}
	}
}

func TestBodyIsRefused(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/api/v1/cells", strings.NewReader("x"))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	New(Config{Reader: &fakeReader{}}).Handler().ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || w.Header().Get("Connection") != "close" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestExports(t *testing.T) {
	html := body(t, get(t, Config{}, "/api/v1/export.html?title=%3Cimg%20src=x%3E"))
	if strings.Contains(html, "<img src=x>") {
		t.Error("the title is markup")
	}
	r := get(t, Config{}, "/api/v1/export.html")
	if r.Header.Get("Content-Disposition") != `attachment; filename="ip_heatmap.html"` || r.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%v", r.Header)
	}
	var geo struct{ Features []any }
	if err := json.Unmarshal([]byte(body(t, get(t, Config{}, "/api/v1/export.geojson"))), &geo); err != nil || len(geo.Features) != 60 {
		t.Errorf("%d features, %v", len(geo.Features), err)
	}
	if db := body(t, get(t, Config{}, "/api/v1/export.sqlite")); !strings.HasPrefix(db, "SQLite format 3\x00") {
		t.Errorf("no database: %.20q", db)
	}
}

func TestTaken(t *testing.T) {
	for header, want := range map[string]encoding{"": encodePlain, "gzip": encodeGzip, "br, gzip;q=0.5": encodeGzip, "gzip;q=0": encodePlain,
		"gzip; q=0.0": encodePlain, "*": encodeGzip, "*;q=0": encodePlain, "deflate": encodePlain, "x-gzip": encodePlain, "*, gzip;q=0": encodePlain,
		"gzip, deflate, br, zstd": encodeZstd, "zstd;q=0, gzip": encodeGzip} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", header)
		if got := taken(r); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}

// TestEncodings has a download, an answer and the page unpacked again.
func TestEncodings(t *testing.T) {
	cfg := Config{Reader: hidden()}
	for _, path := range []string{"/api/v1/points.csv", "/api/v1/cells?step=10", "/"} {
		plain := body(t, get(t, cfg, path))
		for name, open := range map[string]func(io.Reader) (io.Reader, error){
			"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
			"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
		} {
			r := get(t, cfg, path, "Accept-Encoding", name)
			z, err := open(r.Body)
			if err != nil || r.Header.Get("Content-Encoding") != name || !strings.Contains(strings.Join(r.Header.Values("Vary"), ", "), "Accept-Encoding") {
				t.Fatalf("%s: %v, %v", path, err, r.Header)
			}
			if got, err := io.ReadAll(z); err != nil || string(got) != plain {
				t.Errorf("%s as %s: %d bytes, not %d; %v", path, name, len(got), len(plain), err)
			}
		}
	}
}

func TestSeriesSteps(t *testing.T) {
	for _, tt := range []struct{ length, tick, want time.Duration }{
		{time.Hour, tick, tick}, {3 * time.Hour, tick, time.Minute}, {24 * time.Hour, tick, 5 * time.Minute},
		{7 * 24 * time.Hour, tick, time.Hour}, {365 * 24 * time.Hour, tick, 24 * time.Hour}, {0, 0, tick},
		{100 * 365 * 24 * time.Hour, time.Second, 24 * time.Hour},
	} {
		if got := niceStep(tt.length, tt.tick); got != tt.want {
			t.Errorf("%s of ticks of %s: step %s, want %s", tt.length, tt.tick, got, tt.want)
		}
	}
}

func TestOffSeconds(t *testing.T) {
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	span := func(from, to int, state store.State) store.Span {
		return store.Span{Window: store.Window{From: at(from), To: at(to)}, State: state}
	}
	c := store.Coverage{Spans: []store.Span{span(10, 30, store.StateData), span(30, 40, store.StateOff), span(20, 35, store.StateIdle), span(50, 60, store.StateData)}}
	if got := offSeconds(&c, store.Window{From: at(0), To: at(70)}); got != 35 { // 0-10, 35-50, 60-70
		t.Errorf("off for %g s", got)
	}
}
