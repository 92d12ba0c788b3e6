package selftest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/clickhouse/chtest"
	"github.com/packetheat/packetheat/store/sqlite"
)

var (
	_ export.Reader = (*clickhouse.Store)(nil)
	_ Fleet         = (*clickhouse.Store)(nil)
)

// TestAPI asks two dashboards, one on SQLite and one on ClickHouse, the same: bodies must
// be equal but for the order of databases and, in files, of points of the same tick.
func TestAPI(t *testing.T) {
	asks := 4
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		asks = 300
	}
	servers.Each(t, func(t *testing.T, s *chtest.Server) {
		fleet, err := clickhouse.Connect(t.Context(), clickhouse.Options{DSN: s.DSN, Database: s.Database(), Retention: ages})
		if err != nil {
			t.Fatal(err)
		}
		defer fleet.Close()
		if err := fleet.Init(t.Context()); err != nil {
			t.Fatal(err)
		}
		one, err := sqlite.Open(filepath.Join(t.TempDir(), "store"), sqlite.Options{NoMaintenance: true})
		if err != nil {
			t.Fatal(err)
		}
		defer one.Close()
		p := settled(21, 150, time.Now().Add(-3*day).UTC().Truncate(day))
		if err := p.write(t.Context(), one, fleet); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		handler := func(r export.Reader) http.Handler {
			return dashboard.New(dashboard.Config{Reader: r, Labels: labels{}, Version: "test", QueryTimeout: 5 * time.Minute, Now: func() time.Time { return now }}).Handler()
		}
		paths := make(chan string)
		var asking sync.WaitGroup
		for range atOnce {
			asking.Go(func() {
				want, got := handler(one), handler(fleet) // which answer not too many at once
				for path := range paths {
					sameReply(t, want, got, path)
				}
			})
		}
		begun := time.Now()
		for i := 0; i < asks && !t.Failed(); i++ {
			for _, path := range p.requests() {
				paths <- path
			}
			if i%50 == 49 {
				t.Logf("%d of %d times, %s", i+1, asks, time.Since(begun).Round(time.Second))
			}
		}
		close(paths)
		asking.Wait()
	})
}

// sameReply asks both dashboards.
func sameReply(t *testing.T, want, got http.Handler, path string) {
	a, b := answer(want, path), answer(got, path)
	if a.Status != http.StatusOK {
		t.Errorf("%s: %d %v", path, a.Status, a.Body)
	}
	if diff := gocmp.Diff(a, b); diff != "" {
		t.Errorf("%s (-SQLite +ClickHouse):\n%.4000s", path, diff)
	}
}

// settled is a history in which an address is always at one place and in one network, and
// no two places have a name in common, so that rows have one thing to say.
func settled(seed uint64, batches int, start time.Time) *Past {
	p := NewPast(seed, batches, start)
	p.opened = map[store.Point]bool{}
	for _, s := range p.Shipments {
		for i := range s.Batch.Points {
			x := &s.Batch.Points[i]
			h := fnv.New32a()
			fmt.Fprint(h, x.Addr)
			x.Place = []store.Place{places[0], places[1], places[2], places[5], places[6], places[7]}[h.Sum32()%6]
			x.ASN = 1 + h.Sum32()%5
			x.ASOrg = fmt.Sprint("AS ", x.ASN)
		}
		p.agree(s.Batch.Points)
	}
	return p
}

// requests are one of each kind, about a random window and filter.
func (p *Past) requests() (paths []string) {
	q := p.question()
	v := url.Values{"filter": {q.filter.String()}}
	for name, at := range map[string]time.Time{"from": q.filter.Window.From, "to": q.filter.Window.To} {
		if !at.IsZero() {
			v.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	with := func(path string, more ...string) {
		w := url.Values{}
		for k, list := range v {
			w[k] = list
		}
		for i := 0; i < len(more); i += 2 {
			w.Set(more[i], more[i+1])
		}
		paths = append(paths, path+"?"+w.Encode())
	}
	with("/api/v1/cells", "step", pick(p, "10", "60", "10m", "1h", "1d"))
	if page.Built() {
		with("/api/v1/export.html", "detail", pick(p, "places", "addresses", "full"))
	}
	with("/api/v1/series", "step", pick(p, "30", "10m", "3h"))
	with("/api/v1/top", "by", pick(p, store.Dimensions()...), "n", fmt.Sprint(1+p.IntN(20)))
	with("/api/v1/top", "by", pick(p, "ip", "asn", "city"))
	with("/api/v1/points")
	with("/api/v1/points.csv")
	with("/api/v1/points.ndjson")
	with("/api/v1/export.geojson")
	with("/api/v1/export.csv", "mask", "networks", "filter", "proto:tcp -country:US") // a mask answers few filters
	return append(paths, "/api/v1/status", "/readyz")
}

// reply is what is compared of an answer.
type reply struct {
	Status int
	Type   string
	Body   any
}

func answer(h http.Handler, path string) (r reply) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost"+path, nil))
	r.Status, r.Type = w.Code, w.Header().Get("Content-Type")
	var body any
	if strings.HasPrefix(r.Type, "application/json") && json.Unmarshal(w.Body.Bytes(), &body) == nil {
		r.Body = unordered("", body)
		return r
	}
	if saved, err := page.Read(w.Body.Bytes()); err == nil {
		r.Body = lines(saved)
		return r
	}
	lines := strings.Split(w.Body.String(), "\n")
	slices.Sort(lines)
	r.Body = lines
	return r
}

// unordered sorts what has no order in JSON: databases.
func unordered(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = unordered(k, x)
		}
	case []any:
		for i, x := range v {
			v[i] = unordered("", x)
		}
		if key == "geo" || key == "points" {
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	return v
}

// lines are what a saved page carries, in an order that depends on nothing but that.
func lines(s *page.Saved) (all []string) {
	s.Meta.Written = time.Time{}
	slices.SortFunc(s.Meta.Geo, func(a, b page.Geo) int { return strings.Compare(a.Name, b.Name) })
	meta, err := json.Marshal(s.Meta)
	all = append(all, fmt.Sprintf("%s %v", meta, err))
	for _, r := range s.Rows {
		place := s.Places[r.Place]
		r.Place = 0
		all = append(all, fmt.Sprintf("row %+v %+v", place, r))
	}
	for _, d := range s.Details {
		place := s.Places[d.Place]
		d.Place = 0
		all = append(all, fmt.Sprintf("detail %+v %+v", place, d))
	}
	slices.Sort(all)
	return all
}
