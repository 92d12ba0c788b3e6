package sensor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/gopacket/layers"
	"golang.org/x/net/bpf"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
	"github.com/packetheat/packetheat/store"
)

// patience is how long a busy machine may take for what comes at once on a quiet one.
// It only bounds how long a mistake is waited for.
const patience = 2 * time.Minute

// inside runs every question to the kernel in the namespace of one end.
func inside(t *testing.T, e *capturetest.End) system {
	outer := kernel()
	return system{
		open: func(cfg capture.RingConfig, f Filter) (sources []Source, err error) {
			e.Do(t, func() { sources, err = outer.open(cfg, f) })
			return sources, err
		},
		resolve: func(names []string) (c choice, err error) {
			e.Do(t, func() { c, err = outer.resolve(names) })
			return c, err
		},
		watch: func(ctx context.Context) (c <-chan struct{}, err error) {
			e.Do(t, func() { c, err = outer.watch(ctx) })
			return c, err
		},
		waitUp: func(ctx context.Context, name string) (err error) {
			e.Do(t, func() { err = outer.waitUp(ctx, name) })
			return err
		},
		networks: func() (n []netip.Prefix, err error) {
			e.Do(t, func() { n, err = outer.networks() })
			return n, err
		},
		losses: func(indexes []int) (l map[int]capture.InterfaceLoss, err error) {
			e.Do(t, func() { l, err = outer.losses(indexes) })
			return l, err
		},
		backlog: outer.backlog,
	}
}

// liveRun starts a sensor on the sensor's end of a link.
func liveRun(t *testing.T, link *capturetest.Link, shards int, change ...func(*Config)) (m *memory, s *Sensor, stop func() error) {
	t.Helper()
	live := Live{Interfaces: []string{link.Sensor.Name}, Ring: capture.RingConfig{Shards: shards}, RingTotal: 64 << 20}
	return runLive(t, link.Sensor, live, change...)
}

