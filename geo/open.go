package geo

import (
	"log/slog"
	"path/filepath"
	"slices"
)

// Config says where the databases are. The zero value discovers files and
// falls back to the built-in databases.
type Config struct {
	// City and ASN are paths to .mmdb files. A path that is set must be good.
	// Where ip-location-db splits a database into an "ipv4" and an "ipv6" file,
	// the other one is found beside it.
	City, ASN string
	// Search lists folders to look for files in. Nil stands for
	// /var/lib/GeoIP, /usr/share/GeoIP, /usr/local/share/GeoIP and the working
	// directory; an empty slice for none.
	Search []string
	// Fetched is the folder that package update keeps: the files in its
	// folders city and asn come after those that were discovered. Empty: none.
	Fetched string
	// Networks are places of one's own, which win over the databases.
	Networks []Network
	// Unplaced leaves the addresses of known anycast networks no more than a country:
	// such a network is in many places, and the databases name one.
	Unplaced bool
	// Logger is told which databases are opened. Nil logs nothing.
	Logger *slog.Logger
}

// Patterns of file names, the best first. Country databases are not among
// them: the built-in knows more than they do.
var (
	cityPatterns = [...]string{
		"GeoIP2-Enterprise.mmdb", "GeoIP2-City*.mmdb", "GeoLite2-City.mmdb",
		"dbip-location*.mmdb", "dbip-city*.mmdb", "geolite2-city*.mmdb",
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
		cfg.Search = []string{"/var/lib/GeoIP", "/usr/share/GeoIP", "/usr/local/share/GeoIP", "."}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	db := &DB{cfg: cfg}
	db.paths.Store(&paths{cfg.City, cfg.ASN})
	return db
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
