package sensor

import (
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// partPatience is how long a tick waits for a shard that is busy; what comes later
// is a batch of its own.
const partPatience = 2 * time.Second

// collector puts the parts of all shards together, tick by tick, and queues the
// batches for the writer. Its goroutine owns every field.
type collector struct {
	sensor  *Sensor
	writer  *writer
	live    bool
	active  *shardSet
	pending map[int64]*gathering
	watch   watch
}

// shardSet is the set of shards whose last part has not been taken yet.
type shardSet struct {
	mu  sync.Mutex
	ids map[int]struct{}
}

func (s *shardSet) add(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids[id] = struct{}{}
}

func (s *shardSet) remove(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ids, id)
}

// within reports whether every shard of the set is in got.
func (s *shardSet) within(got map[int]bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.ids {
		if !got[id] {
			return false
		}
	}
	return true
}

// gathering is a tick that some shards have handed on and others not yet.
type gathering struct {
	parts  []*part
	shards map[int]bool
	since  time.Time
}

// run collects until parts is closed, then flushes what is left.
func (c *collector) run(parts <-chan *part) {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case p, ok := <-parts:
			if !ok {
				c.flushWhere(func(*gathering) bool { return true })
				return
			}
			c.take(p)
		case <-ticker.C:
			now := time.Now()
			c.sensor.note(func(st *Status) { st.Collected = now })
			c.flushWhere(func(g *gathering) bool {
				return now.Sub(g.since) > partPatience || c.complete(g)
			})
		}
	}
}

func (c *collector) take(p *part) {
	switch {
	case p.end:
		c.active.remove(p.shard)
		c.flushWhere(c.complete)
		return
	case p.late:
		c.flush(&gathering{parts: []*part{p}})
		return
	}
	g := c.pending[p.tick]
	if g == nil {
		g = &gathering{shards: map[int]bool{}, since: time.Now()}
		c.pending[p.tick] = g
	}
	g.parts = append(g.parts, p)
	g.shards[p.shard] = true
	if c.complete(g) {
		delete(c.pending, p.tick)
		c.flush(g)
	}
}

// complete reports whether every running shard has handed the tick on.
func (c *collector) complete(g *gathering) bool { return c.active.within(g.shards) }

func (c *collector) flushWhere(due func(*gathering) bool) {
	for tick, g := range c.pending {
		if due(g) {
			delete(c.pending, tick)
			c.flush(g)
		}
	}
}

// flush makes one batch of the parts and queues it.
func (c *collector) flush(g *gathering) {
	s := c.sensor
	b := &store.Batch{
		Sensor: s.cfg.Name, Tick: tickTime(g.parts[0].tick), Interval: s.cfg.Tick, Geo: s.cfg.Geo(),
	}
	var lists [][]store.Point
	for _, p := range g.parts {
		b.Books.Add(&p.books)
		if len(p.points) > 0 {
			lists = append(lists, p.points)
		}
	}
	c.watch.tick(g.parts) // the last that sees whole addresses
	maskPoints(s.cfg.Mask, lists)
	b.Points = mergePoints(lists)
	c.enqueue(b)
}

// enqueue queues a batch with the part of its tick that was captured. Of a tick that
// was captured in several parts, each further one is an empty batch beside it. A tick
// in which every interface was down or away is not idle: nothing of it is stored.
func (c *collector) enqueue(b *store.Batch) {
	pieces := c.sensor.captured(b.Tick, c.live)
	if len(pieces) == 0 {
		if b.Books == (store.Books{}) {
			return
		}
		pieces = []span{{b.Tick, b.Tick}} // late counters of a time that was a gap
	}
	b.From, b.To = pieces[0].from, pieces[0].to
	c.sensor.countBatch(b)
	c.writer.enqueue(b)
	for _, piece := range pieces[1:] {
		c.writer.enqueue(&store.Batch{
			Sensor: b.Sensor, Tick: b.Tick, Interval: b.Interval, Geo: b.Geo, From: piece.from, To: piece.to,
		})
	}
}

// captured returns the parts of a tick in which the sensor was capturing: all of it,
// but for the first and the last tick of a live run, and for gaps.
func (s *Sensor) captured(tick time.Time, live bool) []span {
	from, to := tick, tick.Add(s.cfg.Tick)
	if !live {
		return []span{{from, to}}
	}
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	now := s.cfg.Now()
	if now.Before(to) && now.After(from) {
		to = now
	}
	if started.After(from) && started.Before(to) {
		from = started
	}
	return s.gaps.pieces(from, to, now)
}