// runLive starts a sensor in the namespace of an end. Where it is not stopped before,
// the end of the test stops it.
func runLive(t *testing.T, end *capturetest.End, live Live, change ...func(*Config)) (m *memory, s *Sensor, stop func() error) {
	t.Helper()
	m = &memory{}
	s = newSensor(t, m, func(c *Config) {
		c.Tick = time.Second
		for _, f := range change {
			f(c)
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.runOn(ctx, live, inside(t, end)) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	select {
	case <-s.Ready():
	case err := <-ended:
		t.Fatalf("run ended before it was ready: %v", err)
	case <-time.After(patience):
		t.Fatalf("not ready after %v", patience)
	}
	t.Cleanup(func() { _ = stop() })
	return m, s, stop
}

// expected counts frames as the contract does, from what the test meant to send.
type expected map[string][3]uint64 // packets, bytes, opens

func liveKey(addr, peer netip.Addr, d store.Direction, proto uint8, port int) string {
	return fmt.Sprintf("%s %s %s %s %d", addr, peer, d, store.ProtoName(proto), port)
}

func (e expected) add(addr, peer string, d store.Direction, proto uint8, port int, size int, open bool) {
	k := liveKey(netip.MustParseAddr(addr), netip.MustParseAddr(peer), d, proto, port)
	v := e[k]
	v[0]++
	v[1] += uint64(size)
	if open {
		v[2]++
	}
	e[k] = v
}

func measured(points []store.Point) expected {
	e := expected{}
	for _, p := range points {
		port := -1
		if p.HasPort {
			port = int(p.Port)
		}
		k := liveKey(p.Addr.Addr(), p.Peer.Addr(), p.Direction, p.Proto, port)
		v := e[k]
		e[k] = [3]uint64{v[0] + p.Packets, v[1] + p.Bytes, v[2] + p.Opens}
	}
	return e
}

// traffic makes frames between thousands of public addresses and a home network.
func traffic(t *testing.T, n int) ([][]byte, expected) {
	r := rand.New(rand.NewPCG(7, 7))
	want := expected{}
	var frames [][]byte
	for range n {
		public, home := netip.AddrFrom4([4]byte{45, byte(r.IntN(8)), byte(r.IntN(64)), byte(r.IntN(8))}).String(), "192.168.7.9"
		if r.IntN(3) == 0 {
			public, home = fmt.Sprintf("2606:4700::%x", r.IntN(2000)), "fd00::9"
		}
		src, dst, d := public, home, store.In
		if r.IntN(2) == 0 {
			src, dst, d = home, public, store.Out
		}
		var f []byte
		switch r.IntN(4) {
		case 0, 1:
			syn, ack := r.IntN(2) == 0, r.IntN(2) == 0
			f = tcp(t, src, dst, uint16(30000+r.IntN(1000)), uint16(400+r.IntN(50)), syn, ack)
			f = tagged(f, r.IntN(3) == 0)
			want.add(public, home, d, 6, portOf(f), len(f), syn && !ack)
		case 2:
			f = tagged(udp(t, src, dst, 53, uint16(30000+r.IntN(1000))), r.IntN(3) == 0)
			want.add(public, home, d, 17, 53, len(f), false)
		default:
			proto, layer := layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: 0x0800}
			if is6(src) {
				f = frame(t, src, dst, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: 0x8000})
				want.add(public, home, d, 58, -1, len(f), false)
			} else {
				f = frame(t, src, dst, proto, layer)
				want.add(public, home, d, 1, -1, len(f), false)
			}
		}
		frames = append(frames, f)
	}
	return frames, want
}

// portOf reads the lower TCP port of a frame that tagged may have tagged.
func portOf(f []byte) int {
	if f[12] == 0x81 {
		f = f[4:]
	}
	ip, header := f[14:], 20
	if f[12] == 0x86 {
		header = 40
	}
	l4 := ip[header:]
	return min(int(l4[0])<<8|int(l4[1]), int(l4[2])<<8|int(l4[3]))
}

// Everything sent over a veth pair is in the batches, to the packet and the byte.
func TestLiveExact(t *testing.T) {
	capturetest.RequireCapture(t)
	for _, shards := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			link := capturetest.Veth(t)
			m, s, stop := liveRun(t, link, shards)
			frames, want := traffic(t, 20_000)
			sent, err := link.Peer.Sender(t).Send(frames, len(frames), 50_000, nil)
			if err != nil || sent != len(frames) {
				t.Fatalf("sent %d of %d frames: %v", sent, len(frames), err)
			}
			if err := stop(); err != nil { // at once: what is in the open block must not be lost
				t.Fatal(err)
			}
			books := m.checkBooks(t, true)
			if books.Drops != 0 || books.Captured.Packets != uint64(sent) {
				t.Errorf("sent %d, books %+v", sent, books)
			}
			if diff := gocmp.Diff(want, measured(m.points())); diff != "" {
				t.Errorf("points differ from what was sent (-want +got):\n%.2000s", diff)
			}
			if st := s.Status(); st.Books != books {
				t.Errorf("status says %+v, batches %+v", st.Books, books)
			}
		})
	}
}

// Stopped in the middle of a flood, what was not dropped is stored and the books
// balance.
func TestLiveStoppedInFlood(t *testing.T) {
	capturetest.RequireCapture(t)
	link := capturetest.Veth(t)
	m, s, stop := liveRun(t, link, 2)
	frames, _ := traffic(t, 5000)
	quit := make(chan struct{})
	sender := link.Peer.Sender(t)
	done := make(chan int, 1)
	go func() {
		sent, _ := sender.Send(frames, 20_000_000, 0, quit)
		done <- sent
	}()
	for end := time.Now().Add(patience); s.Status().Books.Captured.Packets == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	err := stop()
	close(quit)
	sent := <-done
	if err != nil {
		t.Fatal(err)
	}
	books := m.checkBooks(t, true)
	if books.Captured.Packets == 0 || books.Ring > uint64(sent) {
		t.Errorf("sent %d, books %+v", sent, books)
	}
	t.Logf("sent %d, ring %d, drops %d, ticks %d", sent, books.Ring, books.Drops, len(m.batches))
}

