package capture_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/packetheat/packetheat/sensor/capture"
	"github.com/packetheat/packetheat/sensor/capture/capturetest"
)

// TestRingSocketHandedOver opens rings on a thread without any capability: all they
// need is sockets that somebody else has opened. Fanout with a program of ours,
// promiscuous mode, super-frames, statistics and another filter work on them.
func TestRingSocketHandedOver(t *testing.T) {
	link := capturetest.Veth(t)
	const shards = 2
	var rings []*capture.Ring
	var err error
	link.Sensor.Do(t, func() {
		var sockets []int
		for range shards {
			fd, failed := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
			if failed != nil {
				err = failed
				return
			}
			sockets = append(sockets, fd)
		}
		if err = unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &make([]unix.CapUserData, 2)[0]); err != nil {
			return
		}
		cfg := smallRing(shards)
		cfg.Fanout, cfg.Promiscuous = "pair", true
		if _, forbidden := capture.OpenRings(cfg); !errors.Is(forbidden, os.ErrPermission) {
			err = fmt.Errorf("rings without a capability: %v", forbidden)
			return
		}
		cfg.OpenSocket = func(sockType int) (int, error) {
			if sockType != unix.SOCK_RAW {
				return -1, fmt.Errorf("a socket of type %d was asked for", sockType)
			}
			fd := sockets[0]
			sockets = sockets[1:]
			return fd, nil
		}
		rings, err = capture.OpenRings(cfg)
	})
	if err != nil {
		t.Fatal(err)
	}
	wait := readAll(rings, nil)
	sender := link.Peer.Sender(t)
	const n = 300
	if _, err := sender.Send(capturetest.UDPFrames(50, 100), n, 0, nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range rings {
		if err := r.SetFilter(nil); err != nil {
			t.Error(err)
		}
	}
	stopAll(rings)
	if got := sum(t, wait()); got.frames != n {
		t.Errorf("sent %d frames, got %d", n, got.frames)
	}
}

// TestRingSocketRefused: what OpenSocket says is why there is no ring.
func TestRingSocketRefused(t *testing.T) {
	capturetest.RequireCapture(t)
	gone := errors.New("nobody is there")
	for _, c := range []struct{ said, want error }{{gone, gone}, {unix.EPERM, os.ErrPermission}} {
		cfg := smallRing(1)
		cfg.Interface = "lo"
		cfg.OpenSocket = func(int) (int, error) { return -1, c.said }
		if _, err := capture.OpenRings(cfg); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.said, err)
		}
	}
}
