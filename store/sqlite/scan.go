package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
)

// maxWorkers bounds the goroutines of one query that decode.
const maxWorkers = 4

// plan says what a query reads.
type plan struct {
	from, to int64 // ticks, half-open, Unix seconds
	lastID   int64 // the newest batch that belongs to the answer
	end      int64 // of the newest tick: what a tier has behind it is of later batches
	sensors  []uint32
	all      bool // those are all sensors
	need     need
	filter   *filter
	source   source // of whole tiers
	step     int64  // seconds that a bin has; 0: there is one bin
	tick     int64  // seconds
	ordered  bool   // each tick for itself, in order
	full     bool   // full keys of every tier that has them, of others source
	damage   *damage
	lacking  bool             // the cover has tiers without the full keys that are wanted
	coverage *coverageBuilder // not points but coverage is read
}

// question is what a query asks for, besides window and terms.
type question struct {
	need    need
	views   props // what must be known of traffic to answer it
	keys    bool  // full keys are better where there are not too many
	step    time.Duration
	ordered bool
	full    bool // see plan
}

// plan prepares a query: window to ticks, sensors to ids, terms to what they need, and
// the time to units.
func (s *Store) plan(ctx context.Context, f *store.Filter, ask question) (*plan, *cursor, error) {
	if err := f.Window.Check(); err != nil {
		return nil, nil, err
	}
	f, err := s.answered(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	p := &plan{
		filter: newFilter(f.Terms), all: true, tick: int64(s.tick / time.Second),
		step: int64(ask.step / time.Second), ordered: ask.ordered, full: ask.full, damage: &s.damage,
	}
	from, to := tickRange(f.Window)
	p.from, p.to = ceilTo(from, p.tick), ceilTo(to, p.tick)
	p.need = ask.need | p.filter.need
	p.source = sourceFor(ask.views | p.filter.props)
	c, err := s.cover(ctx, p, ask)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		return nil, nil, fmt.Errorf("read %q: %w%s", s.path, err, hint(err))
	}
	return p, c, nil
}

// cover finds the units of a plan in one read transaction.
func (s *Store) cover(ctx context.Context, p *plan, ask question) (*cursor, error) {
	tx, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	k, err := readKept(ctx, tx)
	if err != nil {
		return nil, err
	}
	if p.lastID, err = lastID(ctx, tx); err != nil {
		return nil, err
	}
	if err = s.dicts.load(ctx, tx); err != nil {
		return nil, err
	}
	for id, name := range s.dicts.sensors.snapshot() {
		if id > 0 && p.filter.matchSensor(name) {
			p.sensors = append(p.sensors, uint32(id))
		} else if id > 0 {
			p.all = false
		}
	}
	p.from, p.to = k.widen(p.from, p.to)
	newest, err := number(ctx, tx, "SELECT max(tick) FROM batches")
	if err != nil || p.from >= p.to {
		return s.cursor(p, k, nil), err
	}
	if p.end = newest + p.tick; p.lastID == 0 { // no batch is left, just tiers
		p.end = math.MaxInt64
	}
	reaches := make([]reach, len(p.sensors))
	for i, id := range p.sensors {
		reaches[i] = reach{id, p.from, p.to}
	}
	units, err := p.choose(ctx, tx, &k, reaches, ask, cmp.Or(s.maxKeys, maxPairs))
	if err != nil {
		return nil, err
	}
	return s.cursor(p, k, units), nil
}

// choose covers reaches, from the full keys in place of a view where the question is
// better answered by them, all are there, and they are not too many.
func (p *plan) choose(ctx context.Context, q queryer, k *kept, reaches []reach, ask question, limit int64) ([]unit, error) {
	view := p.source
	if ask.keys && view != sourceKeys {
		p.source, p.lacking = sourceKeys, false
		units, err := p.cover(ctx, q, k, reaches)
		total := int64(0)
		for i := range units {
			for _, t := range units[i].tiers {
				total += t.keys
			}
		}
		if err != nil || !p.lacking && total <= limit {
			return units, err
		}
		p.source = view
		p.need &^= needAddr // as some of the answer will not have it
	}
	return p.cover(ctx, q, k, reaches)
}

