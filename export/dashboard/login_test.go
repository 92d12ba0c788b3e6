package dashboard

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/store"
)

const (
	adminToken = "admin-token-0123456789"
	readToken  = "reading-token-0123456789"
)

func locked() *access.Guard {
	return access.New(access.Rules{Token: adminToken, ReadToken: readToken}, nil)
}

// TestLocked asks every route without a token: none but health checks and the door
// tells anything.
func TestLocked(t *testing.T) {
	open := map[string]int{"/healthz": 200, "/readyz": 200, "/login": 200, "/logout": 303}
	cfg := Config{Guard: locked(), Metrics: http.NotFoundHandler()}
	for path := range New(Config{Metrics: cfg.Metrics}).routes {
		want := open[path]
		if want == 0 {
			want = http.StatusUnauthorized
		}
		r := get(t, cfg, path)
		text := body(t, r)
		if r.StatusCode != want || strings.Contains(text, "8.8.8.") || (want == 401) != (r.Header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %d %.200s", path, r.StatusCode, text)
		}
		if path == "/api/v1/live" { // a stream has no end
			continue
		}
		for _, token := range []string{adminToken, readToken} {
			if r := get(t, cfg, path, "Authorization", "Bearer "+token); r.StatusCode == http.StatusUnauthorized || r.StatusCode >= 500 {
				t.Errorf("%s with a token: %d", path, r.StatusCode)
			}
		}
	}
	r := get(t, cfg, "/", "Accept", "text/html,*/*")
	if text := body(t, r); r.StatusCode != 401 || !strings.Contains(text, `<form method="post" action="login">`) ||
		!strings.Contains(r.Header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
		t.Errorf("page: %d %v\n%s", r.StatusCode, r.Header, text)
	}
	if r := get(t, cfg, "/api/v1/status", "Authorization", "Bearer wrong"); r.StatusCode != 401 || !strings.Contains(body(t, r), "is not right") {
		t.Errorf("wrong token: %d", r.StatusCode)
	}
	if r := get(t, Config{Guard: locked(), Ready: func() error { return io.ErrUnexpectedEOF }}, "/readyz"); r.StatusCode != 503 || strings.Contains(body(t, r), "EOF") {
		t.Errorf("readiness tells strangers why: %d", r.StatusCode)
	}
}

// TestSigningIn does what a browser without scripts does.
func TestSigningIn(t *testing.T) {
	server := httptest.NewServer(New(Config{Reader: &fakeReader{points: somePoints()}, Guard: locked()}).Handler())
	defer server.Close()
	for _, enter := range []func(*http.Client) (*http.Response, error){
		func(c *http.Client) (*http.Response, error) { return c.Get(server.URL + "/?token=" + adminToken) },
		func(c *http.Client) (*http.Response, error) {
			return c.PostForm(server.URL+"/login", url.Values{"token": {adminToken}})
		},
	} {
		jar, _ := cookiejar.New(nil)
		client := &http.Client{Jar: jar}
		r, err := enter(client)
		if err != nil {
			t.Fatal(err)
		}
		if text := body(t, r); r.StatusCode != 200 || r.Request.URL.String() != server.URL+"/" || strings.Contains(text, `action="login"`) {
			t.Fatalf("after signing in: %d at %s", r.StatusCode, r.Request.URL)
		}
		for path, want := range map[string]string{"/api/v1/status": `"version"`, "/login": "Sign out"} {
			if r, err := client.Get(server.URL + path); err != nil || r.StatusCode != 200 || !strings.Contains(body(t, r), want) {
				t.Errorf("%s signed in: %v %v", path, r.StatusCode, err)
			}
		}
		if r, err := client.PostForm(server.URL+"/logout", nil); err != nil || !strings.Contains(body(t, r), `action="login"`) {
			t.Errorf("signing out: %v", err)
		}
		if r, err := client.Get(server.URL + "/api/v1/status"); err != nil || r.StatusCode != 401 {
			t.Errorf("after signing out: %v %v", r.StatusCode, err)
		}
	}
}

