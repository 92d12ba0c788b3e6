package sensor

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// life is a live run with what its tests ask again and again.
type life struct {
	*testing.T
	link   *capturetest.Link
	memory *memory
	sensor *Sensor
	stop   func() error

	public uint64 // packets with one public end that a test has sent; 0: it does not say

	mu     sync.Mutex
	chosen []string // what OnChoice was told, names joined by commas
}

// startLife starts a sensor on interfaces in the sensor's namespace of a link.
func startLife(t *testing.T, link *capturetest.Link, interfaces ...string) *life {
	t.Helper()
	l := &life{T: t, link: link}
	live := Live{
		Interfaces: interfaces, Ring: capture.RingConfig{Shards: 2, BlockTimeout: 10 * time.Millisecond}, RingTotal: 64 << 20,
		OnChoice: func(names []string, reason string, _ bool) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.chosen = append(l.chosen, strings.Join(names, ","))
		},
	}
	l.memory, l.sensor, l.stop = runLive(t, link.Sensor, live)
	return l
}

// wait waits for a condition.
func (l *life) wait(what string, is func(Status) bool) {
	l.Helper()
	for end := time.Now().Add(patience); !is(l.sensor.Status()); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			l.Fatalf("waited %v for %s: %+v", patience, what, l.sensor.Status().Interfaces)
		}
	}
}

// state waits until an interface is said to be in a state that begins so.
func (l *life) state(name, state string) {
	l.Helper()
	l.wait(name+" "+state, func(s Status) bool {
		return slices.ContainsFunc(s.Interfaces, func(i InterfaceStatus) bool { return i.Name == name && strings.HasPrefix(i.State, state) })
	})
}

// choice waits until the latest choice is this one.
func (l *life) choice(names string) {
	l.Helper()
	l.wait("choice "+names, func(Status) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.chosen) > 0 && l.chosen[len(l.chosen)-1] == names
	})
}

// send sends n frames over a link, from 45.0.0.1 to a private address.
func (l *life) send(link *capturetest.Link, n int) {
	l.Helper()
	l.sendFrames(link, [][]byte{udp(l, "45.0.0.1", "192.168.7.9", 53, 40000)}, n)
}

// sendFrames sends n frames over a link.
func (l *life) sendFrames(link *capturetest.Link, frames [][]byte, n int) {
	l.Helper()
	if sent, err := link.Peer.Sender(l).Send(frames, n, 0, nil); err != nil || sent != n {
		l.Fatalf("sent %d of %d frames: %v", sent, n, err)
	}
}

// captured waits until so many packets were captured in all.
func (l *life) captured(n uint64) {
	l.Helper()
	l.wait(fmt.Sprint(n, " packets"), func(s Status) bool { return s.Books.Captured.Packets >= n })
}

// end stops the run and checks its books.
func (l *life) end() {
	l.Helper()
	if err := l.stop(); err != nil {
		l.Fatal(err)
	}
	books := l.memory.checkBooks(l.T, false)
	if l.public > 0 && books.OnePublic.Packets != l.public {
		l.Errorf("%d frames sent, %d counted", l.public, books.OnePublic.Packets)
	}
}

// covered returns how much of a stretch of time the batches say was captured.
func (l *life) covered(from, to time.Time) (sum time.Duration) {
	for _, b := range l.memory.batches {
		a, z := b.From, b.To
		if a.Before(from) {
			a = from
		}
		if z.After(to) {
			z = to
		}
		sum += max(z.Sub(a), 0)
	}
	return sum
}

// another makes a second pair of interfaces between the same namespaces.
func another(t *testing.T, link *capturetest.Link) *capturetest.Link {
	t.Helper()
	second := &capturetest.Link{Sensor: link.Sensor.Interface("sensor1"), Peer: link.Peer.Interface("peer1")}
	second.Connect(t)
	return second
}

// within runs netlink calls in the namespace of an end.
func within(t *testing.T, e *capturetest.End, call func() error) {
	t.Helper()
	var err error
	e.Do(t, func() { err = call() })
	if err != nil {
		t.Helper()
		t.Fatal(err)
	}
}

