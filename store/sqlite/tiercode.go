package sqlite

import (
	"encoding/binary"
	"math"
)

// chunkKeys and chunkSamples are where a chunk of full keys ends, so that its columns
// take some ten MiB at most. maxChunkSamples bounds what a reader believes.
const (
	chunkKeys       = 1 << 14
	chunkSamples    = 1 << 17
	maxChunkSamples = 1 << 20
)

// encodeTier seals e.cols as a chunk of full keys, with samples where they are given,
// or as a view, whose groups have an id in place and nothing else. In both, points
// are sums over the tier's interval, and first and last are set. As anywhere in an
// encoder, the column port has entries only for points whose kind has a port.
func (e *encoder) encodeTier(b *tierBlobs, from source, samples bool) {
	b[from.sums()] = e.sumsPart()
	b[from.times()] = e.timesPart()
	if from != sourceKeys {
		return
	}
	b[partKeysEnds] = e.endsPart()
	if samples {
		b[partKeysSamples] = e.samplesPart()
	}
}

// timesPart lays out the number of points, then the columns: first, last - first.
func (e *encoder) timesPart() []byte {
	c := &e.cols
	b := binary.AppendUvarint(e.raw[:0], uint64(c.points))
	b = e.column(b, appendUvarints(e.piece[:0], c.first))
	e.nums = e.nums[:0]
	for i, first := range c.first {
		e.nums = append(e.nums, uint64(c.last[i]-first))
	}
	b = e.column(b, appendUvarints(e.piece[:0], e.nums))
	e.raw = b
	return e.seal(partTimes, b)
}

// samplesPart lays out what is not known from sums and times: how many ticks of
// each point have nothing, then, of points that are the sum of several ticks, all
// ticks but the last: the gaps between them where there are any, packets, octets a
// packet, what is left of the octets, and opens. Amounts that must be 1 each are left
// out.
func (e *encoder) samplesPart() []byte {
	c := &e.cols
	b := binary.AppendUvarint(e.raw[:0], uint64(c.points))
	columns := &e.columns
	missing, gaps, counts := columns[0][:0], columns[1][:0], columns[2][:0]
	ratios, rests, opened := columns[3][:0], columns[4][:0], columns[5][:0]
	for i := range c.points {
		start, end := c.sampleStart[i], c.sampleStart[i+1]
		n := uint64(end - start)
		empty := uint64(c.last[i]-c.first[i]) + 1 - n
		missing = append(missing, empty)
		one := c.amount[packets][i] == n
		all := c.amount[opens][i]
		some := all != 0 && all != n
		for s := start; s+1 < end; s++ {
			if empty > 0 && s > start {
				gaps = append(gaps, uint64(c.sampleTick[s]-c.sampleTick[s-1]-1))
			}
			p, o := c.sampleAmount[packets][s], c.sampleAmount[octets][s]
			if !one {
				counts = append(counts, p-1)
			}
			ratio, rest := uint64(0), o
			if p != 0 { // else it is the sum of more than 2^64
				ratio = divide(o, p)
				rest = o - ratio*p
			}
			ratios, rests = append(ratios, ratio), append(rests, rest)
			if some {
				opened = append(opened, c.sampleAmount[opens][s]-1)
			}
		}
	}
	*columns = [6][]uint64{missing, gaps, counts, ratios, rests, opened}
	for _, column := range columns {
		b = appendPlanes(b, column)
	}
	e.raw = b
	return e.seal(partSamples, b)
}

// divide divides, if it can by numbers of 32 bits, which many processors do in a third
// of the time.
func divide(a, b uint64) uint64 {
	if (a|b)>>32 == 0 {
		return uint64(uint32(a) / uint32(b))
	}
	return a / b
}

// decodeTier fills d.cols from a chunk of full keys or from a view. Of the keys it
// reads the columns that n asks for, as decode does; needTimes and needSamples give
// first, last and the samples. Of a view it reads only the times beside the sums;
// place then holds the groups' ids, and the columns of endpoints are empty. The error
// is errDamaged or nothing.
func (d *decoder) decodeTier(b *tierBlobs, from source, n need) error {
	if err := d.open(b[from.sums()], partSums); err != nil {
		return err
	}
	if err := d.sums(); err != nil {
		return err
	}
	c := &d.cols
	if from != sourceKeys {
		c.addr, c.asn, c.peers, c.peer, c.ports, c.port = c.addr[:0], c.asn[:0], c.peers[:0], c.peer[:0], c.ports[:0], c.port[:0]
		n &= needTimes
	}
	if n&needAll != 0 {
		if err := d.open(b[partKeysEnds], partEnds); err != nil {
			return err
		}
		if err := d.ends(n); err != nil {
			return err
		}
	}
	if n&(needTimes|needSamples) != 0 { // samples lie between the times
		if err := d.open(b[from.times()], partTimes); err != nil {
			return err
		}
		if err := d.times(); err != nil {
			return err
		}
	}
	if n&needSamples != 0 {
		if err := d.open(b[partKeysSamples], partSamples); err != nil {
			return err
		}
		return d.samples()
	}
	return nil
}

