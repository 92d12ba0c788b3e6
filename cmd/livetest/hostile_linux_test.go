package livetest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"golang.org/x/net/html"

	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestHostileClients runs a sensor that wants a token, with names in its database and
// lists that somebody means harm by, and does to its dashboard what attackers do. Each
// request ends in a clear status, nothing is told to who has no token, nothing is left
// over, and not one packet is missed.
func TestHostileClients(t *testing.T) {
	h := newHostile(t)
	var before usage
	for _, attack := range []struct {
		name string
		do   func()
	}{
		{"traffic before", h.traffic}, {"malformed", h.malformed}, {"paths", h.paths}, {"sites", h.sites}, {"names", h.names},
		{"usage", func() { before = h.usage() }}, {"slow", h.slow}, {"streams", h.streams}, {"fuzz", h.fuzz}, {"guesses", h.guesses},
		{"leaks", func() { h.settles(before) }}, {"traffic after", h.traffic},
	} {
		began := time.Now()
		attack.do()
		t.Logf("%s: %s", attack.name, time.Since(began).Round(time.Millisecond))
	}
	h.s.stop()
	balanced(t, filepath.Join(h.dir, "data"))
	out := ask(t, h.dir, "export", "csv", "-o", "-", "--data", "data")
	if got, want := readCSV(t, strings.NewReader(out)).total().Packets, h.sent; got != want {
		t.Errorf("%d packets are stored, %d were sent", got, want)
	}
}

const hostileToken = "a-token-that-nobody-guesses"

// hostile is a sensor under attack.
type hostile struct {
	t      *testing.T
	s      *sensor
	dir    string
	cookie string // of one who is let in
	sender *capturetest.Sender
	flows  ledger
	sent   uint64
}

// Names as somebody would choose them who can get them into a database or a list.
const (
	scriptName  = `"><img src=x onerror=alert(1)></script><script>alert(2)</script>`
	formulaName = `=HYPERLINK("http://evil.example";"x")`
	orgName     = `</title><svg onload=alert(3)>`
)