func TestSigningInFails(t *testing.T) {
	h := New(Config{Guard: locked()}).Handler()
	post := func(body string, header ...string) *http.Response {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/login", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	if r := post("token="+adminToken, "Origin", "https://evil.example"); r.StatusCode != 403 || len(r.Cookies()) > 0 {
		t.Errorf("form of another site: %d %v", r.StatusCode, r.Cookies())
	}
	if r := post("token=" + strings.Repeat("x", 2*mostToken)); r.StatusCode != 400 {
		t.Errorf("a long form: %d", r.StatusCode)
	}
	for i := range 7 {
		want := 401
		if i >= 5 {
			want = 429
		}
		r := post("token=<script>")
		if text := body(t, r); r.StatusCode != want || len(r.Cookies()) > 0 || !strings.Contains(text, `role="alert"`) ||
			strings.Count(text, "<script>") != 1 || (r.Header.Get("Retry-After") != "") != (want == 429) {
			t.Errorf("try %d: %d %s", i, r.StatusCode, text)
		}
	}
	if r := post("token=" + adminToken); r.StatusCode != 429 {
		t.Errorf("right token after too many: %d", r.StatusCode)
	}
	if r := get(t, Config{}, "/login"); r.StatusCode != 303 {
		t.Errorf("signing in where nobody has to: %d", r.StatusCode)
	}
}

// TestScopes: what is masked for others is not for the admin; a reader takes no more
// than a week of addresses.
func TestScopes(t *testing.T) {
	mask := &export.Mask{}
	cfg := Config{Guard: locked(), Mask: func() *export.Mask { return mask }}
	masked := func(token string) bool {
		return strings.Contains(body(t, get(t, cfg, "/api/v1/status", "Authorization", "Bearer "+token)), `"masked":true`)
	}
	if masked(adminToken) || !masked(readToken) {
		t.Errorf("masked for admin %v, for reader %v", masked(adminToken), masked(readToken))
	}
	if mask = nil; masked(readToken) {
		t.Error("masked after the mask was taken away")
	}
	for path, want := range map[string]int{
		"/api/v1/points.csv": 403, "/api/v1/points.csv?from=2026-11-01": 403, "/api/v1/export.sqlite?last=8d": 403, "/api/v1/points?last=30d": 403,
		"/api/v1/points.csv?last=7d": 200, "/api/v1/export.csv?mask=networks": 200, "/api/v1/top": 200,
	} {
		if r := get(t, cfg, path, "Authorization", "Bearer "+readToken); r.StatusCode != want {
			t.Errorf("reader, %s: %d %s", path, r.StatusCode, body(t, r))
		}
		if r := get(t, cfg, path, "Authorization", "Bearer "+adminToken); r.StatusCode != 200 {
			t.Errorf("admin, %s: %d", path, r.StatusCode)
		}
	}
}

// TestRevokedTokenEndsStreams: a live stream outlives rules that still let its client see
// what it sees, and no others.
func TestRevokedTokenEndsStreams(t *testing.T) {
	rules := access.Rules{Token: adminToken, ReadToken: readToken}
	another, moved := rules, rules
	another.ReadToken = "another-token-0123456789"
	moved.ProxiesOnly, moved.Hosts = false, []string{"heat.example"}
	masked := false
	for name, c := range map[string]struct {
		token string
		next  access.Rules
		mask  bool // from then on
		stays bool
	}{
		"his token is another":    {readToken, another, false, false},
		"somebody else's is":      {adminToken, another, false, true},
		"a name is added":         {readToken, moved, false, true},
		"answers are masked now":  {readToken, moved, true, false},
		"but not for who may all": {adminToken, moved, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			guard, reader := access.New(rules, nil), &fakeReader{points: somePoints()}
			masked = false
			cfg := Config{Reader: reader, Guard: guard, Mask: func() *export.Mask {
				if masked {
					return &export.Mask{}
				}
				return nil
			}}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/live", nil)
			r.Host = "localhost"
			r.Header.Set("Authorization", "Bearer "+c.token)
			w, done := newHeard(), make(chan struct{})
			go func() { defer close(done); New(cfg).Handler().ServeHTTP(w, r) }()
			w.until("event: status")
			masked = c.mask
			guard.Set(c.next)
			if !c.stays {
				<-done
				return
			}
			for i := range 20 { // one of them comes after the change was seen
				reader.announce(store.Commit{Sensor: "gw1", Tick: noon, Seq: uint32(i)})
				w.until(fmt.Sprintf(`"seq":%d,`, i))
			}
		})
	}
}

// heard is a client of a stream that keeps what it hears.
type heard struct {
	http.ResponseWriter
	text chan string
	all  string
}

func newHeard() *heard { return &heard{httptest.NewRecorder(), make(chan string, 100), ""} }

func (h *heard) Write(p []byte) (int, error)      { h.text <- string(p); return len(p), nil }
func (h *heard) SetWriteDeadline(time.Time) error { return nil }
func (h *heard) FlushError() error                { return nil }

// until waits until something was heard.
func (h *heard) until(what string) {
	for !strings.Contains(h.all, what) {
		h.all += <-h.text
	}
}