// times reads what encoder.timesPart wrote.
func (d *decoder) times() error {
	c := &d.cols
	r := reader{b: d.raw}
	if r.uvarint() != uint64(c.points) {
		return errDamaged
	}
	c.first, c.last = grow(c.first, c.points), grow(c.last, c.points)
	if !readColumn(&r, c.first) || !readColumn(&r, c.last) || len(r.b) != 0 {
		return errDamaged
	}
	for i, first := range c.first {
		if first > math.MaxInt32 || c.last[i] > math.MaxInt32 {
			return errDamaged
		}
		c.last[i] += first
	}
	return nil
}

// samples reads what encoder.samplesPart wrote; sums and times have been read.
func (d *decoder) samples() error {
	c := &d.cols
	columns, err := d.sampleColumns()
	if err != nil {
		return err
	}
	c.sampleStart = grow(c.sampleStart, c.points+1)
	total := uint32(0)
	for i := range c.points {
		c.sampleStart[i] = total
		n := c.samplesOf(i, columns.next(0))
		if total += n; n == 0 || total > maxChunkSamples {
			return errDamaged
		}
	}
	c.sampleStart[c.points] = total
	c.sampleTick = grow(c.sampleTick, int(total))
	for k := range c.sampleAmount {
		c.sampleAmount[k] = grow(c.sampleAmount[k], int(total))
	}
	for i := range c.points {
		d.readSamples(i, &columns)
	}
	return columns.end()
}

// sampleColumns unpacks the columns that samplesPart wrote.
func (d *decoder) sampleColumns() (columnReaders, error) {
	r := reader{b: d.raw}
	if r.uvarint() != uint64(d.cols.points) {
		return columnReaders{}, errDamaged
	}
	for i := range d.columns {
		d.columns[i] = readPlanes(&r, d.columns[i])
	}
	if r.bad || len(r.b) != 0 {
		return columnReaders{}, errDamaged
	}
	return columnReaders{of: d.columns}, nil
}

// samplesOf returns how many samples point i has if so many of its ticks have nothing,
// 0 where that cannot be.
func (c *columns) samplesOf(i int, missing uint64) uint32 {
	span := c.last[i] - c.first[i] + 1
	if c.last[i] > math.MaxUint16 || missing >= uint64(span) || span > 1 && missing == uint64(span-1) {
		return 0
	}
	return span - uint32(missing)
}

// columnReaders take the values of columns one by one. Behind the end of one are
// zeros, and bad is set.
type columnReaders struct {
	of  [6][]uint64
	bad bool
}

func (c *columnReaders) next(k int) uint64 {
	if len(c.of[k]) == 0 {
		c.bad = true
		return 0
	}
	v := c.of[k][0]
	c.of[k] = c.of[k][1:]
	return v
}

// take returns the next n values of a column, nil where there are not so many.
func (c *columnReaders) take(k int, n uint32) []uint64 {
	if uint64(n) > uint64(len(c.of[k])) {
		c.bad, c.of[k] = true, nil
		return nil
	}
	v := c.of[k][:n]
	c.of[k] = c.of[k][n:]
	return v
}

// end returns errDamaged unless all has been read, and no more.
func (c *columnReaders) end() error {
	for _, rest := range c.of {
		if c.bad || len(rest) != 0 {
			return errDamaged
		}
	}
	return nil
}

// readSamples reads the samples of point i; a bad column says so later.
func (d *decoder) readSamples(i int, columns *columnReaders) {
	c := &d.cols
	start, end := c.sampleStart[i], c.sampleStart[i+1]
	n := end - start
	gaps := c.last[i]-c.first[i]+1 != n
	left := c.sum(i)
	tick := c.first[i]
	for s := start; s+1 < end; s++ {
		if s > start {
			tick++
			if gaps {
				tick += uint32(min(columns.next(1), math.MaxUint16))
			}
		}
		p, o := uint64(1), uint64(0)
		if c.amount[packets][i] != uint64(n) {
			p = columns.next(2) + 1
		}
		octet := columns.next(3)*p + columns.next(4)
		if all := c.amount[opens][i]; all != 0 {
			o = 1
			if all != uint64(n) {
				o = columns.next(5) + 1
			}
		}
		left.Packets -= p
		left.Bytes -= octet
		left.Opens -= o
		if tick >= c.last[i] {
			columns.bad = true
		}
		c.sampleTick[s] = uint16(tick)
		c.sampleAmount[packets][s], c.sampleAmount[octets][s], c.sampleAmount[opens][s] = p, octet, o
	}
	c.sampleTick[end-1] = uint16(c.last[i])
	c.sampleAmount[packets][end-1], c.sampleAmount[octets][end-1], c.sampleAmount[opens][end-1] = left.Packets, left.Bytes, left.Opens
}
