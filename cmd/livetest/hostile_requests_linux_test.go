package livetest

import (
	"encoding/csv"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// malformed sends what is no request, or two in one.
func (h *hostile) malformed() {
	head := "Host: localhost\r\nCookie: " + h.cookie + "\r\n"
	smuggled := "GET /api/v1/status HTTP/1.1\r\n" + head + "\r\n"
	for _, c := range []struct{ name, text, status string }{
		{"no request", "GARBAGE\r\n\r\n", "400"},
		{"binary", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00\x00\x00\x00\r\n\r\n", "400"},
		{"a version that there is not", "GET / HTTP/9.9\r\n" + head + "\r\n", "505"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "400"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", "400"},
		{"blank before a colon", "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", "400"},
		{"a zero in a header", "GET / HTTP/1.1\r\n" + head + "X: a\x00b\r\n\r\n", "400"},
		{"a lone header line", "GET / HTTP/1.1\r\n" + head + "nonsense\r\n\r\n", "400"},
		{"a long header", "GET / HTTP/1.1\r\n" + head + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", "431"},
		{"many headers", "GET / HTTP/1.1\r\n" + head + strings.Repeat("X: y\r\n", 8<<10) + "\r\n", "431"},
		{"a long query", "GET /api/v1/cells?filter=" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\n" + head + "Connection: close\r\n\r\n", "414"},
		{"a body", "GET /api/v1/cells HTTP/1.1\r\n" + head + "Content-Length: 5\r\n\r\nhello", "413"},
		{"an endless body", "GET /api/v1/cells HTTP/1.1\r\n" + head + "Content-Length: 999999999999\r\n\r\n" + strings.Repeat("x", 1<<20), "413"},
		{"a number that is none", "GET / HTTP/1.1\r\n" + head + "Content-Length: -5\r\n\r\n", "400"},
		{"two lengths", "POST /login HTTP/1.1\r\n" + head + "Content-Length: 5\r\nContent-Length: 500\r\n\r\nhello" + smuggled, "400"},
		{"length and chunks", "GET / HTTP/1.1\r\n" + head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled, "413"},
		{"chunks by another name", "GET / HTTP/1.1\r\n" + head + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled, "501"},
		{"chunks twice", "GET / HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + smuggled, "501"},
		{"a bad chunk", "POST /login HTTP/1.1\r\n" + head + "Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n" + smuggled, "400"},
		{"a form that is too long", "POST /login HTTP/1.1\r\n" + head + "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\ntoken=" + strings.Repeat("x", 100000-6), "400"},
	} {
		answer := h.raw(c.text)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+c.status) || strings.Count(answer, "HTTP/1.1 ") != 1 || strings.Contains(answer, `"last_tick"`) {
			h.t.Errorf("%s: want one answer, %s:\n%.400s", c.name, c.status, answer)
		}
	}
}

// paths asks for files of the machine, and for what a dashboard does not do.
func (h *hostile) paths() {
	for _, path := range []string{"/../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/api/v1/..%2f..%2f..%2fetc%2fpasswd", "//etc/passwd",
		"/api/v1/export.html/../../../../etc/passwd", "/..\\..\\..\\etc\\passwd", "/api/v1/points.csv%00.html", "/data/packetheat.db", "/config.yaml",
		"/sensor.json", "/debug/pprof/", "/api/v1/export.exe", "/%", "/api/v1/cells/", "/login/", "/.git/config"} {
		answer := h.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nCookie: " + h.cookie + "\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 40") || strings.Contains(answer, "root:") || strings.Contains(answer, "SQLite") {
			h.t.Errorf("%s: %.300s", path, answer)
		}
	}
	for method, want := range map[string]int{"POST": 405, "PUT": 405, "DELETE": 405, "PATCH": 405, "OPTIONS": 405, "TRACE": 405, "PROPFIND": 405, "BREW": 405} {
		if got := h.request(method, "/api/v1/cells", "Cookie", h.cookie); got.status != want || got.header.Get("Allow") == "" {
			h.t.Errorf("%s: %d", method, got.status)
		}
	}
	// Who names a host in the request line means that one (RFC 9112, 3.2.2).
	if answer := h.raw("GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: localhost\r\nCookie: " + h.cookie + "\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 403") {
		h.t.Errorf("another host in the request line: %.200s", answer)
	}
	if answer := h.raw("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 403") {
		h.t.Errorf("CONNECT: %.200s", answer)
	}
}

// sites are requests that a browser sends for another web site, and such as pretend to
// come by a proxy.
func (h *hostile) sites() {
	for _, headers := range [][]string{
		{"Host", "rebound.example"}, {"Host", "localhost.evil.example"}, {"Host", "127.0.0.1.evil.example:8080"},
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://localhost:3000"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "script"},
		{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors"},
		{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"},
	} {
		if got := h.fetch("/api/v1/top?by=ip", headers...); got.status != 403 || strings.Contains(got.body, "77.1.2.") {
			h.t.Errorf("%q: %d %.200s", headers, got.status, got.body)
		}
	}
	for _, headers := range [][]string{{}, {"X-Forwarded-For", "127.0.0.1"}, {"X-Real-IP", "127.0.0.1"}, {"X-Forwarded-Host", "localhost"}, {"Cookie", "packetheat=admin"}, {"Authorization", "Basic YTpi"}} {
		for _, path := range []string{"/", "/metrics", "/api/v1/status", "/api/v1/export.sqlite", "/api/v1/openapi.yaml"} {
			if got := h.request("GET", path, headers...); got.status != 401 || strings.Contains(got.body, "77.1.2.") {
				h.t.Errorf("%s with %q and no token: %d", path, headers, got.status)
			}
		}
	}
}

// names looks whether any of the hostile names is more than text, wherever it is shown.
func (h *hostile) names() {
	for _, path := range []string{"/api/v1/top?by=city", "/api/v1/top?by=asn", "/api/v1/cells", "/api/v1/status", "/api/v1/top?by=ip"} {
		got := h.fetch(path)
		if got.status != 200 || got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Content-Type-Options") != "nosniff" ||
			!strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") || strings.Contains(got.body, "<img") {
			h.t.Errorf("%s: %d %v %.300s", path, got.status, got.header, got.body)
		}
	}
	if got := h.fetch("/api/v1/top?by=city"); !strings.Contains(got.body, "onerror") {
		h.t.Errorf("the test is blind: %s", got.body)
	}
	page := h.fetch("/api/v1/export.html?detail=full&title=" + url.QueryEscape(scriptName) + "&note=" + url.QueryEscape(scriptName)).body
	scripts := 0
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		tok := z.Token()
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		if tok.Data == "script" && !slices.ContainsFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == "type" && strings.Contains(a.Val, "packetheat") }) {
			scripts++
		}
		if slices.ContainsFunc(tok.Attr, func(a html.Attribute) bool { return strings.HasPrefix(a.Key, "on") }) || tok.Data == "img" {
			h.t.Errorf("a name has become an element: %v", tok)
		}
	}
	if clean := h.fetch("/api/v1/export.html?last=1s").body; strings.Count(clean, "<script") != strings.Count(page, "<script") {
		h.t.Errorf("%d scripts in the page, %d in an empty one", strings.Count(page, "<script"), strings.Count(clean, "<script"))
	}
	rows, err := csv.NewReader(strings.NewReader(h.fetch("/api/v1/points.csv").body)).ReadAll()
	if err != nil || len(rows) < 20 {
		h.t.Fatalf("%d rows: %v", len(rows), err)
	}
	seen := false
	for _, row := range rows[1:] {
		for _, cell := range row {
			seen = seen || strings.Contains(cell, "HYPERLINK")
			if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				h.t.Errorf("a table calculates %q", cell)
			}
		}
	}
	if !seen {
		h.t.Error("the test is blind: no formula is in the file")
	}
	for _, query := range []string{"filter=" + url.QueryEscape(`city:"`+scriptName+`"`), "filter=" + url.QueryEscape("<script>"), "last=<script>", "<script>=1"} {
		if got := h.fetch("/api/v1/top?" + strings.ReplaceAll(strings.ReplaceAll(query, "<", "%3C"), ">", "%3E")); strings.Contains(got.body, "<script") || got.status >= 500 {
			h.t.Errorf("%s: %d %.200s", query, got.status, got.body)
		}
	}
}
