package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DB answers for addresses from the databases that are open. All methods are
// safe for concurrent use. [Open] makes one; the zero value locates nothing.
type DB struct {
	cfg    Config // but for City and ASN, which are in paths
	paths  atomic.Pointer[paths]
	state  atomic.Pointer[state]
	counts counts

	mu     sync.Mutex // serialises Reload and Close, guards what follows
	closed bool
	inside map[string]*table // built-in tables, unpacked once
}

// paths are Config.City and Config.ASN as they are now.
type paths struct{ city, asn string }

// errClosed is returned by Reload after Close.
var errClosed = errors.New("reload geo databases: closed")

// state is everything a look-up needs. It is replaced as a whole.
type state struct {
	generation uint64
	city, asn  pair
	networks   []Network
	anycast    bool // known anycast networks have no place
	sources    []Source
	tables     []*table // opened from files
	seen       snapshot // of the files, from before they were opened
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
	return overlay(s.networks, s.anycast, addr, r)
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

// SourceOf returns the Name of the Source that is asked where addr is, "geo.networks"
// where one of the configured networks has the last word, "" where there is none.
func (db *DB) SourceOf(addr netip.Addr) string {
	s := db.state.Load()
	if s == nil || !addr.IsValid() {
		return ""
	}
	addr = canonical(addr)
	for i := range s.networks {
		if s.networks[i].Prefix.Contains(addr) {
			return "geo.networks"
		}
	}
	t := s.city.v6
	if addr.Is4() {
		t = s.city.v4
	}
	if t == nil {
		return ""
	}
	return t.source.Name
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
func (db *DB) Faults() uint64 { return db.counts.faults.Load() }

// Stats counts what look-ups cost, since Open and over all caches of the DB.
type Stats struct {
	// Hits and Misses are look-ups through a [Cache] that it could answer and
	// that it could not; Evictions are entries that made room for others. A
	// cache reports its hits in steps of 256, or with its next miss.
	Hits, Misses, Evictions uint64
	// Decoded is the number of records decoded. Networks share records, so that
	// it is far below that of misses.
	Decoded uint64
	// Searching is the time that misses took, estimated from every 64th.
	Searching time.Duration
}

// counts is what Stats and Faults are made of.
type counts struct {
	hits, misses, evictions, decoded, searching, faults atomic.Uint64
}

// Stats returns what look-ups have cost so far. Look-ups by DB.Locate are not in it.
func (db *DB) Stats() Stats {
	c := &db.counts
	return Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Evictions: c.evictions.Load(), Decoded: c.decoded.Load(),
		Searching: time.Duration(c.searching.Load())}
}

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
// given back to the system when the last has. A file that has not changed stays
// open as it is. One that is broken now but was not before stays open as it was:
// then an error says so, as its Source does, and the other files are reloaded.
//
// Files are to be replaced by renaming: what is written into a file that is open
// shows in the answers at once, whole or not.
func (db *DB) Reload() error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return errClosed
	}
	s := &state{generation: db.Generation() + 1, networks: sortNetworks(db.cfg.Networks), anycast: db.cfg.Unplaced, seen: db.look()}
	named := *db.paths.Load()
	city, err := db.load(kindCity, named.city, cityPatterns[:])
	if err != nil {
		return err
	}
	asn, err := db.load(kindASN, named.asn, asnPatterns[:])
	if err != nil {
		return err
	}
	s.city, s.asn = city.pair, asn.pair
	s.tables, s.sources = append(city.tables, asn.tables...), append(city.sources, asn.sources...)
	if err := db.complete(s); err != nil {
		return err
	}
	kept := errors.Join(city.kept, asn.kept)
	if old := db.state.Load(); kept != nil && old != nil && old.city == s.city && old.asn == s.asn {
		s.generation = old.generation // the answers are the same
	}
	db.state.Store(s)
	for _, src := range s.sources {
		db.cfg.Logger.Info("geo database", "kind", src.Kind, "name", src.Name, "type", src.Type,
			"built", src.Built, "in_use", src.InUse, "missing", src.Missing, "warning", src.Warning)
	}
	if kept != nil {
		return fmt.Errorf("reload geo databases: %w", kept)
	}
	return nil
}

// SetPaths changes what Config.City and Config.ASN were, and reloads. Where a file that is
// named now is not to be used, an error says so and all stays as it was.
func (db *DB) SetPaths(city, asn string) error {
	old := db.paths.Swap(&paths{city, asn})
	err := db.Reload()
	if err != nil {
		db.paths.Store(old)
	}
	return err
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
