package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Append commits b in one transaction and then tells the watchers. When it returns
// nil, b is on the disk (fsync). A batch whose (Sensor, Tick, Seq) is there already
// is left out without error. After an error nothing of b is in the store and the
// caller may try again. b is only read, and not kept. ctx is looked at before the
// commit begins, which then is not broken off.
//
// Where SQLite finds its file broken, it is opened anew, in case only memory was wrong;
// if that does not help the file is set aside as Open does it, see Recovered, and b is
// the first batch of a new one.
func (s *Store) Append(ctx context.Context, b *store.Batch) error {
	err := s.tryAppend(ctx, b)
	for _, anew := range []bool{false, true} {
		if !broken(err) && !errors.Is(err, errNoFile) {
			return err
		}
		if e := s.replace(err, anew); e != nil {
			return fmt.Errorf("append to %q: %w%s", s.path, e, hint(e))
		}
		err = s.tryAppend(ctx, b)
	}
	return err
}

// errBroken is the error of a file whose tables contradict each other.
var errBroken = errors.New("the file is damaged")

// broken reports whether an error says that the file cannot be used any more.
func broken(err error) bool { return notDatabase(err) || errors.Is(err, errBroken) }

// lastAnswers is when all answers have ended that were begun on a file which is set
// aside. What they find damaged until then is said of the new one by mistake.
const lastAnswers = time.Minute

// errNoFile is the error of a store that could not open its file again.
var errNoFile = errors.New("the file could not be opened again")

// replace opens the writing connection again, on a new file if anew is set. Nothing
// else writes meanwhile.
func (s *Store) replace(cause error, anew bool) (err error) {
	s.keep.pruning.Lock() // in the order in which the maintenance takes them
	defer s.keep.pruning.Unlock()
	s.maint.passing.Lock()
	defer s.maint.passing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return errClosed
	}
	_ = s.closeWriter() // a broken file may well not be closed in order
	ctx := context.Background()
	defer func() { s.noFile = err != nil }()
	if !anew {
		s.log.Warn("the store's file seems to be broken; it is opened again", "cause", cause, "store", s.path)
		if err := s.openWriter(ctx, s.tick); !broken(err) {
			return err
		}
	}
	if err := s.setAside(cause); err != nil {
		return err
	}
	s.maint.reset()
	s.generation.Add(1)
	s.damage.reset()
	time.AfterFunc(lastAnswers, s.damage.reset)
	return s.openWriter(ctx, s.tick)
}

// reset forgets all values: the file is a new one.
func (d *dict[T]) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values, d.ids, d.pending = make([]T, 1), nil, nil
}

func (d *dicts) reset() {
	d.sensors.reset()
	d.places.reset()
	d.asns.reset()
	d.sources.reset()
}

func (d *damage) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocks, d.parts, d.tiers = findings{}, findings{}, nil
}

// reset forgets what is known of the file. Its lock and the writer's are held.
func (m *maintainer) reset() {
	m.due, m.failed, m.newest = nil, make(map[interval]struct{}), make(map[uint32]int64)
}

// recovery remembers where a broken file was set aside last. The zero value: nowhere.
type recovery struct{ path atomic.Pointer[string] }

func (r *recovery) set(path string) { r.path.Store(&path) }

func (r *recovery) get() string {
	if path := r.path.Load(); path != nil {
		return *path
	}
	return ""
}

// connector makes the connections of readers, and has those of a file that was set
// aside closed as soon as nobody uses them: they would go on reading it.
type connector struct {
	driver  driver.Driver
	name    string
	current *atomic.Uint64
}

// conn is a connection of SQLite's driver that knows which file it is of.
type conn struct {
	sqliteConn
	generation uint64
	current    *atomic.Uint64
}

// sqliteConn is what database/sql asks of such a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
}

// openPool opens a pool whose connections are of the file that has the name when they
// are used.
func openPool(name string, current *atomic.Uint64) (*sql.DB, error) {
	db, err := sql.Open("sqlite3", name) // opens nothing yet
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return sql.OpenDB(&connector{db.Driver(), name, current}), nil
}

// Connect implements driver.Connector.
func (c *connector) Connect(context.Context) (driver.Conn, error) {
	generation := c.current.Load()
	opened, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	full, ok := opened.(sqliteConn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("open %s: the driver lacks a method", c.name), opened.Close())
	}
	return &conn{full, generation, c.current}, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return c.driver }

// ResetSession implements driver.SessionResetter: before the connection is used again.
func (c *conn) ResetSession(context.Context) error {
	if !c.IsValid() {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid implements driver.Validator: before the connection is kept for later.
func (c *conn) IsValid() bool { return c.generation == c.current.Load() }

// asideName is what a broken file is called from now on.
func asideName(path string, now time.Time) string {
	return path + ".corrupt-" + now.UTC().Format("20060102T150405.000Z")
}
