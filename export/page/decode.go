package page

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Saved is what a saved page carries.
type Saved struct {
	Data
	Parts []Part
}

// Part is a stretch of a saved page, or of its data.
type Part struct {
	Name  string
	Bytes int
}

// The names of the parts, in the order of Saved.Parts. The first three are the file; the
// data packed in it are, unpacked, the others.
const (
	PartProgram  = "program"
	PartEvidence = "evidence"
	PartData     = "data, packed"
	PartMeta     = "window and sums"
	PartPlaces   = "places"
	PartRows     = "rows"
	PartDetails  = "details"
)

// maxUnpacked bounds the data of a page that Read unpacks, in bytes: a page of 250,000
// rows and as many details has a twentieth of it.
const maxUnpacked = 1 << 30

// Read takes a saved page, the whole file, apart. It is the inverse of WriteSaved; places
// are in the order in which Encode has put them.
func Read(file []byte) (*Saved, error) {
	fail := func(err error) (*Saved, error) { return nil, fmt.Errorf("read page: %w", err) }
	evidence, ok1 := between(file, `id="packetheat-evidence">`)
	packed, ok2 := between(file, `id="packetheat-data">`)
	switch {
	case !ok1 || !ok2:
		return fail(errors.New("this is no page of packetheat (packetheat export html -o FILE makes one)"))
	case len(bytes.TrimSpace(packed)) == 0 || bytes.HasPrefix(packed, []byte("<!--")):
		return fail(errors.New("the page carries no data: it is the one that the dashboard serves"))
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(packed)))
	if err != nil {
		return fail(fmt.Errorf("unpack data: %w", err))
	}
	raw, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil {
		return fail(fmt.Errorf("unpack data: %w", err))
	}
	s, err := decode(raw)
	if err != nil {
		return fail(err)
	}
	s.Parts = append([]Part{{PartProgram, len(file) - len(evidence) - len(packed)}, {PartEvidence, len(evidence)}, {PartData, len(packed)}}, s.Parts...)
	return s, nil
}

// between returns the text of the inert script element whose start tag ends with tag.
func between(file []byte, tag string) ([]byte, bool) {
	_, after, _ := bytes.Cut(file, []byte(tag))
	text, _, ok := bytes.Cut(after, []byte("</script>"))
	return text, ok
}

// columnsRead are the columns of a stream by id.
type columnsRead struct {
	numbers map[byte][]uint64
	texts   map[byte][]string
}

// errDamaged says that columns do not fit together.
var errDamaged = errors.New("the page's data are damaged")