// A sensor started before its interface exists, and on one that is down, waits and
// then captures; what it waited for is no idle time.
func TestLifeStartsBeforeInterface(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	link.Sensor.Delete(t)
	l := startLife(t, link, link.Sensor.Name)
	begin := time.Now()
	l.state(link.Sensor.Name, "waiting: ")
	time.Sleep(1200 * time.Millisecond)
	there := time.Now()
	link.Connect(t)
	l.state(link.Sensor.Name, "capturing")
	l.send(link, 500)
	l.captured(500)
	l.end()
	if off := l.covered(begin, there); off > 0 {
		t.Errorf("%v before the interface existed count as captured", off)
	}
	if on := l.covered(there, time.Now()); on <= 0 {
		t.Error("nothing after that does")
	}
}

func TestLifeStartsDown(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	link.Sensor.SetUp(t, false)
	l := startLife(t, link, link.Sensor.Name)
	l.state(link.Sensor.Name, "waiting: ")
	link.Sensor.SetUp(t, true)
	l.state(link.Sensor.Name, "capturing")
	l.send(link, 500)
	l.captured(500)
	l.end()
}

// While its interface is down a sensor costs next to nothing, and the time is a gap in
// the coverage, from when it is noticed.
func TestLifeDownIsNotIdle(t *testing.T) {
	link := capturetest.Veth(t)
	l := startLife(t, link, link.Sensor.Name)
	l.send(link, 100)
	l.captured(100)
	up := time.Now()
	time.Sleep(1200 * time.Millisecond)
	still := time.Now()
	link.Sensor.SetUp(t, false)
	l.state(link.Sensor.Name, "waiting: interface is down")
	down := time.Now()
	before := cpuTime(t)
	time.Sleep(1500 * time.Millisecond)
	// 2 % of a core are 30 ms; a loop without sleep would take 1.5 s.
	if used := cpuTime(t) - before; used > 400*time.Millisecond {
		t.Errorf("1.5 s of waiting took %v of processor time", used)
	}
	again := time.Now()
	link.Sensor.SetUp(t, true)
	l.state(link.Sensor.Name, "capturing")
	l.send(link, 100)
	l.captured(200)
	back := time.Now()
	time.Sleep(1200 * time.Millisecond)
	l.end()
	if on := l.covered(down, again); on > 0 {
		t.Errorf("%v of the %v down count as captured", on, again.Sub(down))
	}
	if on, want := l.covered(up, still), still.Sub(up); on < want-time.Millisecond {
		t.Errorf("%v of the %v before count as captured", on, want)
	}
	if on := l.covered(back, back.Add(time.Second)); on < time.Second-time.Millisecond {
		t.Errorf("%v of the second after count as captured", on)
	}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &use); err != nil {
		t.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// A renamed interface is captured on, without a gap; when another one takes the name
// that the configuration has, that one is.
func TestLifeRenamed(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	l := startLife(t, link, link.Sensor.Name)
	l.send(link, 100)
	begin := time.Now()
	rename(t, link.Sensor, "wan0")
	time.Sleep(500 * time.Millisecond)
	l.send(link, 100)
	l.captured(200)
	second := &capturetest.Link{Sensor: link.Sensor.Interface(capturetest.SensorInterface), Peer: link.Peer.Interface("peer1")}
	moved := time.Now()
	second.Connect(t) // another sensor0
	for end := time.Now().Add(patience); l.sensor.Status().Books.Captured.Packets < 250 && time.Now().Before(end); {
		l.send(second, 50)
		time.Sleep(100 * time.Millisecond)
	}
	l.captured(250)
	l.wait("the old rings to be closed", func(s Status) bool {
		shards := 0
		for _, i := range s.Interfaces {
			shards += i.Shards
		}
		return shards == 2
	})
	have := l.sensor.Status().Books.Captured.Packets
	l.send(link, 100) // the old one is captured no more
	time.Sleep(300 * time.Millisecond)
	l.end()
	if got := l.sensor.Status().Books.Captured.Packets; got >= have+100 {
		t.Errorf("%d packets, %d before: the renamed interface is still captured", got, have)
	}
	if on := l.covered(begin, moved); on < moved.Sub(begin)-time.Millisecond { // two clocks
		t.Errorf("of %v after the renaming %v are covered", moved.Sub(begin), on)
	}
}

func rename(t *testing.T, e *capturetest.End, to string) {
	t.Helper()
	within(t, e, func() error {
		l, err := netlink.LinkByName(e.Name)
		if err != nil {
			return err
		}
		return netlink.LinkSetName(l, to)
	})
}

// An address that is added while the sensor runs is local from the next tick on.
func TestLifeAddressAdded(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	l := startLife(t, link, link.Sensor.Name)
	sender := link.Peer.Sender(t)
	frames := [][]byte{udp(t, "45.0.0.1", "46.0.0.9", 53, 40000)}
	send := func() {
		if _, err := sender.Send(frames, 20, 0, nil); err != nil {
			t.Error(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	send()
	l.wait("two public ends", func(s Status) bool { return s.Books.TwoPublic.Packets > 0 })
	link.Sensor.AddAddress(t, "46.0.0.9/32")
	l.wait("one public end", func(s Status) bool { send(); return s.Books.OnePublic.Packets > 0 })
	was := l.sensor.Status().Books.TwoPublic.Packets
	send()
	l.end()
	if b := l.sensor.Status().Books; b.TwoPublic.Packets > was+20 {
		t.Errorf("two public ends still grow: %d, %d", was, b.TwoPublic.Packets)
	}
}

// defaultRoute makes or moves the default route.
func defaultRoute(t *testing.T, e *capturetest.End) {
	t.Helper()
	within(t, e, func() error {
		l, err := netlink.LinkByName(e.Name)
		if err != nil {
			return err
		}
		return netlink.RouteReplace(&netlink.Route{
			LinkIndex: l.Attrs().Index, Scope: netlink.SCOPE_LINK,
			Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		})
	})
}

// The capture follows the default route from one interface to another; without one it
// takes all, and when it goes, stays.
func TestLifeFollowsDefaultRoute(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	l := startLife(t, link, capture.DefaultRoute)
	l.choice("sensor0") // the fallback
	second := another(t, link)
	l.choice("sensor0,sensor1")
	l.state("sensor1", "capturing")
	l.send(link, 100)
	l.send(second, 10)
	l.captured(110)
	defaultRoute(t, link.Sensor)
	l.choice("sensor0")
	l.state("sensor1", "stopped")
	l.send(second, 1000)
	l.send(link, 100)
	l.captured(210)
	defaultRoute(t, second.Sensor)
	l.choice("sensor1")
	l.state("sensor0", "stopped")
	l.state("sensor1", "capturing")
	l.send(link, 1000)
	l.send(second, 100)
	l.captured(310)
	second.Sensor.SetUp(t, false) // takes the route along
	l.state("sensor1", "waiting: interface is down")
	second.Sensor.SetUp(t, true)
	l.state("sensor1", "capturing")
	l.send(link, 1000)
	l.send(second, 100)
	l.captured(410)
	l.end()
	if got := l.sensor.Status().Books.Captured.Packets; got != 410 {
		t.Errorf("captured %d packets, want 410: those of the interface that has the route", got)
	}
}

// The memory for rings is shared by the interfaces that there are, and said.
func TestLifeSharesRingMemory(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	another(t, link)
	l := startLife(t, link, "sensor0", "sensor1")
	st := l.sensor.Status()
	for _, i := range st.Interfaces {
		if i.Shards != 2 || i.RingBytes != 32<<20 || i.RingWanted != 32<<20 {
			t.Errorf("%s: %d shards, %d bytes of %d wanted, want 2 with half of 64 MiB", i.Name, i.Shards, i.RingBytes, i.RingWanted)
		}
	}
	l.end()
	for _, i := range l.sensor.Status().Interfaces {
		if i.Shards != 0 || i.RingBytes != 0 {
			t.Errorf("%s: %d shards, %d bytes after the end", i.Name, i.Shards, i.RingBytes)
		}
	}
}
