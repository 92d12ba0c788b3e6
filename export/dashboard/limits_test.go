package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/packetheat/packetheat/export/dashboard/access"
)

// asking is a request of a client at an address.
func asking(address string) *http.Request {
	v := access.Visitor{Addr: netip.MustParseAddr(address)}
	return httptest.NewRequest(http.MethodGet, "/", nil).WithContext(context.WithValue(context.Background(), visitorKey{}, v))
}

// TestGateIsShared: one client never has all places, and never has more waiting than a
// few for each of his.
func TestGateIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(8, time.Second)
		var in, out atomic.Int32
		release := make(chan struct{})
		for range 100 {
			go func() {
				leave, err := g.enter(asking("2001:db8::1"))
				if err != nil {
					out.Add(1)
					return
				}
				in.Add(1)
				<-release
				leave()
				leave() // a second time changes nothing
			}()
		}
		synctest.Wait()
		if in.Load() != 6 || out.Load() != 100-24 {
			t.Errorf("of one client %d are inside, %d were sent away at once", in.Load(), out.Load())
		}
		leave, err := g.enter(asking("2001:db8:0:1::1"))
		if err != nil {
			t.Fatalf("another client: %v", err)
		}
		leave()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if out.Load() != 94 {
			t.Errorf("%d are sent away after the wait", out.Load())
		}
		close(release)
		synctest.Wait()
		if len(g.places) != 0 || len(g.each.clients) != 0 {
			t.Errorf("%d places, %d clients are left", len(g.places), len(g.each.clients))
		}
	})
}

func TestGateLetsGo(t *testing.T) {
	g := newGate(1, time.Hour)
	leave, err := g.enter(asking("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	r := asking("192.0.2.2")
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	if _, err := g.enter(r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that has gone: %v", err)
	}
	leave()
	if len(g.each.clients) != 0 {
		t.Error("it is remembered")
	}
}

func TestOutbox(t *testing.T) {
	o := &outbox{of: map[netip.Prefix]int{}}
	a, b := neighbourhood(netip.MustParseAddr("192.0.2.1")), neighbourhood(netip.MustParseAddr("192.0.2.2"))
	steps := []struct {
		client netip.Prefix
		bytes  int
		want   bool
	}{{a, mostOfOne + 1, true}, {a, 1, false}, {b, mostOfOne, true}, {b, 1, false}, {neighbourhood(netip.Addr{}), 1, false}}
	for i, s := range steps {
		if got := o.add(s.client, s.bytes); got != s.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	o.remove(a, mostOfOne+1)
	if !o.add(a, 7) {
		t.Error("nothing was given back")
	}
	o.remove(a, 7)
	o.remove(b, mostOfOne)
	if o.bytes != 0 || len(o.of) != 0 {
		t.Errorf("%d bytes, %d clients are left", o.bytes, len(o.of))
	}
}

// TestSlowReaders ask for more than fits into the kernel's buffers and read nothing:
// they keep no place among the questions.
func TestSlowReaders(t *testing.T) {
	r := &fakeReader{}
	for range 300 {
		r.points = append(r.points, somePoints()...)
	}
	url := mustListen(t, Config{Reader: r, Queries: 1})
	for range 3 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Fprint(conn, "GET /api/v1/cells HTTP/1.1\r\nHost: localhost\r\n\r\n")
	}
	for range 4 {
		answer := ask(t, url+"/api/v1/top")
		for answer.StatusCode == http.StatusTooManyRequests { // they are still being answered
			answer = ask(t, url+"/api/v1/top")
		}
		if answer.StatusCode != 200 {
			t.Errorf("beside slow readers: %d", answer.StatusCode)
		}
	}
}

// TestSlowBodies are not waited for, at whatever path.
func TestSlowBodies(t *testing.T) {
	url := mustListen(t, Config{Guard: locked()})
	var all sync.WaitGroup
	defer all.Wait()
	for path, want := range map[string]string{"/login": "400", "/": "413", "/none": "404"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		method := map[bool]string{true: "POST", false: "GET"}[path == "/login"]
		fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nt", method, path)
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute)) // only so that a mistake does not hang
		all.Go(func() {
			text, err := io.ReadAll(conn)
			conn.Close()
			if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 "+want) {
				t.Errorf("%s: %.60q, %v", path, text, err)
			}
		})
	}
}

// fakeListener hands out connections from addresses that tests choose.
type fakeListener struct {
	net.Listener
	conns chan net.Conn
}

func (f *fakeListener) Accept() (net.Conn, error) {
	c, ok := <-f.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

type fakeConn struct {
	net.Conn
	from   string
	closed *atomic.Int32
}

func (f *fakeConn) RemoteAddr() net.Addr { return fakeAddr(f.from) }
func (f *fakeConn) Close() error         { f.closed.Add(1); return nil }

type fakeAddr string

func (fakeAddr) Network() string  { return "tcp" }
func (a fakeAddr) String() string { return string(a) }

// TestGuests opens more connections than there is room for.
func TestGuests(t *testing.T) {
	var turned atomic.Uint64
	var closed atomic.Int32
	f := &fakeListener{conns: make(chan net.Conn, 2000)}
	proxy := netip.MustParseAddr("192.0.2.99")
	l := newGuests(f, func(a netip.Addr) bool { return a == proxy }, &turned)
	come := func(n int, from string) {
		for range n {
			f.conns <- &fakeConn{from: from, closed: &closed}
		}
	}
	come(mostEach+10, "192.0.2.1:5") // ten too many of one client
	come(mostEach+10, "192.0.2.99:5")
	come(200, "192.0.2.2:5") // more than there is room for in all
	close(f.conns)
	var in []net.Conn
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		in = append(in, c)
	}
	if len(in) != mostGuests || turned.Load() != uint64(2*mostEach+220-mostGuests) || closed.Load() != int32(turned.Load()) {
		t.Fatalf("%d are in, %d were turned away", len(in), turned.Load())
	}
	l.state(in[3], http.StateActive)
	l.state(in[4], http.StateIdle)
	f.conns = make(chan net.Conn, 1)
	come(1, "192.0.2.3:5")
	last, err := l.Accept()
	if err != nil || l.all != mostGuests || len(l.idle) != 0 {
		t.Errorf("in place of an idle one: %v, %d", err, l.all)
	}
	_ = in[mostGuests-1].Close() // room for one, but not for one more of a client with as many as it may have
	before := closed.Load()
	f.conns = make(chan net.Conn, 2)
	come(2, "192.0.2.1:5")
	close(f.conns)
	l.of[in[0].(*guest).client]++ // the idle one that went was its, too
	l.state(in[5], http.StateIdle)
	l.state(in[mostEach+20], http.StateIdle) // another's
	own, err := l.Accept()
	if none, _ := l.Accept(); err != nil || none != nil || closed.Load() != before+2 || len(l.idle) != 1 {
		t.Errorf("in place of its own idle one: %v, %v; %d closed, %d idle", err, none, closed.Load()-before, len(l.idle))
	}
	l.of[in[0].(*guest).client]--
	for _, c := range append(in, last, last, own) {
		_ = c.Close()
	}
	if l.all != 0 || len(l.of) != 0 {
		t.Errorf("%d connections of %d clients are left", l.all, len(l.of))
	}
}
