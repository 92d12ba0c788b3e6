package dashboard

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Connections that are open at once: all together, and of one client that is no proxy.
const (
	mostGuests = 512
	mostEach   = 192
)

// guests is a listener that holds only so many connections. Where there are too many, of
// one client or of all, one of them that is idle is closed for a further one; where none
// is, that is closed at once.
type guests struct {
	net.Listener
	proxy func(netip.Addr) bool // has many clients behind it

	mu     sync.Mutex
	all    int
	of     map[netip.Prefix]int
	idle   map[*guest]bool
	turned *atomic.Uint64 // away
}

// guest is one connection.
type guest struct {
	net.Conn
	list   *guests
	client netip.Prefix
	once   sync.Once
}

func newGuests(l net.Listener, proxy func(netip.Addr) bool, turned *atomic.Uint64) *guests {
	return &guests{Listener: l, proxy: proxy, of: map[netip.Prefix]int{}, idle: map[*guest]bool{}, turned: turned}
}

// Accept returns the next connection that there is room for.
func (l *guests) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if g := l.admit(conn); g != nil {
			return g, nil
		}
		l.turned.Add(1)
		_ = conn.Close()
	}
}

// admit counts a connection; nil: there is no room for it.
func (l *guests) admit(conn net.Conn) *guest {
	var a netip.Addr
	if ap, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err == nil {
		a = ap.Addr().Unmap()
	}
	g := &guest{Conn: conn, list: l, client: neighbourhood(a)}
	l.mu.Lock()
	var out *guest
	switch {
	case l.of[g.client] >= mostEach && !l.proxy(a):
		out = l.idler(func(o *guest) bool { return o.client == g.client })
	case l.all >= mostGuests:
		out = l.idler(func(*guest) bool { return true })
	default:
		out = g
	}
	if out == nil {
		l.mu.Unlock()
		return nil
	}
	l.all++
	l.of[g.client]++
	l.mu.Unlock()
	if out != g {
		_ = out.Close()
	}
	return g
}

// idler returns a guest who is idle and may be sent away, nil where there is none. l.mu is
// held. He is picked once only: his connection is about to be closed.
func (l *guests) idler(may func(*guest) bool) *guest {
	for g := range l.idle {
		if may(g) {
			delete(l.idle, g)
			return g
		}
	}
	return nil
}

// Close closes the connection and forgets it.
func (g *guest) Close() error {
	g.once.Do(func() {
		l := g.list
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all--
		if l.of[g.client]--; l.of[g.client] == 0 {
			delete(l.of, g.client)
		}
		delete(l.idle, g)
	})
	return g.Conn.Close()
}

// state is told by http.Server what a connection does.
func (l *guests) state(conn net.Conn, s http.ConnState) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	g, ok := conn.(*guest)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s {
	case http.StateIdle:
		l.idle[g] = true
	default:
		delete(l.idle, g)
	}
}
