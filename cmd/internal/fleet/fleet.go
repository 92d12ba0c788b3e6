// Package fleet ships what a sensor stores to a database that many sensors share.
//
// A sensor's own store stays what it is: points are committed there first, and answers
// about the one sensor come from there. The store is also the outbox: a Shipper reads
// batches from it in order of commit, sends them, and notes how far it has got. So the
// server may be away for as long as the store keeps points, and capture never waits.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/packetheat/packetheat/store"
	"github.com/packetheat/packetheat/store/clickhouse"
	"github.com/packetheat/packetheat/store/sqlite"
)

// Server is where batches go. Append returns nil when all of them have arrived for good,
// and takes those that it has had before as done. Its clickhouse.ErrContent says that one
// of them will never arrive.
type Server interface {
	Append(ctx context.Context, origin string, batches []*store.Batch) error
	Close() error
}

// Config says what is shipped where. Store and Open must be set.
type Config struct {
	Store *sqlite.Store // open for writing

	// Open connects to the server. It is called again after an error.
	Open Opener

	Where  string        // of the server, for people
	Every  time.Duration // between shipments while there is no backlog; 0: as batches come
	Points int           // of one shipment, at most; 0: 65,536
	Logger *slog.Logger  // nil: nothing is logged

	// Retry is the first pause after an error, a second if 0. It doubles with each further
	// error, up to sixty times as long; each pause is cut by up to a half, by chance.
	Retry time.Duration
}

// Opener connects to a server.
type Opener func(ctx context.Context) (Server, error)

const (
	parcelPoints = 1 << 16
	firstRetry   = time.Second
	mostRetries  = 60 // times the first pause
	serverRest   = 5  // the part of its time that the server is left alone by one that catches up

	// A server that many catch up at has a queue: who gives up sends all of it again.
	openTimeout = time.Minute
	sendTimeout = 5 * time.Minute
	lastFlush   = 5 * time.Second // at the end of Run
)

// Shipper ships. Make it with New; Run does the work, in a goroutine of its own, and the
// other methods may be called by any.
type Shipper struct {
	cfg Config
	log *slog.Logger

	wake chan struct{} // the configuration has changed

	mu     sync.Mutex
	open   Opener
	outbox *sqlite.Outbox // nil: not open yet
	done   Progress
	failed trouble
	rate   rate

	server Server // of Run; nil: not connected
	told   bool   // it was said that the server is away; of Run
	lost   int64  // points whose loss has been told; of Run
	most   int    // points of the next parcel; of Run

	reading time.Duration // how long the last parcel was read; of Run
}

// trouble is what is wrong now; the zero value: nothing.
type trouble struct {
	err   error
	since time.Time
	retry time.Time // when the next try is
}

// Progress is what has been shipped since the start of the program.
type Progress struct {
	Batches, Points uint64
	Shipments       uint64
	Errors          uint64
	Refused         uint64    // batches that the server does not take for what is in them, while it takes others
	Damaged         uint64    // batches shipped without their points, which cannot be read
	Newest          time.Time // start of the newest tick that has arrived; zero: none yet
	Last            time.Time // when the last shipment arrived
}

// New makes a Shipper.
func New(cfg Config) *Shipper {
	cfg.Points = cmp.Or(cfg.Points, parcelPoints)
	cfg.Retry = cmp.Or(cfg.Retry, firstRetry)
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Shipper{cfg: cfg, log: log, open: cfg.Open, wake: make(chan struct{}, 1)}
}

// SetOpen changes how the server is reached, from the next shipment on, which comes at
// once where the server was away.
func (s *Shipper) SetOpen(open Opener) {
	s.mu.Lock()
	s.open = open
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run ships until ctx is done, and then for a few seconds what is left. The error is that
// of the store: what is wrong with the server is tried again, and told by Status.
func (s *Shipper) Run(ctx context.Context) error {
	defer s.disconnect()
	commits := s.cfg.Store.Watch(ctx)
	pause := s.cfg.Retry
	for ctx.Err() == nil {
		began := time.Now()
		sent, err := s.ship(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			s.fail(ctx, err, pause)
			pause = min(2*pause, mostRetries*s.cfg.Retry)
		case sent > 0: // there may be more
			pause = s.cfg.Retry
			s.sleep(ctx, s.rest(time.Since(began)))
		default:
			s.await(ctx, commits, began)
		}
	}
	return s.end(context.WithoutCancel(ctx))
}

// rest is how long to rest after a shipment that took so long: as long as the store was
// read, which leaves half of that core to capture, and a part of what the server took,
// which leaves some of it to other sensors.
func (s *Shipper) rest(took time.Duration) time.Duration {
	return s.reading + (took-s.reading)/serverRest
}

// end ships what is left, if that is quick, and closes the outbox.
func (s *Shipper) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastFlush)
	defer cancel()
	if s.failure() == nil { // else the server is away: what is left waits for the next start
		for {
			if sent, err := s.ship(ctx); err != nil || sent == 0 {
				break
			}
		}
	}
	if o := s.opened(); o != nil {
		return o.Close(context.WithoutCancel(ctx))
	}
	return nil
}

// sleep waits until ctx is done or the configuration has changed, but not for longer.
func (s *Shipper) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
		s.disconnect()
	case <-timer.C:
	}
}

