// Package sqlite keeps points in one SQLite file and answers questions about any
// window of them. It is the engine behind export.Reader and the sensor's sink.
//
// A commit appends one immutable batch: what one sensor saw in one tick. Its points
// are a block of compressed columns (two blobs: amounts by place, and endpoints),
// its counters and the part of the tick that was captured are a small row beside
// it. Only places, autonomous systems, sensors and GeoIP sources have ids; addresses
// are inside the blocks, sorted, as the steps from one to the next. Users never see
// blocks: answers are rows, cells and sums. Every blob carries a version and a
// checksum; a damaged one is skipped and counted in Coverage.Damaged.
//
// An answer is about the batches committed when it began, although it reads them in
// many short transactions: batches have ids in order of commit and later ones are
// left out. So a reader never holds up the checkpoint of the write-ahead log.
//
// Behind the writer, intervals of 10 minutes, an hour and a day are summed up when they
// close, each once, in tiers: full keys, and views by place, AS, port and kind. The tier
// of 10 minutes also holds its points, exact to the tick, in a third of the room, and
// takes the place of the batches' blocks. A query reads the coarsest tiers that lie
// wholly in its window, samples and blocks at the edges, and the smallest view that
// knows all it asks for. Retention gives up points first, then the finer views; books
// and coverage stay with the tiers. Tiers are an accelerator: where one is missing or
// damaged, what it was made from answers.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/store"
)

// FileName is the name of the SQLite file in a store's folder.
const FileName = "packetheat.db"

// Options are what a store is opened with; the zero value is good.
type Options struct {
	// Tick is the length of a tick, 10s if 0. It is fixed when the store is made; 0
	// then means the store's own, any other than that is an error.
	Tick time.Duration

	// Retention is what a store that is open for writing keeps; SetRetention changes it.
	Retention Retention

	// NoMaintenance leaves tiers, late batches and retention to calls of Maintain and
	// Prune, as a store wants that is written to for a moment only.
	NoMaintenance bool

	Logger *slog.Logger // nil: nothing is logged
}

// defaultTick is contract.md's default of sensor.tick.
const defaultTick = 10 * time.Second

// Store is an open store. All methods may be called by several goroutines at once;
// Append works for one of them at a time. Whoever opened it closes it.
type Store struct {
	path      string
	tick      time.Duration
	log       *slog.Logger
	recovered recovery
	readOnly  bool

	readers  *sql.DB
	decoders sync.Pool // of *decoder: making one costs as much as a small answer
	visitors sync.Pool // of *cellVisitor: growing one costs a fifth of an answer
	dicts    dicts
	damage   damage
	doubted  seenDoubts
	ranks    placeRanks
	maxKeys  int64 // rows of full keys that a top sums rather than a view; 0: maxPairs
	watch    watchers
	ballast  ballast // of a store that is written to
	logWatch logWatch

	logKeeper logKeeper // of a store that maintains itself

	generation atomic.Uint64 // of the file, which Append may replace
	shipped    atomic.Int64  // one more than the id of the newest batch that was shipped; 0: nobody ships
	noFile     bool          // it could not; of the writer
	ended      bool          // closed; of the writer

	// Of the writer; nil in a store opened for reading.
	mu     sync.Mutex
	wdb    *sql.DB
	w      *sql.Conn
	lock   *os.File
	enc    *encoder
	nextID int64
	keep   keeper

	lastTier int64 // the id given to a tier last

	commitPages int // of the log, from which on a commit writes it back
	maint       maintainer
}

// errClosed is the error of writing to a store that has been closed, or was opened for
// reading.
var errClosed = errors.New("the store is closed, or open for reading only")

// errLocked is the error of a folder that another process writes to.
var errLocked = errors.New("the store is in use by another writer")

// Open opens the store in dir for writing and reading, and makes folder (mode 0750)
// and file where they are missing. It refuses a folder that another process writes
// to, naming its pid, and a file of a newer format or of another program. A file
// that is broken is set aside (see Recovered) and a new one begun.
func Open(dir string, o Options) (*Store, error) {
	s, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options) (*Store, error) {
	if o.Tick != 0 {
		if err := store.CheckTick(o.Tick); err != nil {
			return nil, err
		}
	}
	if err := makeDir(dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := newStore(filepath.Join(dir, FileName), o)
	s.lock, s.ballast.none = lock, o.NoMaintenance
	if !o.NoMaintenance {
		s.commitPages = mostLogPages
	}
	ctx := context.Background()
	if err = s.openRecovering(ctx, o.Tick); err == nil {
		err = s.openReaders(ctx, "")
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%w%s", err, hint(err))
	}
	if !o.NoMaintenance {
		if err := s.startLogKeeper(); err != nil {
			s.Close()
			return nil, err
		}
		s.startMaintenance()
	}
	return s, nil
}

// OpenReadOnly opens the store in dir, live or copied, for reading only. It takes no
// lock and may be beside a writer, whose commits Watch sees. The file is never
// changed; SQLite may leave two small ones beside it (-wal, -shm).
func OpenReadOnly(dir string, o Options) (*Store, error) {
	s := newStore(filepath.Join(dir, FileName), o)
	s.readOnly = true
	err := s.openCopy(context.Background(), dir, o.Tick)
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open store %q for reading: %w%s", dir, err, hint(err))
	}
	return s, nil
}

func newStore(path string, o Options) *Store {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{path: path, log: log, dicts: newDicts(), commitPages: logPages, keep: keeper{retention: o.Retention}, maint: newMaintainer()}
	s.keep.seal = s.sealBefore
	return s
}

// Tick returns the length of the store's ticks.
func (s *Store) Tick() time.Duration { return s.tick }

// Recovered returns where Open or Append has set a broken file aside, "" if none has.
func (s *Store) Recovered() string { return s.recovered.get() }

// Close ends maintenance, in the middle of a tier too, and all watching, and releases
// the file and its lock. Methods called after it fail. The first error is returned.
func (s *Store) Close() error {
	s.endMaintenance()
	s.logKeeper.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch.close()
	s.ended = true
	var errs []error
	if s.readers != nil { // before the writer, whose end then empties the log
		errs = append(errs, s.readers.Close())
	}
	errs = append(errs, s.closeWriter())
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close store %q: %w", s.path, err)
	}
	return nil
}

func (s *Store) closeWriter() error {
	var errs []error
	if s.w != nil {
		errs = append(errs, s.w.Close())
		s.w = nil
	}
	if s.wdb != nil {
		errs = append(errs, s.wdb.Close())
		s.wdb = nil
	}
	if s.enc != nil {
		errs = append(errs, s.enc.zstd.Close())
		s.enc = nil
	}
	return errors.Join(errs...)
}
