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

// pointVisitor makes points out of blocks and hands them on: those of a block that
// is alone in its tick as they come, so that a tick with a million of them needs no
// room for all; those of several blocks sorted, when the tick has ended.
type pointVisitor struct {
	yield   func([]store.Point) error
	tick    time.Duration
	points  []store.Point
	now     int64 // the tick that points are of
	batches int   // blocks in it
}

func (c *pointVisitor) visit(v *view) error {
	if v.tick != c.now {
		if err := c.flush(); err != nil {
			return err
		}
		c.now = v.tick
	}
	before := len(c.points)
	var err error
	p := store.Point{Time: time.Unix(v.tick, 0).UTC(), Interval: c.tick, Sensor: v.sensors[v.sensor]}
	v.each(func(g int) {
		as := v.asns[v.asn[g]]
		p.Addr, p.Place, p.ASN, p.ASOrg = v.addr[g], v.places[v.place[g]], as.asn, as.org
	}, func(_, i int) {
		k := v.kinds[v.kind[i]]
		p.Peer = v.peers[v.peer[i]]
		p.Direction, p.Proto, p.Flags = k.direction, k.proto, k.flags
		p.Port, p.HasPort = v.portOf(i)
		sum := v.sum(i)
		p.Packets, p.Bytes, p.Opens = sum.Packets, sum.Bytes, sum.Opens
		c.points = append(c.points, p)
		if v.alone && len(c.points) >= chunkPoints && err == nil {
			err = c.flush()
		}
	})
	if len(c.points) > before {
		c.batches++
	}
	return err
}

// flush hands on the points of a tick. Those of one block are in order already.
func (c *pointVisitor) flush() error {
	if c.batches > 1 {
		slices.SortStableFunc(c.points, func(a, b store.Point) int {
			return cmp.Or(cmp.Compare(a.Sensor, b.Sensor), compareEndpoints(a.Addr, b.Addr))
		})
	}
	for chunk := range slices.Chunk(c.points, chunkPoints) {
		if err := c.yield(chunk); err != nil {
			return err
		}
	}
	c.points, c.batches = c.points[:0], 0
	return nil
}

// Points calls yield with the matching points in order of time, sensor and address,
// at most some thousand at a time. The chunk is reused when yield returns. An error
// of yield ends the reading and is returned. yield runs in the caller's goroutine
// and may take its time: nothing is locked meanwhile.
func (s *Store) Points(ctx context.Context, f store.Filter, yield func([]store.Point) error) error {
	p, err := s.plan(ctx, &f, needAll)
	if err != nil {
		return err
	}
	c := &pointVisitor{yield: yield, tick: s.tick}
	if err := s.scan(ctx, p, c); err != nil {
		return err
	}
	return c.flush()
}
