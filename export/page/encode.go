package page

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
)

// MediaType is the content type of what Encode writes, and what a client asks
// for in its Accept header. The gzip is part of the format: it is sent as it is,
// without a Content-Encoding.
const MediaType = "application/vnd.packetheat.columns"

const (
	magic   = "PHCOLS"
	version = 2

	// maxCount is the largest number a column may hold: JavaScript's
	// Number.MAX_SAFE_INTEGER.
	maxCount = 1<<53 - 1
)

// Encode writes d as columns: see the package documentation. d itself is not
// changed. It fails where a row or detail names a place that is not there, or a
// count does not fit a browser's numbers.
func Encode(w io.Writer, d *Data) error {
	used, places, err := usedPlaces(d)
	if err != nil {
		return fmt.Errorf("encode page: %w", err)
	}
	rows, err := mergedRows(d.Rows, used)
	if err != nil {
		return fmt.Errorf("encode page: %w", err)
	}
	details, err := sortedDetails(d.Details, used)
	if err != nil {
		return fmt.Errorf("encode page: %w", err)
	}
	meta, err := json.Marshal(d.Meta)
	if err != nil {
		return fmt.Errorf("encode page: %w", err)
	}
	var c columns
	c.buf.WriteString(magic)
	c.buf.Write(binary.LittleEndian.AppendUint16(nil, version))
	c.buf.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(meta))))
	c.buf.Write(meta)
	placeColumns(&c, places)
	rowColumns(&c, rows)
	detailColumns(&c, details)

	if err := pack(w, c.buf.Bytes(), c.ends); err != nil {
		return fmt.Errorf("encode page: %w", err)
	}
	return nil
}

// usedPlaces returns the places that rows or details name, sorted so that
// neighbours in the dictionary are neighbours on the globe, and for each index
// in d.Places the new one.
func usedPlaces(d *Data) (renumber []uint32, places []Place, err error) {
	seen := make([]bool, len(d.Places))
	mark := func(what string, i uint32) error {
		if int(i) >= len(seen) {
			return fmt.Errorf("%s names place %d of %d", what, i, len(seen))
		}
		seen[i] = true
		return nil
	}
	for i := range d.Rows {
		if err := mark("row", d.Rows[i].Place); err != nil {
			return nil, nil, err
		}
	}
	for i := range d.Details {
		if err := mark("detail", d.Details[i].Place); err != nil {
			return nil, nil, err
		}
	}
	var order []uint32
	for i, ok := range seen {
		if ok {
			order = append(order, uint32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b uint32) int {
		p, q := &d.Places[a], &d.Places[b]
		return cmp.Or(cmp.Compare(p.Country, q.Country), cmp.Compare(p.Region, q.Region),
			cmp.Compare(p.City, q.City), cmp.Compare(p.Latitude, q.Latitude), cmp.Compare(p.Longitude, q.Longitude))
	})
	renumber = make([]uint32, len(d.Places))
	places = make([]Place, len(order))
	for to, from := range order {
		renumber[from], places[to] = uint32(to), d.Places[from]
	}
	return renumber, places, nil
}

// key is what a row is a sum of, apart from its bin.
func (r *Row) key() uint64 {
	k := uint64(r.Place)<<4 | uint64(r.Proto&3)<<1
	if r.Cloud {
		k |= 8
	}
	if r.Out {
		k |= 1
	}
	return k
}

// mergedRows returns the rows renumbered, sorted by key and bin, equal ones added
// up.
func mergedRows(rows []Row, renumber []uint32) ([]Row, error) {
	type entry struct {
		key uint64
		bin uint32
		row uint32
	}
	order := make([]entry, len(rows)) // a third of a row: what is sorted is moved often
	for i := range rows {
		r := rows[i]
		if r.Proto > Other {
			return nil, fmt.Errorf("row has protocol class %d, the last is %d", r.Proto, Other)
		}
		r.Place = renumber[r.Place]
		order[i] = entry{r.key(), r.Bin, uint32(i)}
	}
	slices.SortFunc(order, func(a, b entry) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return cmp.Compare(a.bin, b.bin)
	})
	out := make([]Row, 0, len(rows))
	for i, e := range order {
		r := rows[e.row]
		r.Place = renumber[r.Place]
		if i > 0 && order[i-1].key == e.key && order[i-1].bin == e.bin {
			last := &out[len(out)-1]
			last.Packets, last.Bytes, last.Opens = last.Packets+r.Packets, last.Bytes+r.Bytes, last.Opens+r.Opens
		} else {
			out = append(out, r)
		}
		last := &out[len(out)-1]
		if m := max(last.Packets, last.Bytes, last.Opens); m > maxCount {
			return nil, fmt.Errorf("row counts %d, more than 2^53 - 1", m)
		}
	}
	return out, nil
}

