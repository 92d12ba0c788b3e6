package selftest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/packetheat/packetheat/store"
)

// Past is a random history of a fleet: batches of some sensors over days, with gaps,
// idle ticks, late packets, restarts and a sensor whose store was made anew. The same
// seed makes the same.
type Past struct {
	*rand.Rand
	Shipments []Shipment

	start  time.Time
	span   time.Duration
	seqs   map[string]uint32
	opened map[store.Point]bool // by key and tick
	points int
}

// Shipment is a batch and the id of the store that it comes from.
type Shipment struct {
	Origin string
	Batch  *store.Batch
}

// tick is the length of a tick: SQLite's default.
const tick = 10 * time.Second

// sensors have names that no statement may trip over.
var sensors = [...]string{"gw1", `Kiel "2" \'; DROP TABLE points; --`, "ä\tß`%s{x:String}\n", "östlich"}

// NewPast makes about so many batches over three days from start on.
func NewPast(seed uint64, batches int, start time.Time) *Past {
	p := &Past{
		Rand: rand.New(rand.NewPCG(seed, 8)), start: start, span: 3 * day,
		seqs: make(map[string]uint32), opened: make(map[store.Point]bool),
	}
	p.grow(batches)
	return p
}

// grow lets time go by: some ticks one after the other, then a gap.
func (p *Past) grow(batches int) {
	bursts := max(1, batches/12)
	at := p.start
	for n := 0; len(p.Shipments) < batches; n++ {
		at = at.Add(time.Duration(p.Int64N(max(1, int64(2*p.span)/int64(bursts))))).Truncate(tick)
		if at.After(p.start.Add(p.span)) {
			at = p.start.Add(time.Duration(p.Int64N(int64(p.span)))).Truncate(tick) // all the rest is late
		}
		for range 1 + p.IntN(6) {
			for _, sensor := range sensors {
				if p.IntN(3) > 0 {
					p.add(sensor, at)
				}
			}
			at = at.Add(tick * time.Duration(1+p.IntN(1+p.IntN(80))))
		}
		if p.IntN(3) == 0 && len(p.Shipments) > 0 { // late, in a tick that there is, or is not
			s := p.Shipments[p.IntN(len(p.Shipments))]
			p.add(s.Batch.Sensor, s.Batch.Tick.Add(tick*time.Duration(p.IntN(2))))
		}
	}
}

// origin returns the id of a sensor's store. That of one sensor was made anew half way.
func (p *Past) origin(sensor string, at time.Time) string {
	if sensor == sensors[0] && at.After(p.start.Add(p.span/2)) {
		return "f-" + sensor + "-2"
	}
	return fmt.Sprintf("store-%x", sensor)
}

// add adds a batch of a sensor at a tick.
func (p *Past) add(sensor string, at time.Time) {
	key := sensor + at.String()
	b := &store.Batch{Sensor: sensor, Tick: at, Interval: tick, Seq: p.seqs[key], From: at, To: at.Add(tick)}
	n := p.IntN(12)
	if p.IntN(4) == 0 {
		n = 0 // idle
	}
	for i := range n {
		x := p.point()
		if i > 0 && p.IntN(2) == 0 {
			x.Addr = b.Points[i-1].Addr
		}
		if i > 0 && p.IntN(12) == 0 {
			x = b.Points[i-1] // the same twice in a batch
		}
		x.Time, x.Interval, x.Sensor = at, tick, sensor
		b.Points = append(b.Points, x)
	}
	if b.Seq > 0 && p.IntN(2) == 0 {
		p.repeat(b)
	}
	p.agree(b.Points)
	p.keepBooks(b)
	if p.IntN(10) == 0 { // begun or ended within the tick
		b.From, b.To = at.Add(time.Duration(p.IntN(6))*time.Second+time.Duration(p.IntN(1e9))), at.Add(time.Duration(6+p.IntN(5))*time.Second)
	}
	if p.IntN(5) == 0 {
		b.Geo = []store.GeoSource{geoSources[p.IntN(len(geoSources))], geoSources[0]}
	}
	p.seqs[key]++
	p.points += len(b.Points)
	p.Shipments = append(p.Shipments, Shipment{p.origin(sensor, at), b})
}

// repeat adds a point that another batch of the tick has.
func (p *Past) repeat(b *store.Batch) {
	for _, s := range p.Shipments {
		if s.Batch.Sensor == b.Sensor && s.Batch.Tick.Equal(b.Tick) && len(s.Batch.Points) > 0 {
			b.Points = append(b.Points, s.Batch.Points[p.IntN(len(s.Batch.Points))])
		}
	}
}

// agree gives all points of one key and tick connection attempts, or none: a sealed
// store has one point of them, whose parts opened: cannot tell apart any more.
func (p *Past) agree(points []store.Point) {
	for i := range points {
		x := &points[i]
		key := *x
		key.Packets, key.Bytes, key.Opens = 0, 0, 0
		opened, known := p.opened[key]
		switch {
		case !known:
			p.opened[key] = x.Opens > 0
		case !opened:
			x.Opens = 0
		case x.Opens == 0:
			x.Opens = 1
		}
	}
}

// keepBooks counts the points, and things that no point tells of.
func (p *Past) keepBooks(b *store.Batch) {
	o := &b.Books
	for i := range b.Points {
		o.OnePublic.Add(store.Count{Packets: b.Points[i].Packets, Bytes: b.Points[i].Bytes})
	}
	few := func() store.Count { return store.Count{Packets: p.Uint64N(9), Bytes: p.Uint64N(999)} }
	o.LocalOnly, o.Filtered, o.NonIP, o.Undecodable = few(), few(), few(), few()
	for _, c := range []store.Count{o.OnePublic, o.LocalOnly} {
		o.Decoded.Add(c)
	}
	for _, c := range []store.Count{o.Decoded, o.Filtered, o.NonIP, o.Undecodable} {
		o.Captured.Add(c)
	}
	o.Frames = o.Captured.Packets
	if p.IntN(20) == 0 {
		o.Drops, o.Freezes, o.Folded, o.Late = p.Uint64N(5), p.Uint64N(2), few(), few()
	}
	o.Ring = o.Frames + o.Drops
}

var geoSources = [...]store.GeoSource{
	{Kind: "city", Name: "DB-IP City Lite", Built: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Attribution: "IP Geolocation by DB-IP", URL: "https://db-ip.com"},
	{Kind: "asn", Name: `it's "one"`, Built: time.Date(2026, 10, 3, 4, 5, 6, 0, time.UTC)},
	{Kind: "city", Name: "GeoLite2-City"},
}