// await waits for a commit, and then until the last shipment is long enough ago.
func (s *Shipper) await(ctx context.Context, commits <-chan store.Commit, began time.Time) {
	select {
	case <-ctx.Done():
		return
	case <-s.wake:
		s.disconnect()
		return
	case <-commits:
	}
	for len(commits) > 0 { // all of them go together
		<-commits
	}
	if rest := s.cfg.Every - time.Since(began); rest > 0 {
		s.sleep(ctx, rest)
	}
}

// fail notes an error and waits.
func (s *Shipper) fail(ctx context.Context, err error, pause time.Duration) {
	s.disconnect()
	pause = pause/2 + rand.N(pause/2+1) // a server that comes back is not met by all at once
	s.mu.Lock()
	s.done.Errors++
	if s.failed.err == nil {
		s.failed.since = time.Now()
	}
	s.failed.err, s.failed.retry = err, time.Now().Add(pause)
	s.mu.Unlock()
	if !s.told {
		s.log.Warn("fleet: what is stored is not shipped for now; it waits in the store", "server", s.cfg.Where, "error", err)
		s.told = true
	}
	s.sleep(ctx, pause)
}

// failure is why nothing is shipped now; nil if something is.
func (s *Shipper) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed.err
}

func (s *Shipper) opened() *sqlite.Outbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outbox
}

func (s *Shipper) disconnect() {
	if s.server != nil {
		if err := s.server.Close(); err != nil {
			s.log.Debug("fleet: close the connection", "error", err)
		}
		s.server = nil
	}
}

// ship sends the next parcel; 0 if there is none.
func (s *Shipper) ship(ctx context.Context) (batches int, err error) {
	outbox, err := s.outboxOf(ctx)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	p, err := outbox.Next(ctx, max(s.most, s.cfg.Points))
	s.reading = time.Since(began)
	if errors.Is(err, sqlite.ErrReplaced) {
		s.mu.Lock()
		s.outbox = nil
		s.mu.Unlock()
	}
	if err != nil || len(p.Batches) == 0 {
		return 0, err
	}
	origin, err := s.cfg.Store.ID(ctx)
	if err != nil {
		return 0, err
	}
	fit, refused := fitting(p.Batches)
	d := delivery{send: func(some []*store.Batch) error { return s.send(ctx, origin, some) }}
	if err := d.all(fit); err != nil {
		if errors.Is(err, clickhouse.ErrContent) {
			s.most = 2*p.Points() + s.cfg.Points // with the next ones it turns out what is wrong
		}
		return 0, err
	}
	s.most, refused = 0, append(refused, d.refused...)
	if err := outbox.Shipped(ctx, p); err != nil {
		return 0, err
	}
	s.arrived(&p, refused)
	s.tellLost(ctx, outbox)
	return len(p.Batches), nil
}

// outboxOf opens the outbox where that has not been done.
func (s *Shipper) outboxOf(ctx context.Context) (*sqlite.Outbox, error) {
	if o := s.opened(); o != nil {
		return o, nil
	}
	o, err := s.cfg.Store.Outbox(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.outbox = o
	s.mu.Unlock()
	if st, err := o.Status(ctx); err == nil {
		s.lost = st.LostPoints
		if st.Since > 0 && st.Batches == 0 && st.Shipped == st.Since {
			s.log.Info("fleet: shipping begins with what is stored from now on; packetheat fleet import ships what was stored before", "server", s.cfg.Where)
		}
	}
	return o, nil
}

// send connects where that is needed, and sends batches.
func (s *Shipper) send(ctx context.Context, origin string, batches []*store.Batch) (err error) {
	if s.server == nil {
		s.mu.Lock()
		open := s.open
		s.mu.Unlock()
		opening, cancel := context.WithTimeout(ctx, openTimeout)
		defer cancel()
		if s.server, err = open(opening); err != nil {
			s.server = nil // no typed nil
			return err
		}
	}
	sending, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return s.server.Append(sending, origin, batches)
}

// arrived counts a parcel.
func (s *Shipper) arrived(p *sqlite.Parcel, refused []refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, points := time.Now(), p.Points()
	for i := range refused {
		points -= len(refused[i].batch.Points)
	}
	s.done.Shipments++
	s.done.Batches += uint64(len(p.Batches) - len(refused))
	s.done.Points += uint64(points)
	s.done.Refused += uint64(len(refused))
	s.done.Damaged += uint64(p.Damaged)
	for _, b := range p.Batches {
		if b.Tick.After(s.done.Newest) {
			s.done.Newest = b.Tick
		}
	}
	s.done.Last = now
	s.rate.add(now, points)
	if s.told {
		s.log.Info("fleet: shipping goes on", "server", s.cfg.Where, "away", now.Sub(s.failed.since).Round(time.Second))
		s.told = false
	}
	s.failed = trouble{}
	if len(refused) > 0 {
		first := &refused[0]
		s.log.Error("fleet: the server does not take what is in some batches: they stay in this store alone",
			"batches", len(refused), "tick", first.batch.Tick.UTC(), "seq", first.batch.Seq, "error", first.cause)
	}
}

// tellLost says once what has been given up before it was shipped.
func (s *Shipper) tellLost(ctx context.Context, o *sqlite.Outbox) {
	lost, err := o.Lost(ctx)
	if err != nil || lost <= s.lost {
		return
	}
	s.log.Error("fleet: the store gave up points before they were shipped: there was no room for as long as the server was away (store.retention.size, .free)",
		"points", lost-s.lost, "server", s.cfg.Where)
	s.lost = lost
}