func newHostile(t *testing.T) *hostile {
	t.Helper()
	link := capturetest.Veth(t)
	h := &hostile{t: t, dir: workdir(t), sender: link.Peer.Sender(t)}
	places := map[string]string{"77.1.2.0/24": scriptName, "78.1.2.0/24": formulaName}
	writeNames(t, filepath.Join(h.dir, "city.mmdb"), "GeoLite2-City", places, func(name string) mmdbtype.Map {
		return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}, "city": mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name)}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(48.8), "longitude": mmdbtype.Float64(2.3)}}
	})
	writeNames(t, filepath.Join(h.dir, "asn.mmdb"), "GeoLite2-ASN", map[string]string{"77.1.2.0/24": orgName, "78.1.2.0/24": formulaName}, func(name string) mmdbtype.Map {
		return mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64500), "autonomous_system_organization": mmdbtype.String(name)}
	})
	if err := os.WriteFile(filepath.Join(h.dir, "list.txt"), []byte("77.1.2.9\n78.1.2.8\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	writeConfig(t, h.dir, "log: {format: human}\ngeo:\n  city: city.mmdb\n  asn: asn.mmdb\n  labels: [{file: list.txt, label: \"<b>me</b>\"}]\n")
	for i := range 20 {
		h.flows.udp(t, end{home(v4(i), i), 40000}, end{netip.AddrFrom4([4]byte{77, 1, 2, byte(i)}), 53}, 20)
		h.flows.udp(t, end{home(v4(i), i), 40000}, end{netip.AddrFrom4([4]byte{78, 1, 2, byte(i)}), 443}, 20)
	}
	h.s = start(t, link, options{dir: h.dir, env: []string{"PACKETHEAT_DASHBOARD_TOKEN=" + hostileToken}})
	h.s.ready()
	client := h.s.client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := client.PostForm("http://127.0.0.1:8080/login", url.Values{"token": {hostileToken}})
	if err != nil || len(r.Cookies()) != 1 {
		t.Fatalf("signing in: %v %v", r, err)
	}
	r.Body.Close()
	h.cookie = r.Cookies()[0].Name + "=" + r.Cookies()[0].Value
	return h
}

func writeNames(t *testing.T, file, kind string, names map[string]string, record func(string) mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	for network, name := range names {
		_, n, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(n, record(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(file)
	if err == nil {
		_, err = tree.WriteTo(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// flow sends all frames some times.
func (h *hostile) flow(times int) {
	h.t.Helper()
	transmit(h.t, h.s.link, h.sender, h.flows.frames, times*len(h.flows.frames))
	h.sent += uint64(times * len(h.flows.frames))
}

// traffic sends what must be counted to the packet, whatever happens.
func (h *hostile) traffic() {
	h.t.Helper()
	h.flow(1)
	began := time.Now()
	h.eventually("a tick is committed", func() bool {
		var s liveStatus
		return json.Unmarshal([]byte(h.fetch("/api/v1/status").body), &s) == nil && s.LastTick.After(began.Add(time.Second))
	})
}

func (h *hostile) eventually(what string, so func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("not so after %s: %s", patience, what)
		}
	}
}

// reply is the answer to a request.
type reply struct {
	status int
	header http.Header
	body   string
}

// fetch asks by path as somebody who is let in; headers are name and value in turn.
func (h *hostile) fetch(path string, headers ...string) reply {
	h.t.Helper()
	return h.request("GET", path, append([]string{"Cookie", h.cookie}, headers...)...)
}

func (h *hostile) request(method, path string, headers ...string) reply {
	h.t.Helper()
	u, err := url.Parse("http://127.0.0.1:8080")
	if err != nil {
		h.t.Fatal(err)
	}
	u.Opaque = path // as it is
	r := &http.Request{Method: method, URL: u, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	answer, err := h.s.client().Do(r)
	if err != nil {
		h.t.Fatalf("%s %.100q: %v", method, path, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatalf("%s %.100q: %v", method, path, err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// dial opens a connection in the sensor's network.
func (h *hostile) dial() (conn net.Conn) {
	h.t.Helper()
	var err error
	h.s.link.Sensor.Do(h.t, func() { conn, err = net.DialTimeout("tcp", "127.0.0.1:8080", patience) })
	if err != nil {
		h.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(patience)) // only so that a mistake does not hang
	return conn
}

// raw sends bytes as they are, and returns all that comes back until the server closes.
func (h *hostile) raw(text string) string {
	h.t.Helper()
	conn := h.dial()
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, text) }() // the server may not read all of it
	answer, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && len(answer) > 0 {
		err = nil // reset behind the answer: bytes were left unread
	}
	if err != nil {
		h.t.Errorf("%.80q: %v", text, err)
	}
	return string(answer)
}

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

// slow opens connections that never say all, or never read: others are answered beside them.
func (h *hostile) slow() {
	const of = 60 // each kind
	conns := make([]net.Conn, 0, 3*of)
	for i := range 3 * of {
		conn := h.dial()
		conns = append(conns, conn)
		var text string
		switch i % 3 {
		case 0: // one byte after the other
			text = "GET /api/v1/cells HTTP/1.1\r\nHost: localhost\r\nX-a: "
		case 1: // a body that does not come
			text = "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nt"
		case 2: // answers that nobody reads
			_ = conn.(*net.TCPConn).SetReadBuffer(1024)
			text = strings.Repeat("GET /api/v1/export.ndjson HTTP/1.1\r\nHost: localhost\r\nCookie: "+h.cookie+"\r\n\r\n", 20)
		}
		if _, err := io.WriteString(conn, text); err != nil {
			h.t.Logf("connection %d is closed already: %v", i, err)
		}
	}
	done := make(chan struct{})
	var drip sync.WaitGroup
	drip.Go(func() {
		for {
			for i := 0; i < len(conns); i += 3 {
				_, _ = conns[i].Write([]byte("x"))
			}
			select {
			case <-done:
				return
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	h.flow(20) // is counted to the packet beside them
	for range 10 {
		if got := h.fetch("/api/v1/top?by=country"); got.status != 200 && got.status != 429 {
			h.t.Errorf("beside slow clients: %d %s", got.status, got.body)
		}
	}
	h.eventually("a question is answered beside slow clients", func() bool { return h.fetch("/api/v1/top?by=country").status == 200 })
	for i := 0; i < len(conns); i += 3 { // who says nothing whole is cut off
		if _, err := io.Copy(io.Discard, conns[i]); errors.Is(err, os.ErrDeadlineExceeded) {
			h.t.Fatalf("a header that never ends is waited for")
		}
	}
	close(done)
	drip.Wait()
	for _, c := range conns {
		c.Close()
	}
}

// streams opens more live streams than there is room for, and connections than anybody may have.
func (h *hostile) streams() {
	statuses := map[string]int{}
	var conns []net.Conn
	for range 100 {
		conn := h.dial()
		conns = append(conns, conn)
		fmt.Fprintf(conn, "GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nCookie: %s\r\n\r\n", h.cookie)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			h.t.Fatal(err)
		}
		statuses[strings.Fields(line)[1]]++
	}
	if statuses["200"] != 48 || statuses["429"] != 52 {
		h.t.Errorf("a hundred live streams: %v", statuses)
	}
	for range 400 {
		conns = append(conns, h.dial())
	}
	closed := 0
	for _, c := range conns[100:] {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) { // by the limit, or for saying nothing
			closed++
		}
	}
	if closed != 400 {
		h.t.Errorf("of 400 connections that say nothing %d were closed", closed)
	}
	for _, c := range conns {
		c.Close()
	}
	h.eventually("the dashboard answers again", func() bool { return h.fetch("/api/v1/status").status == 200 })
}

// fuzz asks thousands of questions made of parts that are right, wrong and absurd.
func (h *hostile) fuzz() {
	n := 1000
	if os.Getenv("PACKETHEAT_TORTURE") == "1" {
		n = 10_000
	}
	seed := uint64(time.Now().UnixNano())
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

// guesses tries tokens: five are looked at, then none, and who is in stays in.
func (h *hostile) guesses() {
	statuses := map[int]int{}
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range 100 {
		all.Go(func() {
			got, err := h.guess(fmt.Sprintf("a-token-that-nobody-guess%02d", i))
			mu.Lock()
			defer mu.Unlock()
			if statuses[got]++; err != nil {
				h.t.Error(err)
			}
		})
	}
	all.Wait()
	if statuses[401] < 1 || statuses[401] > 20 || statuses[401]+statuses[429] != 100 {
		h.t.Errorf("a hundred guesses: %v", statuses) // one more in ten seconds is right
	}
	if got := h.fetch("/api/v1/status"); got.status != 200 {
		h.t.Errorf("who is in: %d", got.status)
	}
}

func (h *hostile) guess(token string) (int, error) {
	r, err := http.NewRequest("GET", "http://127.0.0.1:8080/api/v1/status", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := h.s.client().Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

// usage is what the sensor holds.
type usage struct{ goroutines, files int }

func (h *hostile) usage() (u usage) {
	h.t.Helper()
	for line := range strings.SplitSeq(h.fetch("/metrics").body, "\n") {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			u.goroutines, _ = strconv.Atoi(n)
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", h.s.cmd.Process.Pid))
	if u.files = len(files); err != nil || u.goroutines == 0 {
		h.t.Fatalf("usage: %+v, %v", u, err)
	}
	return u
}

// settles waits until no more is held than before.
func (h *hostile) settles(before usage) {
	h.t.Helper()
	var now usage
	deadline := time.Now().Add(patience)
	for now = h.usage(); now.goroutines > before.goroutines+5 || now.files > before.files+5; now = h.usage() {
		if time.Now().After(deadline) {
			h.t.Fatalf("before the attacks %+v, %s after them %+v", before, patience, now)
		}
		time.Sleep(100 * time.Millisecond)
	}
	h.t.Logf("goroutines and files before the attacks %+v, after them %+v", before, now)
	if text := h.s.said(); bytes.Contains([]byte(text), []byte("panic")) {
		h.t.Errorf("it has panicked:\n%s", text)
	}
}
