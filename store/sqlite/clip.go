package sqlite

// clip cuts the samples of an exact tier into bins: ticks, steps of a query, or all
// that is asked of it. Its buffers are used again.
type clip struct {
	group []uint32 // of each point
	from  int64    // start of the first bin
	bin   int64    // seconds
	end   int64    // of the last bin

	ends    []uint32 // by bin: where its stretches end
	all     []stretch
	amount  [3][]uint64 // by point, of the bin at hand
	first   []uint32
	last    []uint32
	origin  int64 // start of the tier
	samples columns
}

// stretch is the samples of one point that lie in one bin.
type stretch struct{ point, from, to uint32 }

// open sorts the samples of the points that match into bins. v has been matched.
func (c *clip) open(v *view, t *piece) {
	c.spread(v)
	c.origin, c.samples = t.start, v.columns
	c.bin, c.from, c.end = v.plan.step, t.from, t.to
	if v.plan.ordered {
		c.bin = v.plan.tick
	}
	if c.bin == 0 {
		c.bin = t.to - t.from
	} else {
		c.from = floorTo(t.from, c.bin)
	}
	n := int((t.to - c.from + c.bin - 1) / c.bin)
	c.ends = grow(c.ends, n)
	clear(c.ends)
	var list []stretch
	c.stretches(v, t, func(bin int, s stretch) {
		c.ends[bin]++
		list = append(list, s)
	})
	total := uint32(0)
	for i, n := range c.ends {
		c.ends[i] = total
		total += n
	}
	if n == 1 { // in order already
		c.all, c.ends[0] = list, total
	} else {
		c.all = grow(c.all, int(total))
		for _, s := range list {
			bin := (c.tickOf(v, s.from) - c.from) / c.bin
			c.all[c.ends[bin]] = s
			c.ends[bin]++
		}
	}
	for i := range c.amount {
		c.amount[i] = grow(c.amount[i], v.points)
	}
	c.first, c.last = grow(c.first, v.points), grow(c.last, v.points)
}

func (c *clip) tickOf(v *view, sample uint32) int64 {
	return c.origin + int64(c.samples.sampleTick[sample])*v.plan.tick
}

// spread gives each point its group.
func (c *clip) spread(v *view) {
	c.group = grow(c.group, v.points)
	i := 0
	for g, n := range v.count {
		for range n {
			c.group[i] = uint32(g)
			i++
		}
	}
}

// stretches calls do with what lies in the clip, in order of points.
func (c *clip) stretches(v *view, t *piece, do func(bin int, s stretch)) {
	r := t.ticks(v.plan.tick)
	lo, hi := r.from, r.to
	ticks := v.columns.sampleTick
	v.each(func(int) {}, func(_, i int) {
		s, end := v.sampleStart[i], v.sampleStart[i+1]
		for s < end && int64(ticks[s]) < lo {
			s++
		}
		for s < end && int64(ticks[s]) < hi {
			bin := (c.tickOf(v, s) - c.from) / c.bin
			limit := c.from + (bin+1)*c.bin
			e := s + 1
			for e < end && int64(ticks[e]) < hi && c.tickOf(v, e) < limit {
				e++
			}
			do(int(bin), stretch{uint32(i), s, e})
			s = e
		}
	})
}

// eachBin calls visit with v as each of the bins that are not empty, in order.
func (v *view) eachBin(visit func() error) error {
	for {
		if _, more := v.nextTick(); !more {
			return nil
		}
		v.useTick()
		if err := visit(); err != nil {
			return err
		}
	}
}

// openBin makes v the bin at hand.
func (v *view) openBin() {
	c, bin := &v.clip, int64(v.bin)
	list := c.all[v.binStart():c.ends[bin]]
	v.live = v.live[:0]
	for _, s := range list {
		i := s.point
		var p, o, n uint64
		for at := s.from; at < s.to; at++ {
			p += c.samples.sampleAmount[packets][at]
			o += c.samples.sampleAmount[octets][at]
			n += c.samples.sampleAmount[opens][at]
		}
		c.amount[packets][i], c.amount[octets][i], c.amount[opens][i] = p, o, n
		c.first[i], c.last[i] = uint32(c.samples.sampleTick[s.from]), uint32(c.samples.sampleTick[s.to-1])
		v.live = append(v.live, i)
	}
	v.bins = true
	v.amount, v.first, v.last = c.amount, c.first, c.last
	v.tick, v.end = max(c.from+bin*c.bin, c.origin), min(c.from+(bin+1)*c.bin, c.end)
	v.origin, v.timed = c.origin, true
}

// nextTick returns the start of what v shows next, if there is anything left.
func (v *view) nextTick() (int64, bool) {
	if !v.exact {
		return v.tick, !v.used
	}
	c := &v.clip
	for ; v.bin < len(c.ends); v.bin++ {
		if start := v.binStart(); start < c.ends[v.bin] {
			return max(c.from+int64(v.bin)*c.bin, c.origin), true
		}
	}
	return 0, false
}

func (v *view) binStart() uint32 {
	if v.bin == 0 {
		return 0
	}
	return v.clip.ends[v.bin-1]
}

// useTick makes v what nextTick has announced, and goes on to the next.
func (v *view) useTick() {
	v.used = true
	if v.exact {
		v.openBin()
		v.bin++
	}
}

// tickSpan is some ticks of a tier, half-open, counted from its start.
type tickSpan struct{ from, to int64 }

// ticks returns what is asked for of a tier.
func (t *piece) ticks(tick int64) tickSpan {
	return tickSpan{(t.from - t.start) / tick, (t.to - t.start + tick - 1) / tick}
}
