package export

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"testing"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

// parseCSV reads the numbers of every record by the name of their column.
func parseCSV(t *testing.T, b []byte) (out []map[string]uint64) {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records[1:] {
		m := map[string]uint64{}
		for i, name := range records[0] {
			if n, err := strconv.ParseUint(rec[i], 10, 64); err == nil {
				m[name] = n
			}
		}
		out = append(out, m)
	}
	return out
}

// decoded is what the test reads out of a page: the format is described in the
// documentation of package page.
type decoded struct {
	meta page.Meta
	rows []store.Sum
	cols map[byte][]uint64
}

const dataTag = ` id="packetheat-data">`

// decodePage finds the columns in a saved page and decodes the numbers.
func decodePage(t *testing.T, html []byte) decoded {
	t.Helper()
	_, text, _ := bytes.Cut(html, []byte(dataTag))
	text, _, _ = bytes.Cut(text, []byte("<"))
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))
	if err != nil {
		t.Fatalf("the page's data tag of %d bytes: %v", len(text), err)
	}
	raw, err := io.ReadAll(z)
	if err != nil || !bytes.HasPrefix(raw, []byte("PHCOLS")) {
		t.Fatalf("the page's data are no columns: %v", err)
	}
	return decodeColumns(t, raw)
}

func decodeColumns(t *testing.T, raw []byte) (d decoded) {
	t.Helper()
	n := binary.LittleEndian.Uint32(raw[8:])
	if err := json.Unmarshal(raw[12:12+n], &d.meta); err != nil {
		t.Fatal(err)
	}
	d.cols = map[byte][]uint64{}
	for b := raw[12+n:]; len(b) > 0; {
		id, kind, count, length := b[0], b[1], binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		if kind == 3 {
			d.cols[id] = magnitudes(b[12:12+length], int(count))
		}
		b = b[12+length:]
	}
	for i := range d.cols[18] {
		d.rows = append(d.rows, store.Sum{Packets: d.cols[18][i], Bytes: d.cols[18][i]*d.cols[19][i] + d.cols[21][i], Opens: d.cols[20][i]})
	}
	return d
}

func magnitudes(b []byte, count int) (out []uint64) {
	lengths, stream, at := b[:count], b[count:], 0
	for _, n := range lengths {
		if n == 0 {
			out = append(out, 0)
			continue
		}
		v := uint64(1) << (n - 1)
		for i := range int(n) - 1 {
			v |= uint64(stream[at>>3]>>(at&7)&1) << i
			at++
		}
		out = append(out, v)
	}
	return out
}
