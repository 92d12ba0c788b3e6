package geo

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// DB answers for addresses from the databases that are open. All methods are
// safe for concurrent use. [Open] makes one; the zero value locates nothing.
type DB struct {
	cfg    Config
	state  atomic.Pointer[state]
	faults atomic.Uint64

	mu     sync.Mutex // serialises Reload and Close, guards what follows
	closed bool
	inside map[string]*table // built-in tables, unpacked once
}

// errClosed is returned by Reload after Close.
var errClosed = errors.New("reload geo databases: closed")

// state is everything a look-up needs. It is replaced as a whole.
type state struct {
	generation uint64
	city, asn  pair
	networks   []Network
	sources    []Source
}

// record is what a look-up finds: shared records of the tables.
type record struct{ place, as *Location }

// location merges the two records: the autonomous system's own database wins
// over what the database of places says about it.
func (r record) location() (l Location) {
	if r.place != nil {
		l = *r.place
	}
	if r.as != nil && r.as.ASN != 0 {
		l.ASN, l.ASOrg = r.as.ASN, r.as.ASOrg
	}
	return l
}

// find looks up a canonical address.
func (s *state) find(addr netip.Addr) (r record) {
	city, asn := s.city.v6, s.asn.v6
	if addr.Is4() {
		city, asn = s.city.v4, s.asn.v4
	}
	if city != nil {
		r.place = city.find(addr)
	}
	if asn != nil {
		r.as = asn.find(addr)
	}
	return overlay(s.networks, addr, r)
}

// Locate returns what is known about addr, the zero Location where that is
// nothing. The address inside a v4-mapped, 6to4, Teredo or NAT64 (64:ff9b::/96)
// address is located; a zone is ignored.
func (db *DB) Locate(addr netip.Addr) Location {
	s := db.state.Load()
	if s == nil || !addr.IsValid() {
		return Location{}
	}
	return s.find(canonical(addr)).location()
}

// Generation changes whenever answers may have: after each Reload and Close.
func (db *DB) Generation() uint64 {
	if s := db.state.Load(); s != nil {
		return s.generation
	}
	return 0
}

// Faults is the number of look-ups that failed on damaged data, each of which
// left its address unlocated.
func (db *DB) Faults() uint64 { return db.faults.Load() }

// Sources describes the databases in use, places first, and the files that
// were discovered but skipped. The caller owns the result.
func (db *DB) Sources() []Source {
	if s := db.state.Load(); s != nil {
		return slices.Clone(s.sources)
	}
	return nil
}

// Attribution lists the notices to show with results, each once, of the
// databases in use.
func (db *DB) Attribution() []Credit {
	var credits []Credit
	for _, s := range db.Sources() {
		c := Credit{s.Attribution, s.AttributionURL}
		if s.InUse && c.Text != "" && !slices.Contains(credits, c) {
			credits = append(credits, c)
		}
	}
	return credits
}

// Reload opens the databases anew, by the same rules as Open, and swaps them
// in at once. Look-ups that are under way finish on the old ones, which are
// given back to the system when the last has. On an error the old ones stay.
//
// Files are to be replaced by renaming: what is written into a file that is open
// shows in the answers at once, whole or not.
func (db *DB) Reload() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return errClosed
	}
	s := &state{generation: db.Generation() + 1, networks: sortNetworks(db.cfg.Networks)}
	var systems []Source
	var err error
	if s.city, s.sources, err = db.load(kindCity, db.cfg.City, cityPatterns[:]); err != nil {
		return err
	}
	if s.asn, systems, err = db.load(kindASN, db.cfg.ASN, asnPatterns[:]); err != nil {
		return err
	}
	s.sources = append(s.sources, systems...)
	if err := db.complete(s); err != nil {
		return err
	}
	db.state.Store(s)
	for _, src := range s.sources {
		db.cfg.Logger.Info("geo database", "kind", src.Kind, "name", src.Name, "type", src.Type,
			"built", src.Built, "in_use", src.InUse, "missing", src.Missing, "warning", src.Warning)
	}
	return nil
}

// Close lets go of the databases. Afterwards every address is unlocated. It
// may be called at any time, more than once.
func (db *DB) Close() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.closed = true
	db.inside = nil
	db.state.Store(&state{generation: db.Generation() + 1})
	return nil
}
