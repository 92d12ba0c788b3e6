package demo

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/google/gopacket/layers"
)

// The home network whose traffic the demo shows. Its addresses are private, so the
// sensor knows by itself that they are ours.
var (
	home4 = netip.MustParsePrefix("192.168.77.0/24")
	home6 = netip.MustParsePrefix("fd00:77::/64")
)

func isHome(a netip.Addr) bool { return home4.Contains(a) || home6.Contains(a) }

// Day is how long the sun takes around the demo's world: the traffic of a place is
// busiest at its noon, so that waves roll over the map while somebody watches.
const Day = 4 * time.Minute

// Traffic is an endless, repeatable sequence of frames: the same world and seed give
// the same frames at the same times. It is for one goroutine. Its memory is bounded,
// because conversations begin at fixed rates and end within a minute.
type Traffic struct {
	world *World
	rng   *rand.Rand
	queue queue
	order uint64 // events of one moment happen in the order they were planned
	now   time.Duration
	out   func(time.Duration, []byte) error
	err   error
	enc   *encoder
}

// NewTraffic returns the traffic of w from its beginning.
func NewTraffic(seed uint64, w *World) *Traffic {
	t := &Traffic{world: w, rng: rand.New(rand.NewPCG(seed, 2)), enc: newEncoder()}
	t.rhythm(110*time.Millisecond, t.browse)
	t.rhythm(400*time.Millisecond, t.visitor)
	t.rhythm(350*time.Millisecond, t.stream)
	t.rhythm(45*time.Millisecond, t.resolve)
	t.rhythm(130*time.Millisecond, t.ping)
	t.rhythm(25*time.Millisecond, t.probe)
	t.at(2*time.Second, t.tunnel)
	t.at(3*time.Second, t.call)
	t.at(20*time.Second, t.backup)
	t.at(45*time.Second, t.sweep)
	t.at(90*time.Second, t.flood)
	return t
}

// Until calls emit with every frame that is due before end, counted from the
// beginning, in order of time. A frame is valid until emit returns. An error of emit
// ends the sequence and is returned, then and ever after.
func (t *Traffic) Until(end time.Duration, emit func(at time.Duration, frame []byte) error) error {
	t.out = emit
	for t.err == nil && len(t.queue) > 0 && t.queue[0].at < end {
		e := heap.Pop(&t.queue).(event)
		t.now = e.at
		e.run()
	}
	t.out = nil
	return t.err
}

// at plans run after a delay.
func (t *Traffic) at(delay time.Duration, run func()) {
	t.order++
	heap.Push(&t.queue, event{t.now + delay, t.order, run})
}

// rhythm plans run again and again, on average once every mean, as independent
// people do (exponential gaps).
func (t *Traffic) rhythm(mean time.Duration, run func()) {
	gap := time.Duration(float64(mean) * min(t.rng.ExpFloat64(), 8))
	t.at(gap, func() {
		run()
		t.rhythm(mean, run)
	})
}

// send plans a packet after a delay.
func (t *Traffic) send(delay time.Duration, p packet) {
	t.at(delay, func() {
		frame, err := t.enc.encode(&p)
		if err == nil {
			err = t.out(t.now, frame)
		}
		t.err = err
	})
}

// remote picks a host, preferring those where it is day, and the first of the list, as
// some places are more popular than others; one in four is IPv6.
func (t *Traffic) remote() Host {
	hosts := t.world.V4
	if t.rng.IntN(4) == 0 {
		hosts = t.world.V6
	}
	for {
		popular := t.rng.Float64()
		if h := hosts[int(popular*popular*float64(len(hosts)))]; t.rng.Float64() < daylight(h.Lon, t.now) {
			return h
		}
	}
}

// daylight is between 0.08 (the middle of the night) and 1 (noon).
func daylight(lon float64, now time.Duration) float64 {
	hour := 2*math.Pi*float64(now%Day)/float64(Day) + lon*math.Pi/180
	return 0.08 + 0.92*max(0, math.Cos(hour))
}

// local returns an address at home of the same IP version as its peer. Hosts 10 to
// 59 are people's, hosts 2 to 5 are servers.
func local(peer netip.Addr, host int) netip.Addr {
	if peer.Is4() {
		b := home4.Addr().As4()
		b[3] = byte(host)
		return netip.AddrFrom4(b)
	}
	b := home6.Addr().As16()
	b[15] = byte(host)
	return netip.AddrFrom16(b)
}

// client returns an endpoint of somebody at home, with a port of the dynamic range.
func (t *Traffic) client(peer netip.Addr) endpoint {
	return endpoint{local(peer, 10+t.rng.IntN(50)), t.ephemeral()}
}

func (t *Traffic) ephemeral() uint16 { return uint16(32768 + t.rng.IntN(28000)) }

// rtt is the time to a host and back, by its distance from a home in Europe:
// 100 km of cable cost a millisecond, and there are detours.
func (t *Traffic) rtt(h Host) time.Duration {
	km := 111 * math.Hypot(h.Lat-48, (h.Lon-10)*0.7)
	return time.Duration((8 + km/70) * float64(time.Millisecond) * (0.9 + 0.2*t.rng.Float64()))
}

// event is something that happens at a time.
type event struct {
	at    time.Duration
	order uint64
	run   func()
}

// queue is a container/heap of events, the next one first.
type queue []event

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].order < q[j].order
}
func (q *queue) Push(x any) { *q = append(*q, x.(event)) }
func (q *queue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}

// Protocols that conversations use.
const (
	tcp  = layers.IPProtocolTCP
	udp  = layers.IPProtocolUDP
	echo = layers.IPProtocolICMPv4
	esp  = layers.IPProtocolESP
)
