package livetest

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// fuzz asks thousands of questions made of parts that are right, wrong and absurd.
func (h *hostile) fuzz() {
	n := 1000
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		n = 10_000
	}
	seed := tortured(1, uint64(time.Now().UnixNano()))
	h.t.Logf("seed of the fuzzed calls: %d", seed)
	statuses := map[int]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			f := &fuzzer{rand.New(rand.NewPCG(seed, uint64(worker)))}
			for range n / 4 {
				path, headers := f.call()
				got, err := h.quietly(path, headers)
				mu.Lock()
				statuses[got.status]++
				mu.Unlock()
				if why := unclear(got, err); why != "" {
					h.t.Errorf("%q %q: %s", path, headers, why)
				}
			}
		})
	}
	all.Wait()
	h.t.Logf("answers to %d calls: %v", n, statuses)
	if statuses[200] < n/20 || statuses[400] < n/20 {
		h.t.Errorf("the calls are all of one kind: %v", statuses)
	}
}

// quietly is fetch for goroutines.
func (h *hostile) quietly(path string, headers []string) (reply, error) {
	r, err := http.NewRequest("GET", "http://127.0.0.1:8080"+path, nil)
	if err != nil {
		return reply{status: 400}, nil // not even a URL
	}
	r.Header.Set("Cookie", h.cookie)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := h.s.client().Do(r)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return reply{answer.StatusCode, answer.Header, string(body)}, err
}

// unclear says what is wrong with an answer to whatever question.
func unclear(got reply, err error) string {
	var problem struct {
		Title, Detail string
		Status        int
	}
	switch {
	case err != nil:
		return err.Error()
	case slices.Contains([]int{200, 204, 303, 304}, got.status) || got.header == nil:
		return ""
	case !slices.Contains([]int{400, 403, 404, 414, 429, 503}, got.status):
		return fmt.Sprintf("status %d: %.300s", got.status, got.body)
	case json.Unmarshal([]byte(got.body), &problem) != nil || problem.Status != got.status || problem.Title == "" || problem.Detail == "":
		return fmt.Sprintf("status %d without a reason: %.300s", got.status, got.body)
	case strings.Contains(got.body, "goroutine ") || strings.Contains(got.body, "runtime error") || strings.Contains(got.body, "SQL"):
		return "it tells its inside: " + got.body
	}
	return ""
}

// fuzzer makes calls.
type fuzzer struct{ *rand.Rand }

func (f *fuzzer) of(list ...string) string { return list[f.IntN(len(list))] }

func (f *fuzzer) call() (path string, headers []string) {
	path = f.of("/api/v1/cells", "/api/v1/series", "/api/v1/top", "/api/v1/points", "/api/v1/points.csv", "/api/v1/points.ndjson", "/api/v1/status",
		"/api/v1/alerts", "/api/v1/export.html", "/api/v1/export.csv", "/api/v1/export.geojson", "/api/v1/export.ndjson", "/api/v1/export.sqlite", "/", "/login", "/metrics", "/api/v1/nothing")
	q := make([]string, f.IntN(5))
	for i := range q {
		q[i] = f.name() + "=" + f.value()
	}
	if len(q) > 0 {
		path += "?" + strings.Join(q, "&")
	}
	if f.IntN(3) == 0 {
		headers = append(headers, "Accept", f.of("application/vnd.packetheat.columns", "application/vnd.packetheat.columns-gradual", "text/csv", "*/*", ",,;q=", "application/x-ndjson"))
	}
	if f.IntN(4) == 0 {
		headers = append(headers, "Accept-Encoding", f.of("gzip", "zstd", "br", "gzip;q=0", ";;;", "identity", "*"))
	}
	if f.IntN(6) == 0 {
		headers = append(headers, "If-None-Match", f.of("*", `W/"x"`, `"`, ",,,"), "Range", f.of("bytes=0-1", "bytes=-", "x"))
	}
	return path, headers
}

func (f *fuzzer) name() string {
	return f.of("from", "to", "last", "at", "for", "tz", "filter", "step", "by", "n", "detail", "mask", "mask_k", "title", "note", "state", "From", "x", "%00")
}

func (f *fuzzer) value() string {
	text := f.of("", "1h", "24h", "-1h", "1000000h", "0", "-1", "1e9", "yesterday", "now", "2026-11-21", "2026-02-30", "9999-12-31T23:59:59Z", "0001-01-01", "UTC", "Local", "../../etc/passwd",
		"Europe/Berlin", "networks", "gone", "places", "addresses", "full", "country", "city", "asn", "ip", "peer", "port", "proto", "5", "10", "10m", "99999999999999999999",
		"proto:tcp", "port:1-1024", "ip:77.1.2.0/24", "-country:FR", `city:"`, "label:cloud", "label:none", "((((", "opened:them", "ip:::/0", "peer:10.0.0.1,10.0.0.2", "%", "\x00", "ü", "<script>", "'; DROP TABLE blocks;--",
		strings.Repeat("a", 300), strings.Repeat("-port:1 ", 200), strings.Repeat("ip:77.1.2.9,", 100))
	if f.IntN(8) == 0 && text != "" { // one byte another
		b := []byte(text)
		b[f.IntN(len(b))] = byte(f.IntN(256))
		text = string(b)
	}
	if f.IntN(5) == 0 {
		text += " " + f.of("proto:udp", "dir:in", "port:53", "-", ":", "host:77.1.2.9")
	}
	return url.QueryEscape(text)
}
