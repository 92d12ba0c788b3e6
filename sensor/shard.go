package sensor

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/decode"
	"github.com/packetheat/packetheat/store"
)

const (
	tickGrace  = time.Second // a live tick closes this long after its end
	statsEvery = time.Second // how often kernel statistics are read and books published
	maxOpen    = 4           // ticks a shard counts at once: the present and a reorder window of two, and one
	maxIdle    = time.Hour   // longer silence between packets of a file is off, not idle
	maxMissed  = 6           // ticks that a live shard may be late before the gap counts as off
	maxBacklog = 4           // tallies that wait for a busy locator before ticks are merged
	keptHanded = 4096        // closed ticks that a shard remembers, to know late packets
)

// shard is one worker: a source, the tallies of its open ticks, and what waits to be
// handed on. All fields but those under mu belong to the goroutine in run.
type shard struct {
	sensor *Sensor
	id     int
	name   string // of the interface or file
	source Source
	live   bool
	out    chan *tally // to the locating goroutine; closed at the end
	free   chan *table // emptied tables coming back
	sieve  sieve       // files; the kernel filters for rings

	copies copyFinder

	ringBytes int // memory of the source, where it says so

	cur      *tally // the tally of the latest packet, among open
	open     []*tally
	backlog  []*tally // closed, waiting for room in out
	nextTick int64    // live: the first tick that the clock has not closed
	began    bool     // files: a packet has been seen
	maxTick  int64    // files: the latest tick seen
	nextIdle int64    // files: the first tick that may still turn out idle
	handed   map[int64]struct{}
	order    []int64 // of handed, oldest first
	stats    capture.Stats
	statsAt  time.Time
	pending  store.Books // drops and the like that no open tally has taken yet

	mu        sync.Mutex
	total     store.Books // of all closed ticks
	published store.Books // total and open ticks, at statsAt
	read      time.Time   // when the source was last asked for a block, to a second
	merged    uint64
	tunnels   uint64
	lastSeen  int64
}

func (s *Sensor) newShard(id int, name string, source Source, live bool) *shard {
	sh := &shard{
		sensor: s, id: id, name: name, source: source, live: live,
		out: make(chan *tally, 2), free: make(chan *table, 2),
		handed: map[int64]struct{}{}, read: s.cfg.Now(),
	}
	if ring, ok := source.(sized); ok {
		sh.ringBytes = ring.Size()
	}
	return sh
}

// run reads the source to its end. It closes the source and out.
func (sh *shard) run() error {
	if sh.live {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer nameThread(fmt.Sprintf("shard-%d", sh.id))()
	}
	now := sh.sensor.cfg.Now()
	sh.nextTick = sh.sensor.tickOf(now.UnixNano())
	sh.statsAt = now
	var frame capture.Frame
	var packet decode.Packet
	for {
		block, err := sh.source.ReadBlock(sh.patience(now))
		if block != nil {
			sh.countBlock(block, &frame, &packet)
		}
		now = sh.sensor.cfg.Now()
		if err != nil || now.Sub(sh.statsAt) >= statsEvery || now.Before(sh.statsAt) {
			sh.readStats(now)
		}
		if sh.live {
			sh.closeDue(now)
		}
		sh.push(false)
		if err != nil {
			return errors.Join(sh.finish(err), sh.source.Close())
		}
	}
}

// patience is how long the source may wait for a block: until a tick is due, a
// second at most.
func (sh *shard) patience(now time.Time) time.Duration {
	if !sh.live {
		return time.Second
	}
	due := time.Unix(0, sh.nextTick).Add(sh.sensor.cfg.Tick + tickGrace)
	return min(max(due.Sub(now), time.Millisecond), statsEvery)
}

// countBlock is the loop that runs per packet.
func (sh *shard) countBlock(block *capture.Block, f *capture.Frame, p *decode.Packet) {
	tick := int64(sh.sensor.cfg.Tick)
	if !sh.live { // the kernel has filtered for a ring
		sh.sieve.follow(sh.sensor.filter.now.Load())
	}
	filtering := sh.sieve.filter != nil
	sh.copies.look(*block)
	for block.Next(f) {
		t := sh.cur
		if t == nil || f.Time < t.tick || f.Time-t.tick >= tick {
			sh.settle()
			t = sh.tallyOf(f.Time)
		}
		t.last = max(t.last, f.Time)
		if filtering && !sh.sieve.accepts(f) {
			t.refuse(f)
			continue
		}
		t.count(f, p)
	}
	sh.settle()
	if n := uint64(block.Malformed()); n > 0 { // frames that could not be read at all
		sh.pending.Frames += n
		sh.pending.Captured.Packets += n
		sh.pending.Undecodable.Packets += n
	}
}

