package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// Live says what a live run captures. Interfaces must be set: names of interfaces,
// "default_route" or "any" (see capture.ResolveInterfaces).
type Live struct {
	Interfaces []string
	Ring       capture.RingConfig // Interface is filled in for each; RingBytes from RingTotal
	RingTotal  int                // bytes for the rings of all interfaces together; 0: Ring.RingBytes each

	// OnChoice is told where the run captures and why, at the start and whenever
	// that changes; fallback: there is no default route, so it is every interface
	// that is up. May be nil.
	OnChoice func(names []string, reason string, fallback bool)
}

const (
	reopenFirst = 100 * time.Millisecond // between tries to open an interface that is there
	reopenMost  = 10 * time.Second
	ringLeast   = 2 << 20 // of one shard, when RingTotal is shared by many
)

// system is what a live run asks the kernel; tests put a namespace in between.
type system struct {
	open     func(capture.RingConfig, Filter) ([]Source, error)
	resolve  func([]string) (choice, error)
	watch    func(context.Context) (<-chan struct{}, error)
	waitUp   func(context.Context, string) error
	networks func() ([]netip.Prefix, error)
}

// choice is where to capture, and why there.
type choice struct {
	names    []string
	reason   string
	fallback bool
}

// Run captures on interfaces until ctx ends, then drains the rings, commits the last
// tick and returns. It follows the default route, opens interfaces that come up
// later or come back, and takes the addresses of this machine for local. It fails at
// once where there is no right to capture (errors.Is(err, os.ErrPermission)); later
// errors of an interface end Run only if no interface is left.
func (s *Sensor) Run(ctx context.Context, l Live) error {
	return s.runOn(ctx, l, kernel())
}

func (s *Sensor) runOn(ctx context.Context, l Live, sys system) error {
	c, err := sys.resolve(l.Interfaces)
	if err != nil {
		return err
	}
	s.refreshNetworks(sys)
	m := &manager{sensor: s, live: l, sys: sys, ports: map[string]*port{}}
	m.pipeline = s.start(true)
	err = m.start(ctx, c)
	if err == nil {
		s.setReady()
		err = m.follow(ctx)
	}
	m.stopAll()
	return errors.Join(err, m.pipeline.drain())
}

// refreshNetworks takes the addresses of this machine for local, beside the
// configured networks.
func (s *Sensor) refreshNetworks(sys system) {
	host, err := sys.networks()
	if err != nil {
		s.cfg.Logger.Warn("addresses of this machine are not known; they may be taken for public", "error", err)
	}
	s.SetNetworks(append(host, s.cfg.Networks...), s.cfg.Mapped)
}

// manager keeps the set of captured interfaces as the configuration wants it.
type manager struct {
	sensor   *Sensor
	live     Live
	sys      system
	pipeline *pipeline

	mu    sync.Mutex
	ports map[string]*port
}

// port is one captured interface.
type port struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{} // closed when its goroutine has ended
}

// start opens the interfaces for the first time. An interface that cannot be opened
// now but may be later waits; any other failure ends the run.
func (m *manager) start(ctx context.Context, c choice) error {
	m.tell(c)
	for _, name := range c.names {
		opened := make(chan error, 1)
		m.add(ctx, name, len(c.names), opened)
		if err := <-opened; err != nil {
			return err
		}
	}
	return nil
}

func (m *manager) tell(c choice) {
	if m.live.OnChoice != nil {
		m.live.OnChoice(c.names, c.reason, c.fallback)
	}
}

// follow keeps the interfaces right until ctx ends.
func (m *manager) follow(ctx context.Context) error {
	changes, err := m.sys.watch(ctx)
	if err != nil {
		m.sensor.cfg.Logger.Warn("changes of interfaces and routes are not followed", "error", err)
		<-ctx.Done()
		return nil
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changes:
			if !ok {
				<-ctx.Done()
				return nil
			}
			m.sensor.refreshNetworks(m.sys)
			m.resolveAgain(ctx)
		}
	}
}

