package capture_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// inSensor runs fn in the sensor's namespace and reports its error.
func inSensor(t *testing.T, link *capturetest.Link, fn func() error) {
	t.Helper()
	var err error
	link.Sensor.Do(t, func() { err = fn() })
	if err != nil {
		t.Fatal(err)
	}
}

// addRoute adds a default route over the named interface.
func addRoute(name string) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.RouteAdd(&netlink.Route{
		LinkIndex: l.Attrs().Index, Gw: net.IPv4(198, 51, 100, 2),
		Dst: &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	})
}

func names(list []capture.Interface) (n []string) {
	for _, i := range list {
		n = append(n, i.Name)
	}
	return n
}

// TestResolveInterfaces: without a default route every interface that is up is
// the answer; with one, that alone; the watcher tells when it comes.
func TestResolveInterfaces(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.AddAddress(t, "198.51.100.1/24")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var changes <-chan struct{}
	inSensor(t, link, func() (err error) {
		changes, err = capture.WatchInterfaces(ctx)
		return err
	})
	inSensor(t, link, func() error {
		r, err := capture.ResolveInterfaces(nil)
		if got := names(r.Interfaces); !slices.Equal(got, []string{capturetest.SensorInterface}) || !r.Fallback {
			t.Errorf("without a route: %v, fallback %v: %s", got, r.Fallback, r.Reason)
		}
		return err
	})
	select {
	case <-changes:
		t.Error("a change was signalled though nothing changed")
	case <-time.After(20 * time.Millisecond):
	}
	inSensor(t, link, func() error { return addRoute(capturetest.SensorInterface) })
	select {
	case <-changes:
	case <-time.After(patience):
		t.Error("a new default route was not signalled")
	}
	inSensor(t, link, func() error {
		r, err := capture.ResolveInterfaces([]string{capture.DefaultRoute})
		if got := names(r.Interfaces); !slices.Equal(got, []string{capturetest.SensorInterface}) || r.Fallback {
			t.Errorf("with a route: %v, fallback %v: %s", got, r.Fallback, r.Reason)
		}
		return err
	})
	cancel()
	for range changes { // ends: the channel is closed
	}
}

// TestHostNetworks: the on-link prefix counts as local until the interface
// carries the default route; its own address always does.
func TestHostNetworks(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.AddAddress(t, "198.51.100.1/24")
	own, onLink := netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("198.51.100.0/24")
	check := func(wantOnLink bool) {
		inSensor(t, link, func() error {
			got, err := capture.HostNetworks()
			if !slices.Contains(got, own) || slices.Contains(got, onLink) != wantOnLink {
				t.Errorf("local are %v, want %v, and %v only if %v", got, own, onLink, wantOnLink)
			}
			return err
		})
	}
	check(true)
	inSensor(t, link, func() error { return addRoute(capturetest.SensorInterface) })
	check(false)
}

// TestInterfaces: kind, type, state and addresses of a veth end.
func TestInterfaces(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.AddAddress(t, "198.51.100.1/24")
	inSensor(t, link, func() error {
		list, err := capture.Interfaces()
		if err != nil {
			return err
		}
		if got := names(list); len(got) != 2 || got[0] != "lo" {
			t.Fatalf("interfaces %v", got)
		}
		lo, veth := list[0], list[1]
		if !lo.Loopback || lo.Type != 772 || !lo.Up {
			t.Errorf("loopback is %+v", lo)
		}
		if veth.Kind != "veth" || veth.Type != 1 || !veth.Up || veth.MTU != 1500 || veth.MAC.String() != link.Sensor.MAC.String() ||
			!slices.Equal(veth.Addresses, []netip.Prefix{netip.MustParsePrefix("198.51.100.1/24")}) {
			t.Errorf("veth is %+v", veth)
		}
		return nil
	})
}

// TestWaitUp: it returns when the interface is there and up, not before.
func TestWaitUp(t *testing.T) {
	link := capturetest.Veth(t)
	link.Sensor.SetUp(t, false)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	step := make(chan string, 1)
	time.AfterFunc(50*time.Millisecond, func() {
		step <- "up"
		link.Sensor.SetUp(t, true)
	})
	inSensor(t, link, func() error { return capture.WaitUp(ctx, capturetest.SensorInterface) })
	select {
	case <-step:
	default:
		t.Error("WaitUp returned while the interface was down")
	}
	short, cancelShort := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancelShort()
	link.Sensor.Do(t, func() {
		if err := capture.WaitUp(short, "nosuch0"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("WaitUp for what never comes: %v", err)
		}
	})
}
