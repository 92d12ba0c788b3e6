package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	adminToken = "admin-token-0123456789"
	readToken  = "reading-token-0123456789"
	localKey   = "key-of-this-machine-0123"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func guarded(c *clock) *Guard {
	return New(Rules{Token: adminToken, ReadToken: readToken, Key: localKey}, c.now)
}

// request makes a request from an address, with headers.
func request(from string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/", nil)
	r.RemoteAddr = from
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func (g *Guard) admit(r *http.Request) (Visitor, *http.Response, error) {
	w := httptest.NewRecorder()
	v, err := g.Admit(w, r, g.Visitor(r))
	return v, w.Result(), err
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]Scope{
		"Bearer " + adminToken: Admin, "bearer  " + readToken: Read, "Bearer " + localKey: Admin,
		"Bearer " + adminToken[:20]: None, "Bearer ": None, "Bearer": None, "Basic " + adminToken: None, "": None, adminToken: None,
	} {
		g := guarded(&clock{time.Unix(1e9, 0)})
		v, _, err := g.admit(request("192.0.2.1:5", "Authorization", header))
		if v.Scope != want || v.Known != (want != None) || (err == nil) != (want != None) {
			t.Errorf("%q: %v, known %v, %v", header, v.Scope, v.Known, err)
		}
	}
	v, _, err := New(Rules{}, nil).admit(request("192.0.2.1:5"))
	if err != nil || v.Scope != Admin || v.Known {
		t.Errorf("without any token: %+v, %v", v, err)
	}
}

// TestThrottle sends wrong tokens at once: five are looked at, then not even the right
// one is, until ten seconds later; another address, and who has a cookie, do not wait.
func TestThrottle(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := guarded(c)
	var wrong, waits atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			switch _, _, err := g.admit(request("192.0.2.1:5", "Authorization", "Bearer guess")); {
			case errors.Is(err, ErrToken):
				wrong.Add(1)
			case errors.Is(err, ErrWait):
				waits.Add(1)
			}
		})
	}
	all.Wait()
	if g.Wrong() != 50 {
		t.Errorf("%d are counted", g.Wrong())
	}
	if wrong.Load() != tries || waits.Load() != 50-tries {
		t.Errorf("%d guesses were looked at, %d had to wait", wrong.Load(), waits.Load())
	}
	right := request("192.0.2.1:6", "Authorization", "Bearer "+adminToken)
	if _, _, err := g.admit(right); !errors.Is(err, ErrWait) {
		t.Errorf("the right token after too many: %v", err)
	}
	if _, _, err := g.admit(request("192.0.2.2:5", "Authorization", "Bearer "+adminToken)); err != nil {
		t.Errorf("another address: %v", err)
	}
	if v, _, err := g.admit(request("192.0.2.1:5", "Authorization", "Bearer "+localKey)); err != nil || v.Scope != Admin {
		t.Errorf("this machine's own key: %v, %v", v.Scope, err)
	}
	w := httptest.NewRecorder()
	if err := g.Enter(w, Visitor{}, adminToken); err != nil {
		t.Fatal(err)
	}
	if _, _, err := g.admit(request("192.0.2.1:7", "Cookie", w.Header().Get("Set-Cookie"))); err != nil {
		t.Errorf("a cookie from the address that guesses: %v", err)
	}
	c.t = c.t.Add(Wait)
	if _, _, err := g.admit(right); err != nil {
		t.Errorf("after waiting: %v", err)
	}
}

