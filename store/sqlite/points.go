package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/packetheat/packetheat/store"
)

// chunkPoints is how many points a chunk for the caller of Points has at most.
const chunkPoints = 4096

// Points calls yield with the matching points in order of time, sensor and address,
// at most some thousand at a time. Equal points of one tick, as a restarted sensor or
// late packets leave them, are one. Times whose points are gone have a row for each
// place, protocol and direction of each of the finest tiers kept: without addresses
// and ports, with the tier's start as Time and its length as Interval. The chunk is
// reused when yield returns. An error of yield ends the reading and is returned. yield
// runs in the caller's goroutine and may take its time: nothing is locked meanwhile.
func (s *Store) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	return s.points(ctx, f, yield, s.inOrder)
}

// points has bundles decoded and handed on by read, which is inOrder or inTurn.
func (s *Store) points(ctx context.Context, f store.Filter, yield func([]store.Point) error,
	read func(context.Context, *cursor, func(*opened) error) error) error {
	p, c, err := s.plan(ctx, &f, question{need: needAll, views: propPlace, step: s.tick, ordered: true})
	if err != nil {
		return err
	}
	w := newPointWriter(p, s.tick, yield)
	err = read(ctx, c, func(b *opened) error { return w.write(ctx, b) })
	if err == nil {
		err = w.flush()
	}
	if err == nil {
		err = ctx.Err() // its end is seen even where there is no more to do
	}
	return err
}

// opened is a bundle that has been decoded.
type opened struct {
	views []*view // blocks, chunks of exact tiers, and tiers of which there are no points
}

// inOrder has bundles decoded by several goroutines and hands them to use, in the
// caller's, in their order.
func (s *Store) inOrder(ctx context.Context, c *cursor, use func(*opened) error) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	n := workers()
	free := make(chan *opener, n+1) // one more is in use by the caller
	for range n + 1 {
		free <- &opener{store: s, plan: c.plan}
	}
	results := make(chan chan decodedBundle, n)
	go func() {
		defer close(results)
		if err := s.dispatch(inner, c, free, results); err != nil {
			cancel(err)
		}
	}()
	for result := range results {
		var d decodedBundle
		select {
		case d = <-result:
		case <-ctx.Done():
			return ctx.Err()
		}
		if d.err != nil {
			return d.err
		}
		if err := use(&d.opened); err != nil {
			return err
		}
		free <- d.by
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return context.Cause(inner)
}

// decodedBundle is what an opener has made of a bundle.
type decodedBundle struct {
	opened
	by  *opener
	err error
}

