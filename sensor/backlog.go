package sensor

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Bounds of what waits in memory for the sink, of a live sensor.
const (
	maxQueued = 32      // batches
	maxPoints = 1 << 19 // points in them, some 130 MB
	leastKept = 4       // batches that are folded rather than merged any further
	maxEmpty  = 1 << 15 // ticks that were merged into others, remembered for coverage
)

// backlog is a list of batches in order of arrival, whose memory is bounded while its
// totals stay exact: neighbours merge, so that however long the sink is away, the time
// is divided evenly among those that are left; then points fold to coarser keys. The
// zero value is empty. Whoever owns it locks it.
type backlog struct {
	list   []*queued
	points int
	empty  []*queued // what is left of merged ticks: that they were captured
	limit  int       // of points; 0: maxPoints
}

// queued is a batch with what was done to it.
type queued struct {
	*store.Batch
	came  time.Time // when it was added, where that matters
	ticks int       // merged in it, beside its own
	level int       // of folding
}

// add appends a batch and makes room. It returns how many ticks were merged.
func (w *backlog) add(q *queued) (merged int) {
	w.list = append(w.list, q)
	w.points += len(q.Points)
	limit := w.limit
	if limit == 0 {
		limit = maxPoints
	}
	for len(w.list) > maxQueued || w.points > limit && len(w.list) > leastKept {
		w.merge()
		merged++
	}
	for w.points > limit && w.fold() {
	}
	return merged
}

// pop takes the oldest batch out; nil if there is none. Empty ticks come last.
func (w *backlog) pop() (q *queued) {
	from := &w.list
	if len(w.list) == 0 {
		from = &w.empty
	}
	if len(*from) == 0 {
		return nil
	}
	q, (*from)[0] = (*from)[0], nil
	*from = (*from)[1:]
	w.points -= len(q.Points)
	return q
}

// size returns how many batches wait.
func (w *backlog) size() int { return len(w.list) + len(w.empty) }

// merge joins the two neighbours that have the fewest ticks together, the oldest ones
// of these.
func (w *backlog) merge() {
	at := 0
	for i := range w.list[:len(w.list)-1] {
		if w.list[i].ticks+w.list[i+1].ticks < w.list[at].ticks+w.list[at+1].ticks {
			at = i
		}
	}
	into, from := w.list[at], w.list[at+1]
	w.points -= len(into.Points) + len(from.Points)
	mergeBatch(into.Batch, from.Batch)
	into.ticks += 1 + from.ticks
	into.level = min(into.level, from.level)
	w.points += len(into.Points)
	w.list = slices.Delete(w.list, at+1, at+2)
	if from.From.Before(from.To) && len(w.empty) < maxEmpty {
		w.empty = append(w.empty, &queued{came: from.came, Batch: &store.Batch{
			Sensor: from.Sensor, Tick: from.Tick, Interval: from.Interval, Geo: from.Geo, From: from.From, To: from.To,
		}})
	}
}

// mergeBatch adds a batch to the one before it, as if its points had come late.
func mergeBatch(into, from *store.Batch) {
	late := from.Books.Captured
	late.Packets -= min(late.Packets, from.Books.Late.Packets)
	late.Bytes -= min(late.Bytes, from.Books.Late.Bytes)
	into.Books.Add(&from.Books)
	into.Books.Late.Add(late)
	into.Points = addEqual(slices.Concat(into.Points, moved(from.Points, into.Tick)))
}

// moved returns the points as late ones of another tick.
func moved(points []store.Point, tick time.Time) []store.Point {
	list := slices.Clone(points)
	for i := range list {
		list[i].Time = tick
		list[i].Flags |= store.Late
	}
	return list
}

// Levels of folding, each with those before it.
const (
	foldPort = 1 + iota
	foldPeer
	foldNetwork // of the address, as wide as a full table's
	foldAddress // all of it: family, protocol, direction, place and AS are left
)

// fold makes the batch with the most points that can be folded any further coarser by
// a level; false if there is none.
func (w *backlog) fold() bool {
	var most *queued
	for _, h := range w.list {
		if h.level < foldAddress && (most == nil || len(h.Points) > len(most.Points)) {
			most = h
		}
	}
	if most == nil {
		return false
	}
	most.level++
	w.points -= len(most.Points)
	foldBatch(most.Batch, most.level)
	w.points += len(most.Points)
	return true
}

// foldBatch folds a batch's points and counts in its books what is folded now and was
// not before.
func foldBatch(b *store.Batch, level int) {
	var folded store.Count
	for i := range b.Points {
		p := &b.Points[i]
		if p.Flags&store.Folded == 0 {
			folded.Add(store.Count{Packets: p.Packets, Bytes: p.Bytes})
			p.Flags |= store.Folded
		}
		foldPoint(p, level)
	}
	public := b.Books.Public() // a packet may be in two points, but is folded once
	b.Books.Folded.Packets = min(b.Books.Folded.Packets+folded.Packets, public.Packets)
	b.Books.Folded.Bytes = min(b.Books.Folded.Bytes+folded.Bytes, public.Bytes)
	if b.Points = addEqual(b.Points); 2*len(b.Points) < cap(b.Points) {
		b.Points = slices.Clone(b.Points) // the memory is what this is about
	}
}

func foldPoint(p *store.Point, level int) {
	p.Port, p.HasPort = 0, false
	if level >= foldPeer {
		p.Peer = netip.Prefix{}
	}
	bits := foldV4Bits
	if p.Addr.Addr().Is6() {
		bits = foldV6Bits
	}
	if level == foldAddress {
		bits = 0
	}
	if level >= foldNetwork && p.Addr.Bits() > bits {
		p.Addr = netip.PrefixFrom(p.Addr.Addr(), bits).Masked()
	}
}

// addEqual adds up points that are the same now, in place. A network may lie in
// several places, and an address in another one once databases have been reloaded, so
// these are compared as well.
func addEqual(points []store.Point) []store.Point {
	if len(points) == 0 {
		return points
	}
	index := newPointIndex(len(points))
	mask := uint64(len(index.slots) - 1)
	out := points[:0]
	for i := range points {
		p := points[i]
		for at := (hashPoint(&p) ^ hashPlace(&p)) >> index.shift; ; at++ {
			slot := &index.slots[at&mask]
			if *slot == 0 {
				out = append(out, p)
				*slot = uint32(len(out))
				break
			}
			if same := &out[*slot-1]; samePoint(same, &p) && same.Place == p.Place && same.ASN == p.ASN {
				same.Packets += p.Packets
				same.Bytes += p.Bytes
				same.Opens += p.Opens
				break
			}
		}
	}
	return out
}

// hashPlace tells places apart that addresses no longer do.
func hashPlace(p *store.Point) uint64 {
	h := uint64(p.ASN)
	h = (h ^ math.Float64bits(p.Place.Latitude)) * 0x9e3779b97f4a7c15
	h = (h ^ math.Float64bits(p.Place.Longitude)) * 0xa0761d6478bd642f
	for i := range len(p.Place.Country) {
		h = (h ^ uint64(p.Place.Country[i])) * 0xe7037ed1a0b428db
	}
	return h ^ h>>29
}
