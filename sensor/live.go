package sensor

import (
	"context"
	"errors"
	"net/netip"
	"slices"
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
	losses   func(indexes []int) (map[int]capture.InterfaceLoss, error)
	backlog  func() (uint64, error)
}

// choice is where to capture, and why there.
type choice struct {
	names       []string // wanted, missing ones too: they may come
	reason      string
	fallback    bool
	promiscuous []string            // bridges that stand for their ports
	all         []capture.Interface // that there are, wanted or not
}

// index returns the index of an interface, 0 if there is none of that name.
func (c *choice) index(name string) int {
	for i := range c.all {
		if c.all[i].Name == name {
			return c.all[i].Index
		}
	}
	return 0
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
	m := &manager{sensor: s, live: l, sys: sys, ports: map[string]*port{}}
	m.refreshNetworks()
	s.gaps.begin(s.cfg.Now())
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
// configured networks, where they have changed.
func (m *manager) refreshNetworks() {
	host, err := m.sys.networks()
	if err != nil {
		m.sensor.cfg.Logger.Warn("addresses of this machine are not known; they may be taken for public", "error", err)
		if m.host != nil {
			return // what was known stays
		}
	}
	if m.host == nil || !slices.Equal(host, m.host) {
		m.host = append([]netip.Prefix{}, host...)
		m.sensor.setHost(host)
	}
}

// manager keeps the set of captured interfaces as the configuration wants it.
type manager struct {
	sensor   *Sensor
	live     Live
	sys      system
	pipeline *pipeline

	// Of the goroutine in Run.
	fallback bool           // where it captures was chosen for want of a default route
	host     []netip.Prefix // addresses and networks of this machine

	mu    sync.Mutex
	ports map[string]*port // by the name they were opened by
}

// start opens the interfaces for the first time. An interface that cannot be opened
// now but may be later waits; any other failure ends the run.
func (m *manager) start(ctx context.Context, c choice) error {
	m.tell(c)
	for _, name := range c.names {
		opened := make(chan error, 1)
		m.add(ctx, name, &c, opened)
		select {
		case err := <-opened:
			if err != nil {
				return err
			}
		case <-ctx.Done(): // it may never be tried
			return nil
		}
	}
	return nil
}

func (m *manager) tell(c choice) {
	m.fallback = c.fallback
	if m.live.OnChoice != nil {
		m.live.OnChoice(c.names, c.reason, c.fallback)
	}
}

// follow keeps the interfaces right until ctx ends.
func (m *manager) follow(ctx context.Context) error {
	changes, err := m.sys.watch(ctx)
	if err != nil {
		m.sensor.cfg.Logger.Warn("changes of interfaces and routes are not followed", "error", err)
	} else {
		m.resolveAgain(ctx) // what changed since they were opened
	}
	ticker := time.NewTicker(statsEvery)
	defer ticker.Stop()
	losses := lossMeter{}
	m.readLosses(&losses)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			m.readLosses(&losses)
		case _, ok := <-changes:
			if !ok {
				changes = nil // blocks for ever
				continue
			}
			m.refreshNetworks()
			m.resolveAgain(ctx)
		}
	}
}

// resolveAgain starts what the configuration now names and stops what it no longer
// does. When the default route goes, all stays, until there is one again.
func (m *manager) resolveAgain(ctx context.Context) {
	c, err := m.sys.resolve(m.live.Interfaces)
	m.markUp(c.all)
	if err != nil || c.fallback && !m.fallback {
		return
	}
	wanted := map[*port]bool{}
	var missing []string
	for _, name := range c.names {
		if p := m.serving(&c, name); p != nil {
			wanted[p] = true
		} else {
			missing = append(missing, name)
		}
	}
	for _, name := range missing {
		if p := m.port(name); p != nil { // another interface has taken the name
			m.remove(p)
		}
		m.sensor.cfg.Logger.Info("capturing on another interface", "interface", name)
		wanted[m.add(ctx, name, &c, nil)] = true
	}
	changed := len(missing) > 0
	for _, p := range m.all() { // after the others are open: nothing is missed between
		if !wanted[p] {
			m.sensor.cfg.Logger.Info("interface no longer wanted", "interface", p.name)
			m.remove(p)
			changed = true
		}
	}
	if changed {
		m.tell(c)
	}
}

// serving returns the port that captures the interface of a name: it was opened by
// that name or, if it was renamed since, has the same index.
func (m *manager) serving(c *choice, name string) *port {
	index := c.index(name)
	for _, p := range m.all() {
		has := p.at()
		same := index != 0 && has == index
		if same || p.name == name && (index == 0 || has == 0) {
			if p.promiscuous == m.promiscuous(c, name) {
				return p
			}
		}
	}
	return nil
}

// promiscuous reports whether an interface is to be captured so.
func (m *manager) promiscuous(c *choice, name string) bool {
	return m.live.Ring.Promiscuous || slices.Contains(c.promiscuous, name)
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

func (m *manager) stopAll() {
	ports := m.all()
	for _, p := range ports {
		p.cancel()
	}
	for _, p := range ports {
		<-p.done
	}
}
