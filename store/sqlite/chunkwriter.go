package sqlite

import (
	"errors"
	"slices"

	"github.com/packetheat/packetheat/store"
)

// errSealed is the error of a tier that does not read as it was written.
var errSealed = errors.New("the sealed columns are not what was sealed")

// chunkWriter seals rows of full keys, which come in order, chunk by chunk, and reads
// every chunk back.
type chunkWriter struct {
	enc  *encoder
	dec  *decoder
	emit func(chunk int64, b *tierBlobs) error

	begun bool // a chunk
	last  rowKey

	chunks, keys int64
	total        store.Sum // of all that was read back
}

// add takes the next row, with the ticks it is the sum of, if the tier keeps them.
func (w *chunkWriter) add(k *rowKey, sum *tierSum, samples []sample) error {
	c := &w.enc.cols
	if len(c.kind) >= chunkKeys || len(c.sampleTick) >= chunkSamples {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if !w.begun {
		w.enc.begin()
		w.begun = true
	}
	if len(c.addr) == 0 || !k.sameGroup(&w.last) {
		c.addr, c.place, c.asn = append(c.addr, k.addr()), append(c.place, k.place()), append(c.asn, k.asn())
		c.count = append(c.count, 0)
	}
	w.last = *k
	c.count[len(c.count)-1]++
	w.enc.addPeer(k.peer())
	w.enc.addPoint(k.kind(), k.port(), sum.Sum)
	c.first, c.last = append(c.first, sum.first), append(c.last, sum.last)
	for i := range samples {
		s := &samples[i]
		c.sampleTick = append(c.sampleTick, uint16(s.tick))
		c.sampleAmount[packets] = append(c.sampleAmount[packets], s.Packets)
		c.sampleAmount[octets] = append(c.sampleAmount[octets], s.Bytes)
		c.sampleAmount[opens] = append(c.sampleAmount[opens], s.Opens)
	}
	if samples != nil {
		c.sampleStart = append(c.sampleStart, uint32(len(c.sampleTick)))
	}
	return nil
}

// flush seals what is left. It must be called behind the last row.
func (w *chunkWriter) flush() error {
	if !w.begun {
		return nil
	}
	c := &w.enc.cols
	w.enc.sortPeers()
	c.groups, c.points = len(c.addr), len(c.kind)
	samples, n2 := len(c.sampleTick) > 0, needAll|needTimes
	if samples {
		n2 |= needSamples
	}
	var b tierBlobs
	w.enc.encodeTier(&b, sourceKeys, samples)
	if w.dec.decodeTier(&b, sourceKeys, n2) != nil || !sameSums(c, &w.dec.cols) || !sameKeys(c, &w.dec.cols) || samples && !sameSamples(c, &w.dec.cols) {
		return errSealed
	}
	w.total.Add(w.dec.cols.total())
	if err := w.emit(w.chunks, &b); err != nil {
		return err
	}
	w.chunks++
	w.keys += int64(c.points)
	w.begun = false
	return nil
}

// total adds up all points.
func (c *columns) total() (sum store.Sum) {
	for i := range c.points {
		sum.Add(c.sum(i))
	}
	return sum
}

// sameSums compares what was sealed with what was read back, sums and times.
func sameSums(a, b *columns) bool {
	for k := range a.amount {
		if !slices.Equal(a.amount[k], b.amount[k]) {
			return false
		}
	}
	return a.groups == b.groups && a.points == b.points && slices.Equal(a.kinds, b.kinds) && slices.Equal(a.place, b.place) &&
		slices.Equal(a.count, b.count) && slices.Equal(a.kind, b.kind) && slices.Equal(a.first, b.first) && slices.Equal(a.last, b.last)
}

// sameKeys compares endpoints; ports are packed in a, the encoder's.
func sameKeys(a, b *columns) bool {
	next := 0
	for i, k := range b.kind {
		if b.kinds[k].hasPort {
			if next >= len(a.port) || a.port[next] != b.port[i] {
				return false
			}
			next++
		}
	}
	return next == len(a.port) && slices.Equal(a.addr, b.addr) && slices.Equal(a.asn, b.asn) && slices.Equal(a.peers, b.peers) &&
		slices.Equal(a.peer, b.peer) && slices.Equal(a.ports, b.ports)
}

func sameSamples(a, b *columns) bool {
	for k := range a.sampleAmount {
		if !slices.Equal(a.sampleAmount[k], b.sampleAmount[k]) {
			return false
		}
	}
	return slices.Equal(a.sampleStart, b.sampleStart) && slices.Equal(a.sampleTick, b.sampleTick)
}
