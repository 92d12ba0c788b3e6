package dashboard

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// gate lets so many in at once; who finds it full waits a little, then is told to
// come back.
type gate struct {
	places chan struct{}
	wait   time.Duration
}

func newGate(n int, wait time.Duration) gate {
	return gate{places: make(chan struct{}, n), wait: wait}
}

// enter takes a place, which leave gives back.
func (g gate) enter(r *http.Request) error {
	select {
	case g.places <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	select {
	case g.places <- struct{}{}:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	case <-t.C:
	}
	return &problem{Status: http.StatusTooManyRequests, Title: "Too many questions at once",
		Detail: "others are being answered: ask again in a second, or close other tabs"}
}

func (g gate) leave() { <-g.places }

// knownHost reports whether a Host header may be answered: localhost, an address,
// or a name from the configuration. A web site that points a name of its own at us
// (DNS rebinding) sends that name.
func (s *Server) knownHost(host string) bool {
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
	return slices.ContainsFunc(s.cfg.Hosts, func(h string) bool { return h == "*" || strings.EqualFold(h, host) })
}
