package export

import (
	"fmt"
	"slices"
	"strings"
)

// Format is a kind of file that Write produces. The zero value is HTML.
type Format uint8

// The formats. All but HTML have one row a point and the columns of Columns.
const (
	HTML    Format = iota // the page: one self-contained file
	CSV                   // RFC 4180 with LF line ends, as contract.md describes
	GeoJSON               // RFC 7946, one Feature a point
	NDJSON                // one JSON object a line
	SQLite                // a database with the plain table "points"
)

var formatNames = [...]string{"html", "csv", "geojson", "ndjson", "sqlite"}

var formatTypes = [...]string{"text/html; charset=utf-8", "text/csv; charset=utf-8; header=present",
	"application/geo+json", "application/x-ndjson", "application/vnd.sqlite3"}

// Formats returns the names of all formats, which are also their file extensions.
func Formats() []string { return slices.Clone(formatNames[:]) }

// ParseFormat is the inverse of String.
func ParseFormat(s string) (Format, error) {
	i := slices.Index(formatNames[:], strings.ToLower(s))
	if i < 0 {
		return 0, fmt.Errorf("format %q is unknown: use %s", s, strings.Join(formatNames[:], ", "))
	}
	return Format(i), nil
}

// String returns the name of the format, which is also its file extension.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// MediaType returns what an HTTP answer says the format is.
func (f Format) MediaType() string {
	if int(f) < len(formatTypes) {
		return formatTypes[f]
	}
	return "application/octet-stream"
}
