package capturetest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface names of the two ends. They are the same in every test: each has
// namespaces of its own.
const (
	SensorInterface = "sensor0"
	PeerInterface   = "peer0"
)

// Link is a veth pair between two network namespaces of its own. IPv6, and with
// it router solicitations, duplicate address detection and MLD, is off in both,
// no address is set and no offload is on: nothing but what a test sends passes.
type Link struct {
	Sensor *End // where the capture runs
	Peer   *End // where frames come from
}

// End is one end of a Link: a network namespace and the interface in it. Its
// methods may be called from several goroutines.
type End struct {
	Name string           // of the interface
	MAC  net.HardwareAddr // of the interface
	ns   *os.File         // the namespace lives as long as this is open
}

// Veth makes a Link, whose interfaces are up, and removes it when the test ends.
// Where that is not allowed the test is skipped as RequireCapture says.
func Veth(t testing.TB) *Link {
	t.Helper()
	RequireCapture(t)
	l := &Link{Sensor: newNamespace(t), Peer: newNamespace(t)}
	l.Sensor.Name, l.Peer.Name = SensorInterface, PeerInterface
	l.Connect(t)
	return l
}

// Connect makes the veth pair and brings it up. Veth has done so; a test that
// deleted the pair makes it again with Connect.
func (l *Link) Connect(t testing.TB) {
	t.Helper()
	l.Sensor.Do(t, func() {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = l.Sensor.Name
		veth := &netlink.Veth{LinkAttrs: attrs, PeerName: l.Peer.Name, PeerNamespace: netlink.NsFd(int(l.Peer.ns.Fd()))}
		must(t, "make veth pair", netlink.LinkAdd(veth))
	})
	for _, e := range []*End{l.Sensor, l.Peer} {
		e.SetOffload(t, false)
		e.Do(t, func() {
			const none = 1 // IN6_ADDR_GEN_MODE_NONE
			link, err := netlink.LinkByName(e.Name)
			must(t, "find interface", err)
			// Where /proc/sys is read-only this alone keeps IPv6 quiet; where there
			// is no IPv6 it fails.
			_ = netlink.LinkSetIP6AddrGenMode(link, none)
			e.MAC = link.Attrs().HardwareAddr
		})
		e.SetUp(t, true)
	}
	l.Sensor.settle(t)
	l.Peer.settle(t)
}

// settle waits until the kernel has noticed that the interface has a carrier: what it
// then announces, and until then keeps from being sent, is not the test's.
func (e *End) settle(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		var state netlink.LinkOperState
		e.Do(t, func() {
			link, err := netlink.LinkByName(e.Name)
			must(t, "find interface", err)
			state = link.Attrs().OperState
		})
		if state == netlink.OperUp {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is %s a minute after it was brought up", e.Name, state)
		}
	}
}

// newNamespace makes a network namespace with loopback up and IPv6 off.
func newNamespace(t testing.TB) *End {
	t.Helper()
	e := &End{}
	onThread(t, func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		ns, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return fmt.Errorf("open network namespace: %w", err)
		}
		e.ns = ns
		for _, which := range []string{"all", "default"} {
			name := "/proc/sys/net/ipv6/conf/" + which + "/disable_ipv6"
			if err := os.WriteFile(name, []byte("1"), 0); err != nil && !os.IsNotExist(err) && !errors.Is(err, unix.EROFS) {
				return fmt.Errorf("switch off IPv6: %w", err)
			}
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find loopback: %w", err)
		}
		return netlink.LinkSetUp(lo)
	})
	t.Cleanup(func() { _ = e.ns.Close() })
	return e
}

// Do runs fn on a thread that is in the namespace. Goroutines that fn starts are
// not in it, but processes are (exec.Cmd.Start forks from the thread), and sockets opened
// by fn stay there. If fn panics or calls t.FailNow the thread ends with it.
func (e *End) Do(t testing.TB, fn func()) {
	t.Helper()
	onThread(t, func() error {
		if err := unix.Setns(int(e.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		fn()
		return nil
	})
}

// onThread runs fn on a thread of its own, which ends afterwards and with it
// its membership in a namespace: a goroutine that ends locked takes its thread along.
func onThread(t testing.TB, fn func() error) {
	t.Helper()
	var err error
	done := make(chan bool)
	go func() {
		ok := false
		defer func() { done <- ok }() // also on t.FailNow, which must not be called here
		runtime.LockOSThread()
		err = fn()
		ok = true
	}()
	if !<-done {
		t.FailNow()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Interface returns an End for another interface in the same namespace, which
// the test has made there.
func (e *End) Interface(name string) *End { return &End{Name: name, ns: e.ns} }

// SetUp brings the interface up or down.
func (e *End) SetUp(t testing.TB, up bool) {
	t.Helper()
	e.Do(t, func() {
		link, err := netlink.LinkByName(e.Name)
		must(t, "find interface", err)
		if up {
			err = netlink.LinkSetUp(link)
		} else {
			err = netlink.LinkSetDown(link)
		}
		must(t, "change interface", err)
	})
}

// Delete deletes the interface, and with it the other end.
func (e *End) Delete(t testing.TB) {
	t.Helper()
	e.Do(t, func() {
		link, err := netlink.LinkByName(e.Name)
		must(t, "find interface", err)
		must(t, "delete interface", netlink.LinkDel(link))
	})
}

// AddAddress gives the interface an address, such as "198.51.100.1/24".
func (e *End) AddAddress(t testing.TB, cidr string) {
	t.Helper()
	e.Do(t, func() {
		addr, err := netlink.ParseAddr(cidr)
		must(t, "parse address", err)
		link, err := netlink.LinkByName(e.Name)
		must(t, "find interface", err)
		must(t, "add address", netlink.AddrAdd(link, addr))
	})
}

// Received returns how many frames the interface has received and how many of
// them, or before them, it dropped on its own.
func (e *End) Received(t testing.TB) (frames, dropped uint64) {
	t.Helper()
	e.Do(t, func() {
		link, err := netlink.LinkByName(e.Name)
		must(t, "find interface", err)
		frames, dropped = link.Attrs().Statistics.RxPackets, link.Attrs().Statistics.RxDropped
	})
	return frames, dropped
}

// must ends the test, from any goroutine that End.Do runs, if err is set.
func must(t testing.TB, what string, err error) {
	if err != nil {
		t.Helper()
		t.Errorf("%s: %v", what, err)
		runtime.Goexit()
	}
}