// TestThrottleIsBounded guesses from more addresses than are told apart.
func TestThrottleIsBounded(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := guarded(c)
	waits := 0
	for i := range mostSeen + 20 {
		a := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 8), byte(i), 15: 1})
		if err := g.Enter(httptest.NewRecorder(), Visitor{Addr: a}, "guess"); errors.Is(err, ErrWait) {
			waits++
		}
	}
	if len(g.throttle.seen) > mostSeen || waits != 20-tries {
		t.Errorf("%d addresses are told apart; of the 20 others %d had to wait", len(g.throttle.seen), waits)
	}
	c.t = c.t.Add(time.Hour)
	if err := g.Enter(httptest.NewRecorder(), Visitor{Addr: netip.MustParseAddr("192.0.2.9")}, "guess"); !errors.Is(err, ErrToken) || len(g.throttle.seen) != 1 {
		t.Errorf("an hour later: %v, %d addresses", err, len(g.throttle.seen))
	}
	same := newThrottle()
	for i := range 9 {
		err := same.guess(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), c.t, func() bool { return false })
		if wait := errors.Is(err, ErrWait); wait != (i >= tries) {
			t.Errorf("guess %d from one IPv6 network: %v", i, err)
		}
	}
}

func TestCookie(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := guarded(c)
	for _, https := range []bool{false, true} {
		w := httptest.NewRecorder()
		if err := g.Enter(w, Visitor{HTTPS: https}, " "+readToken+"\n"); err != nil {
			t.Fatal(err)
		}
		set := w.Header().Get("Set-Cookie")
		for _, want := range []string{"HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"} {
			if !strings.Contains(set, want) {
				t.Errorf("%s is not %s", set, want)
			}
		}
		if strings.Contains(set, "Secure") != https || strings.HasPrefix(set, "__Host-") != https || strings.Contains(set, readToken) {
			t.Errorf("https %v: %s", https, set)
		}
		sent, _, _ := strings.Cut(set, ";")
		v, answer, err := g.admit(request("192.0.2.1:5", "Cookie", sent))
		if err != nil || v.Scope != Read || !v.Known || len(answer.Cookies()) != 0 {
			t.Errorf("cookie: %+v, %v, %v", v, err, answer.Cookies())
		}
		name, value, _ := strings.Cut(sent, "=")
		for _, forged := range []string{"", value[:20], value + "A", "B" + value[1:], strings.ToUpper(value), "*"} {
			if _, _, err := g.admit(request("192.0.2.1:5", "Cookie", name+"="+forged)); !errors.Is(err, ErrToken) {
				t.Errorf("forged cookie %q: %v", forged, err)
			}
		}
		rotated := guarded(c)
		rotated.Set(Rules{Token: adminToken, ReadToken: readToken + "2"})
		if _, _, err := rotated.admit(request("192.0.2.1:5", "Cookie", sent)); !errors.Is(err, ErrToken) {
			t.Errorf("cookie of a token that has changed: %v", err)
		}
	}
}

// TestCookieEnds renews a cookie that is used, and lets one end that is not.
func TestCookieEnds(t *testing.T) {
	c := &clock{time.Unix(1e9, 0)}
	g := guarded(c)
	w := httptest.NewRecorder()
	if err := g.Enter(w, Visitor{}, adminToken); err != nil {
		t.Fatal(err)
	}
	sent, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	c.t = c.t.Add(lasting - time.Minute)
	_, answer, err := g.admit(request("192.0.2.1:5", "Cookie", sent))
	if err != nil || len(answer.Cookies()) != 1 {
		t.Fatalf("shortly before its end: %v, %v", err, answer.Cookies())
	}
	renewed := answer.Cookies()[0]
	c.t = c.t.Add(2 * time.Minute)
	if _, _, err := g.admit(request("192.0.2.1:5", "Cookie", sent)); !errors.Is(err, ErrToken) {
		t.Errorf("after its end: %v", err)
	}
	if _, _, err := g.admit(request("192.0.2.1:5", "Cookie", renewed.Name+"="+renewed.Value)); err != nil {
		t.Errorf("renewed: %v", err)
	}
	w = httptest.NewRecorder()
	if g.Leave(w, Visitor{}); !strings.Contains(strings.Join(w.Header().Values("Set-Cookie"), ""), renewed.Name+"=; Path=/; Max-Age=0") {
		t.Errorf("leaving: %v", w.Header())
	}
}
