package sqlite

import (
	"encoding/binary"
	"net/netip"

	"github.com/packetheat/packetheat/store"
)

// seenRow is what a summary keeps of one address.
type seenRow struct {
	addr        netip.Prefix
	first, last int64 // start of its first and last tick, Unix seconds
	store.Sum
}

// add takes over what another summary knows of the same address.
func (r *seenRow) add(o *seenRow) {
	r.first, r.last = min(r.first, o.first), max(r.last, o.last)
	r.Sum.Add(o.Sum)
}

// Parts of summaries.
const (
	partSeenHead = 'H'
	partSeenEnds = 'A'
	partSeenSums = 'W'
)

// seenChunk is how many addresses are in a chunk. Half as many cost a tenth more room,
// twice as many are read for one that is asked for.
const seenChunk = 4096

// seenHead is what is known of a summary before any chunk of it is read.
type seenHead struct {
	rows     uint64
	sum      store.Sum
	networks bool           // some rows are of networks: masked or folded
	cut      bool           // there were more addresses than are kept
	lows     []netip.Prefix // the first row of each chunk
}

func (e *encoder) seenHead(h *seenHead) []byte {
	flags := byte(0)
	if h.networks {
		flags |= 1
	}
	if h.cut {
		flags |= 2
	}
	b := append(e.raw[:0], flags)
	for _, n := range []uint64{h.rows, h.sum.Packets, h.sum.Bytes, h.sum.Opens} {
		b = binary.AppendUvarint(b, n)
	}
	b = appendEndpoints(b, h.lows)
	e.raw = b
	return e.seal(partSeenHead, b)
}

func (d *decoder) seenHead(sealed []byte, chunks int64) (h seenHead, err error) {
	if err := d.open(sealed, partSeenHead); err != nil {
		return h, err
	}
	r := reader{b: d.raw}
	flags := r.bytes(1)
	for _, n := range []*uint64{&h.rows, &h.sum.Packets, &h.sum.Bytes, &h.sum.Opens} {
		*n = r.uvarint()
	}
	if r.bad {
		return h, errDamaged
	}
	h.networks, h.cut = flags[0]&1 != 0, flags[0]&2 != 0
	h.lows, err = readEndpoints(nil, r.b, int(chunks))
	if err == nil && int64(len(h.lows)) != chunks {
		err = errDamaged
	}
	return h, err
}

// seenChunk lays out rows, which are in order. Ticks count from start.
func (e *encoder) seenChunk(rows []seenRow, start, tick int64) (ends, sums []byte) {
	addrs := make([]netip.Prefix, len(rows))
	for i := range rows {
		addrs[i] = rows[i].addr
	}
	e.raw = appendEndpoints(e.raw[:0], addrs)
	ends = e.seal(partSeenEnds, e.raw)
	b := binary.AppendUvarint(e.raw[:0], uint64(len(rows)))
	for _, of := range []func(r *seenRow) uint64{
		func(r *seenRow) uint64 { return uint64((r.first - start) / tick) },
		func(r *seenRow) uint64 { return uint64((r.last - r.first) / tick) },
		func(r *seenRow) uint64 { return r.Packets },
		func(r *seenRow) uint64 { return r.Bytes },
		func(r *seenRow) uint64 { return r.Opens },
	} {
		e.nums = e.nums[:0]
		for i := range rows {
			e.nums = append(e.nums, of(&rows[i]))
		}
		b = e.column(b, appendUvarints(e.piece[:0], e.nums))
	}
	e.raw = b
	return ends, e.seal(partSeenSums, b)
}

// seenEnds reads the addresses of a chunk.
func (d *decoder) seenEnds(dst []netip.Prefix, sealed []byte) ([]netip.Prefix, error) {
	if err := d.open(sealed, partSeenEnds); err != nil {
		return nil, err
	}
	return readEndpoints(dst, d.raw, seenChunk)
}

// seenSums reads the rest of a chunk of so many rows into rows.
func (d *decoder) seenSums(rows []seenRow, sealed []byte, start, tick int64) error {
	if err := d.open(sealed, partSeenSums); err != nil {
		return err
	}
	r := reader{b: d.raw}
	if r.uvarint() != uint64(len(rows)) {
		return errDamaged
	}
	column := &d.columns[0]
	for _, to := range []func(r *seenRow, n uint64){
		func(r *seenRow, n uint64) { r.first = start + int64(n)*tick },
		func(r *seenRow, n uint64) { r.last = r.first + int64(n)*tick },
		func(r *seenRow, n uint64) { r.Packets = n },
		func(r *seenRow, n uint64) { r.Bytes = n },
		func(r *seenRow, n uint64) { r.Opens = n },
	} {
		*column = grow(*column, len(rows))
		if !readColumn(&r, *column) {
			return errDamaged
		}
		for i, n := range *column {
			to(&rows[i], n)
		}
	}
	if r.bad || len(r.b) != 0 {
		return errDamaged
	}
	return nil
}

// seenRows reads a whole chunk.
func (d *decoder) seenRows(c *seenBlob, start, tick int64) ([]seenRow, error) {
	addrs, err := d.seenEnds(nil, c.ends)
	if err != nil {
		return nil, err
	}
	rows := make([]seenRow, len(addrs))
	for i := range rows {
		rows[i].addr = addrs[i]
	}
	return rows, d.seenSums(rows, c.sums, start, tick)
}

// seenBlob is a chunk as it is stored.
type seenBlob struct {
	id         int64
	ends, sums []byte
}
