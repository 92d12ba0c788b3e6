package access

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Visitor is who sent a request, as far as can be known. The zero value is nobody.
type Visitor struct {
	Addr  netip.Addr // of the client; of the proxy where it says none. Invalid: not known
	Host  string     // that was asked for, port included
	HTTPS bool       // all the way, or as the proxy says
	Proxy bool       // it came by a trusted proxy
	Scope Scope      // set by Guard.Admit
	Known bool       // by a token or a cookie; false with a Scope: no token is needed

	// Over is closed when the rules that let him in are in force no more: whom an answer
	// goes on for is to be held against the new ones. Set by Guard.Admit.
	Over <-chan struct{}
}

// Visitor reads who sent a request. Headers of proxies count only where they come from
// one that is trusted.
func (g *Guard) Visitor(r *http.Request) Visitor {
	rules := g.rules.Load()
	v := Visitor{Host: r.Host, HTTPS: r.TLS != nil}
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		v.Addr = ap.Addr().Unmap()
	}
	if v.Proxy = rules.proxy(v.Addr); !v.Proxy {
		return v
	}
	v.Addr = rules.behind(r, v.Addr)
	v.HTTPS = strings.EqualFold(last(r.Header, "X-Forwarded-Proto"), "https")
	if host := last(r.Header, "X-Forwarded-Host"); host != "" {
		v.Host = host
	}
	return v
}

// Proxy reports whether an address is a trusted proxy's.
func (g *Guard) Proxy(a netip.Addr) bool { return g.rules.Load().proxy(a) }

// proxy reports whether an address is a trusted proxy's.
func (s *set) proxy(a netip.Addr) bool {
	return slices.ContainsFunc(s.Proxies, func(p netip.Prefix) bool { return p.Contains(a.WithZone("")) })
}

// behind returns the client that a chain of trusted proxies names: each adds the address
// that it was asked from at the end, so the last one that is no proxy is the client, and
// what stands before it may be invented.
func (s *set) behind(r *http.Request, a netip.Addr) netip.Addr {
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(chain) {
		next, ok := parseHop(strings.TrimSpace(text))
		if !ok {
			return a
		}
		if a = next; !s.proxy(a) {
			return a
		}
	}
	return a
}

// parseHop reads an address, with a port where the proxy writes one.
func parseHop(s string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap(), true
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap(), err == nil
}

// last returns the last value of a header, which the nearest proxy has set.
func last(h http.Header, name string) string {
	all := strings.Split(strings.Join(h.Values(name), ","), ",")
	return strings.TrimSpace(all[len(all)-1])
}

// Barred says why a visitor is not to be answered at all, "" where he may be: the
// detail of a problem document.
func (g *Guard) Barred(r *http.Request, v Visitor) string {
	rules := g.rules.Load()
	switch {
	case rules.ProxiesOnly && !v.Proxy && !v.Addr.IsLoopback():
		return "this dashboard answers the proxies in dashboard.trusted_proxies only: ask by one of them"
	case !rules.host(v.Host):
		return "this dashboard does not answer for the host " + Quoted(v.Host) + ": use localhost or its address, or add the name to dashboard.hosts"
	case !rules.origin(r, v):
		return "another web site has sent your browser here: open the dashboard itself"
	}
	return ""
}

// host reports whether a Host header may be answered: localhost, an address, or a name
// from the configuration. A web site that points a name of its own at us (DNS
// rebinding) sends that name; an address cannot be rebound.
func (s *set) host(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, 6.3
		return true
	}
	return s.named(host)
}

func (s *set) named(host string) bool {
	return slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// origin reports whether a request was made by one of our own pages, by no page at all,
// or by somebody who follows a link. Browsers say so by themselves (Fetch standard, 3.1;
// Fetch Metadata, 2), in headers that pages cannot set.
func (s *set) origin(r *http.Request, v Visitor) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		navigates := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
		if !navigates || r.Method != http.MethodGet {
			return false
		}
	}
	for _, text := range r.Header.Values("Origin") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, v.Host) && !s.named(u.Hostname()) {
			return false
		}
	}
	return true
}
