package main

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/packetheat/packetheat/cmd/internal/config"
	"github.com/packetheat/packetheat/export/dashboard"
)

// move asks for another listener; answer takes what became of it.
type move struct {
	open   func() (net.Listener, error) // nil without an error: none
	answer chan error
}

// serve serves the dashboard, wherever change moves it, until ctx is done.
func (d *door) serve(ctx context.Context, server *dashboard.Server) error {
	defer close(d.ended)
	s := served{ctx: ctx, server: server}
	s.begin(d.listener)
	for {
		select {
		case <-ctx.Done():
			return s.end()
		case err := <-s.done: // it broke
			return err
		case m := <-d.moves:
			err := d.move(&s, m.open)
			m.answer <- err
		}
	}
}

// served is a server at work on one listener.
type served struct {
	ctx    context.Context
	server *dashboard.Server
	stop   context.CancelFunc
	done   chan error // nil: there is no listener
}

func (s *served) begin(l net.Listener) {
	if s.stop, s.done = func() {}, nil; l == nil {
		return
	}
	ctx, stop := context.WithCancel(s.ctx)
	s.stop, s.done = stop, make(chan error, 1)
	go func(done chan error) { done <- s.server.Serve(ctx, l) }(s.done)
}

func (s *served) end() error {
	s.stop()
	if s.done == nil {
		return nil
	}
	return <-s.done
}

// move opens another listener and closes the one there is, which comes first where both
// want the same port.
func (d *door) move(s *served, open func() (net.Listener, error)) error {
	before := d.at()
	next, err := open()
	if errors.Is(err, syscall.EADDRINUSE) && before != nil {
		err = s.end()
		if err == nil {
			next, err = open()
		}
		if err != nil { // back to where it was
			back, e := net.Listen("tcp", before.String())
			d.settle(s, back)
			return errors.Join(err, e)
		}
	} else if err != nil {
		return err
	} else {
		old := *s
		go func() { _ = old.end() }() // its answers have three seconds to end
	}
	d.settle(s, next)
	return nil
}

func (d *door) settle(s *served, l net.Listener) {
	d.mu.Lock()
	d.listener = l
	d.mu.Unlock()
	s.begin(l)
}

// change puts another configuration in force, or none of it; undo takes it back.
func (d *door) change(next *config.Loaded) (undo func() error, err error) {
	if err := checkExposed(&next.Dashboard, d.insecure); err != nil {
		return nil, err
	}
	pair, err := d.openPair(&next.Dashboard)
	if err != nil {
		return nil, err
	}
	before, had := d.inForce(), d.certificate()
	moves := next.Dashboard.Listen != before.Listen || (pair == nil) != (had == nil)
	at := d.at()
	put := func(c *config.Dashboard) error {
		d.mu.Lock()
		d.now = c
		if d.pair = pair; c == before {
			d.pair = had
		}
		d.guard.Set(d.rules())
		d.mu.Unlock()
		if !moves {
			return nil
		}
		if at != nil && c.Listen == before.Listen {
			return d.ask(at.String()) // the very port, which may not be the one asked for
		}
		return d.ask(c.Listen)
	}
	if moves && d.given {
		return nil, errors.New("dashboard.listen: the demo cannot move its dashboard: start it anew")
	}
	if err := put(&next.Dashboard); err != nil {
		moves = false // it has not
		return nil, errors.Join(err, put(before))
	}
	return func() error { return put(before) }, nil
}

// ask has the listener moved.
func (d *door) ask(address string) error {
	m := move{answer: make(chan error, 1), open: func() (net.Listener, error) {
		if address == "off" {
			return nil, nil
		}
		return d.listen(address, true)
	}}
	select {
	case d.moves <- m:
		return <-m.answer
	case <-d.ended:
		return nil // it is about to stop
	}
}

// freshen is how often replaced certificates are looked for.
const freshen = 5 * time.Second

// run keeps the certificate fresh until ctx is done; changed is called when there is another.
func (d *door) run(ctx context.Context, changed func()) {
	t := time.NewTicker(freshen)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if pair := d.certificate(); pair != nil && pair.Refresh() {
				changed()
			}
		}
	}
}
