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

// guests is a listener that holds only so many connections: of a client with too many a
// further one is closed at once; where there are too many of all, one that is idle is
// closed for it.
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
	if l.of[g.client] >= mostEach && !l.proxy(a) {
		l.mu.Unlock()
		return nil
	}
	var out *guest
	if l.all >= mostGuests {
		for out = range l.idle {
			break
		}
		if out == nil {
			l.mu.Unlock()
			return nil
		}
	}
	l.all++
	l.of[g.client]++
	l.mu.Unlock()
	if out != nil {
		_ = out.Close()
	}
	return g
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