// resolveAgain starts what the configuration now names and stops what it no longer
// does. While there is no default route, all stays.
func (m *manager) resolveAgain(ctx context.Context) {
	c, err := m.sys.resolve(m.live.Interfaces)
	if err != nil || c.fallback {
		return
	}
	wanted := map[string]bool{}
	changed := false
	for _, name := range c.names {
		wanted[name] = true
		if m.port(name) == nil {
			m.sensor.cfg.Logger.Info("capturing on another interface", "interface", name)
			m.add(ctx, name, len(c.names), make(chan error, 1))
			changed = true
		}
	}
	for _, p := range m.all() {
		if !wanted[p.name] {
			m.sensor.cfg.Logger.Info("interface no longer wanted", "interface", p.name)
			m.remove(p)
			changed = true
		}
	}
	if changed {
		m.tell(c)
	}
}

func (m *manager) port(name string) *port {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ports[name]
}

func (m *manager) all() []*port {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []*port
	for _, p := range m.ports {
		list = append(list, p)
	}
	return list
}

// add starts the goroutine of an interface; opened gets the result of the first try.
func (m *manager) add(ctx context.Context, name string, sharers int, opened chan<- error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &port{name: name, cancel: cancel, done: make(chan struct{})}
	m.mu.Lock()
	m.ports[name] = p
	m.mu.Unlock()
	cfg := m.live.Ring
	cfg.Interface = name
	if m.live.RingTotal > 0 {
		cfg.RingBytes = max(m.live.RingTotal/(sharers*max(cfg.Shards, 1)), ringLeast)
	}
	go func() {
		defer close(p.done)
		m.keepOpen(ctx, cfg, opened)
	}()
}

func (m *manager) remove(p *port) {
	p.cancel()
	<-p.done
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.ports, p.name)
	m.sensor.note(func(st *Status) {
		i := indexInterface(&st.Interfaces, p.name)
		st.Interfaces[i].State = "stopped: no longer wanted"
	})
}

func (m *manager) stopAll() {
	ports := m.all()
	for _, p := range ports {
		p.cancel()
	}
	for _, p := range ports {
		<-p.done
	}
}

// keepOpen captures on one interface until ctx ends, through downs, deletions and
// whatever else ends its rings.
func (m *manager) keepOpen(ctx context.Context, cfg capture.RingConfig, opened chan<- error) {
	log := m.sensor.cfg.Logger.With("interface", cfg.Interface)
	first, wait := true, reopenFirst
	for ctx.Err() == nil {
		sources, err := m.sys.open(cfg, m.sensor.cfg.Filter)
		absent := errors.Is(err, capture.ErrInterfaceGone) || errors.Is(err, capture.ErrInterfaceDown)
		if first {
			first = false
			if err != nil && !absent {
				opened <- err
				return
			}
			opened <- nil
		}
		if err == nil {
			wait = reopenFirst
			err = m.capture(ctx, cfg.Interface, sources)
			absent = errors.Is(err, capture.ErrInterfaceGone) || errors.Is(err, capture.ErrInterfaceDown)
		}
		if ctx.Err() != nil || err == nil {
			return
		}
		m.sensor.note(func(st *Status) {
			st.Interfaces[indexInterface(&st.Interfaces, cfg.Interface)].State = fmt.Sprintf("waiting: %v", err)
		})
		log.Warn("not capturing; waiting for the interface", "error", err)
		if absent {
			_ = m.sys.waitUp(ctx, cfg.Interface) // ctx's end, or worth another try
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			wait = min(2*wait, reopenMost)
		}
	}
}

// capture runs the shards of one interface until they end or ctx does.
func (m *manager) capture(ctx context.Context, name string, sources []Source) error {
	ended := make(chan error, len(sources))
	for _, source := range sources {
		m.pipeline.add(name, source, func(err error) { ended <- err })
	}
	stop := func() {
		for _, source := range sources {
			source.Stop()
		}
	}
	var errs []error
	for left := len(sources); left > 0; {
		select {
		case err := <-ended:
			left--
			if err != nil {
				errs = append(errs, err)
			}
			stop() // one ring of a group alone would see a part of the traffic
		case <-ctx.Done():
			stop()
			ctx = context.Background()
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return io.EOF // only a stop ends a ring without an error
}
