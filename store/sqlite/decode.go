package sqlite

import (
	"github.com/klauspost/compress/zstd"

	"github.com/packetheat/packetheat/store"
)

// decoder turns the parts of a block back into columns. It reuses its buffers, so
// that the columns are valid until the next block; one goroutine uses it at a time.
type decoder struct {
	zstd *zstd.Decoder
	raw  []byte
	cols columns

	columns [6][]uint64 // of samplesPart
}

// newDecoder makes a decoder, which holds nothing that must be released.
func newDecoder() (*decoder, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30))
	if err != nil {
		return nil, err
	}
	return &decoder{zstd: z}, nil
}

// decode fills d.cols from the part "sums" and, where n asks for any of its
// columns, from the part "ends". The error is errDamaged or nothing.
func (d *decoder) decode(sums, ends []byte, n need) error {
	if err := d.open(sums, partSums); err != nil {
		return err
	}
	if err := d.sums(); err != nil {
		return err
	}
	if n == 0 {
		return nil
	}
	if err := d.open(ends, partEnds); err != nil {
		return err
	}
	return d.ends(n)
}

// open checks the seal of a part and unpacks it to d.raw.
func (d *decoder) open(sealed []byte, part byte) error {
	packed, err := unseal(sealed, part)
	if err != nil {
		return err
	}
	if d.raw, err = d.zstd.DecodeAll(packed, d.raw[:0]); err != nil {
		return errDamaged
	}
	return nil
}

// sums reads what encoder.sumsPart wrote.
func (d *decoder) sums() error {
	c := &d.cols
	r := reader{b: d.raw}
	if !d.head(&r) {
		return errDamaged
	}
	c.kind = grow(c.kind, c.points)
	ok := readColumn(&r, c.kind)
	for i := range c.amount {
		c.amount[i] = grow(c.amount[i], c.points)
		ok = ok && readColumn(&r, c.amount[i])
	}
	if !ok || r.bad || len(r.b) != 0 || !below(c.kind, len(c.kinds)) {
		return errDamaged
	}
	return nil
}

// head reads what there is of groups, and the kinds.
func (d *decoder) head(r *reader) bool {
	c := &d.cols
	groups, points := r.uvarint(), r.uvarint()
	kinds := r.count(3)
	if r.bad || groups > points || points > maxPoints || points > uint64(len(d.raw)) {
		return false
	}
	c.groups, c.points = int(groups), int(points)
	c.kinds = c.kinds[:0]
	for range kinds {
		b := r.bytes(3)
		c.kinds = append(c.kinds, kind{
			proto: b[0], direction: store.Direction(b[1] & 1), hasPort: b[1]&kindHasPort != 0, flags: store.Flags(b[2]),
		})
	}
	c.place, c.count = grow(c.place, c.groups), grow(c.count, c.groups)
	ok := readColumn(r, c.place) && readColumn(r, c.count)
	total := uint64(0)
	for _, n := range c.count {
		total += uint64(n)
	}
	return ok && !r.bad && total == points
}

// ends reads what encoder.endsPart wrote, only the columns that n asks for.
func (d *decoder) ends(n need) error {
	c := &d.cols
	r := reader{b: d.raw}
	if r.uvarint() != uint64(c.groups) || r.uvarint() != uint64(c.points) {
		return errDamaged
	}
	var piece [6][]byte
	for i := range piece {
		piece[i] = r.bytes(r.uvarint())
	}
	if r.bad || len(r.b) != 0 {
		return errDamaged
	}
	var err error
	ok := true
	if n&needAddr != 0 {
		c.addr, err = readEndpoints(c.addr, piece[0], c.groups)
		ok = ok && err == nil && len(c.addr) == c.groups
	}
	if n&needASN != 0 {
		c.asn = grow(c.asn, c.groups)
		ok = ok && readAll(c.asn, piece[1])
	}
	if n&needPeer != 0 {
		c.peers, err = readEndpoints(c.peers, piece[2], c.points)
		c.peer = grow(c.peer, c.points)
		ok = ok && err == nil && readRepeats(c.peer, piece[3], len(c.peers))
	}
	if n&needPort != 0 {
		ok = ok && d.readPorts(piece[4], piece[5])
	}
	if !ok {
		return errDamaged
	}
	return nil
}

// readPorts spreads the column of port indices, which has an entry for each point
// whose kind has a port, over all points.
func (d *decoder) readPorts(dictionary, indices []byte) bool {
	c := &d.cols
	c.ports = c.ports[:0]
	for r := (reader{b: dictionary}); len(r.b) > 0; {
		port := r.uvarint()
		if r.bad || port > 65535 {
			return false
		}
		c.ports = append(c.ports, uint16(port))
	}
	n := 0
	for _, k := range c.kind {
		if c.kinds[k].hasPort {
			n++
		}
	}
	c.port = grow(c.port, c.points)
	packed := c.port[c.points-n:] // at the end, so that spreading never overtakes it
	if !readRepeats(packed, indices, len(c.ports)) {
		return false
	}
	next := 0
	for i, k := range c.kind {
		if !c.kinds[k].hasPort {
			c.port[i] = 0
			continue
		}
		c.port[i] = packed[next]
		next++
	}
	return true
}

func readColumn[T uint32 | uint64](r *reader, dst []T) bool {
	return readAll(dst, r.bytes(r.uvarint()))
}

func readAll[T uint32 | uint64](dst []T, b []byte) bool {
	rest, ok := readUvarints(dst, b)
	return ok && len(rest) == 0
}

func below(indices []uint32, n int) bool {
	for _, i := range indices {
		if int(i) >= n {
			return false
		}
	}
	return true
}
