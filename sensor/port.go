package sensor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
)

// port is one captured interface.
type port struct {
	name        string // that it is opened by
	promiscuous bool
	ringBytes   int // asked for, all shards together
	cancel      context.CancelFunc
	done        chan struct{} // closed when its goroutine has ended

	mu    sync.Mutex // also held while gaps are told, so that the order is right
	index int        // of the interface while rings are open, else 0
}

// at returns the index of the interface, which it keeps when it is renamed; 0 while
// no ring is open.
func (p *port) at() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.index
}

// opened and shut say that rings were opened on an interface, or are closed.
func (p *port) opened(g *gaps, index int, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index = index
	g.set(p.name, true, now)
}

func (p *port) shut(g *gaps, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.index = 0
	g.set(p.name, false, now)
}

// look tells the gaps whether the interface is up. A ring stays open while its
// interface is down, and goes on by itself.
func (p *port) look(g *gaps, all []capture.Interface, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range all {
		if all[i].Index == p.index {
			g.set(p.name, all[i].Up, now)
		}
	}
}

// sized and indexed are what rings can say beside what every Source can.
type (
	sized   interface{ Size() int }
	indexed interface{ Index() int }
)

// add starts the goroutine of an interface. opened, if not nil, gets the result of
// the first try, which then is the last if it cannot be mended by waiting.
func (m *manager) add(ctx context.Context, name string, c *choice, opened chan<- error) *port {
	ctx, cancel := context.WithCancel(ctx)
	cfg := m.live.Ring
	cfg.Interface, cfg.Promiscuous = name, m.promiscuous(c, name)
	if m.live.RingTotal > 0 {
		cfg.RingBytes = m.share(c, max(cfg.Shards, 1))
	}
	p := &port{name: name, promiscuous: cfg.Promiscuous, cancel: cancel, done: make(chan struct{})}
	p.ringBytes = cfg.RingBytes * max(cfg.Shards, 1)
	m.mu.Lock()
	m.ports[name] = p
	m.mu.Unlock()
	go func() {
		defer close(p.done)
		m.keepOpen(ctx, p, cfg, opened)
	}()
	return p
}

// share returns the memory of one ring: of what the ports that stay leave of
// RingTotal, an equal part for each interface and shard. One that goes is counted no
// more although it is still open for some milliseconds. One that comes when all is
// given away gets an eighth nevertheless: rings cannot shrink while they are open.
func (m *manager) share(c *choice, shards int) int {
	free := m.live.RingTotal
	for _, p := range m.all() {
		for _, name := range c.names {
			if m.serving(c, name) == p {
				free -= p.ringBytes
				break
			}
		}
	}
	fair := m.live.RingTotal / max(len(c.names), 1)
	least := max(ringLeast, 2*m.live.Ring.BlockSize)
	return max(min(fair, max(free, m.live.RingTotal/8))/shards, least)
}

func (m *manager) remove(p *port) {
	p.cancel()
	<-p.done
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.ports, p.name)
	m.sensor.noteInterface(p.name, func(i *InterfaceStatus) { i.State = "stopped: no longer wanted" })
}

// markUp tells the gaps which of the open interfaces are up.
func (m *manager) markUp(all []capture.Interface) {
	for _, p := range m.all() {
		p.look(&m.sensor.gaps, all, m.sensor.cfg.Now())
	}
}

// keepOpen captures on one interface until ctx ends, through downs, deletions and
// whatever else ends its rings.
func (m *manager) keepOpen(ctx context.Context, p *port, cfg capture.RingConfig, opened chan<- error) {
	log := m.sensor.cfg.Logger.With("interface", cfg.Interface)
	wait := reopenFirst
	for ctx.Err() == nil {
		rings, err := m.open(p, cfg)
		absent := errors.Is(err, capture.ErrInterfaceGone) || errors.Is(err, capture.ErrInterfaceDown)
		if opened != nil {
			if err != nil && !absent {
				opened <- err
				return
			}
			opened <- nil
			opened = nil
		}
		if err == nil {
			wait = reopenFirst
			err = m.capture(ctx, p, rings)
			absent = errors.Is(err, capture.ErrInterfaceGone) || errors.Is(err, capture.ErrInterfaceDown)
		}
		if ctx.Err() != nil || err == nil {
			return
		}
		m.sensor.noteInterface(p.name, func(i *InterfaceStatus) { i.State = fmt.Sprintf("waiting: %v", err) })
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

// running is what runs on the rings of one interface.
type running struct {
	sources []Source
	ended   chan error // gets what each shard ended by
}

// open opens the rings of an interface and starts their shards.
func (m *manager) open(p *port, cfg capture.RingConfig) (*running, error) {
	filter := &m.sensor.filter
	filter.opening.RLock()
	defer filter.opening.RUnlock()
	sources, err := m.sys.open(cfg, *filter.now.Load())
	if err != nil {
		return nil, err
	}
	index := 0
	if ring, ok := sources[0].(indexed); ok {
		index = ring.Index()
	}
	m.sensor.noteInterface(p.name, func(i *InterfaceStatus) { i.RingWanted = p.ringBytes })
	p.opened(&m.sensor.gaps, index, m.sensor.cfg.Now())
	r := &running{sources, make(chan error, len(sources))}
	for _, source := range sources {
		m.pipeline.add(p.name, source, func(err error) { r.ended <- err })
	}
	return r, nil
}

func (r *running) stop() {
	for _, source := range r.sources {
		source.Stop()
	}
}

// capture waits until the shards of one interface have ended, or ends them when ctx
// does.
func (m *manager) capture(ctx context.Context, p *port, r *running) error {
	defer func() { p.shut(&m.sensor.gaps, m.sensor.cfg.Now()) }()
	var errs []error
	for left := len(r.sources); left > 0; {
		select {
		case err := <-r.ended:
			left--
			if err != nil && !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == err.Error() }) {
				errs = append(errs, err) // mostly all rings end by the same
			}
			r.stop() // one ring of a group alone would see a part of the traffic
		case <-ctx.Done():
			r.stop()
			ctx = context.Background()
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return io.EOF // only a stop ends a ring without an error
}
