// Package access decides who may ask the dashboard, and how much: it knows visitors by
// a token or by the cookie that a token was changed for, reads what trusted proxies say
// of them, and sends away requests that other web sites have sent a browser for.
//
// It holds no connection and answers no request: export/dashboard does, and turns what
// Guard finds into answers.
package access

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/netip"
	"sync/atomic"
	"time"
)

// Scope is what a visitor may do. The zero value is nothing.
type Scope uint8

// The scopes, each includes those before it.
const (
	None  Scope = iota
	Read        // look at the map and ask questions
	Admin       // also see what is masked for others, and take long files with addresses
)

// String returns the scope's name: none, read or admin.
func (s Scope) String() string { return [...]string{"none", "read", "admin"}[s] }

// LeastToken is how many characters a token needs: 16 random ones have 80 bits and more,
// which nobody guesses, throttled or not.
const LeastToken = 16

// Rules say who is let in. The zero value lets in everybody who asks for localhost or an
// address.
type Rules struct {
	Token     string   // gives the scope Admin; empty: nobody needs one
	ReadToken string   // gives the scope Read; empty: there is none
	Key       string   // of this machine's commands, random, gives Admin; empty: there is none
	Hosts     []string // names besides localhost that a Host header may have
	Proxies   []netip.Prefix

	// ProxiesOnly refuses everybody but Proxies and this machine: what listens beyond
	// loopback without encryption is for a proxy that encrypts.
	ProxiesOnly bool
}

// credential is a token, known by what is derived from it.
type credential struct {
	scope   Scope
	own     bool              // it is Rules.Key
	sum     [sha256.Size]byte // of the token
	session []byte            // key that signs cookies
	cookie  string            // name of the cookie, without prefix
}

// set is Rules made ready for use.
type set struct {
	Rules
	credentials []credential
	over        chan struct{} // closed when others are in force
}

// Guard holds requests against Rules, which may be changed at any time. Make one with
// New. All methods may be called by several goroutines.
type Guard struct {
	rules    atomic.Pointer[set]
	throttle throttle
	wrong    atomic.Uint64
	now      func() time.Time
}

// New returns a Guard. now is the clock; nil: the system's.
func New(r Rules, now func() time.Time) *Guard {
	if now == nil {
		now = time.Now
	}
	g := &Guard{now: now, throttle: newThrottle()}
	g.Set(r)
	return g
}

// Set puts other rules in force. Cookies for a token that has changed are void.
func (g *Guard) Set(r Rules) {
	s := &set{Rules: r, over: make(chan struct{})}
	for _, t := range []struct {
		text  string
		scope Scope
	}{{r.Token, Admin}, {r.ReadToken, Read}, {r.Key, Admin}} {
		if t.text != "" {
			s.credentials = append(s.credentials, newCredential(t.text, t.scope))
		}
	}
	if n := len(s.credentials); r.Key != "" {
		s.credentials[n-1].own = true
	}
	if before := g.rules.Swap(s); before != nil {
		close(before.over)
	}
}

// Wrong returns how many wrong tokens have come, and such as had to wait, since the start.
func (g *Guard) Wrong() uint64 { return g.wrong.Load() }

// Locked reports whether visitors need a token.
func (g *Guard) Locked() bool { return g.rules.Load().Token != "" }

func newCredential(token string, scope Scope) credential {
	c := credential{scope: scope, sum: sha256.Sum256([]byte(token))}
	c.session, _ = hkdf.Key(sha256.New, []byte(token), nil, "packetheat dashboard session", 32) // fails beyond 8 KiB only
	// Cookies know no ports: two dashboards of one host must not overwrite each other's.
	name := sha256.Sum256(append([]byte("name"), c.session...))
	c.cookie = hex.EncodeToString(name[:4])
	return c
}

// match returns the credential that a token is, nil where it is none. All are compared,
// in constant time.
func (s *set) match(token string) (found *credential) {
	sum := sha256.Sum256([]byte(token))
	for i := range s.credentials {
		if subtle.ConstantTimeCompare(sum[:], s.credentials[i].sum[:]) == 1 {
			found = &s.credentials[i]
		}
	}
	return found
}
