package export

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/packetheat/packetheat/store"
)

// jsonWriter writes NDJSON, or the features of a GeoJSON collection. Empty fields
// are null, numbers are bare.
type jsonWriter struct {
	w     io.Writer
	cols  []column
	keys  []string // `"name":`, what stands before each value
	rows  *rowCache
	buf   []byte
	cell  []byte
	geo   bool
	first bool
	head  geoHead
}

// geoHead is the foreign member (RFC 7946, 6.1) that says what the collection is.
type geoHead struct {
	Version string    `json:"version,omitempty"`
	Sensor  string    `json:"sensor,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Filter  string    `json:"filter,omitempty"`
	Command string    `json:"command,omitempty"`
	Geo     []string  `json:"attribution,omitempty"`
}

func newJSONWriter(w io.Writer, geo bool) *jsonWriter {
	j := &jsonWriter{w: w, rows: newRowCache(), geo: geo, first: true, buf: make([]byte, 0, flushAt+4096)}
	for _, c := range rowColumns() {
		if geo && (c.name == "latitude" || c.name == "longitude") {
			continue
		}
		j.cols = append(j.cols, c)
		j.keys = append(j.keys, `"`+c.name+`":`)
	}
	return j
}

func (j *jsonWriter) begin() error {
	if !j.geo {
		return nil
	}
	head, err := json.Marshal(j.head)
	j.buf = append(j.buf, `{"type":"FeatureCollection","packetheat":`...)
	j.buf = append(j.buf, head...)
	j.buf = append(j.buf, `,"features":[`...)
	return err
}

func (j *jsonWriter) write(points []store.Point) error {
	for i := range points {
		if j.geo {
			j.appendFeature(&points[i])
		} else {
			j.appendObject(&points[i])
			j.buf = append(j.buf, '\n')
		}
		if len(j.buf) >= flushAt {
			if err := j.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *jsonWriter) end() error {
	if j.geo {
		j.buf = append(j.buf, "\n]}\n"...)
	}
	return j.flush()
}

func (j *jsonWriter) flush() error {
	_, err := j.w.Write(j.buf)
	j.buf = j.buf[:0]
	return err
}

// appendFeature writes a point with coordinates as a Point, any other with a null
// geometry (RFC 7946, 3.2: unlocated). Coordinates are longitude first.
func (j *jsonWriter) appendFeature(p *store.Point) {
	if !j.first {
		j.buf = append(j.buf, ',')
	}
	j.first = false
	j.buf = append(j.buf, "\n"+`{"type":"Feature","geometry":`...)
	if p.Place.HasCoordinates() {
		j.buf = append(j.buf, `{"type":"Point","coordinates":[`...)
		j.buf = appendDegrees(j.buf, p.Place.Longitude, p.Place)
		j.buf = append(j.buf, ',')
		j.buf = appendDegrees(j.buf, p.Place.Latitude, p.Place)
		j.buf = append(j.buf, `]}`...)
	} else {
		j.buf = append(j.buf, "null"...)
	}
	j.buf = append(j.buf, `,"properties":`...)
	j.appendObject(p)
	j.buf = append(j.buf, '}')
}

func (j *jsonWriter) appendObject(p *store.Point) {
	for i := range j.cols {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		j.buf = append(append(j.buf, sep), j.keys[i]...)
		j.cell = j.cols[i].append(j.cell[:0], j.rows, p)
		switch {
		case len(j.cell) == 0:
			j.buf = append(j.buf, "null"...)
		case j.cols[i].sql == "TEXT":
			j.buf = appendJSONString(j.buf, j.cell)
		default:
			j.buf = append(j.buf, j.cell...)
		}
	}
	j.buf = append(j.buf, '}')
}

// appendJSONString quotes s by RFC 8259, 7; bytes that are not UTF-8 become U+FFFD.
func appendJSONString(b, s []byte) []byte {
	const hex = "0123456789abcdef"
	if !utf8.Valid(s) {
		s = []byte(toValid(s))
	}
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func toValid(s []byte) string { return strings.ToValidUTF8(string(s), "\uFFFD") }
