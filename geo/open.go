package geo

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Config says where the databases are. The zero value discovers files and
// falls back to the built-in databases.
type Config struct {
	// City and ASN are paths to .mmdb files. A path that is set must be good.
	// Where ip-location-db splits a database into an "ipv4" and an "ipv6" file,
	// the other one is found beside it.
	City, ASN string
	// Search lists folders to look for files in. Nil stands for
	// /var/lib/GeoIP, /usr/share/GeoIP and the working directory; an empty
	// slice for none.
	Search []string
	// Networks are places of one's own, which win over the databases.
	Networks []Network
	// Logger is told which databases are opened. Nil logs nothing.
	Logger *slog.Logger
}

// Patterns of file names, the best first. Country databases are not among
// them: the built-in knows more than they do.
var (
	cityPatterns = [...]string{
		"GeoIP2-Enterprise.mmdb", "GeoIP2-City.mmdb", "GeoLite2-City.mmdb",
		"dbip-location*.mmdb", "dbip-city*.mmdb",
	}
	asnPatterns = [...]string{
		"GeoIP2-ISP.mmdb", "GeoLite2-ASN.mmdb", "dbip-asn*.mmdb", "asn-ipv4.mmdb", "asn.mmdb", "ipinfo_lite.mmdb",
	}
)

// Open finds and opens the databases. It fails only where a configured path is
// missing, damaged, or of the wrong type; the error says what to do. Close the
// DB when done.
func Open(cfg Config) (*DB, error) {
	db := newDB(cfg)
	if err := db.Reload(); err != nil {
		return nil, err
	}
	return db, nil
}

// newDB fills in what the configuration leaves open.
func newDB(cfg Config) *DB {
	if cfg.Search == nil {
		cfg.Search = []string{"/var/lib/GeoIP", "/usr/share/GeoIP", "."}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &DB{cfg: cfg}
}

// pair is the tables that answer for IPv4 and for IPv6, often the same one.
type pair struct{ v4, v6 *table }

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

// load opens the files of one kind and describes what it met.
func (db *DB) load(kind, configured string, patterns []string) (p pair, sources []Source, err error) {
	use := func(t *table) {
		if p.fill(t) {
			t.faults = &db.faults
			sources = append(sources, t.source)
		}
	}
	if configured != "" {
		t, err := openTable(kind, configured)
		if err != nil {
			return p, nil, fmt.Errorf("open geo.%s %q: %w", kind, configured, err)
		}
		use(t)
		sources = append(sources, db.companion(kind, configured, use)...)
	}
	for _, path := range discover(db.cfg.Search, patterns) {
		if p.v4 != nil || p.v6 != nil {
			break
		}
		t, err := openTable(kind, path)
		if err != nil {
			sources = append(sources, Source{Kind: kind, Name: filepath.Base(path), Path: path, Warning: "skipped: " + err.Error()})
			continue
		}
		use(t)
		sources = append(sources, db.companion(kind, path, use)...)
	}
	return p, sources, nil
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

// companion opens the other half of a database that is split by IP version.
func (db *DB) companion(kind, path string, use func(*table)) []Source {
	dir, name := filepath.Split(path)
	other := strings.Replace(name, "ipv4", "ipv6", 1)
	if other == name {
		other = strings.Replace(name, "ipv6", "ipv4", 1)
	}
	other = filepath.Join(dir, other)
	if _, err := os.Stat(other); err != nil || filepath.Base(other) == name {
		return nil
	}
	t, err := openTable(kind, other)
	if err != nil {
		return []Source{{Kind: kind, Name: filepath.Base(other), Path: other, Warning: "skipped: " + err.Error()}}
	}
	use(t)
	return nil
}

// discover lists the files that match, in the order of folders and patterns.
// Dated names of one pattern come newest first.
func discover(folders []string, patterns []string) []string {
	var paths []string
	for _, folder := range folders {
		for _, pattern := range patterns {
			found, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil { // the folder's own name is no valid pattern
				continue
			}
			slices.Sort(found)
			slices.Reverse(found)
			paths = append(paths, found...)
		}
	}
	return paths
}