// settle counts what waits in the present tally; no other has anything waiting.
func (sh *shard) settle() {
	if sh.cur != nil {
		sh.cur.settle()
	}
}

// tallyOf returns the open tally for a packet time, opening one if need be.
func (sh *shard) tallyOf(at int64) *tally {
	tick := sh.sensor.tickOf(at)
	i := slices.IndexFunc(sh.open, func(t *tally) bool { return t.tick == tick })
	if i < 0 {
		if !sh.live {
			sh.advance(tick)
		}
		sh.open = append(sh.open, sh.newTally(tick))
		if len(sh.open) > maxOpen {
			sh.hand(0)
		}
		i = slices.IndexFunc(sh.open, func(t *tally) bool { return t.tick == tick })
	}
	t := sh.open[i] // moves to the end: the one used longest ago is the first
	sh.open = append(slices.Delete(sh.open, i, i+1), t)
	sh.cur = t
	return t
}

func (sh *shard) newTally(tick int64) *tally {
	t := &tally{tick: tick, networks: sh.sensor.networks.at(tick), outer: sh.sensor.cfg.Outer}
	_, t.late = sh.handed[tick]
	select {
	case t.table = <-sh.free:
	default:
		t.table = newTable(sh.sensor.cfg.MaxKeys, sh.sensor.seed)
	}
	return t
}

// advance notes that a file has come to a tick. Ticks without packets that lie behind
// the reorder window are handed on as idle, unless the silence is so long that nothing
// was captured in it.
func (sh *shard) advance(tick int64) {
	step := int64(sh.sensor.cfg.Tick)
	switch {
	case !sh.began:
		sh.began, sh.nextIdle = true, tick
	case tick <= sh.maxTick:
		return
	case tick-sh.maxTick > int64(maxIdle):
		sh.fillIdle(sh.maxTick)
		sh.nextIdle = tick
	}
	sh.maxTick = tick
	sh.fillIdle(tick - 3*step)
}

// fillIdle hands on an empty tally for every tick up to last that has none.
func (sh *shard) fillIdle(last int64) {
	for ; sh.nextIdle <= last; sh.nextIdle += int64(sh.sensor.cfg.Tick) {
		if sh.openIdle(sh.nextIdle) {
			sh.hand(len(sh.open) - 1)
		}
	}
}

// openIdle opens an empty tally for a tick that has none and never had.
func (sh *shard) openIdle(tick int64) bool {
	_, done := sh.handed[tick]
	if done || slices.ContainsFunc(sh.open, func(t *tally) bool { return t.tick == tick }) {
		return false
	}
	sh.open = append(sh.open, sh.newTally(tick))
	return true
}

// closeDue hands on the ticks that the clock has closed, empty ones too. After a
// suspend or a step of the clock there is a gap instead. Ticks that lie ahead of a
// clock that was set back are closed at once.
func (sh *shard) closeDue(now time.Time) {
	step := int64(sh.sensor.cfg.Tick)
	horizon := now.Add(-tickGrace).UnixNano() - step // ticks that start here or before are over
	for i := 0; i < len(sh.open); {
		if t := sh.open[i]; t.tick <= horizon || t.tick > now.UnixNano()+step {
			sh.hand(i)
			continue
		}
		i++
	}
	sh.followClock(now, horizon)
	for ; sh.nextTick <= horizon; sh.nextTick += step {
		if sh.openIdle(sh.nextTick) {
			sh.hand(len(sh.open) - 1)
		}
	}
}

// followClock moves on to the present tick where the clock has not gone on by itself:
// it was set, or the machine slept. What lies between is a gap, not idle time.
func (sh *shard) followClock(now time.Time, horizon int64) {
	step := int64(sh.sensor.cfg.Tick)
	current := sh.sensor.tickOf(now.UnixNano())
	ahead := time.Duration(horizon - sh.nextTick)
	if ahead <= maxMissed*sh.sensor.cfg.Tick && sh.nextTick <= current+step {
		return
	}
	if ahead < 0 {
		sh.sensor.cfg.Logger.Warn("the clock was set back; ticks of that time are stored beside the ones there are",
			"source", sh.name, "by", -ahead)
	} else {
		sh.sensor.cfg.Logger.Warn("the clock leapt ahead, or the machine slept; the time between is a gap",
			"source", sh.name, "by", ahead)
	}
	sh.nextTick = current
}

