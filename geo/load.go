package geo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// pair is the tables that answer for IPv4 and for IPv6, often the same one.
type pair struct{ v4, v6 *table }

func (p *pair) any() bool { return p.v4 != nil || p.v6 != nil }

// fill lets t answer for what nobody answers for yet, and reports whether it
// is of use.
func (p *pair) fill(t *table) bool {
	used := false
	if p.v4 == nil && t.has4 {
		p.v4, used = t, true
	}
	if p.v6 == nil && t.has6 {
		p.v6, used = t, true
	}
	return used
}

// loading collects the tables of one kind.
type loading struct {
	db      *DB
	kind    string
	pair    pair
	tables  []*table // opened from files
	sources []Source
	kept    error // files that are broken, whose predecessors stay
}

// load opens the files of one kind and describes what it met. It fails only
// where a configured file has to be opened for the first time and cannot.
func (db *DB) load(kind, configured string, patterns []string) (*loading, error) {
	l := &loading{db: db, kind: kind}
	if configured != "" {
		if err := l.open(configured); err != nil {
			return nil, fmt.Errorf("open geo.%s %q: %w", kind, configured, err)
		}
		l.companion(configured)
	}
	for _, path := range discover(db.cfg.Search, patterns) {
		if l.pair.any() {
			break
		}
		l.try(path)
	}
	defer l.complete()
	for _, path := range db.fetched(kind) {
		if slices.ContainsFunc(l.tables, func(t *table) bool { return t.source.Path == path }) {
			continue // the other half of the one before
		}
		if l.pair.any() {
			l.skip(path, "not in use: "+l.tables[0].source.Name+" comes first")
			continue
		}
		l.try(path)
	}
	return l, nil
}

// open opens a file, unless it is open already. One that is broken but was open
// before stays open as it was.
func (l *loading) open(path string) error {
	old := l.db.opened(l.kind, path)
	if old != nil && old.current() {
		l.use(old, "")
		return nil
	}
	t, err := openTable(l.kind, path)
	if err == nil {
		l.use(t, "")
		return nil
	}
	if old == nil {
		return err
	}
	l.use(old, "the file there now is not used, the one before it is: "+err.Error())
	l.kept = errors.Join(l.kept, fmt.Errorf("open %q: %w; the one before it stays in use", path, err))
	return nil
}

// use lets t answer for what nobody answers for yet.
func (l *loading) use(t *table, warning string) {
	if !l.pair.fill(t) {
		return
	}
	if t.counts == nil { // who looks up in an old one may be reading this
		t.counts = &l.db.counts
	}
	l.tables = append(l.tables, t)
	source := t.source
	if warning != "" {
		source.Warning = warning
	}
	l.sources = append(l.sources, source)
}

// complete takes back that a file holds one IP version only where another file holds the
// other.
func (l *loading) complete() {
	if l.pair.v4 == nil || l.pair.v6 == nil {
		return
	}
	for i := range l.sources {
		if s := &l.sources[i]; s.Warning == only4 || s.Warning == only6 {
			s.Warning = ""
		}
	}
}

// try opens a file that was discovered, and its companion.
func (l *loading) try(path string) {
	if err := l.open(path); err != nil {
		l.skip(path, "skipped: "+err.Error())
		return
	}
	l.companion(path)
}

func (l *loading) skip(path, why string) {
	l.sources = append(l.sources, Source{Kind: l.kind, Name: filepath.Base(path), Path: path, Warning: why})
}

// companion opens the other half of a database that is split by IP version.
func (l *loading) companion(path string) {
	other := companionOf(path)
	if _, err := os.Stat(other); other == "" || err != nil {
		return
	}
	if err := l.open(other); err != nil {
		l.skip(other, "skipped: "+err.Error())
	}
}

// companionOf is the name of the other half, "" where the name says of none.
func companionOf(path string) string {
	dir, name := filepath.Split(path)
	for _, pair := range [...][2]string{{"ipv4", "ipv6"}, {"ipv6", "ipv4"}} {
		if other := strings.Replace(name, pair[0], pair[1], 1); other != name {
			return filepath.Join(dir, other)
		}
	}
	return ""
}

// fetched lists what package update has put there of a kind.
func (db *DB) fetched(kind string) []string {
	if db.cfg.Fetched == "" {
		return nil
	}
	return discover([]string{filepath.Join(db.cfg.Fetched, kind)}, []string{"*.mmdb"})
}

// opened returns the table that answers from a file until now. The caller holds db.mu.
func (db *DB) opened(kind, path string) *table {
	if s := db.state.Load(); s != nil {
		for _, t := range s.tables {
			if t.source.Kind == kind && t.source.Path == path {
				return t
			}
		}
	}
	return nil
}

// complete adds the built-in databases where others leave a gap. It comes last,
// so that a mistake in the configuration is told before anything is unpacked.
func (db *DB) complete(s *state) error {
	var kinds []string
	if s.city.v4 == nil || s.city.v6 == nil {
		kinds = append(kinds, kindCity)
	}
	if s.asn.v4 == nil || s.asn.v6 == nil {
		kinds = append(kinds, kindASN)
	}
	if err := db.builtin(slices.Clone(kinds)); err != nil {
		return err
	}
	for _, kind := range kinds {
		p, t := &s.city, db.inside[kind]
		if kind == kindASN {
			p = &s.asn
		}
		if p.fill(t) {
			s.sources = append(s.sources, t.source)
		}
	}
	// Places first, each kind in the order of discovery.
	slices.SortStableFunc(s.sources, func(a, b Source) int { return strings.Compare(b.Kind, a.Kind) })
	return nil
}