// allows reports whether whole tiers of a level fit into the bins.
func (p *plan) allows(level int64) bool {
	if p.coverage != nil {
		return level <= p.coverage.coarsest
	}
	return !p.ordered && p.step%level == 0
}

// tickRange returns the first tick in w and the first behind it; a tick is in w if
// its start is.
func tickRange(w store.Window) (from, to int64) {
	from, to = math.MinInt64, math.MaxInt64
	if !w.From.IsZero() {
		from = ceilSecond(w.From)
	}
	if !w.To.IsZero() {
		to = ceilSecond(w.To)
	}
	return from, to
}

func ceilSecond(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// visitor takes the decoded blocks and tiers of a query. Each has one goroutine.
type visitor interface {
	visit(v *view) error
}

// takeBytes is how much a worker takes at a time, so that all have something to do.
const takeBytes = 128 << 10

// scan reads what c has in one goroutine at a time, and has it decoded and visited in
// one goroutine a visitor. Each visitor gets what it gets in order of time; which
// visitor gets what is open. It returns ctx's error as it is, at once when ctx is
// done: visitors that are still busy then stop soon after.
func (s *Store) scan(ctx context.Context, c *cursor, visitors ...visitor) error {
	inner, cancel := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	for _, v := range visitors {
		group.Go(func() {
			if err := s.work(inner, c, v); err != nil {
				cancel(err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		err := context.Cause(inner)
		cancel(nil)
		if err == nil && c.damaged.Load() {
			return errMoved
		}
		return err
	case <-ctx.Done():
		cancel(nil)
		return ctx.Err()
	}
}

// scanAlone is scan in the goroutine of the caller.
func (s *Store) scanAlone(ctx context.Context, c *cursor, v visitor) error {
	err := s.work(ctx, c, v)
	if err == nil && c.damaged.Load() {
		return errMoved
	}
	return err
}

// work decodes what c has and shows it to v until there is no more.
func (s *Store) work(ctx context.Context, c *cursor, v visitor) error {
	w, err := s.newView(c.plan)
	if err != nil {
		return err
	}
	defer w.close()
	for {
		bundles, err := c.take(ctx, takeBytes)
		if err != nil || len(bundles) == 0 {
			return err
		}
		for _, b := range bundles {
			for i := range b.items {
				if err := ctx.Err(); err != nil {
					return err
				}
				// A commit that comes back from the disk otherwise waits until goroutines
				// like this one have had their 10 ms each.
				runtime.Gosched()
				if err := s.show(w, &b.items[i], v); errors.Is(err, errReplace) {
					c.damaged.Store(true)
				} else if err != nil {
					return err
				}
			}
		}
	}
}

// show has one item visited.
func (s *Store) show(w *view, it *item, v visitor) error {
	if it.piece == nil {
		if !w.openBlock(it) {
			return nil
		}
		return v.visit(w)
	}
	if cells, ok := v.(*cellVisitor); ok {
		if w.addPlaces(it, cells) {
			return nil
		}
		if done, err := w.addExact(it, cells); done || err != nil {
			return err
		}
	}
	ok, err := w.openTier(it)
	if err != nil {
		return err
	}
	switch {
	case !ok:
		return nil
	case w.exact:
		return w.eachBin(func() error { return v.visit(w) })
	}
	return v.visit(w)
}

// workers returns how many visitors a query should have.
func workers() int { return min(runtime.GOMAXPROCS(0), maxWorkers) }

// prompt runs f in a goroutine of its own and returns ctx's error at once when ctx is
// done, so that no decoding or sorting at the end keeps the caller waiting.
func prompt[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := f()
		answers <- answer{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// restarts is how often a query begins again because the store was reorganised.
const restarts = 20

// steadily runs f, again when it has met errMoved.
func steadily[T any](f func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		value, err := f()
		if !errors.Is(err, errMoved) || try == restarts {
			return value, err
		}
	}
}
