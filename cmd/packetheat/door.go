package main

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/keypair"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export/dashboard/access"
)

// door is what stands between the dashboard and those who ask: its listener, its
// certificate, and who is let in. All of it may change while it is served.
type door struct {
	*program
	log      *slog.Logger
	guard    *access.Guard
	key      string // of this machine's commands: who may read the store may have it
	insecure bool   // --insecure was given
	given    bool   // the listener was handed over, and cannot be opened anew
	moves    chan move
	ended    chan struct{} // closed when it is served no more

	mu       sync.Mutex
	listener net.Listener      // nil: there is no dashboard
	pair     *keypair.Pair     // nil: plain HTTP
	now      *config.Dashboard // in force
}

// openDoor makes what dashboard asks for, on a listener that may be handed over. What
// would let everybody in is an error.
func (p *program) openDoor(c *config.Loaded, insecure bool, listener net.Listener, log *slog.Logger) (*door, error) {
	d := &door{program: p, log: log, key: rand.Text(), insecure: insecure, given: listener != nil, listener: listener, now: &c.Dashboard,
		moves: make(chan move), ended: make(chan struct{})}
	if err := checkExposed(&c.Dashboard, insecure); err != nil {
		return nil, err
	}
	var err error
	if d.pair, err = d.openPair(&c.Dashboard); err != nil {
		return nil, err
	}
	d.guard = access.New(d.rules(), nil)
	if listener == nil && c.Dashboard.Listen != "off" {
		d.listener, err = p.listen(c.Dashboard.Listen, c.Moved("dashboard.listen"))
	}
	return d, err
}

// openPair returns the pair that is named: the one there is, if its files are.
func (d *door) openPair(c *config.Dashboard) (*keypair.Pair, error) {
	switch {
	case c.Certificate == "":
		return nil, nil
	case d.pair != nil && c.Certificate == d.now.Certificate && c.Key == d.now.Key:
		return d.pair, nil
	}
	pair, err := keypair.Open(c.Certificate, c.Key, d.log)
	if err != nil {
		return nil, fmt.Errorf("%w (dashboard.tls names the files)", err)
	}
	return pair, nil
}

// open reports whether everybody who reaches it can read the dashboard.
func (d *door) open() bool { return exposed(d.now.Listen) && checkExposed(d.now, false) != nil }

// rules are for the guard. The caller holds mu, or has d for itself.
func (d *door) rules() access.Rules {
	c := d.now
	return access.Rules{Token: c.Token, ReadToken: c.ReadToken, Key: d.key, Hosts: c.Hosts, Proxies: c.TrustedProxies,
		ProxiesOnly: exposed(c.Listen) && d.pair == nil && !d.open()}
}

// tls is for the dashboard; nil: plain HTTP.
func (d *door) tls() *tls.Config {
	if d.certificate() == nil {
		return nil
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		if pair := d.certificate(); pair != nil {
			return pair.Certificate(), nil
		}
		return nil, errors.New("this dashboard is about to be served without TLS")
	}}
}

func (d *door) certificate() *keypair.Pair {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pair
}

// at is where it is served; nil: nowhere.
func (d *door) at() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener == nil {
		return nil
	}
	return d.listener.Addr()
}

// close closes the listener of a door that was never served, or not to its end.
func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		_ = d.listener.Close()
	}
}

// url is where a browser on this machine finds the dashboard, or off: by a name that
// its certificate may have, where there is one.
func (d *door) url() string {
	a := d.at()
	if d.certificate() == nil || a == nil || len(d.inForce().Hosts) == 0 {
		return d.address()
	}
	_, port, _ := net.SplitHostPort(a.String())
	return "https://" + net.JoinHostPort(d.inForce().Hosts[0], port)
}

// address is where this machine's commands find it, or off.
func (d *door) address() string {
	a := d.at()
	switch {
	case a == nil:
		return "off"
	case d.certificate() != nil:
		return "https" + strings.TrimPrefix(dashboardURL(a), "http")
	}
	return dashboardURL(a)
}

// inForce is what counts now.
func (d *door) inForce() *config.Dashboard {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// exposed reports whether an address to listen on can be reached from other machines.
func exposed(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && host != "localhost" && (ip == nil || !ip.IsLoopback())
}

// checkExposed refuses what everybody could read: beyond this machine there must be a
// token, and something that keeps it from being overheard.
func checkExposed(d *config.Dashboard, insecure bool) error {
	if insecure || !exposed(d.Listen) {
		return nil
	}
	var missing []string
	if d.Certificate == "" && len(d.TrustedProxies) == 0 {
		missing = append(missing, "dashboard.tls (or dashboard.trusted_proxies, if a proxy encrypts)")
	}
	if d.Token == "" {
		missing = append(missing, "dashboard.token")
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("listen on %q: everybody who reaches this address could read the dashboard: set %s, or listen on 127.0.0.1 and reach it by ssh -L, or add --insecure", d.Listen, strings.Join(missing, " and "))
}

// sayInsecure warns, in red, of a dashboard that nothing protects.
func (d *door) sayInsecure() {
	if s := d.served(); s.Insecure {
		fmt.Fprintln(d.err, term.Red(d.err, term.Clean("INSECURE: "+insecureText(s.Listen)+" ("+insecureMend+")")))
	}
}

func insecureText(address string) string {
	return "Everybody who reaches " + address + " can read or overhear the dashboard"
}

const insecureMend = "set dashboard.tls and dashboard.token, or listen on 127.0.0.1"

// portsTried is how far listen goes when the default port is taken.
const portsTried = 20

// listen opens the dashboard's listener. A default port that is taken moves to the
// next free one; one that somebody chose is an error.
func (p *program) listen(address string, chosen bool) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	first, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	for n := first; ; n++ {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(n)))
		switch {
		case err == nil:
			return l, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, fmt.Errorf("open dashboard: %w (choose another address with --listen or dashboard.listen)", err)
		case chosen || n == first+portsTried || n == 65535:
			return nil, portTaken{port, host}
		}
	}
}

// portTaken says that somebody else listens there.
type portTaken struct{ port, host string }

func (e portTaken) Error() string {
	return fmt.Sprintf("open dashboard: port %s of %s is in use (choose another with --listen or dashboard.listen, or --listen off)", e.port, e.host)
}

func (e portTaken) Unwrap() error { return syscall.EADDRINUSE }

// servedBy is what status says of the dashboard itself.
type servedBy struct {
	Listen      string    `json:"listen"`
	TLS         bool      `json:"tls"`
	Token       bool      `json:"token"`
	Insecure    bool      `json:"insecure"`
	Certificate time.Time `json:"certificate_until,omitzero"`
}

func (d *door) served() *servedBy {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &servedBy{Listen: d.now.Listen, Token: d.guard.Locked(), Insecure: d.listener != nil && d.open()}
	if d.pair != nil {
		s.TLS, s.Certificate = true, d.pair.Leaf().NotAfter.UTC()
	}
	return s
}

// line is the same in words.
func (s *servedBy) line() string {
	words := []string{"plain HTTP"}
	if s.TLS {
		words[0] = "TLS, certificate until " + s.Certificate.Format(time.DateOnly)
	}
	if s.Token {
		words = append(words, "a token is wanted")
	} else {
		words = append(words, "no token is wanted")
	}
	if s.Insecure {
		words = append(words, "INSECURE: "+insecureMend)
	}
	return strings.Join(words, "; ")
}