// dispatch gives each bundle to a free opener, in a goroutine of its own.
func (s *Store) dispatch(ctx context.Context, c *cursor, free <-chan *opener, results chan<- chan decodedBundle) error {
	for {
		bundles, err := c.take(ctx, 1)
		if err != nil || len(bundles) == 0 {
			return err
		}
		for _, b := range bundles {
			var o *opener
			select {
			case o = <-free:
			case <-ctx.Done():
				return ctx.Err()
			}
			result := make(chan decodedBundle, 1)
			go func() {
				views, err := o.open(b.items)
				result <- decodedBundle{opened{views}, o, err}
			}()
			select {
			case results <- result:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// opener decodes bundles, one at a time, with views that it uses again and again.
type opener struct {
	store *Store
	plan  *plan
	pool  []*view
}

func (o *opener) open(items []item) ([]*view, error) {
	for len(o.pool) < len(items) {
		v, err := o.store.newView(o.plan)
		if err != nil {
			return nil, err
		}
		o.pool = append(o.pool, v)
	}
	var views []*view
	for i := range items {
		v, it := o.pool[i], &items[i]
		ok := false
		if it.piece == nil {
			ok = v.openBlock(it)
		} else {
			ok, _ = v.openTier(it) // damage is counted, and nothing can take its place
		}
		if ok {
			views = append(views, v)
		}
	}
	return views, nil
}

// pointWriter makes points out of bundles and hands them on: those of a sensor's only
// source in a tick as they come, so that a tick with a million of them needs no room
// for all; those of several sorted, when all are there.
type pointWriter struct {
	yield  func([]store.Point) error
	plan   *plan
	tick   time.Duration
	points []store.Point
	start  int // points before it are ready to be handed on
}

func newPointWriter(p *plan, tick time.Duration, yield func([]store.Point) error) *pointWriter {
	return &pointWriter{yield: yield, plan: p, tick: tick, points: make([]store.Point, 0, chunkPoints+chunkPoints/4)}
}

// write writes a bundle, tick by tick, and within a tick sensor by sensor.
func (w *pointWriter) write(ctx context.Context, b *opened) error {
	views := b.views
	slices.SortStableFunc(views, func(a, b *view) int {
		return cmp.Compare(a.sensors[a.sensor], b.sensors[b.sensor])
	})
	for {
		tick, any := int64(0), false // the next one
		for _, v := range views {
			if at, ok := v.nextTick(); ok && (!any || at < tick) {
				tick, any = at, true
			}
		}
		if !any {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := 0; i < len(views); {
			n := i + 1
			for n < len(views) && views[n].sensor == views[i].sensor {
				n++
			}
			if err := w.writeSensor(views[i:n], tick); err != nil {
				return err
			}
			i = n
		}
	}
}

// writeSensor writes what one sensor has in a tick.
func (w *pointWriter) writeSensor(views []*view, tick int64) error {
	w.start = len(w.points)
	sources, exact := 0, false
	for _, v := range views {
		if at, ok := v.nextTick(); !ok || at != tick {
			continue
		}
		if !(v.exact && exact) { // the chunks of a tier are one source: they are in order
			sources++
		}
		exact = exact || v.exact
	}
	for _, v := range views {
		if at, ok := v.nextTick(); !ok || at != tick {
			continue
		}
		v.useTick()
		if err := w.add(v, sources == 1); err != nil {
			return err
		}
	}
	if sources > 1 {
		mine := w.points[w.start:]
		slices.SortStableFunc(mine, func(a, b store.Point) int {
			return cmp.Or(compareEndpoints(a.Addr, b.Addr), compareRest(&a, &b))
		})
		w.points = w.points[:w.start+store.JoinEqual(mine)]
	}
	if len(w.points) >= chunkPoints {
		return w.flush()
	}
	return nil
}

// add appends the points of v. Where they are in order, equal ones are neighbours, and
// what is ready is handed on.
func (w *pointWriter) add(v *view, inOrder bool) (err error) {
	p := store.Point{Time: time.Unix(v.tick, 0).UTC(), Interval: time.Duration(v.end-v.tick) * time.Second, Sensor: v.sensors[v.sensor]}
	ends := v.hasEnds()
	lastGroup, lastPoint := -1, 0
	v.each(func(g int) {
		p.Place = v.places[v.place[g]]
		if ends {
			as := v.asns[v.asn[g]]
			p.Addr, p.ASN, p.ASOrg = v.addr[g], as.asn, as.org
		}
	}, func(g, i int) {
		sum := v.sum(i)
		if inOrder && g == lastGroup && v.equalPoints(lastPoint, i) {
			last := &w.points[len(w.points)-1]
			last.Packets, last.Bytes, last.Opens = last.Packets+sum.Packets, last.Bytes+sum.Bytes, last.Opens+sum.Opens
			return
		}
		k := v.kinds[v.kind[i]]
		p.Direction, p.Proto, p.Flags = k.direction, k.proto, k.flags
		p.Port, p.HasPort = 0, false
		if ends {
			p.Peer = v.peers[v.peer[i]]
			p.Port, p.HasPort = v.portOf(i)
		}
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		if inOrder && lastGroup < 0 && len(w.points) > w.start { // the group may have begun in another chunk
			last := w.points[len(w.points)-1]
			lastGroup = g
			if last.Like(&p) {
				lastPoint = i
				w.points = w.points[:len(w.points)-1]
				p.Packets, p.Bytes, p.Opens = sum.Packets+last.Packets, sum.Bytes+last.Bytes, sum.Opens+last.Opens
			}
		}
		if inOrder && len(w.points) >= chunkPoints && err == nil {
			err = w.flush()
		}
		w.points = append(w.points, p)
		lastGroup, lastPoint = g, i
	})
	return err
}

// flush hands on all points.
func (w *pointWriter) flush() error {
	for chunk := range slices.Chunk(w.points, chunkPoints) {
		if err := w.yield(chunk); err != nil {
			return err
		}
	}
	w.points, w.start = w.points[:0], 0
	return nil
}
