package sensor

import (
	"errors"
	"sync"
)

// pipeline is one run of a sensor: the goroutines behind the shards, and the shards
// while they run.
type pipeline struct {
	sensor *Sensor
	live   bool
	writer *writer
	parts  chan *part
	active *shardSet

	running   sync.WaitGroup // shards and their locating goroutines
	collected chan struct{}  // closed when the collector has ended
	written   chan error     // the writer's answer

	mu     sync.Mutex
	errs   []error
	nextID int
}

// start begins a run: collector and writer are ready for shards.
func (s *Sensor) start(live bool) *pipeline {
	p := &pipeline{
		sensor: s, live: live, writer: newWriter(s, live), parts: make(chan *part, 16),
		active:    &shardSet{ids: map[int]struct{}{}},
		collected: make(chan struct{}), written: make(chan error, 1),
	}
	s.mu.Lock()
	s.started, s.writer = s.cfg.Now(), p.writer
	s.mu.Unlock()
	c := &collector{sensor: s, writer: p.writer, live: live, active: p.active, pending: map[int64]*gathering{}, watch: watch{sensor: s, live: live}}
	go func() {
		defer close(p.collected)
		c.run(p.parts)
	}()
	go func() { p.written <- p.writer.run() }()
	return p
}

// add starts a shard on a source. ended is called, with what the shard ended by,
// after its last tally has been handed on; it may be nil.
func (p *pipeline) add(name string, source Source, ended func(error)) {
	p.mu.Lock()
	sh := p.sensor.newShard(p.nextID, name, source, p.live)
	p.nextID++
	p.mu.Unlock()
	p.active.add(sh.id)
	p.sensor.mu.Lock()
	p.sensor.shards = append(p.sensor.shards, sh)
	p.sensor.mu.Unlock()
	locator := p.sensor.cfg.NewLocator()
	p.running.Add(2)
	located := make(chan struct{})
	go func() {
		defer p.running.Done()
		defer close(located)
		sh.locate(locator, p.parts)
	}()
	go func() {
		defer p.running.Done()
		err := sh.run()
		<-located
		p.sensor.retire(sh)
		if ended != nil {
			ended(err)
		} else if err != nil {
			p.fail(err)
		}
	}()
}

func (p *pipeline) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errs = append(p.errs, err)
}

// drain waits for the shards, whose sources have ended or been stopped, then for
// everything behind them: the last tick is committed when it returns.
func (p *pipeline) drain() error {
	p.running.Wait()
	close(p.parts)
	<-p.collected
	p.writer.close()
	p.fail(<-p.written)
	return errors.Join(p.errs...)
}