// sortedDetails returns the details renumbered and sorted by place, in each place
// in the order in which they came.
func sortedDetails(details []Detail, renumber []uint32) ([]Detail, error) {
	out := slices.Clone(details)
	for i := range out {
		d := &out[i]
		d.Place = renumber[d.Place]
		if d.Proto > Other || d.Kind > AS || d.Last < d.First {
			return nil, fmt.Errorf("detail %q has class %d, kind %d, bins %d to %d", d.Name, d.Proto, d.Kind, d.First, d.Last)
		}
		if m := max(d.Packets, d.Bytes, d.Opens); m > maxCount {
			return nil, fmt.Errorf("detail %q counts %d, more than 2^53 - 1", d.Name, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Detail) int { return cmp.Compare(a.Place, b.Place) })
	return out, nil
}

// placeColumns adds columns 1 to 7.
func placeColumns(c *columns, places []Place) {
	n := len(places)
	lat, lon := make([]int32, n), make([]int32, n)
	flags := make([]byte, n)
	country, region, city := make([]string, n), make([]string, n), make([]string, n)
	accuracy := make([]uint64, n)
	for i, p := range places {
		if p.HasCoordinates {
			lat[i], lon[i], flags[i] = fixed(p.Latitude, 90), fixed(p.Longitude, 180), 1
		}
		flags[i] |= byte(slices.Index([]string{"", "city", "region", "country"}, p.Precision)&3) << 1
		country[i], region[i], city[i] = p.Country, p.Region, p.City
		accuracy[i] = uint64(p.AccuracyKM)
	}
	c.planes(1, lat)
	c.planes(2, lon)
	c.bytes(3, flags)
	c.strings(4, country)
	c.strings(5, region)
	c.strings(6, city)
	c.magnitudes(7, accuracy)
}

// fixed returns degrees in units of 1/10000, held to ±limit; NaN is 0.
func fixed(deg, limit float64) int32 {
	if math.IsNaN(deg) {
		return 0
	}
	return int32(math.Round(max(-limit, min(limit, deg)) * 1e4))
}

// rowColumns adds columns 16 to 21.
func rowColumns(c *columns, rows []Row) {
	n := len(rows)
	key, bin := make([]uint64, n), make([]uint64, n)
	packets, opens := make([]uint64, n), make([]uint64, n)
	mean, rest := make([]uint64, n), make([]uint64, n)
	for i := range rows {
		r := &rows[i]
		key[i], bin[i] = r.key(), uint64(r.Bin)
		if i > 0 {
			before := &rows[i-1]
			if key[i] -= before.key(); key[i] == 0 {
				bin[i] -= uint64(before.Bin) + 1
			}
		}
		packets[i], opens[i], rest[i] = r.Packets, r.Opens, r.Bytes
		if r.Packets > 0 {
			mean[i], rest[i] = r.Bytes/r.Packets, r.Bytes%r.Packets
		}
	}
	c.magnitudes(16, key)
	c.magnitudes(17, bin)
	c.magnitudes(18, packets)
	c.magnitudes(19, mean)
	c.magnitudes(20, opens)
	c.magnitudes(21, rest)
}

// detailColumns adds columns 32 to 42; none where there are no details.
func detailColumns(c *columns, details []Detail) {
	n := len(details)
	if n == 0 {
		return
	}
	kind, key, name := make([]byte, n), make([]byte, n), make([]string, n)
	num := make([][]uint64, 8)
	for i := range num {
		num[i] = make([]uint64, n)
	}
	for i := range details {
		d := &details[i]
		num[0][i] = uint64(d.Place)
		if i > 0 {
			num[0][i] -= uint64(details[i-1].Place)
		}
		kind[i], name[i] = byte(d.Kind), d.Name
		key[i] = byte((&Row{Proto: d.Proto, Out: d.Out, Cloud: d.Cloud}).key())
		num[1][i], num[2][i], num[3][i], num[4][i] = uint64(d.Number), d.Packets, d.Bytes, d.Opens
		num[5][i], num[6][i] = uint64(d.First), uint64(d.Last-d.First)
		num[7][i] = uint64(d.Labels)
	}
	c.magnitudes(32, num[0])
	c.bytes(33, kind)
	c.bytes(34, key)
	c.strings(35, name)
	for i, v := range num[1:] {
		c.magnitudes(byte(36+i), v)
	}
}
