package pack

import "errors"

// prob is the adaptive probability, in 1/65536, that a bit is 0, with the
// number of bits seen so far. It learns fast at first and slowly later, since
// most of the contexts are seen a few times only.
type prob struct {
	p uint16
	n uint8
}

// Adaptation: after n bits the step is 1/(n+1.5), but at least 1/limit.
const probLimit = 60

// steps[n] is 65536/(n+1.5). It has room for every n, which spares a check.
var steps = func() (t [256]uint32) {
	for n := range t {
		t[n] = uint32(65536 * 2 / (2*n + 3))
	}
	return t
}()

// newProbs returns n contexts that expect nothing.
//
//go:norace
func newProbs(n int) []prob {
	probs := make([]prob, n)
	for i := range probs {
		probs[i].p = 1 << 15
	}
	return probs
}

func (p *prob) update(bit int) {
	step := steps[p.n]
	if p.n < probLimit {
		p.n++
	}
	// Kept within [64, 65472], so that no bit ever costs more than ten.
	if bit == 0 {
		p.p += uint16((65472 - uint32(p.p)) * step >> 16)
	} else {
		p.p -= uint16((uint32(p.p) - 64) * step >> 16)
	}
}

// errTruncated is reported by a decoder that ran out of bytes.
var errTruncated = errors.New("unpack database: truncated data")

// coder is a binary arithmetic coder with carry, as in G. N. N. Martin's range
// encoding (1979). One type serves for both directions, so that the model of
// the data is written once: every method takes the value to encode and
// returns the value coded, and a decoder ignores the argument.
type coder struct {
	decoding bool
	rng      uint32
	low      uint64 // encoder: low end of the range, with a carry at bit 32
	code     uint32 // decoder: the code within the range
	cache    byte
	pending  int64 // encoder: bytes held back until the carry is known
	data     []byte
	pos      int // decoder: next byte; beyond the data counts how far
}

func newEncoder() *coder { return &coder{rng: 1<<32 - 1, pending: 1} }

func newDecoder(data []byte) *coder {
	c := &coder{decoding: true, rng: 1<<32 - 1, data: data}
	for range 5 {
		c.code = c.code<<8 | uint32(c.next())
	}
	return c
}

//go:norace
func (c *coder) next() byte {
	c.pos++
	if c.pos > len(c.data) {
		return 0
	}
	return c.data[c.pos-1]
}

// err tells whether a decoder read past the end.
func (c *coder) err() error {
	if c.decoding && c.pos > len(c.data) {
		return errTruncated
	}
	return nil
}

// bit codes one bit in a context.
//
//go:norace
func (c *coder) bit(p *prob, bit int) int {
	if c.decoding {
		return c.decodeBit(p)
	}
	bound := (c.rng >> 16) * uint32(p.p)
	if bit == 0 {
		c.rng = bound
	} else {
		c.low += uint64(bound)
		c.rng -= bound
	}
	for c.rng < 1<<24 {
		c.rng <<= 8
		c.shift()
	}
	p.update(bit)
	return bit
}

// decodeBit is bit for a decoder. It and what calls it for every node touch the
// memory of their own goroutine only; the race detector would make them ten
// times slower, and with them every test that opens a database.
//
//go:norace
func (c *coder) decodeBit(p *prob) (bit int) {
	bound := (c.rng >> 16) * uint32(p.p)
	if c.code < bound {
		c.rng = bound
		p.p += uint16((65472 - uint32(p.p)) * steps[p.n] >> 16)
	} else {
		c.code -= bound
		c.rng -= bound
		p.p -= uint16((uint32(p.p) - 64) * steps[p.n] >> 16)
		bit = 1
	}
	if p.n < probLimit {
		p.n++
	}
	for c.rng < 1<<24 {
		c.rng <<= 8
		c.code = c.code<<8 | uint32(c.next())
	}
	return bit
}

// shift writes the highest byte of low, once a carry can no longer change it.
func (c *coder) shift() {
	if c.low < 0xff000000 || c.low > 0xffffffff {
		carry := byte(c.low >> 32)
		for ; c.pending > 0; c.pending-- {
			c.data = append(c.data, c.cache+carry)
			c.cache = 0xff
		}
		c.cache = byte(c.low >> 24)
	}
	c.pending++
	c.low = c.low & 0xffffff << 8
}

// finish returns everything encoded.
func (c *coder) finish() []byte {
	for range 5 {
		c.shift()
	}
	return c.data
}

// tree codes a number below n, from its highest bit, each in a context that
// depends on the bits above it. It uses n contexts: a bit that can only be 0,
// because n is no power of two, is not coded.
//
//go:norace
func (c *coder) tree(probs []prob, n, value int) int {
	if c.decoding {
		return c.decodeTree(probs, n)
	}
	lo, hi := 0, n
	for hi-lo > 1 {
		// The contexts are numbered by the middle of the interval.
		mid := int(uint(lo+hi) / 2)
		if c.bit(&probs[mid], b2i(value >= mid)) == 1 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// decodeTree is tree for a decoder: decodeBit in a loop, with its state in
// registers, since two thirds of all bits pass here.
//
//go:norace
func (c *coder) decodeTree(probs []prob, n int) int {
	lo, hi := 0, n
	rng, code := c.rng, c.code
	for hi-lo > 1 {
		mid := int(uint(lo+hi) / 2)
		p := &probs[mid]
		v := uint32(p.p)
		bound := (rng >> 16) * v
		if code < bound {
			rng, hi = bound, mid
			v += (65472 - v) * steps[p.n] >> 16
		} else {
			code, rng, lo = code-bound, rng-bound, mid
			v -= (v - 64) * steps[p.n] >> 16
		}
		p.p = uint16(v)
		if p.n < probLimit {
			p.n++
		}
		for rng < 1<<24 {
			rng <<= 8
			code = code<<8 | uint32(c.next())
		}
	}
	c.rng, c.code = rng, code
	return lo
}

// numberContexts is the size of a context set of number.
const numberContexts = 34 + 34*8 + 34

// number codes a number of at most 32 bits: its length, its three highest bits
// and the others.
//
//go:norace
func (c *coder) number(probs []prob, value uint32) uint32 {
	v := uint64(value) + 1
	length := 0
	for v>>length > 1 {
		length++
	}
	length = c.tree(probs[:34], 33, length)
	out, top := uint64(1), 1
	for i := length - 1; i >= 0; i-- {
		p := &probs[34+34*8+i]
		if length-1-i < 3 {
			p = &probs[34+length*8+top]
		}
		b := c.bit(p, int(v>>i&1))
		if top = top<<1 | b; top > 7 {
			top = 7
		}
		out = out<<1 | uint64(b)
	}
	return uint32(out - 1)
}

// signed codes a difference.
func (c *coder) signed(probs []prob, value int32) int32 {
	u := c.number(probs, uint32(value<<1)^uint32(value>>31))
	return int32(u>>1) ^ -int32(u&1)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