// decode reads what Encode writes, unpacked. It is written from the package's
// documentation, not from the encoder, so that a test of the one is one of the other.
func decode(b []byte) (*Saved, error) {
	if len(b) < 12 || string(b[:6]) != magic {
		return nil, errDamaged
	}
	if v := binary.LittleEndian.Uint16(b[6:]); v != version {
		return nil, fmt.Errorf("the page's data are of version %d, this packetheat reads version %d", v, version)
	}
	n := int(binary.LittleEndian.Uint32(b[8:]))
	if n > len(b)-12 {
		return nil, errDamaged
	}
	s := &Saved{}
	if err := json.Unmarshal(b[12:12+n], &s.Meta); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	c, sizes, err := readColumns(b[12+n:])
	if err != nil {
		return nil, err
	}
	s.Parts = []Part{{PartMeta, n}, {PartPlaces, sizes[0]}, {PartRows, sizes[1]}, {PartDetails, sizes[2]}}
	for _, read := range []func(*Saved) error{c.places, c.rows, c.details} {
		if err := read(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readColumns also adds up the bytes of the columns of places, rows and details.
func readColumns(b []byte) (c columnsRead, sizes [3]int, err error) {
	c = columnsRead{map[byte][]uint64{}, map[byte][]string{}}
	for len(b) > 0 {
		if len(b) < 12 {
			return c, sizes, errDamaged
		}
		id, kind := b[0], b[1]
		count, length := int(binary.LittleEndian.Uint32(b[4:])), int(binary.LittleEndian.Uint32(b[8:]))
		if length > len(b)-12 || count > length {
			return c, sizes, errDamaged
		}
		sizes[min(id/16, 2)] += 12 + length
		ok := true
		switch payload := b[12 : 12+length]; kind {
		case kindBytes:
			for _, x := range payload {
				c.numbers[id] = append(c.numbers[id], uint64(x))
			}
		case kindPlanes:
			c.numbers[id], ok = planes(payload, count)
		case kindStrings:
			c.texts[id], ok = texts(payload, count)
		case kindMagnitudes:
			c.numbers[id], ok = bitwise(payload, count)
		}
		if !ok {
			return c, sizes, errDamaged
		}
		b = b[12+length:]
	}
	return c, sizes, nil
}

func planes(payload []byte, n int) (out []uint64, ok bool) {
	if len(payload) != 4*n {
		return nil, false
	}
	for i := range n {
		u := uint32(payload[i]) | uint32(payload[n+i])<<8 | uint32(payload[2*n+i])<<16 | uint32(payload[3*n+i])<<24
		out = append(out, uint64(int64(int32(u))))
	}
	return out, true
}

func texts(payload []byte, count int) (out []string, ok bool) {
	for range count {
		text, rest, ok := bytes.Cut(payload, []byte{0})
		if !ok {
			return nil, false
		}
		out, payload = append(out, string(text)), rest
	}
	return out, true
}

// bitwise reads magnitudes one bit at a time.
func bitwise(payload []byte, count int) ([]uint64, bool) {
	out := make([]uint64, count)
	at := 8 * count
	for i := range out {
		n := int(payload[i])
		if n == 0 {
			continue
		}
		if n > 64 || at+n-1 > 8*len(payload) {
			return nil, false
		}
		out[i] = 1 << (n - 1)
		for bit := range n - 1 {
			out[i] |= uint64(payload[at/8]>>(at%8)&1) << bit
			at++
		}
	}
	return out, true
}

// same reports whether all columns have n values; missing ones only where n is 0.
func (c *columnsRead) same(n int, numbers []byte, strings []byte) bool {
	for _, id := range numbers {
		if len(c.numbers[id]) != n {
			return false
		}
	}
	for _, id := range strings {
		if len(c.texts[id]) != n {
			return false
		}
	}
	return true
}

func (c *columnsRead) places(s *Saved) error {
	if !c.same(len(c.numbers[3]), []byte{1, 2, 7}, []byte{4, 5, 6}) {
		return errDamaged
	}
	for i, f := range c.numbers[3] {
		s.Places = append(s.Places, Place{
			HasCoordinates: f&1 == 1, Precision: []string{"", "city", "region", "country"}[f>>1&3],
			Latitude: float64(int64(c.numbers[1][i])) / 1e4, Longitude: float64(int64(c.numbers[2][i])) / 1e4,
			Country: c.texts[4][i], Region: c.texts[5][i], City: c.texts[6][i], AccuracyKM: uint16(c.numbers[7][i]),
		})
	}
	return nil
}

func (c *columnsRead) rows(s *Saved) error {
	if !c.same(len(c.numbers[16]), []byte{17, 18, 19, 20, 21}, nil) {
		return errDamaged
	}
	var key, bin uint64
	for i, delta := range c.numbers[16] {
		if delta == 0 && i > 0 {
			bin += c.numbers[17][i] + 1
		} else {
			bin = c.numbers[17][i]
		}
		key += delta
		if key/16 >= uint64(len(s.Places)) {
			return errDamaged
		}
		s.Rows = append(s.Rows, Row{
			Bin: uint32(bin), Place: uint32(key / 16), Cloud: key/8%2 == 1, Proto: uint8(key / 2 % 4), Out: key%2 == 1,
			Packets: c.numbers[18][i], Bytes: c.numbers[18][i]*c.numbers[19][i] + c.numbers[21][i], Opens: c.numbers[20][i],
		})
	}
	return nil
}

func (c *columnsRead) details(s *Saved) error {
	if !c.same(len(c.numbers[32]), []byte{33, 34, 36, 37, 38, 39, 40, 41, 42}, []byte{35}) {
		return errDamaged
	}
	var at uint64
	for i, delta := range c.numbers[32] {
		if at += delta; at >= uint64(len(s.Places)) || c.numbers[33][i] > uint64(AS) {
			return errDamaged
		}
		s.Details = append(s.Details, Detail{
			Place: uint32(at), Kind: Kind(c.numbers[33][i]), Name: c.texts[35][i], Number: uint32(c.numbers[36][i]),
			Cloud: c.numbers[34][i]/8%2 == 1, Proto: uint8(c.numbers[34][i] / 2 % 4), Out: c.numbers[34][i]%2 == 1,
			Packets: c.numbers[37][i], Bytes: c.numbers[38][i], Opens: c.numbers[39][i],
			First: uint32(c.numbers[40][i]), Last: uint32(c.numbers[40][i] + c.numbers[41][i]), Labels: uint32(c.numbers[42][i]),
		})
	}
	return nil
}
