package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/cmd/internal/keypair"
	"github.com/packetheat/packetheat/cmd/internal/term"
	"github.com/packetheat/packetheat/export/dashboard/access"
)

// door is what stands between the dashboard and those who ask.
type door struct {
	guard    *access.Guard
	pair     *keypair.Pair // nil: plain HTTP
	key      string        // of this machine's commands: who may read the store may have it
	insecure bool          // beyond this machine though nothing protects it
}

// openDoor makes what dashboard asks for. What would let everybody in is an error.
func openDoor(c *config.Loaded, insecure bool, log *slog.Logger) (*door, error) {
	if err := checkExposed(&c.Dashboard, insecure); err != nil {
		return nil, err
	}
	d := &door{key: rand.Text()}
	d.insecure = exposed(c.Dashboard.Listen) && checkExposed(&c.Dashboard, false) != nil
	if c.Dashboard.Certificate != "" {
		var err error
		if d.pair, err = keypair.Open(c.Dashboard.Certificate, c.Dashboard.Key, log); err != nil {
			return nil, fmt.Errorf("%w (dashboard.tls names the files)", err)
		}
	}
	d.guard = access.New(d.rules(&c.Dashboard), nil)
	return d, nil
}

func (d *door) rules(c *config.Dashboard) access.Rules {
	return access.Rules{Token: c.Token, ReadToken: c.ReadToken, Key: d.key, Hosts: c.Hosts, Proxies: c.TrustedProxies,
		ProxiesOnly: exposed(c.Listen) && d.pair == nil && !d.insecure}
}

// tls is for the dashboard; nil: plain HTTP.
func (d *door) tls() *tls.Config {
	if d.pair == nil {
		return nil
	}
	return d.pair.Config()
}

// run keeps the certificate fresh; changed is called when there is another.
func (d *door) run(ctx context.Context, changed func()) {
	if d.pair != nil {
		d.pair.Run(ctx, changed)
	}
}

// url is where a browser on this machine finds the dashboard: by a name that its
// certificate may have, where there is one.
func (d *door) url(a net.Addr, hosts []string) string {
	at := d.address(a)
	if d.pair == nil || len(hosts) == 0 {
		return at
	}
	_, port, _ := net.SplitHostPort(a.String())
	return "https://" + net.JoinHostPort(hosts[0], port)
}

// address is where this machine's commands find it.
func (d *door) address(a net.Addr) string {
	if d != nil && d.pair != nil {
		return "https" + strings.TrimPrefix(dashboardURL(a), "http")
	}
	return dashboardURL(a)
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
func (p *program) sayInsecure(d *door, address string) {
	if d != nil && d.insecure {
		fmt.Fprintln(p.err, term.Red(p.err, term.Clean("INSECURE: "+insecureText(address)+" ("+insecureMend+")")))
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
			return nil, fmt.Errorf("open dashboard: port %s of %s is in use (choose another with --listen or dashboard.listen, or --listen off)", port, host)
		}
	}
}

// servedBy is what status says of the dashboard itself.
type servedBy struct {
	Listen      string    `json:"listen"`
	TLS         bool      `json:"tls"`
	Token       bool      `json:"token"`
	Insecure    bool      `json:"insecure"`
	Certificate time.Time `json:"certificate_until,omitzero"`
}

func (d *door) served(listen string) *servedBy {
	s := &servedBy{Listen: listen, Token: d.guard.Locked(), Insecure: d.insecure}
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
