// Package sensor runs the pipeline: frames to packets to tallies to located points,
// shard by shard.
//
//	Source ─▶ shard: decode, tally ─▶ locating: cache ─▶ collector ─▶ writer ─▶ Sink
//	          one goroutine a ring,    one a shard        one tick     retries,
//	          locked to its thread                        of all       merges
//
// A shard counts packets into a table of its own and hands the table on when its
// tick closes, so that per packet there is no lock, no channel, no allocation and no
// GeoIP look-up. Capture never waits for what is behind it: what cannot be handed on
// is merged, and counted.
package sensor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/geo"
	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/store"
)

// Source hands out blocks of frames: a ring or a file of package capture. One
// goroutine calls all methods but Stop.
type Source interface {
	// ReadBlock waits for a block, at most the given time; nil, nil when none came.
	// The block is valid until the next call. io.EOF: stopped and drained, or read.
	ReadBlock(timeout time.Duration) (*capture.Block, error)
	Stats() (capture.Stats, error)
	Stop() // any goroutine: end after what has arrived
	Close() error
}

// Locator says where an address is. Each shard has one of its own (a geo.Cache), so
// it need not be safe for concurrent use.
type Locator interface {
	Locate(netip.Addr) geo.Location
}

// Sink keeps batches. Append returns once the batch is durable; the same sensor,
// tick and seq again is ignored. NextSeq is the first sequence number that the store
// does not have yet for a sensor's tick. One goroutine calls both.
type Sink interface {
	Append(ctx context.Context, b *store.Batch) error
	NextSeq(ctx context.Context, sensor string, tick time.Time) (uint32, error)
}

// Config is what a sensor needs beside its sources. Name, NewLocator and Sink must be
// set; the zero value of every other field means the default given there.
type Config struct {
	Name string        // of the sensor, stored with every point
	Tick time.Duration // 10 s; see store.CheckTick

	Networks   []netip.Prefix // local beside the special-purpose ranges
	Mapped     []netip.Prefix // on the map though special-purpose or local
	Mask       store.Mask     // of addresses, after they are located; the Sink sees no others
	MaxKeys    int            // exact keys a shard and tick (131,072); beyond, keys fold
	Outer      bool           // charge tunnels to their outer addresses
	Filter     Filter         // capture filter; nil takes everything; see SetFilter
	NewLocator func() Locator
	Geo        func() []store.GeoSource // databases in use, stored with each batch; may be nil
	Sink       Sink
	Logger     *slog.Logger     // nil discards
	Now        func() time.Time // capture.Now; the clock that closes live ticks
}

// DefaultMaxKeys is Config.MaxKeys where it is 0: a table of 16 MiB at most.
const DefaultMaxKeys = 1 << 17

// Sensor counts packets and commits them tick by tick. Make one with New, run it
// once by Run or Replay. Status, Ready, SetNetworks and SetFilter may be called at any
// time.
type Sensor struct {
	cfg      Config
	seed     uint64 // of the tables' hashes
	networks networkState
	ready    chan struct{}
	readied  sync.Once
	gaps     gaps // of a live run
	filter   filterState
	own      atomic.Pointer[map[netip.Addr]bool]

	mu      sync.Mutex
	shards  []*shard    // running ones
	done    store.Books // of those that have ended
	started time.Time
	writer  *writer
	state   Status // the parts that collector, writer and ended shards set
}

// New checks the configuration and returns a sensor that has not started.
func New(cfg Config) (*Sensor, error) {
	if cfg.Tick == 0 {
		cfg.Tick = 10 * time.Second
	}
	if cfg.MaxKeys == 0 {
		cfg.MaxKeys = DefaultMaxKeys
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = capture.Now
	}
	if cfg.Geo == nil {
		cfg.Geo = func() []store.GeoSource { return nil }
	}
	switch {
	case cfg.Name == "":
		return nil, errors.New("start sensor: no name given (set sensor.name)")
	case cfg.NewLocator == nil || cfg.Sink == nil:
		return nil, errors.New("start sensor: a locator and a sink are needed")
	case cfg.MaxKeys < 1024:
		return nil, fmt.Errorf("start sensor: max_keys %d is too small: 1024 at least", cfg.MaxKeys)
	}
	if err := store.CheckTick(cfg.Tick); err != nil {
		return nil, fmt.Errorf("start sensor: %w", err)
	}
	s := &Sensor{cfg: cfg, seed: rand.Uint64(), ready: make(chan struct{})}
	s.SetNetworks(cfg.Networks, cfg.Mapped)
	s.filter.now.Store(&cfg.Filter)
	return s, nil
}

// Ready is closed once every source of a run is open.
func (s *Sensor) Ready() <-chan struct{} { return s.ready }

func (s *Sensor) setReady() { s.readied.Do(func() { close(s.ready) }) }

// tickOf returns the start of the tick that a packet time lies in, both in ns since
// the Unix epoch; it rounds down before 1970, too.
func (s *Sensor) tickOf(at int64) int64 {
	tick := int64(s.cfg.Tick)
	rest := at % tick
	if rest < 0 {
		rest += tick
	}
	return at - rest
}
