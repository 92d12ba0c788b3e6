package dashboard

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// gate lets so many in at once, and of one client a little fewer, so that nobody keeps
// all others out; who finds it full waits a little, then is told to come back. Its
// copies share their places.
type gate struct {
	places chan struct{}
	wait   time.Duration
	each   *shares // of the places, by client
}

// shares holds, for each client that is inside or waits, what it may still take.
type shares struct {
	mu      sync.Mutex
	most    int // places of one client
	clients map[netip.Prefix]*share
}

type share struct {
	places chan struct{}
	users  int // inside and waiting
}

func newGate(n int, wait time.Duration) gate {
	return gate{places: make(chan struct{}, n), wait: wait, each: &shares{most: max(1, n*3/4), clients: map[netip.Prefix]*share{}}}
}

// take returns the share of a client, which give gives back; nil where more of its
// requests wait than ever get a place in time.
func (s *shares) take(client netip.Prefix) *share {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.clients[client]
	if c == nil {
		c = &share{places: make(chan struct{}, s.most)}
		s.clients[client] = c
	}
	if c.users >= 4*s.most {
		return nil
	}
	c.users++
	return c
}

func (s *shares) give(client netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[client]; c.users > 1 {
		c.users--
		return
	}
	delete(s.clients, client)
}

// enter takes a place; leave, which may be called more than once, gives it back.
func (g gate) enter(r *http.Request) (leave func(), err error) {
	client := neighbourhood(visitor(r).Addr)
	c := g.each.take(client)
	if c == nil {
		return nil, errCrowded
	}
	t := time.NewTimer(g.wait)
	defer t.Stop()
	if err := pass(r, c.places, t.C); err != nil {
		g.each.give(client)
		return nil, err
	}
	if err := pass(r, g.places, t.C); err != nil {
		<-c.places
		g.each.give(client)
		return nil, err
	}
	return sync.OnceFunc(func() {
		<-g.places
		<-c.places
		g.each.give(client)
	}), nil
}

// pass takes one of some places, unless the client goes or the time is over before.
func pass(r *http.Request, places chan struct{}, over <-chan time.Time) error {
	select {
	case places <- struct{}{}:
		return nil
	default:
	}
	select {
	case places <- struct{}{}:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	case <-over:
		return errCrowded
	}
}

var errCrowded = &problem{Status: http.StatusTooManyRequests, Title: "Too many questions at once",
	Detail: "others are being answered: ask again in a second, or close other tabs"}

// neighbourhood is what counts as one client: an IPv6 host has 2^64 addresses.
func neighbourhood(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.WithZone("").Prefix(bits) // the zero prefix for an address that is not known
	return p
}

// Bytes of answers that clients have not taken yet: all together, and of one client.
const (
	mostSending = 64 << 20
	mostOfOne   = mostSending / 2
)

// outbox counts what is being sent: who reads slowly keeps no place among the questions,
// but a little memory.
type outbox struct {
	mu    sync.Mutex
	bytes int
	of    map[netip.Prefix]int
}

// add reports whether so many bytes have room, and counts them if so. Whatever it is, a
// client that is sent nothing else gets it, unless others have filled the box.
func (o *outbox) add(client netip.Prefix, bytes int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.bytes >= mostSending || o.of[client] > 0 && o.of[client]+bytes > mostOfOne {
		return false
	}
	o.bytes += bytes
	o.of[client] += bytes
	return true
}

func (o *outbox) remove(client netip.Prefix, bytes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bytes -= bytes
	if o.of[client] -= bytes; o.of[client] == 0 {
		delete(o.of, client)
	}
}

// answerWriter is where the answer to a question is written. The question's place is free
// again once the answer is made: from then on only its bytes count.
type answerWriter struct {
	http.ResponseWriter
	box    *outbox
	client netip.Prefix
	bytes  int    // in box
	leave  func() // gives the question's place back; nil: there is none
	holds  bool   // the place is kept while the answer is written, which is made meanwhile
}

// Write gives the place back first.
func (a *answerWriter) Write(p []byte) (int, error) {
	a.made()
	return a.ResponseWriter.Write(p)
}

func (a *answerWriter) made() {
	if a.leave != nil && !a.holds {
		a.leave()
	}
}

// Unwrap lets http.ResponseController reach what is underneath.
func (a *answerWriter) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// reserve makes room for an answer, or reports that there is none.
func (a *answerWriter) reserve(bytes int) bool {
	a.made()
	if a.bytes > 0 || !a.box.add(a.client, bytes) {
		return a.bytes > 0
	}
	a.bytes = bytes
	return true
}

// done gives back what the answer held.
func (a *answerWriter) done() {
	if a.bytes > 0 {
		a.box.remove(a.client, a.bytes)
	}
}

// occupy tells an answer of the place that its question has.
func occupy(w http.ResponseWriter, leave func()) {
	if a, ok := w.(*answerWriter); ok {
		a.leave = leave
	}
}

// hold keeps the place of a question that is answered while it is worked on.
func hold(w http.ResponseWriter) {
	if a, ok := w.(*answerWriter); ok {
		a.holds = true
	}
}
