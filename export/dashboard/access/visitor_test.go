package access

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"
)

// TestVisitor reads who asks, with and without proxies before us.
func TestVisitor(t *testing.T) {
	g := New(Rules{Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("::1/128")}}, nil)
	said := []string{"X-Forwarded-For", "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "map.example"}
	for _, c := range []struct {
		from    string
		headers []string
		want    Visitor
	}{
		{"198.51.100.1:5", nil, Visitor{Addr: netip.MustParseAddr("198.51.100.1"), Host: "localhost:8080"}},
		{"198.51.100.1:5", said, Visitor{Addr: netip.MustParseAddr("198.51.100.1"), Host: "localhost:8080"}},
		{"192.0.2.1:5", said, Visitor{Addr: netip.MustParseAddr("198.51.100.7"), Host: "map.example", HTTPS: true, Proxy: true}},
		{"[::ffff:192.0.2.1]:5", said, Visitor{Addr: netip.MustParseAddr("198.51.100.7"), Host: "map.example", HTTPS: true, Proxy: true}},
		{"[::1]:5", []string{"X-Forwarded-For", "203.0.113.9, 192.0.2.8:99", "X-Forwarded-For", "[::1]"},
			Visitor{Addr: netip.MustParseAddr("203.0.113.9"), Host: "localhost:8080", Proxy: true}},
		{"192.0.2.1:5", nil, Visitor{Addr: netip.MustParseAddr("192.0.2.1"), Host: "localhost:8080", Proxy: true}},
		{"192.0.2.1:5", []string{"X-Forwarded-For", "203.0.113.9, unknown"}, Visitor{Addr: netip.MustParseAddr("192.0.2.1"), Host: "localhost:8080", Proxy: true}},
		{"192.0.2.1:5", []string{"X-Forwarded-Proto", "https, http"}, Visitor{Addr: netip.MustParseAddr("192.0.2.1"), Host: "localhost:8080", Proxy: true}},
		{"@", nil, Visitor{Host: "localhost:8080"}},
	} {
		if got := g.Visitor(request(c.from, c.headers...)); got != c.want {
			t.Errorf("%s %q: %+v", c.from, c.headers, got)
		}
	}
	r := request("198.51.100.1:5")
	r.TLS = &tls.ConnectionState{}
	if !g.Visitor(r).HTTPS {
		t.Error("TLS is not seen")
	}
}

// TestBarred sends what browsers send for other sites, and what they send for us.
func TestBarred(t *testing.T) {
	open := Rules{Hosts: []string{"Map.example"}, Proxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}}
	closed := open
	closed.ProxiesOnly = true
	for _, c := range []struct {
		rules   Rules
		from    string
		method  string
		host    string
		headers []string
		barred  bool
	}{
		{open, "198.51.100.1:5", "GET", "map.example:8443", nil, false},
		{open, "198.51.100.1:5", "GET", "evil.example", nil, true},
		{open, "198.51.100.1:5", "GET", "", nil, true},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Origin", "http://localhost"}, false},
		{open, "198.51.100.1:5", "GET", "localhost:8080", []string{"Origin", "http://localhost:3000"}, true},
		{open, "198.51.100.1:5", "GET", "localhost:8080", []string{"Origin", "null"}, true},
		{open, "198.51.100.1:5", "GET", "localhost:8080", []string{"Origin", "https://evil.example"}, true},
		{open, "192.0.2.1:5", "POST", "10.0.0.1:8080", []string{"Origin", "https://map.example"}, false},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, false},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, false},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, true},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty"}, true},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, true},
		{open, "198.51.100.1:5", "GET", "localhost", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, false},
		{open, "198.51.100.1:5", "POST", "localhost", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, true},
		{closed, "198.51.100.1:5", "GET", "10.0.0.1:8080", nil, true},
		{closed, "192.0.2.1:5", "GET", "map.example", []string{"X-Forwarded-For", "198.51.100.1"}, false},
		{closed, "127.0.0.1:5", "GET", "localhost:8080", nil, false},
	} {
		g := New(c.rules, nil)
		r := request(c.from, c.headers...)
		r.Method, r.Host = c.method, c.host
		if got := g.Barred(r, g.Visitor(r)); (got != "") != c.barred {
			t.Errorf("%s %s from %s with %q: %q", c.method, c.host, c.from, c.headers, got)
		}
	}
	if got := New(Rules{}, nil).Barred(&http.Request{Method: "GET", Host: "a" + string(make([]byte, 500))}, Visitor{Host: "a\x00"}); got == "" {
		t.Error("a strange host is let in")
	}
}
