package sensor

import (
	"encoding/binary"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// addLink makes an interface in the namespace of an end and brings it up.
func addLink(t *testing.T, e *capturetest.End, l netlink.Link) {
	t.Helper()
	lacking := false
	within(t, e, func() error {
		err := netlink.LinkAdd(l)
		if lacking = errors.Is(err, unix.EOPNOTSUPP); lacking {
			return nil
		}
		if err != nil {
			return err
		}
		const none = 1 // IN6_ADDR_GEN_MODE_NONE: quiet
		_ = netlink.LinkSetIP6AddrGenMode(l, none)
		return netlink.LinkSetUp(l)
	})
	if lacking {
		t.Skipf("this kernel has no %s", l.Type())
	}
}

// fromPublic is a frame from a public to a private address, with the right checksum in
// its IP header: br_netfilter looks.
func fromPublic(t *testing.T) []byte {
	f := udp(t, "45.0.0.1", "192.168.7.9", 53, 40000)
	ip := f[14:34]
	ip[10], ip[11] = 0, 0
	var sum uint32
	for i := 0; i < len(ip); i += 2 {
		sum += uint32(ip[i])<<8 | uint32(ip[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	ip[10], ip[11] = ^uint8(sum>>8), ^uint8(sum)
	return f
}

func named(name string) netlink.LinkAttrs {
	a := netlink.NewLinkAttrs()
	a.Name = name
	return a
}

// enslave makes interfaces of one namespace ports of a bridge there.
func enslave(t *testing.T, bridge *capturetest.End, ports ...*capturetest.End) {
	t.Helper()
	within(t, bridge, func() error {
		master, err := netlink.LinkByName(bridge.Name)
		if err != nil {
			return err
		}
		for _, port := range ports {
			l, err := netlink.LinkByName(port.Name)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(l, master); err != nil {
				return err
			}
		}
		return nil
	})
}

func indexOf(t *testing.T, e *capturetest.End) (index int) {
	t.Helper()
	within(t, e, func() error {
		i, err := net.InterfaceByName(e.Name)
		if err == nil {
			index = i.Index
		}
		return err
	})
	return index
}

// exactly sends n frames from a public address, of which end checks that each was
// counted once. (Bridges speak multicast, which is local, when they like.)
func (l *life) exactly(link *capturetest.Link, f []byte, n int) {
	l.Helper()
	l.sendFrames(link, [][]byte{f}, n)
	l.public += uint64(n)
	l.wait("packets", func(s Status) bool { return s.Books.OnePublic.Packets >= l.public })
}

// What a bridge passes from port to port, and what it takes for itself, counts once.
func TestAnyBridge(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	second := another(t, link)
	bridge := link.Sensor.Interface("br0")
	off := false
	addLink(t, bridge, &netlink.Bridge{LinkAttrs: named("br0"), MulticastSnooping: &off})
	enslave(t, bridge, link.Sensor, second.Sensor)
	l := startLife(t, link, capture.AnyInterface)
	l.choice("br0")
	time.Sleep(100 * time.Millisecond)
	passing := fromPublic(t) // to a machine that no port has
	l.exactly(link, passing, 200)
	mine := append([]byte{}, passing...)
	within(t, bridge, func() error {
		i, err := net.InterfaceByName("br0")
		if err == nil {
			copy(mine, i.HardwareAddr)
		}
		return err
	})
	l.exactly(second, mine, 200)
	l.end()
}

// A bridge that is made while the sensor runs takes the place of its ports.
func TestAnyBridgeComes(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	second := another(t, link)
	l := startLife(t, link, capture.AnyInterface)
	l.choice("sensor0,sensor1")
	bridge := link.Sensor.Interface("br0")
	addLink(t, bridge, &netlink.Bridge{LinkAttrs: named("br0")})
	enslave(t, bridge, link.Sensor, second.Sensor)
	l.choice("br0")
	l.state("br0", "capturing")
	l.state("sensor0", "stopped")
	l.state("sensor1", "stopped")
	time.Sleep(200 * time.Millisecond)
	l.exactly(link, fromPublic(t), 200)
	l.end()
}

// A frame for a VLAN counts once, with its tag, though it passes the parent and the child.
func TestAnyVLAN(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	attrs := named("sensor0.7")
	attrs.ParentIndex = indexOf(t, link.Sensor)
	addLink(t, link.Sensor.Interface("sensor0.7"), &netlink.Vlan{LinkAttrs: attrs, VlanId: 7, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q})
	l := startLife(t, link, capture.AnyInterface)
	l.choice("sensor0")
	f := tagged(udp(t, "45.0.0.1", "192.168.7.9", 53, 40000), true)
	l.exactly(link, f, 200)
	l.end()
	if got := l.sensor.Status().Books.OnePublic.Bytes; got != uint64(200*len(f)) {
		t.Errorf("%d bytes in 200 frames of %d", got, len(f))
	}
}

func TestAnyMacvlan(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	attrs := named("mac0")
	attrs.ParentIndex = indexOf(t, link.Sensor)
	attrs.HardwareAddr = net.HardwareAddr{2, 0, 0, 0, 7, 7}
	addLink(t, link.Sensor.Interface("mac0"), &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE})
	l := startLife(t, link, capture.AnyInterface)
	l.choice("sensor0")
	f := udp(t, "45.0.0.1", "192.168.7.9", 53, 40000)
	copy(f, attrs.HardwareAddr)
	l.exactly(link, f, 200)
	l.end()
}

// Of a veth pair with both ends here one is captured, and it sees both directions.
func TestAnyVethPair(t *testing.T) {
	t.Parallel()
	link := capturetest.Veth(t)
	addLink(t, link.Sensor.Interface("pair0"), &netlink.Veth{LinkAttrs: named("pair0"), PeerName: "pair1"})
	link.Sensor.Interface("pair1").SetUp(t, true)
	quiet(t, link.Sensor.Interface("pair1"))
	l := startLife(t, link, capture.AnyInterface)
	l.wait("two choices", func(s Status) bool { return len(s.Interfaces) == 2 })
	f := fromPublic(t)
	for _, from := range []string{"pair0", "pair1", link.Peer.Name} {
		end := link.Sensor.Interface(from)
		if from == link.Peer.Name {
			end = link.Peer
		}
		l.exactly(&capturetest.Link{Peer: end}, f, 200)
	}
	l.end()
}

// quiet keeps IPv6 from speaking on an interface.
func quiet(t *testing.T, e *capturetest.End) {
	t.Helper()
	within(t, e, func() error {
		l, err := netlink.LinkByName(e.Name)
		if err == nil {
			_ = netlink.LinkSetIP6AddrGenMode(l, 1)
		}
		return err
	})
}

// A sensor with two shards that is started in a flood of packets, each from another
// address, counts none of them twice.
func TestLifeStartsInFlood(t *testing.T) {
	link := capturetest.Veth(t)
	frames := capturetest.UDPFrames(1000, 64)
	for _, f := range frames { // to a private address, or there would be two points each
		copy(f[30:], []byte{192, 168, 7, 9})
	}
	sender := link.Peer.Sender(t)
	quit, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for source := uint32(0x2d000000); ; { // 45.0.0.0
			for _, f := range frames {
				binary.BigEndian.PutUint32(f[26:], source)
				source++
			}
			if sent, err := sender.Send(frames, len(frames), 100_000, quit); err != nil || sent < len(frames) {
				done <- err
				return
			}
		}
	}()
	for sent, _ := link.Sensor.Received(t); sent < 5000; sent, _ = link.Sensor.Received(t) {
		time.Sleep(10 * time.Millisecond)
	}
	exact := func(c *Config) { c.MaxKeys = 1 << 20 } // also where many come at once
	m, s, stop := liveRun(t, link, 2, exact)
	for end := time.Now().Add(patience); s.Status().Books.Captured.Packets < 20_000 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	close(quit)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	m.checkBooks(t, true)
	seen := map[string]uint64{}
	for _, p := range m.points() {
		if seen[p.Addr.String()] += p.Packets; seen[p.Addr.String()] > 1 {
			t.Fatalf("%s was counted %d times", p.Addr, seen[p.Addr.String()])
		}
	}
	if len(seen) < 1000 {
		t.Errorf("only %d packets captured: %+v", len(seen), s.Status().Books)
	}
}
