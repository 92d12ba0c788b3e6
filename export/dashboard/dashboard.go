// Package dashboard serves the page, the JSON API and live updates over HTTP, for
// the sensor's own machine and for whoever is let in by a token, a tunnel or a proxy.
//
// It only reads: GET and HEAD, but for signing in and out, on a fixed set of routes
// (openapi.yaml describes them, a test holds it to the code). Every question is bounded
// in time, size and number, so that no client can keep the sensor from its work. Package
// access decides who may ask.
package dashboard

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/export"
	"github.com/packetheat/packetheat/export/dashboard/access"
	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// Config says what to serve. Reader is required; everything else has a default.
type Config struct {
	Reader  export.Reader
	Version string // of the program
	Sensor  string // name to show; empty: the sensors that the store knows
	Source  string // flag by which commands ask the same as Reader; see export.Options
	// Home returns where the sensor stands, nil where that is not said. Nil: never said.
	// It is called from many goroutines, with every question.
	Home func() *page.Home

	// Links returns the ways from cards to other sites. Nil: there are none. It is called
	// as Home is.
	Links func() []page.Link

	// Mask, where it returns one, makes every answer one for others: masked before it is
	// filtered, of whole hours that are over; Sensor, Home, Links, Labels, Status and
	// Metrics are not told at all. Who has shown the admin token is answered in full. Nil:
	// nothing is masked. It is called as Home is.
	Mask func() *export.Mask

	// Guard decides who may ask; its rules may change at any time. Nil: everybody who asks
	// for localhost or an address.
	Guard *access.Guard

	TLS func() *tls.Config // of Serve, asked when it begins; nil, or returning nil: plain HTTP

	// Own returns what is ours, for the masks that downloads ask for: networks and names.
	// Nil: nothing. It is called as Home is.
	Own func() export.Mask

	// Labels are what label: in filters asks for, and what lists say of their rows. Nil:
	// none. It is asked by many goroutines.
	Labels store.Labels

	// Status returns what only the program knows, as a value that marshals to a
	// JSON object; its fields become fields of /api/v1/status. The page shows state,
	// message (why there is nothing) and interfaces. Nil: nothing. It is called from
	// many goroutines.
	Status func() any

	// Alerts returns what /api/v1/alerts answers, a value that marshals to a JSON object with
	// the list alerts, the newest first. Nil: there are none. It is called from many goroutines.
	Alerts func() any

	// Fleet returns what /api/v1/fleet answers, a value that marshals to a JSON object with
	// the list sensors: of a database that many sensors ship to, or how shipping goes. Nil:
	// there is none. It is called from many goroutines.
	Fleet func(ctx context.Context) any

	Ready   func() error // nil error: /readyz is 200; nil function: always ready
	Health  func() error // the same for /healthz: an error is one that only a new start mends
	Metrics http.Handler // of /metrics; nil: there is none
	Logger  *slog.Logger // nil: silent
	Now     func() time.Time

	QueryTimeout time.Duration // 0: 20 s
	Heartbeat    time.Duration // of the live stream; 0: 15 s
	Queries      int           // at once; 0: 8
	Downloads    int           // at once; 0: 4
	Streams      int           // live streams at once; 0: 64
}

// Server answers HTTP requests. Make one with New; it holds nothing that must be
// closed. All methods may be called by several goroutines.
type Server struct {
	cfg       Config
	guard     *access.Guard
	login     loginPage
	others    *Server            // answers for others, masked; nil: nothing is ever masked
	mask      func() export.Mask // of all answers; nil: none, as in all Servers but others
	routes    map[string]route
	queries   gate
	downloads gate
	streams   gate
	sending   *outbox
	page      document
	turned    atomic.Uint64 // connections that there was no room for
	answered  answered
}

