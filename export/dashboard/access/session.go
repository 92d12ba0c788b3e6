package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Errors of Admit and Enter.
var (
	// ErrToken says that a token is needed and was not sent, or is not right.
	ErrToken = errors.New("a token is needed")
	// ErrWait says that too many wrong tokens came from an address: right ones are
	// not looked at either, until it has waited.
	ErrWait = errors.New("too many wrong tokens")
)

// Wait is how long somebody has to wait after ErrWait for his next try.
const Wait = 10 * time.Second

// lasting is how long a cookie lets in; one that is older than renewal is renewed.
const (
	lasting = 30 * 24 * time.Hour
	renewal = 24 * time.Hour
)

// Admit finds out what a visitor may do, by an Authorization header or a cookie, and
// returns him with his Scope. A cookie that is getting old is renewed by w.
func (g *Guard) Admit(w http.ResponseWriter, r *http.Request, v Visitor) (Visitor, error) {
	rules := g.rules.Load()
	v.Over = rules.over
	if token, ok := bearer(r); ok {
		c, err := g.try(rules, v, token)
		if err != nil {
			return v, err
		}
		v.Scope, v.Known = c.scope, true
		return v, nil
	}
	for i := range rules.credentials {
		c := &rules.credentials[i]
		for _, name := range []string{securePrefix + c.name(), c.name()} {
			cookie, err := r.Cookie(name)
			if err != nil {
				continue
			}
			ends, ok := c.check(cookie.Value, g.now())
			if !ok {
				continue
			}
			if ends.Sub(g.now()) < lasting-renewal {
				g.give(w, c, v)
			}
			v.Scope, v.Known = c.scope, true
			return v, nil
		}
	}
	if rules.Token == "" {
		v.Scope = Admin
		return v, nil
	}
	return v, ErrToken
}

// bearer returns the token of an Authorization header.
func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

// Enter changes a token for a cookie, which w gives.
func (g *Guard) Enter(w http.ResponseWriter, v Visitor, token string) error {
	c, err := g.try(g.rules.Load(), v, strings.TrimSpace(token))
	if err == nil {
		g.give(w, c, v)
	}
	return err
}

// Leave takes all cookies back.
func (g *Guard) Leave(w http.ResponseWriter, v Visitor) {
	for _, c := range g.rules.Load().credentials {
		http.SetCookie(w, c.dress(v, "", -1))
	}
}

// try holds a token against those there are, unless too many wrong ones came from there.
// This machine's own commands do not wait: their key is random, so that it cannot be
// guessed however often somebody tries, and whoever guesses by way of a proxy on this
// machine has their address.
func (g *Guard) try(rules *set, v Visitor, token string) (c *credential, err error) {
	if c = rules.match(token); c != nil && c.own {
		return c, nil
	}
	c = nil
	err = g.throttle.guess(v.Addr, g.now(), func() bool {
		c = rules.match(token)
		return c != nil
	})
	if err != nil {
		g.wrong.Add(1)
	}
	return c, err
}

// A cookie is the second at which it ends, some random bytes, and their HMAC-SHA256 by
// a key that the token gives: nothing is kept for it here, it outlives a restart, and
// dies with the token.
const (
	nonceBytes   = 8
	bodyBytes    = 8 + nonceBytes
	securePrefix = "__Host-" // browsers take it from us only, over TLS only (RFC 6265bis, 4.1.3)
)

var encoding = base64.RawURLEncoding.Strict()

func (c *credential) name() string { return "packetheat-" + c.cookie }

func (c *credential) sign(body []byte) []byte {
	m := hmac.New(sha256.New, c.session)
	m.Write(body)
	return m.Sum(nil)
}

// give sets a cookie.
func (g *Guard) give(w http.ResponseWriter, c *credential, v Visitor) {
	body := binary.BigEndian.AppendUint64(nil, uint64(g.now().Add(lasting).Unix()))
	body = append(body, make([]byte, nonceBytes)...)
	_, _ = rand.Read(body[8:]) // never fails
	value := encoding.EncodeToString(append(body, c.sign(body)...))
	http.SetCookie(w, c.dress(v, value, int(lasting/time.Second)))
}

// dress makes a cookie that scripts cannot read and other sites cannot send. Browsers
// throw a Secure one away that comes without encryption, so it is that only where it can.
func (c *credential) dress(v Visitor, value string, age int) *http.Cookie {
	cookie := &http.Cookie{Name: c.name(), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: v.HTTPS, SameSite: http.SameSiteStrictMode}
	if v.HTTPS {
		cookie.Name = securePrefix + cookie.Name
	}
	return cookie
}

// check returns when a cookie ends.
func (c *credential) check(value string, now time.Time) (ends time.Time, ok bool) {
	raw, err := encoding.DecodeString(value)
	if err != nil || len(raw) != bodyBytes+sha256.Size || !hmac.Equal(raw[bodyBytes:], c.sign(raw[:bodyBytes])) {
		return ends, false
	}
	ends = time.Unix(int64(binary.BigEndian.Uint64(raw)), 0)
	return ends, now.Before(ends)
}

// Quoted quotes what a client sent, shortened: it may be anything, of any length.
func Quoted(s string) string {
	if len(s) > 100 {
		s = s[:100] + "…"
	}
	return strconv.Quote(s)
}
