package store

import (
	"errors"
	"fmt"
	"time"
)

// Count is a number of packets with their octets on the wire.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Add adds o to c.
func (c *Count) Add(o Count) {
	c.Packets += o.Packets
	c.Bytes += o.Bytes
}

// Books are the counters by which every packet is accounted for; the zero value is
// the books of a sensor that has seen nothing. Frames and drops are in frames of the
// ring (a super-frame is one), all Counts are in true packets.
//
//	Ring        = Frames + Drops          (of a finished run: see Check)
//	Captured    = Filtered + NonIP + Undecodable + Decoded
//	Decoded     = LocalOnly + OnePublic + TwoPublic
//	Σ points    = OnePublic + 2 × TwoPublic
type Books struct {
	Ring    uint64 `json:"ring"`    // frames the kernel offered to the ring, dropped ones included
	Drops   uint64 `json:"drops"`   // frames the kernel dropped because the ring was full
	Freezes uint64 `json:"freezes"` // how often the ring was full
	Frames  uint64 `json:"frames"`  // frames taken out of the ring or file

	Captured    Count `json:"captured"`
	Filtered    Count `json:"filtered"`    // refused by our own filter after capture
	NonIP       Count `json:"non_ip"`      // ARP, LLDP, …
	Undecodable Count `json:"undecodable"` // no whole IP header
	Decoded     Count `json:"decoded"`
	LocalOnly   Count `json:"local_only"` // both ends local: counted, not stored
	OnePublic   Count `json:"one_public"`
	TwoPublic   Count `json:"two_public"`

	Folded Count `json:"folded"` // packets whose key was coarsened because the table was full
	Late   Count `json:"late"`   // packets that came after their tick had closed
}

// Add adds o to b, counter by counter.
func (b *Books) Add(o *Books) {
	b.Ring += o.Ring
	b.Drops += o.Drops
	b.Freezes += o.Freezes
	b.Frames += o.Frames
	mine, theirs := b.counts(), o.counts()
	for i := range mine {
		mine[i].Add(*theirs[i])
	}
}

func (b *Books) counts() []*Count {
	return []*Count{&b.Captured, &b.Filtered, &b.NonIP, &b.Undecodable, &b.Decoded,
		&b.LocalOnly, &b.OnePublic, &b.TwoPublic, &b.Folded, &b.Late}
}

// Public returns the headline: packets with at least one public endpoint.
func (b *Books) Public() Count {
	c := b.OnePublic
	c.Add(b.TwoPublic)
	return c
}

// Check reports every equation of the books that does not hold, given the sum of
// all points that belong to them. Ring = Frames + Drops is only true of a run that
// has ended and drained its rings, so it is checked where drained is set.
func (b *Books) Check(points Count, drained bool) error {
	var errs []error
	equal := func(what string, left, right Count) {
		if left != right {
			errs = append(errs, fmt.Errorf("books: %s: %d packets %d bytes against %d packets %d bytes",
				what, left.Packets, left.Bytes, right.Packets, right.Bytes))
		}
	}
	sum := func(parts ...Count) (c Count) {
		for _, p := range parts {
			c.Add(p)
		}
		return c
	}
	equal("captured = filtered + non_ip + undecodable + decoded", b.Captured,
		sum(b.Filtered, b.NonIP, b.Undecodable, b.Decoded))
	equal("decoded = local_only + one_public + two_public", b.Decoded,
		sum(b.LocalOnly, b.OnePublic, b.TwoPublic))
	equal("points = one_public + 2 × two_public", points, sum(b.OnePublic, b.TwoPublic, b.TwoPublic))
	if drained && b.Ring != b.Frames+b.Drops {
		errs = append(errs, fmt.Errorf("books: ring %d = frames %d + drops %d", b.Ring, b.Frames, b.Drops))
	}
	return errors.Join(errs...)
}

// GeoSource names a GeoIP database that points were located by.
type GeoSource struct {
	Kind        string // "city" or "asn"
	Name        string // "DB-IP City Lite", "GeoLite2-City" …
	Built       time.Time
	Attribution string // text that must be shown with results; may be empty
	URL         string // link that goes with it
}

// Batch is what one commit adds: the points of one sensor and tick, with their
// books and the part of the tick that the sensor was capturing in. Batches of the
// same Sensor and Tick differ in Seq; their sums add up. The same (Sensor, Tick,
// Seq) twice is the same batch and counts once.
type Batch struct {
	Sensor   string
	Tick     time.Time // start, a multiple of Interval since the Unix epoch, UTC
	Interval time.Duration
	Seq      uint32 // 0 for the tick itself, later ones for late packets and restarts

	From, To time.Time // capture was on for this part of the tick, half-open
	Points   []Point
	Books    Books
	Geo      []GeoSource
}

// Check reports the first rule that the batch breaks.
func (b *Batch) Check() error {
	switch {
	case b.Sensor == "":
		return errors.New("batch has no sensor name")
	case CheckTick(b.Interval) != nil:
		return CheckTick(b.Interval)
	case b.Tick.Nanosecond() != 0 || b.Tick.Unix()%int64(b.Interval/time.Second) != 0: // not UnixNano: it ends in 2262
		return fmt.Errorf("batch tick %s is not a multiple of %s", b.Tick.UTC().Format(time.RFC3339Nano), b.Interval)
	}
	for i := range b.Points {
		p := &b.Points[i]
		if err := p.Check(); err != nil {
			return err
		}
		if !p.Time.Equal(b.Tick) || p.Sensor != b.Sensor {
			return fmt.Errorf("point of %s at %s is not of sensor %q, tick %s", p.Addr, p.Time, b.Sensor, b.Tick)
		}
	}
	return nil
}

// Commit announces a batch that has been committed. Reader's watchers get it.
type Commit struct {
	Sensor   string
	Tick     time.Time
	Interval time.Duration
	Seq      uint32
	Points   int
	Public   Count // packets with a public endpoint, as Books.Public
	Drops    uint64
}
