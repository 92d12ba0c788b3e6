package page

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
)

// Kinds of columns; see the package documentation.
const (
	kindBytes byte = iota
	kindPlanes
	kindStrings
	kindMagnitudes
)

// columns collects columns in the order in which they are added. The zero value
// is ready to use.
type columns struct {
	buf  bytes.Buffer
	ends []int // of stretches of buf that are alike within: see pack
}

// add writes one column's head and its payload.
func (c *columns) add(id, kind byte, count int, payload []byte) {
	var head [12]byte
	head[0], head[1] = id, kind
	binary.LittleEndian.PutUint32(head[4:], uint32(count))
	binary.LittleEndian.PutUint32(head[8:], uint32(len(payload)))
	c.buf.Write(head[:])
	c.cut()
	c.buf.Write(payload)
	c.cut()
}

// cut ends a stretch of buf.
func (c *columns) cut() { c.ends = append(c.ends, c.buf.Len()) }

// bytes adds a column of single bytes.
func (c *columns) bytes(id byte, v []byte) { c.add(id, kindBytes, len(v), v) }

// planes adds a column of int32, transposed: neighbouring coordinates share
// their high bytes, which deflate then finds in one run.
func (c *columns) planes(id byte, v []int32) {
	n := len(v)
	out := make([]byte, 4*n)
	for i, x := range v {
		u := uint32(x)
		out[i], out[n+i], out[2*n+i], out[3*n+i] = byte(u), byte(u>>8), byte(u>>16), byte(u>>24)
	}
	c.add(id, kindPlanes, n, out)
}

// strings adds a column of texts. A NUL inside a text would end it early and is
// replaced, like bytes that are not UTF-8.
func (c *columns) strings(id byte, v []string) {
	var out []byte
	for _, s := range v {
		s = strings.ToValidUTF8(s, "\uFFFD")
		out = append(out, strings.ReplaceAll(s, "\x00", "\uFFFD")...)
		out = append(out, 0)
	}
	c.add(id, kindStrings, len(v), out)
}

// magnitudes adds a column of unsigned numbers: their bit lengths, which are few
// and compress well, apart from the bits below the leading one, which do not.
func (c *columns) magnitudes(id byte, v []uint64) {
	out := make([]byte, len(v), 2*len(v)+8)
	var acc uint64 // bits not yet written, the oldest lowest
	var have uint
	for i, x := range v {
		n := uint(bits.Len64(x))
		out[i] = byte(n)
		for left := n; left > 1; { // the leading one is in n
			take := min(left-1, 32)
			acc |= (x & (1<<take - 1)) << have
			x >>= take
			left -= take
			for have += take; have >= 8; have -= 8 {
				out = append(out, byte(acc))
				acc >>= 8
			}
		}
	}
	if have > 0 {
		out = append(out, byte(acc))
	}
	c.add(id, kindMagnitudes, len(v), out)
	lengths := c.buf.Len() - len(out) + len(v)
	c.ends = slices.Insert(c.ends, len(c.ends)-1, lengths)
}
