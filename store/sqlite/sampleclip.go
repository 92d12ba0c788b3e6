package sqlite

import (
	"math"

	"github.com/packetheat/packetheat/store"
)

// clipTier reads the samples of full keys whose sums and times have been read, and
// leaves in the amounts of each point what it has in some ticks, nothing at all where
// that is none. It is what samples and adding up would do, without the samples: maps
// read two such tiers, at the edges of their window. The error is errDamaged or nothing;
// then the amounts are wrong.
func (d *decoder) clipTier(b *tierBlobs, want tickSpan) error {
	if err := d.open(b[partKeysSamples], partSamples); err != nil {
		return err
	}
	return d.clipSamples(want)
}

func (d *decoder) clipSamples(want tickSpan) error {
	c := &d.cols
	columns, err := d.sampleColumns()
	if err != nil {
		return err
	}
	total := uint32(0)
	for i := range c.points {
		missing := columns.next(0)
		n := c.samplesOf(i, missing)
		if total += n; n == 0 || total > maxChunkSamples {
			return errDamaged
		}
		all := c.sum(i)
		s := pointSamples{n: n, first: c.first[i], last: c.last[i], all: all}
		if missing > 0 {
			s.gaps = columns.take(1, n-2)
		}
		if all.Packets != uint64(n) {
			s.packets = columns.take(2, n-1)
		}
		s.each, s.rest = columns.take(3, n-1), columns.take(4, n-1)
		if all.Opens != 0 && all.Opens != uint64(n) {
			s.opens = columns.take(5, n-1)
		}
		if columns.bad {
			return errDamaged
		}
		if int64(s.first) >= want.from && int64(s.last) < want.to {
			continue
		}
		sum := store.Sum{}
		if int64(s.first) < want.to && int64(s.last) >= want.from {
			var ok bool
			if sum, ok = s.within(want); !ok {
				return errDamaged
			}
		}
		c.amount[packets][i], c.amount[octets][i], c.amount[opens][i] = sum.Packets, sum.Bytes, sum.Opens
	}
	return columns.end()
}

// pointSamples is what samplesPart has of one point; columns that it leaves out are nil.
type pointSamples struct {
	n, first, last      uint32
	all                 store.Sum
	gaps                []uint64 // of all but the first and the last
	packets, each, rest []uint64 // of all but the last
	opens               []uint64
}

// within adds up the samples in some ticks. It reports false where ticks are not in
// order.
func (s *pointSamples) within(want tickSpan) (sum store.Sum, ok bool) {
	before := store.Sum{} // of all samples but the last
	tick := uint64(s.first)
	for i, each := range s.each {
		if i > 0 {
			tick++
			if s.gaps != nil {
				tick += min(s.gaps[i-1], math.MaxUint16)
			}
		}
		one := store.Sum{Packets: 1}
		if s.packets != nil {
			one.Packets = s.packets[i] + 1
		}
		one.Bytes = each*one.Packets + s.rest[i]
		if s.opens != nil {
			one.Opens = s.opens[i] + 1
		} else if s.all.Opens != 0 {
			one.Opens = 1
		}
		before.Add(one)
		if tick >= uint64(s.last) {
			return sum, false
		}
		if int64(tick) >= want.from && int64(tick) < want.to {
			sum.Add(one)
		}
	}
	if int64(s.last) >= want.from && int64(s.last) < want.to {
		sum.Packets += s.all.Packets - before.Packets
		sum.Bytes += s.all.Bytes - before.Bytes
		sum.Opens += s.all.Opens - before.Opens
	}
	return sum, true
}
