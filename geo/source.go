package geo

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// The kinds of a Source.
const (
	kindCity = "city"
	kindASN  = "asn"
)

// Source describes one database that is in use or was turned down.
type Source struct {
	// Kind is "city" for places and "asn" for autonomous systems.
	Kind string
	// Name is the file's base name, or "built-in".
	Name string
	// Path is where the file was found, empty for the built-in.
	Path string
	// Type is the database_type of its metadata.
	Type string
	// Built is when the publisher made it, in UTC.
	Built time.Time
	// IPVersion is 4, or 6 for a tree of IPv6 that may hold IPv4 as well.
	IPVersion int
	// Missing are the fields, by their names in the CSV, that stay empty.
	Missing []string
	// Attribution and AttributionURL are the notice and the link that the
	// publisher asks for wherever results are shown. Empty where unknown.
	Attribution, AttributionURL string
	// Warning is why the database was skipped or what it does not cover.
	Warning string
	// InUse is false for a discovered file that was skipped; see Warning.
	InUse bool
}

// Credit is a notice that has to be shown with the results of a database.
type Credit struct {
	Text string // for people
	URL  string // the link it must lead to
}

// credits maps a word in the metadata's type or in the file name to the notice
// of its publisher, as its licence asks for it. The first that fits counts.
var credits = [...]struct {
	word   string
	credit Credit
}{
	{"dbip", Credit{"IP Geolocation by DB-IP", "https://db-ip.com"}},
	{"geolite2", Credit{"This product includes GeoLite2 data created by MaxMind", "https://www.maxmind.com"}},
	{"geoip", Credit{"This product includes GeoIP data created by MaxMind", "https://www.maxmind.com"}},
	{"asn ipv", Credit{"Autonomous systems by DB-IP, RouteViews and NRO", "https://db-ip.com"}}, // ip-location-db
	{"ipinfo", Credit{"IP address data powered by IPinfo", "https://ipinfo.io"}},
}

func creditOf(databaseType, name string) Credit {
	text := strings.ToLower(databaseType + " " + name)
	for _, c := range credits {
		if strings.Contains(text, c.word) {
			return c.credit
		}
	}
	return Credit{}
}

// openTable opens, probes and checks a file of the given kind.
func openTable(kind, path string) (*table, error) {
	info, err := checkFile(path)
	if err != nil {
		return nil, err
	}
	var t *table
	err = guard(func() error {
		reader, err := maxminddb.Open(path)
		if err != nil {
			return fmt.Errorf("%w (the file is damaged or not a MaxMind DB: fetch it again)", err)
		}
		t, err = newTable(kind, reader)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.file = info
	t.source.Path, t.source.Name = path, filepath.Base(path)
	credit := creditOf(t.source.Type, t.source.Name)
	t.source.Attribution, t.source.AttributionURL = credit.Text, credit.URL
	return t, nil
}

// checkFile finds the mistakes for which the library has no words.
func checkFile(path string) (os.FileInfo, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("no such file")
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 2)
	n, err := f.Read(head)
	switch {
	case n == 0 && err != nil:
		return nil, fmt.Errorf("read: %w (an empty file or a folder; a .mmdb file is wanted)", err)
	case bytes.Equal(head, []byte{0x1f, 0x8b}): // RFC 1952, section 2.3.1
		return nil, errors.New("it is compressed with gzip (\"packetheat geo update --file\" takes it as it is, or run gunzip or tar -xzf on it)")
	}
	return info, nil
}

// Warnings of a database that holds one IP version.
const (
	only4 = "holds IPv4 only"
	only6 = "holds IPv6 only"
)

// newTable probes a reader and refuses one that cannot answer for its kind.
// The caller guards it against panics.
func newTable(kind string, reader *maxminddb.Reader) (*table, error) {
	t := &table{reader: reader}
	meta := reader.Metadata
	if err := t.probe(); err != nil {
		return nil, fmt.Errorf("probe database of type %q: %w (the file is damaged: fetch it again)", meta.DatabaseType, err)
	}
	t.source = Source{
		Kind: kind, Type: meta.DatabaseType, Built: meta.BuildTime().UTC(), IPVersion: int(meta.IPVersion), InUse: true,
	}
	want, need, hint := placeFields, fieldCountry, "such as GeoLite2-City.mmdb or dbip-city-lite-YYYY-MM.mmdb"
	if kind == kindASN {
		want, need, hint = asnFields, fieldASN, "such as GeoLite2-ASN.mmdb or dbip-asn-lite-YYYY-MM.mmdb"
	}
	t.source.Missing = (want &^ t.fields).names()
	if t.fields&need == 0 {
		return nil, fmt.Errorf("database of type %q has no %s (set geo.%s to a file %s, or leave it empty)",
			meta.DatabaseType, strings.Join(t.source.Missing, ", "), kind, hint)
	}
	switch {
	case !t.has6:
		t.source.Warning = only4
	case !t.has4:
		t.source.Warning = only6
	}
	return t, nil
}
