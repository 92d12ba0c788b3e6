package dashboard

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// saved downloads a page and reads what it carries.
func saved(t *testing.T, cfg Config, query string) *page.Saved {
	t.Helper()
	if !page.Built() {
		t.Skip("the page is not built: make page")
	}
	r := get(t, cfg, "/api/v1/export.html?"+query)
	text := body(t, r)
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%d: %s", r.StatusCode, text)
	}
	s, err := page.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPageKnowsOwn wants home and links in what the page gets, saved and live.
func TestPageKnowsOwn(t *testing.T) {
	home := &page.Home{Latitude: 52.52, Longitude: 13.4, Name: "office"}
	links := []page.Link{{Name: "who", URL: "https://example.net/{ip}"}}
	cfg := Config{Home: func() *page.Home { return home }, Links: func() []page.Link { return links }}
	z, err := gzip.NewReader(get(t, cfg, "/api/v1/cells", "Accept", page.MediaType).Body)
	if err != nil {
		t.Fatal(err)
	}
	live, err := io.ReadAll(z)
	if err != nil || !bytes.Contains(live, []byte(`"home":{"latitude":52.52,"longitude":13.4,"name":"office"},"links":[{"name":"who","url":"https://example.net/{ip}"}]`)) {
		t.Errorf("live: %.500q, %v", live, err)
	}
	if m := saved(t, cfg, "").Meta; m.Home == nil || *m.Home != *home || len(m.Links) != 1 || m.Links[0] != links[0] {
		t.Errorf("saved: home %v, links %v", m.Home, m.Links)
	}
	if m := saved(t, cfg, "mask=networks").Meta; m.Home != nil || m.Links != nil {
		t.Errorf("masked: home %v, links %v", m.Home, m.Links)
	}
}

// TestPageOpensAsSeen carries the page's state into the file, and into its command.
func TestPageOpensAsSeen(t *testing.T) {
	const state = `unit=bytes&place=DE|Hesse|Frankfurt</script>`
	query := "title=" + url.QueryEscape("it's") + "&note=n&detail=places&state=" + url.QueryEscape("#"+state)
	m := saved(t, Config{}, query).Meta
	if m.State != state || m.Title != "it's" || m.Note != "n" || m.Detail != "places" {
		t.Errorf("state %q, title %q, note %q, detail %q", m.State, m.Title, m.Note, m.Detail)
	}
	for _, want := range []string{`--title 'it'\''s'`, `--note 'n'`, `--state '` + state + `'`, "--detail places"} {
		if !strings.Contains(m.Command, want) {
			t.Errorf("no %s in %s", want, m.Command)
		}
	}
	if m := saved(t, Config{}, "mask=gone&state=x").Meta; m.State != "" {
		t.Errorf("a masked page has the state %q", m.State)
	}
}

// TestMaskedDownload wants masks applied, with what is ours, in every format.
func TestMaskedDownload(t *testing.T) {
	own := Config{Own: func() export.Mask {
		return export.Mask{Own: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, Names: []string{"secret"}}
	}}
	for _, name := range export.Formats()[1:] {
		got := body(t, get(t, own, "/api/v1/export."+name+"?mask=networks&mask_k=1"))
		plain := body(t, get(t, Config{}, "/api/v1/export."+name))
		for _, p := range somePoints() {
			if address := p.Addr.Addr().String(); strings.Contains(got, address) || !strings.Contains(plain, address) {
				t.Fatalf("%s: address %s is masked or plain where it should not be", name, address)
			}
		}
	}
	for query, want := range map[string]string{"mask=yes": "networks or gone", "mask_k=3": "goes with mask", "mask=gone&mask_k=0": "1 to 1000",
		"mask=gone&filter=peer:10.0.0.1": "peers", "mask=networks&filter=ip:1.2.3.4": "closer", "mask=gone&filter=city:secret": "your own names"} {
		r := get(t, own, "/api/v1/export.csv?"+query)
		if text := body(t, r); r.StatusCode != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s, want %q", query, r.StatusCode, text, want)
		}
	}
	if r := get(t, own, "/api/v1/export.html?mask=gone&detail=full"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("details of a masked page: %d", r.StatusCode)
	}
	if r := get(t, own, "/api/v1/export.csv?title=x"); r.StatusCode != http.StatusBadRequest {
		t.Errorf("title of a CSV: %d", r.StatusCode)
	}
}

// TestDownloadsNameTheirSources where the format has no room for it.
func TestDownloadsNameTheirSources(t *testing.T) {
	const want = `<https://example.com>; rel="author"; title="by Test"`
	for _, path := range []string{"/api/v1/points", "/api/v1/export.csv", "/api/v1/export.ndjson", "/api/v1/points.ndjson"} {
		if got := get(t, Config{}, path).Header.Values("Link"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := body(t, get(t, Config{}, "/api/v1/export.geojson")); !strings.Contains(got, `"attribution":["by Test https://example.com"]`) {
		t.Errorf("GeoJSON begins %.300s", got)
	}
}

// TestPartOfAFleet: rows of a part of a fleet say in the header that they are, and in the
// name of the file; where it becomes a part on the way, the file is cut.
func TestPartOfAFleet(t *testing.T) {
	reader := &fakeReader{points: []store.Point{{Time: noon, Interval: tick, Sensor: "gw1", Packets: 1}}, partial: []string{"shard ü of 2 does not answer"}}
	cfg := Config{Reader: reader}
	for _, path := range []string{"/api/v1/points", "/api/v1/points.ndjson", "/api/v1/export.csv", "/api/v1/export.ndjson"} {
		r := get(t, cfg, path)
		if got := r.Header.Values(PartialHeader); len(got) != 1 || got[0] != `"shard \u00fc of 2 does not answer"` {
			t.Errorf("%s: %q", path, got)
		}
		if got, named := r.Header.Get("Content-Disposition"), path != "/api/v1/points"; strings.Contains(got, `"ip_heatmap.partial.`) != named {
			t.Errorf("%s: %q", path, got)
		}
		body(t, r)
	}
	reader.partial = []string{""}
	if r := get(t, cfg, "/api/v1/export.csv"); r.Header.Get(PartialHeader) != "" || !strings.Contains(r.Header.Get("Content-Disposition"), `"ip_heatmap.csv"`) {
		t.Errorf("of a whole: %v", r.Header)
	}
	reader.partial = []string{"", "shard 1 does not answer"}
	server := httptest.NewServer(New(cfg).Handler())
	defer server.Close()
	if r, err := http.Get(server.URL + "/api/v1/points.csv"); err == nil {
		_, err = io.ReadAll(r.Body)
		r.Body.Close()
		if err == nil && r.StatusCode == http.StatusOK {
			t.Error("a file that became a part on the way ends as a whole one does")
		}
	}
}
