package export

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/packetheat/packetheat/export/page"
	"github.com/packetheat/packetheat/store"
)

const (
	topDetails  = 20_000  // in a page, of detail "addresses"
	fullDetails = 250_000 // of detail "full"
	flowsAtOnce = 60_000  // summed by flow before they are summed by subject
)

// collectDetails fills b.details and, as the coverage knows no filter, b.points.
func (b *builder) collectDetails(ctx context.Context) error {
	if b.o.Detail == DetailPlaces {
		return nil // b.points stays 0: counting them would read every point
	}
	keep := topDetails
	if b.o.Detail == DetailFull {
		keep = fullDetails
	}
	keep = cmp.Or(b.o.maxDetails, keep)
	if c, ok := b.r.(*recent); ok {
		b.points = c.points()
		b.details = c.details(b, keep)
		return nil
	}
	d := &detailer{b: b, t: b.t, subjects: newSubjects(), most: 6 * keep}
	if b.t.tags != nil {
		d.clouds = &cloudRows{}
	}
	if err := d.pass(ctx); err != nil {
		return err
	}
	b.points = d.points
	if d.clouds != nil {
		d.clouds.flush()
		b.splitClouds(d.clouds.rows)
		d.clouds = nil
	}
	if d.dropped {
		d.shrink(2 * keep)
		d.subjects.fixed = true
		clear(d.amounts)
		if err := d.pass(ctx); err != nil {
			return err
		}
	}
	b.details = d.subjects.details(d.t, d.amounts, keep)
	return nil
}

// detailer sums points by subject: first by flow, of which there are few among
// thousands of points, then these by subject. About most subjects are kept: beyond
// that, the smaller half is dropped, so that what remains are candidates, whose exact
// sums a second pass over the points collects.
type detailer struct {
	b        *builder
	t        *tables // places are the builder's
	flows    []amount
	subjects *subjects
	amounts  []amount // by slot
	most     int
	dropped  bool
	points   uint64

	at          time.Time
	interval    time.Duration
	first, last uint32     // bins of at
	clouds      *cloudRows // nil: not asked for, or known already
}

// flowing is a Reader that knows sums of equal points over time steps, of which there
// are far fewer: see store/sqlite's method of this name.
type flowing interface {
	Flows(ctx context.Context, f store.Filter, step time.Duration, begin func(), yield func([]store.Point) error) error
}

// flowsFrom is the step from which on flows are read in place of points: the shortest
// time that stores keep sums of.
const flowsFrom = 10 * time.Minute

func (d *detailer) pass(ctx context.Context) error {
	d.points = 0
	take := func(points []store.Point) error {
		d.points += uint64(len(points))
		for i := range points {
			d.add(&points[i])
		}
		return ctx.Err()
	}
	var err error
	if r, ok := d.b.r.(flowing); ok && d.b.step >= flowsFrom {
		step := d.b.step
		if d.b.whole {
			step = 0
		}
		err = r.Flows(ctx, d.b.f, step, d.forget, take)
		d.points = 0 // they were not counted
	} else {
		err = d.b.r.Points(ctx, d.b.f, take)
	}
	if err != nil {
		return fmt.Errorf("read points: %w", err)
	}
	d.flush()
	return nil
}

// forget takes back what the pass has added so far.
func (d *detailer) forget() {
	clear(d.flows)
	clear(d.amounts)
	if d.clouds != nil {
		*d.clouds = cloudRows{}
	}
}

func (d *detailer) add(p *store.Point) {
	if !p.Time.Equal(d.at) || p.Interval != d.interval {
		d.at, d.interval = p.Time, p.Interval
		d.first, d.last = d.b.bins(p.Time, p.Interval)
	}
	k := d.t.key(p, levelTick)
	k.sensor, k.flags = 0, 0
	i := int(d.t.flow(&k))
	for i >= len(d.flows) {
		d.flows = append(d.flows, amount{})
	}
	d.flows[i].add(p.Sum(), d.first, d.last)
	if d.clouds != nil {
		if part := d.t.part(uint32(i)); part&partCloud != 0 {
			d.clouds.add(d.first, k.place*partsOfSubject+uint32(part), p.Sum())
		}
	}
	if len(d.flows) >= d.atOnce() {
		d.flush()
	}
}

func (d *detailer) atOnce() int { return min(flowsAtOnce, d.most) }

// flush adds the flows to their subjects.
func (d *detailer) flush() {
	for i := range d.flows {
		a := &d.flows[i]
		if a.Packets == 0 {
			continue
		}
		for _, slot := range d.subjects.ofFlow(d.t, uint32(i)) {
			for int(slot) >= len(d.amounts) {
				d.amounts = append(d.amounts, amount{})
			}
			if slot != 0 {
				d.amounts[slot].add(a.Sum, a.first, a.last)
			}
		}
	}
	d.flows = d.flows[:0]
	d.t.forgetFlows()
	switch {
	case !d.subjects.fixed && len(d.subjects.keys) > d.most:
		d.shrink(d.most / 2)
		d.dropped = true
	case d.t.ends.len() > 2*len(d.subjects.keys)+2*d.atOnce():
		d.shrink(len(d.subjects.keys)) // drops addresses that no subject is about
	}
}

// shrink drops the smallest subjects until n are left, and the numbers of addresses
// that are not needed any more.
func (d *detailer) shrink(n int) {
	old, had, ends := d.subjects, d.amounts, d.t.ends.list
	order := old.rank(d.t, had, n)
	if old.fixed { // those not seen yet in this pass stay, too
		order = order[:0]
		for i, key := range old.keys {
			order = append(order, ranked{key: key, subject: uint32(i)})
		}
	}
	d.t.forget()
	d.subjects, d.amounts = newSubjects(), make([]amount, 1)
	for _, r := range order {
		key := r.key
		if kind := page.Kind(key >> 32 & 3); kind == page.Address || kind == page.Peer {
			key = subjectKey(uint32(key>>34), kind, d.t.ends.number(ends[uint32(key)]))
		}
		for part, slot := range old.slots[r.subject] {
			if slot != 0 {
				d.subjects.slot(key, uint8(part), old.extra[slot])
				d.amounts = append(d.amounts, had[slot])
			}
		}
	}
	d.subjects.fixed = old.fixed
}

// details sums the rows of all bins by flow, and these by subject.
func (c *recent) details(b *builder, keep int) []page.Detail {
	flows := make([]amount, c.tables.flows.len())
	for _, bin := range c.bins {
		first, last := b.bins(bin.start, c.step())
		for i := range bin.rows {
			flows[bin.rows[i].flow].add(bin.rows[i].Sum, first, last)
		}
	}
	if c.subjects == nil {
		c.subjects = newSubjects()
	}
	for i := len(c.slots); i < len(flows); i++ {
		c.slots = append(c.slots, c.subjects.ofFlow(c.tables, uint32(i)))
	}
	amounts := make([]amount, len(c.subjects.extra))
	for i := range flows {
		if a := &flows[i]; a.Packets > 0 {
			for _, slot := range c.slots[i] {
				amounts[slot].add(a.Sum, a.first, a.last)
			}
		}
	}
	return c.subjects.details(c.tables, amounts, keep)
}