// hand closes an open tally: it takes the pending counters along and waits in the
// backlog for the locating goroutine.
func (sh *shard) hand(i int) {
	t := sh.open[i]
	sh.open = slices.Delete(sh.open, i, i+1)
	if sh.cur == t {
		sh.cur = nil
	}
	t.books.Add(&sh.pending)
	sh.pending = store.Books{}
	t.copies.add(sh.copies.take())
	if t.late {
		t.books.Late.Add(t.books.Captured)
	} else {
		sh.remember(t.tick)
	}
	sh.mu.Lock()
	sh.total.Add(&t.books)
	sh.tunnels += t.tunnels
	sh.lastSeen = max(sh.lastSeen, t.last)
	sh.mu.Unlock()
	sh.backlog = append(sh.backlog, t)
	sh.push(false)
}

func (sh *shard) remember(tick int64) {
	sh.handed[tick] = struct{}{}
	sh.order = append(sh.order, tick)
	if len(sh.order) > keptHanded {
		delete(sh.handed, sh.order[0])
		sh.order = sh.order[1:]
	}
}

// push moves the backlog on. A live shard never waits: when the backlog is full, its
// two newest tallies become one, so memory is bounded and totals stay exact.
func (sh *shard) push(wait bool) {
	for len(sh.backlog) > 0 {
		if wait || !sh.live {
			sh.out <- sh.backlog[0]
		} else {
			select {
			case sh.out <- sh.backlog[0]:
			default:
				sh.squeeze()
				return
			}
		}
		sh.backlog[0] = nil // or its table would stay as long as the list does
		sh.backlog = sh.backlog[1:]
	}
}

func (sh *shard) squeeze() {
	for n := len(sh.backlog); n > maxBacklog; n = len(sh.backlog) {
		into, from := sh.backlog[n-2], sh.backlog[n-1]
		into.absorb(from)
		sh.recycle(from.table)
		sh.backlog = sh.backlog[:n-1]
		sh.mu.Lock()
		sh.merged++
		sh.mu.Unlock()
	}
}

// recycle takes an emptied table back; any goroutine may call it.
func (sh *shard) recycle(t *table) {
	t.reset()
	select {
	case sh.free <- t:
	default:
	}
}

// readStats adds what the kernel counted since the last time to the books, and
// publishes the books for Status.
func (sh *shard) readStats(now time.Time) {
	sh.statsAt = now
	if stats, err := sh.source.Stats(); err == nil {
		sh.pending.Ring += stats.Packets - sh.stats.Packets
		sh.pending.Drops += stats.Drops - sh.stats.Drops
		sh.pending.Freezes += stats.Freezes - sh.stats.Freezes
		sh.stats = stats
	}
	sh.publish()
}

func (sh *shard) publish() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.published = sh.total
	sh.read = sh.statsAt
	sh.published.Add(&sh.pending)
	for _, t := range sh.open {
		sh.published.Add(&t.books)
		sh.lastSeen = max(sh.lastSeen, t.last)
	}
}

// finish hands on everything that is open, oldest first, and says why it ended.
func (sh *shard) finish(reason error) error {
	if sh.began {
		sh.fillIdle(sh.maxTick)
	}
	if sh.live { // the ticks that the clock has not closed yet, empty ones too
		for now := sh.endTime(); sh.nextTick <= now; sh.nextTick += int64(sh.sensor.cfg.Tick) {
			sh.openIdle(sh.nextTick)
		}
	}
	slices.SortFunc(sh.open, func(a, b *tally) int { return int(min(max(a.tick-b.tick, -1), 1)) })
	if len(sh.open) == 0 && sh.pending != (store.Books{}) {
		sh.open = append(sh.open, sh.newTally(sh.sensor.tickOf(sh.endTime())))
	}
	for len(sh.open) > 0 {
		sh.hand(0)
	}
	sh.push(true)
	close(sh.out)
	sh.publish()
	if sh.sieve.err != nil {
		return fmt.Errorf("read %q: %w", sh.name, sh.sieve.err)
	}
	if errors.Is(reason, io.EOF) {
		return nil
	}
	return fmt.Errorf("read %q: %w", sh.name, reason)
}

// endTime is the time of a last tick without packets: now on a ring, the end of a
// file otherwise.
func (sh *shard) endTime() int64 {
	if sh.live {
		return sh.sensor.cfg.Now().UnixNano()
	}
	return sh.maxTick
}