// An idle sensor still commits its ticks: idle is not off.
func TestLiveIdleIsCovered(t *testing.T) {
	t.Parallel()
	capturetest.RequireCapture(t)
	link := capturetest.Veth(t)
	m, _, stop := liveRun(t, link, 2)
	for end := time.Now().Add(patience); m.count() < 3 && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for i, b := range m.batches {
		if b.Seq != 0 {
			t.Errorf("batch %d of tick %s has seq %d", i, b.Tick, b.Seq)
		}
	}
	if len(m.batches) < 3 {
		t.Fatalf("%d ticks in %v", len(m.batches), patience)
	}
	first, last := m.batches[0], m.batches[len(m.batches)-1]
	if first.From.Equal(first.Tick) || last.To.Equal(last.Tick.Add(time.Second)) {
		t.Errorf("first and last tick are not cut to the run: %s–%s, %s–%s", first.From, first.To, last.From, last.To)
	}
}

// An interface that goes down, away and comes back is captured again by itself.
func TestLiveInterfaceComesBack(t *testing.T) {
	t.Parallel()
	capturetest.RequireCapture(t)
	link := capturetest.Veth(t)
	m, s, stop := liveRun(t, link, 1)
	frames, _ := traffic(t, 1000)
	send := func() {
		t.Helper()
		if _, err := link.Peer.Sender(t).Send(frames, len(frames), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	captured := func(n uint64) {
		t.Helper()
		for end := time.Now().Add(patience); s.Status().Books.Captured.Packets < n; {
			if time.Now().After(end) {
				t.Fatalf("captured %d packets, want %d: %+v", s.Status().Books.Captured.Packets, n, s.Status().Interfaces)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	send()
	captured(1000)
	l := &life{T: t, sensor: s}
	link.Sensor.SetUp(t, false)
	l.state(link.Sensor.Name, "waiting: ")
	link.Sensor.SetUp(t, true)
	l.state(link.Sensor.Name, "capturing")
	send()
	captured(2000)
	link.Sensor.Delete(t)
	l.state(link.Sensor.Name, "waiting: ")
	link.Connect(t)
	for end := time.Now().Add(patience); s.Status().Books.Captured.Packets < 3000 && time.Now().Before(end); {
		send() // until the new interface has been opened
		time.Sleep(100 * time.Millisecond)
	}
	captured(3000)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m.checkBooks(t, false)
}

// conditions make a filter that takes DNS and one VLAN, but nothing of one network.
func conditions(linkType uint16, live bool) ([]bpf.RawInstruction, error) {
	return capture.CompileFilter(
		[]capture.Condition{{Ports: []capture.PortRange{{Low: 53, High: 53}}}, {VLANs: []uint16{7}}},
		[]capture.Condition{{Networks: prefixes("45.1.0.0/16")}}, linkType, live)
}

// The kernel's filter on a ring and ours on a file take the same frames, tagged ones
// and those whose tag the kernel has taken out included.
func TestLiveFilterAgreesWithReplay(t *testing.T) {
	t.Parallel()
	capturetest.RequireCapture(t)
	link := capturetest.Veth(t)
	filtered := func(c *Config) { c.Filter = conditions }
	m, _, stop := liveRun(t, link, 1, filtered)
	frames, _ := traffic(t, 8000)
	if _, err := link.Peer.Sender(t).Send(frames, len(frames), 50_000, nil); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	m.checkBooks(t, true)
	var packets []packet
	for _, f := range frames {
		packets = append(packets, packet{noon, f})
	}
	file := replay(t, packets, filtered)
	books := file.checkBooks(t, true)
	if books.Filtered.Packets == 0 || books.Decoded.Packets == 0 {
		t.Errorf("the filter is one-sided: %+v", books)
	}
	if diff := gocmp.Diff(measured(file.points()), measured(m.points())); diff != "" {
		t.Errorf("live differs from replay (-file +live):\n%.2000s", diff)
	}
}
