package sqlite

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendUvarints appends every value of v as an unsigned LEB128 number. As
// readUvarints, it has no branch for the length of a number.
func appendUvarints[T uint16 | uint32 | uint64](b []byte, v []T) []byte {
	for len(v) > 0 {
		part := v[:min(len(v), 512)]
		v = v[len(part):]
		b = slices.Grow(b, len(part)*binary.MaxVarintLen64)
		room := b[len(b):cap(b)]
		size := 0
		for _, n := range part {
			size += putUvarint(room[size:], uint64(n))
		}
		b = b[:len(b)+size]
	}
	return b
}

// putUvarint writes a number to b, which has room for the longest, and returns its
// length.
func putUvarint(b []byte, n uint64) int {
	if n >= 1<<56 {
		return binary.PutUvarint(b, n)
	}
	size := (9*bits.Len64(n|1) + 63) / 64 // the length of n, divided by 7 and rounded up
	n = n&0x000000000fffffff | n&0x00fffffff0000000<<4
	n = n&0x00003fff00003fff | n&0x0fffc0000fffc000<<2
	n = n&0x007f007f007f007f | n&0x3f803f803f803f80<<1
	binary.LittleEndian.PutUint64(b, n|highBits&(1<<(8*size-8)-1))
	return size
}

// highBits are those that say of each of eight bytes that its number goes on.
const highBits = 0x8080808080808080

// readUvarints fills dst from b and returns what follows; it reports whether there
// were enough values and all of them fit. It looks at eight bytes at a time, and has no
// branch for the length of a number, which nothing could foresee.
func readUvarints[T uint16 | uint32 | uint64](dst []T, b []byte) ([]byte, bool) {
	i := 0
	for i < len(dst) && len(b) >= 8 {
		w := binary.LittleEndian.Uint64(b)
		ends := ^w & highBits
		if ends == highBits && len(dst)-i >= 8 { // in many columns most values are small
			eight := dst[i : i+8 : i+8]
			for k := range eight {
				eight[k] = T(w >> (8 * k) & 0xff)
			}
			i, b = i+8, b[8:]
			continue
		}
		n, size := joinSevens(w, ends)
		if ends == 0 {
			if n, size = binary.Uvarint(b); size <= 0 {
				return nil, false
			}
		}
		if uint64(T(n)) != n {
			return nil, false
		}
		dst[i] = T(n)
		i, b = i+1, b[size:]
	}
	for ; i < len(dst); i++ {
		n, size := binary.Uvarint(b)
		if size <= 0 || uint64(T(n)) != n {
			return nil, false
		}
		dst[i] = T(n)
		b = b[size:]
	}
	return b, true
}

// joinSevens reads the first number of eight bytes, whose end is the lowest bit of
// ends. If that is 0 the result means nothing.
func joinSevens(w, ends uint64) (n uint64, size int) {
	w &= ends ^ (ends - 1) // what is up to the end
	w = w&0x007f007f007f007f | w>>1&0x3f803f803f803f80
	w = w&0x00003fff00003fff | w>>2&0x0fffc0000fffc000
	return w&0x000000000fffffff | w>>4&0x00fffffff0000000, bits.TrailingZeros64(ends)/8 + 1
}

// appendRepeats appends indices of which many equal the one before: 0 for those, else
// the index plus one. Both directions of a conversation are neighbours in a block,
// so that this halves what their peers and ports take.
func appendRepeats(b []byte, indices []uint32) []byte {
	var part [512]uint64
	last := uint32(0)
	for first := true; len(indices) > 0; first = false {
		n := min(len(indices), len(part))
		for i, index := range indices[:n] {
			part[i] = uint64(index) + 1
			if index == last && (i > 0 || !first) {
				part[i] = 0
			}
			last = index
		}
		b, indices = appendUvarints(b, part[:n]), indices[n:]
	}
	return b
}

// readRepeats is the inverse of appendRepeats for the whole of b; every index must be
// below n.
func readRepeats(dst []uint32, b []byte, n int) bool {
	rest, ok := readUvarints(dst, b)
	last := uint32(0)
	for i, v := range dst {
		if v != 0 {
			last = v - 1
		} else if i == 0 {
			return false
		}
		if int(last) >= n {
			return false
		}
		dst[i] = last
	}
	return ok && len(rest) == 0
}

// appendPlanes appends values of a column: how many there are, the lowest byte of
// each, the second of each unless all of those are 0, and what is above in the few
// that have it, with their distances. The bytes of a plane are alike, so that they
// compress better than those of varints do, by a tenth.
func appendPlanes(b []byte, values []uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(values)))
	b = slices.Grow(b, len(values)+1)
	plane := b[len(b) : len(b)+len(values)]
	any := uint64(0)
	for i, v := range values {
		plane[i] = byte(v)
		any |= v
	}
	b = b[:len(b)+len(values)]
	if any>>8&0xff == 0 {
		b = append(b, 0)
	} else {
		b = slices.Grow(append(b, 1), len(values))
		plane = b[len(b) : len(b)+len(values)]
		for i, v := range values {
			plane[i] = byte(v >> 8)
		}
		b = b[:len(b)+len(values)]
	}
	if any>>16 == 0 {
		return append(b, 0)
	}
	return appendAbove(b, values)
}

// appendAbove appends what values have above two bytes.
func appendAbove(b []byte, values []uint64) []byte {
	above := 0
	for _, v := range values {
		if v>>16 != 0 {
			above++
		}
	}
	b = binary.AppendUvarint(b, uint64(above))
	last := 0
	for i, v := range values {
		if v>>16 != 0 {
			b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(i-last)), v>>16)
			last = i
		}
	}
	return b
}

// readPlanes reads what appendPlanes wrote, in place of what dst holds.
func readPlanes(r *reader, dst []uint64) []uint64 {
	n := r.count(1)
	dst = grow(dst, n)
	for i, low := range r.bytes(uint64(n)) {
		dst[i] = uint64(low)
	}
	if flag := r.bytes(1); len(flag) == 1 && flag[0] != 0 {
		for i, v := range r.bytes(uint64(n)) {
			dst[i] |= uint64(v) << 8
		}
	}
	at := uint64(0)
	for range r.count(2) {
		at += r.uvarint()
		v := r.uvarint()
		if at >= uint64(n) || v >= 1<<48 {
			r.bad = true
			break
		}
		dst[at] |= v << 16
	}
	return dst
}

// reader takes numbers off the front of a buffer. After the first failure all
// further numbers are 0 and bad is set.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count reads a number of things that follow and take at least size bytes each,
// so that a damaged number cannot make the caller allocate without bound.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.b)/size) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// grow returns s with length n, its content undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n+n/4)[:n]
	}
	return s[:n]
}
