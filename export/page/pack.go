package page

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// The ways in which pack deflates a section.
const (
	// repeats looks for repeated strings. A standing file is written every few seconds:
	// with the standard library's default, 100,000 rows took 18 times the time and 3 %
	// less space.
	repeats = 5

	// frequencies gives frequent bytes short codes, and that is all. The bit lengths of
	// unrelated numbers repeat by chance only, and to name such a repeat costs more than
	// it saves: of a million rows they take 12 % less this way.
	frequencies = flate.HuffmanOnly
)

const (
	// tried is how much of a section both ways are tried on.
	tried = 64 << 10

	// worth is the least size of a section that is dealt with by itself.
	worth = 4 << 10
)

// gzipHead begins a gzip member of deflate (RFC 1952, 2.3.1): no name, no time, no
// operating system.
var gzipHead = [10]byte{0x1f, 0x8b, 8, 9: 0xff}

// pack writes b as one gzip member. It is cut into sections, each of which ends where
// ends says (ascending; the last one at the end of b is understood), and each of which is
// deflated the way that suits it. That is within the format of deflate: any reader of
// gzip reads it.
func pack(w io.Writer, b []byte, ends []int) error {
	if _, err := w.Write(gzipHead[:]); err != nil {
		return err
	}
	ways := [2]*flate.Writer{}
	for i, level := range [2]int{repeats, frequencies} {
		z, err := flate.NewWriter(w, level)
		if err != nil {
			return fmt.Errorf("deflate: %w", err)
		}
		ways[i] = z
	}
	sections, err := chosen(b, ends, ways)
	if err != nil {
		return err
	}
	for i, s := range sections {
		z := ways[s.way]
		z.Reset(w)
		if _, err := z.Write(s.bytes); err != nil {
			return err
		}
		end := z.Flush // to a whole byte, where the next section can begin
		if i == len(sections)-1 {
			end = z.Close
		}
		if err := end(); err != nil {
			return err
		}
	}
	tail := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b))
	_, err = w.Write(binary.LittleEndian.AppendUint32(tail, uint32(len(b))))
	return err
}

// section is a stretch of the stream and the index of its way.
type section struct {
	bytes []byte
	way   int
}

// chosen cuts b at ends, but for sections that are too small to matter, and finds the
// better way for each. Neighbours of one way are one section. There is at least one.
func chosen(b []byte, ends []int, ways [2]*flate.Writer) ([]section, error) {
	var out []section
	from := 0 // of the section that out ends with
	for i, end := range append(ends, len(b)) {
		begin := 0
		if i > 0 {
			begin = ends[i-1]
		}
		way := 0
		if end-begin >= worth {
			var err error
			if way, err = better(b[begin:end], ways); err != nil {
				return nil, err
			}
		}
		if n := len(out); n > 0 && out[n-1].way == way {
			out[n-1].bytes = b[from:end]
			continue
		}
		from = begin
		out = append(out, section{b[begin:end], way})
	}
	return out, nil
}

// better returns which way makes less of a section, by the middle of it.
func better(b []byte, ways [2]*flate.Writer) (int, error) {
	if spare := len(b) - tried; spare > 0 {
		b = b[spare/2 : spare/2+tried]
	}
	var size [2]int
	for i, z := range ways {
		var n counted
		z.Reset(&n)
		if _, err := z.Write(b); err != nil {
			return 0, err
		}
		if err := z.Close(); err != nil {
			return 0, err
		}
		size[i] = int(n)
	}
	if size[1] < size[0] {
		return 1, nil
	}
	return 0, nil
}

// counted is a writer that only counts.
type counted int

// Write counts p.
func (c *counted) Write(p []byte) (int, error) {
	*c += counted(len(p))
	return len(p), nil
}