// New returns a Server.
func New(cfg Config) *Server {
	cfg.QueryTimeout = cmp.Or(cfg.QueryTimeout, 20*time.Second)
	cfg.Heartbeat = cmp.Or(cfg.Heartbeat, 15*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Guard == nil {
		cfg.Guard = access.New(access.Rules{}, cfg.Now)
	}
	s := &Server{cfg: cfg, guard: cfg.Guard, login: newLoginPage()}
	s.queries = newGate(cmp.Or(cfg.Queries, 8), 2*time.Second)
	s.downloads = newGate(cmp.Or(cfg.Downloads, 4), 0)
	s.streams = newGate(cmp.Or(cfg.Streams, 64), 0)
	s.sending = &outbox{of: map[netip.Prefix]int{}}
	s.page = newDocument("text/html; charset=utf-8", page.Live())
	s.page.pack(true)
	s.page.shared = true
	s.routes = s.table()
	if cfg.Mask != nil {
		s.others = s.masked()
	}
	return s
}

// masked returns a Server that answers for others. Its limits are those of s: it holds
// the same places.
func (s *Server) masked() *Server {
	m := &Server{cfg: s.cfg, guard: s.guard, login: s.login, queries: s.queries, downloads: s.downloads, streams: s.streams, sending: s.sending, page: s.page}
	m.mask = func() export.Mask {
		if mask := s.cfg.Mask(); mask != nil {
			return *mask
		}
		return export.Mask{} // it was switched off while this answer was made
	}
	m.cfg.Reader = export.NewMasked(s.cfg.Reader, m.mask)
	m.cfg.Sensor, m.cfg.Home, m.cfg.Links, m.cfg.Labels, m.cfg.Status, m.cfg.Metrics = "", nil, nil, nil, nil, nil
	m.routes = m.table()
	return m
}

// answering returns the Server whose answers a visitor may see.
func (s *Server) answering(v access.Visitor) *Server {
	if s.others == nil || !s.masks(v) {
		return s
	}
	return s.others
}

// masks reports whether a visitor gets masked answers only.
func (s *Server) masks(v access.Visitor) bool {
	return s.cfg.Mask != nil && s.cfg.Mask() != nil && !(v.Known && v.Scope == access.Admin)
}

// Handler returns the handler of all routes.
func (s *Server) Handler() http.Handler { return s.counted(s.serve) }

// drain is how long answers may take once the server is told to stop. Live streams
// end at once.
const drain = 3 * time.Second

// stoppingKey is where the context of a request has a channel that is closed when its
// listener is closed: streams end.
type stoppingKey struct{}

// Serve answers requests on l until ctx is done, lets the answers that are being
// written finish for three seconds, and returns. It closes l. Several listeners may be
// served, one after the other or at once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stopping := make(chan struct{})
	held := newGuests(l, s.guard.Proxy, &s.turned)
	h := &http.Server{
		ConnState: held.state,
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), stoppingKey{}, stopping)
		},
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 64, SendPingTimeout: 30 * time.Second, WriteByteTimeout: 30 * time.Second},
		Handler:           s.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      60 * time.Second, // streams and downloads have their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          newErrorLog(s.cfg.Logger),
	}
	if s.cfg.TLS != nil {
		h.TLSConfig = s.cfg.TLS()
	}
	drained := make(chan error, 1)
	finish := context.AfterFunc(ctx, func() {
		close(stopping)
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := h.Shutdown(late)
		if errors.Is(err, context.DeadlineExceeded) {
			err = h.Close() // whoever still reads after that is cut off
		}
		drained <- err
	})
	serve := h.Serve
	if h.TLSConfig != nil {
		serve = func(l net.Listener) error { return h.ServeTLS(l, "", "") } // the certificate is in TLSConfig
	}
	err := serve(held)
	if !finish() && errors.Is(err, http.ErrServerClosed) {
		err = <-drained
	}
	if err != nil {
		return fmt.Errorf("serve dashboard on %s: %w", l.Addr(), err)
	}
	return nil
}
